"""Money for a term that is over goes back: what was paid for later goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.verify.rules import RULES
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from orders.order.models import Order, Subscription
from tests.loop.test_refund_cases import answer, ask
from tests.loop.test_renewals import now, renewals, subscribed, terms, until
from tests.loop_stage import Stage

DAY = timedelta(days=1)
CONCERNED = (
    "subscriptions.terms",
    "subscriptions.renewed",
    "subscriptions.dated",
    "subscriptions.finished",
    "orders.refunded",
    "orders.ended",
    "refunds.",
    "ledger.balanced",
)
"""What other tests of this process left is found by these at any time alike."""


def violations(stage: Stage) -> dict[str, int]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return {rule.name: rule.find(uow).violations for rule in RULES if rule.name.startswith(CONCERNED)}


def give_back(stage: Stage, order: Order) -> None:
    answer(stage, ask(stage, order.id))
    assert stage.order(order.id).state == "refunded"


def third_term(stage: Stage) -> tuple[Order, Subscription]:
    """A subscription in its third month, all paid for."""
    order_id, subscription = subscribed(stage)
    for _ in range(2):
        until(stage, now(stage, subscription).ends_at - DAY)
        until(stage, now(stage, subscription).ends_at - 20 * DAY)
    return stage.order(order_id), now(stage, subscription)


@pytest.mark.parametrize(
    "pick",
    [lambda began, _: began, lambda _, later: later[0]],
    ids=["the first", "a renewal"],
)
def test_of_a_term_that_is_over_nothing_later_ends(stage: Stage, pick: Callable[[Order, list[Order]], Order]) -> None:
    broken = violations(stage)
    began, subscription = third_term(stage)
    order = pick(began, list(renewals(stage, subscription)))
    give_back(stage, order)
    after = now(stage, subscription)
    assert (after.state, after.ends_at, after.auto_renew) == ("active", subscription.ends_at, True)
    given = stage.entitlement(began.id)
    assert (given.state, given.valid_to) == ("active", subscription.ends_at)
    assert {one.state for one in renewals(stage, subscription) if one.id != order.id} == {"active"}
    assert violations(stage) == broken
    # And it is renewed as before.
    until(stage, subscription.ends_at - DAY)
    assert len(terms(stage, subscription)) == 4
    assert violations(stage) == broken


def test_of_the_running_term_everything_ends(stage: Stage) -> None:
    began, subscription = third_term(stage)
    clock.advance(8 * DAY)
    give_back(stage, renewals(stage, subscription)[1])
    until(stage, clock.now() + DAY)
    assert now(stage, subscription).state == "ended"
    assert stage.entitlement(began.id).state == "ended"


def test_of_the_first_term_while_it_runs_what_is_paid_ahead_goes_back(stage: Stage) -> None:
    order_id, subscription = subscribed(stage)
    until(stage, subscription.ends_at - DAY)
    give_back(stage, stage.order(order_id))
    stage.run()
    assert now(stage, subscription).state == "ended"
    assert [one.state for one in renewals(stage, subscription)] == ["refunded"]


def test_of_a_term_past_due_it_ends(stage: Stage) -> None:
    order_id, subscription = subscribed(stage, method="sbx_declined")
    until(stage, subscription.ends_at - DAY)
    until(stage, subscription.ends_at + 2 * DAY)
    assert now(stage, subscription).state == "past_due"
    give_back(stage, stage.order(order_id))
    assert now(stage, subscription).state == "ended"
    assert stage.entitlement(order_id).state == "ended"
    (unpaid,) = stage.rows(select(Order).where(Order.subscription_id == subscription.id))
    assert unpaid.state in ("pending_payment", "expired", "cancelled")
