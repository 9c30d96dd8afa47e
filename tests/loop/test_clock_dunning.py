"""Terms that nobody pays for, under a test clock: moved far at once, everything happens as it does day by day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.payments.models import Payment
from fulfillment.runs.models import Run
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from marketplace.test_clocks.create_test_clock import create_test_clock
from orders.order.models import Order, Subscription
from orders.subscriptions.timeline import subscription_timeline
from tests.factories_marketplace import OPERATOR_PRINCIPAL
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


def test_all_three_sides_see_the_same_of_it_ahead(stage: Stage, developer: Developer) -> None:
    bought = declined(stage, developer)
    developer.advance(datetime.fromisoformat(bought["ends_at"]) + 5 * DAY)
    lines = []
    for side, who in (("buyer", None), ("seller", stage.seller.owner), ("operator", OPERATOR_PRINCIPAL)):
        if who is None:
            found = developer.ask("GET", f"/v1/subscriptions/{bought['id']}/timeline")
            lines.append([(one["kind"], one["is_due"]) for one in found])
        else:
            with unit_of_work(stage.services.db, who) as uow:
                seen = subscription_timeline(uow, UUID(bought["id"]), side)  # type: ignore[arg-type]  # literals of the tuple
            lines.append([(one.kind, one.is_due) for one in seen])
    assert lines[0] == lines[1] == lines[2]
    assert ("past_due", False) in lines[0]


def test_what_a_seller_does_while_the_clock_moves_is_done(stage: Stage, developer: Developer) -> None:
    developer.make()
    tried = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_ok")
    began = developer.present
    address = f"/v1/test-clocks/{developer.clock['id']}/advance"
    assert developer.client.post(address, json={"to": (began + 100 * DAY).isoformat()}).status_code == 202
    extended = developer.client.post(f"/v1/seller/subscriptions/{tried['id']}/trial-extension", json={"days": 5})
    assert extended.status_code == 200, extended.text
    stage.run()
    runs = stage.rows(
        select(Run).where(Run.buyer_org_id == UUID(developer.clock["organization_id"]), Run.operation == "change")
    )
    assert {run.state for run in runs} == {"succeeded"}


def test_a_form_of_another_organizations_clock_makes_ones_own(stage: Stage, developer: Developer) -> None:
    other = uuid7()
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        create_test_clock(uow, "Theirs", other)
    page = developer.client
    form = {"csrf": page.headers["x-csrf-token"], "key": str(other), "name": "Mine"}
    for _ in range(2):
        assert page.post("/test-clocks", data=form).status_code == 200
    (mine,) = page.get("/v1/test-clocks").json()["items"]
    assert (mine["name"], mine["id"] == str(other)) == ("Mine", False)
