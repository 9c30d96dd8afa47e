"""A renewal and what comes between: it is switched off, paid by hand, or the order that began it goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from billing.payments.models import Payment, PaymentAllocation
from kernel import clock
from kernel.db.uow import transact
from kernel.principal import SYSTEM
from orders.order.models import Order, Subscription
from orders.subscriptions.renew import take_step
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_renewals import now, renewals, subscribed, switch, terms
from tests.loop_stage import Stage
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import every_order, interleaved

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def calendar() -> Iterator[None]:
    """A clock that is moved on from term to term."""
    with clock.frozen(clock.now()):
        yield


def step(stage: Stage, subscription: Subscription) -> bool:
    return transact(stage.services.db, SYSTEM, lambda uow: take_step(uow, subscription.id))


def due(stage: Stage) -> Subscription:
    """A subscription whose renewal is due."""
    _, subscription = subscribed(stage)
    clock.advance(subscription.ends_at - RENEWS_BEFORE - clock.now())
    return subscription


def kept_minor(stage: Stage, order: Order) -> int:
    """What is left of the order's money."""
    rows = stage.rows(select(PaymentAllocation).where(PaymentAllocation.reference == order.id))
    return sum(one.amount_minor - one.refunded_minor for one in rows if one.payment_id == order.payment_id)


@every_order
def test_switched_off_against_renewed(stage: Stage, order: str) -> None:
    subscription = due(stage)
    interleaved(
        stage.services.db,
        order,
        lambda: step(stage, subscription),
        lambda: switch(stage, subscription, wanted=False),
    )
    stage.run()
    placed = renewals(stage, subscription)
    assert [one.state for one in placed] == ["active"] * len(placed)
    assert len(placed) == len(terms(stage, subscription)) - 1 <= 1
    assert now(stage, subscription).auto_renew is False


@every_order
def test_renewed_twice(stage: Stage, order: str) -> None:
    subscription = due(stage)
    interleaved(stage.services.db, order, *[lambda: step(stage, subscription)] * 2)
    stage.run()
    assert len(renewals(stage, subscription)) == 1
    assert len(terms(stage, subscription)) == 2


@in_rounds
def test_paid_while_what_it_renews_goes_back(stage: Stage) -> None:
    """Whoever is first: no money is kept for a term that will not begin."""
    first_id, subscription = subscribed(stage, refund_window_days=60)
    clock.advance(subscription.ends_at - RENEWS_BEFORE - clock.now())
    step(stage, subscription)
    both: list[Callable[[], object]] = [stage.run, lambda: stage.refund(first_id)]
    at_once(both)
    stage.run()
    (renewal,) = renewals(stage, subscription)
    after = now(stage, subscription)
    assert stage.order(first_id).state == "refunded"
    assert after.state == "ended"
    payments = stage.rows(select(Payment).where(Payment.reference == renewal.purchase_id))
    assert len([one for one in payments if one.state == "succeeded"]) <= 1
    assert [term.number for term in terms(stage, subscription) if term.revoked_at is None] == [1]
    assert kept_minor(stage, stage.order(renewal.id)) == 0
