"""Terms that nobody pays for, under a test clock: moved far at once, everything happens as it does day by day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.payments.models import Payment
from orders.order.models import Order, Subscription
from tests.loop.clock_developer import Developer
from tests.loop.test_trials import trial_plan
from tests.loop_stage import Stage

DAY = timedelta(days=1)


def declined(stage: Stage, developer: Developer) -> dict[str, Any]:
    """A month that is paid for, to be renewed by a method that is declined."""
    developer.make()
    plan, _ = stage.offer(interval="month")
    bought = developer.buy_plan(plan, "sbx_ok")
    developer.ask("PUT", f"/v1/subscriptions/{bought['id']}/payment-method", {"payment_method": "sbx_declined"})
    stage.run()
    return bought


def tries(stage: Stage, subscription_id: str) -> list[datetime]:
    (renewal,) = stage.rows(select(Order).where(Order.subscription_id == UUID(subscription_id)))
    statement = select(Payment).where(Payment.reference == renewal.purchase_id).order_by(Payment.created_at)
    return [payment.created_at for payment in stage.rows(statement)]


@pytest.mark.parametrize("steps", [[120], [29.5, 30, 31, 31.5, 40, 120]], ids=["at once", "in steps"])
def test_each_try_the_suspension_and_the_end_at_their_days(
    stage: Stage, developer: Developer, steps: list[float]
) -> None:
    bought = declined(stage, developer)
    began, ends_at = developer.present, datetime.fromisoformat(bought["ends_at"])
    for days in steps:
        developer.advance(began + days * DAY)
    first = ends_at - DAY
    asked = tries(stage, bought["id"])
    assert asked == [first + days * DAY for days in (0, 1, 3, 7, 14)]
    happened = {one["type"]: datetime.fromisoformat(one["at"]) for one in developer.happened()}
    assert happened["entitlement.suspended"] == ends_at + 14 * DAY
    assert happened["subscription.ended"] == ends_at + 44 * DAY
    (row,) = stage.rows(select(Subscription).where(Subscription.id == UUID(bought["id"])))
    assert (row.state, row.next_step_at) == ("ended", None)


def test_a_trial_that_nobody_paid_for_ended_unpaid(stage: Stage, developer: Developer) -> None:
    developer.make()
    tried = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_declined")
    developer.advance(datetime.fromisoformat(tried["ends_at"]) + 60 * DAY)
    timeline = developer.ask("GET", f"/v1/subscriptions/{tried['id']}/timeline")
    (end,) = [one for one in timeline if one["kind"] == "end"]
    assert end["reason"] == "renewal_unpaid"


def test_where_it_stands_on_the_end_of_a_term_the_next_try_was_made(stage: Stage, developer: Developer) -> None:
    bought = declined(stage, developer)
    ends_at = datetime.fromisoformat(bought["ends_at"])
    moved = developer.advance(ends_at)
    assert tries(stage, bought["id"]) == [ends_at - DAY, ends_at]
    assert datetime.fromisoformat(moved["next_due_at"]) == ends_at + 2 * DAY


def test_with_the_subscription_all_its_orders_are_complete(stage: Stage, developer: Developer) -> None:
    """What was renewed is not available for ever."""
    developer.make()
    plan, _ = stage.offer(interval="month")
    bought = developer.buy_plan(plan, "sbx_ok")
    began = developer.present
    developer.advance(began + 70 * DAY)
    developer.ask("PUT", f"/v1/subscriptions/{bought['id']}/auto-renew", {"auto_renew": False})
    developer.advance(began + 150 * DAY)
    assert developer.subscription(bought["id"])["state"] == "ended"
    orders = developer.ask("GET", "/v1/orders")["items"]
    assert [one["state"] for one in orders] == ["completed"] * 3
