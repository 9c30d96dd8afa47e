"""A change that the seller's system did not make in time, and who else is at it when it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from app.verify.subscriptions import AMENDED, CHANGED
from fulfillment.runs.models import Run
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM
from orders.amendments.undelivered import take_back_undelivered
from orders.order.models import Subscription
from orders.subscriptions.renew import take_step
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_amendments import amended, amendment_of
from tests.loop.test_change_fails import TOLD_WITHIN, changes, replay, sweep_alone, unanswered
from tests.loop.test_renewals import now, renewals, subscribed, until
from tests.loop_stage import Stage
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def calendar() -> Iterator[None]:
    """A clock that is moved on."""
    with clock.frozen(clock.now()):
        yield


def dead(stage: Stage) -> tuple[UUID, Subscription, UUID, Run]:
    """A change whose run was given up; nothing follows yet."""
    first, subscription, order_id = unanswered(stage)
    clock.advance(TOLD_WITHIN)
    sweep_alone(stage)
    (run,) = changes(stage, first)
    assert run.state == "dead"
    return first, subscription, order_id, run


def take_back(stage: Stage, order_id: UUID) -> None:
    transact(stage.services.db, SYSTEM, lambda uow: take_back_undelivered(uow, order_id, reason="deadline_missed"))


def delivered_or_refunded(stage: Stage, first: UUID, order_id: UUID) -> None:
    """The money is kept for what was made, or went back once for what was not; and the books say the same."""
    order, quantity = stage.order(order_id), stage.entitlement(first).seats
    assert (order.state, amendment_of(stage, order_id).state) in {("active", "applied"), ("refunded", "reversed")}
    assert quantity == (25 if order.state == "active" else 20)
    assert len(stage.refunds(order_id)) == (0 if order.state == "active" else 1)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for rule in (AMENDED, CHANGED):
            found = [one for one in rule.find(uow).examples if str(order_id) in str(one)]
            assert found == []


@every_order
def test_tried_again_while_it_is_taken_back(stage: Stage, order: str) -> None:
    first, subscription, order_id, run = dead(stage)
    interleaved(stage.services.db, order, lambda: take_back(stage, order_id), lambda: replay(stage, run))
    stage.run()
    delivered_or_refunded(stage, first, order_id)
    assert now(stage, subscription).quantity == stage.entitlement(first).seats
    assert "dead" not in {one.state for one in changes(stage, first)}


@every_order
def test_answered_while_it_is_taken_back(stage: Stage, order: str) -> None:
    """Whoever is first: the last thing that the seller's system was told is what there is."""
    first, _, order_id, run = dead(stage)

    def answer() -> None:
        stage.call_back(stage.token(run), {"status": "succeeded"})
        stage.run()

    interleaved(stage.services.db, order, lambda: take_back(stage, order_id), answer, table="fulfillment.run")
    clock.advance(timedelta(minutes=1))
    stage.run()
    delivered_or_refunded(stage, first, order_id)
    assert changes(stage, first)[-1].state == "succeeded"


@every_order_of_twins
def test_taken_back_twice(stage: Stage, order: str) -> None:
    first, _, order_id, _ = dead(stage)
    interleaved(stage.services.db, order, *[lambda: take_back(stage, order_id)] * 2)
    stage.run()
    delivered_or_refunded(stage, first, order_id)
    assert stage.order(order_id).state == "refunded"


@every_order
def test_renewed_while_it_is_taken_back(stage: Stage, order: str) -> None:
    first, subscription = subscribed(stage)
    ends_at = subscription.ends_at
    stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
    until(stage, ends_at - RENEWS_BEFORE - TOLD_WITHIN)
    order_id = amended(stage, subscription, 25)
    stage.seller_app.behave(mode="fail_permanently")
    clock.advance(ends_at - RENEWS_BEFORE - clock.now())
    sweep_alone(stage)

    def renew() -> None:
        transact(stage.services.db, SYSTEM, lambda uow: take_step(uow, subscription.id))

    interleaved(stage.services.db, order, lambda: take_back(stage, order_id), renew)
    stage.run()
    delivered_or_refunded(stage, first, order_id)
    (renewal,) = [one for one in renewals(stage, subscription) if one.id != order_id]
    stage.seller_app.behave()
    until(stage, ends_at + timedelta(minutes=1))
    stage.run()
    paid_for = 25 if renewal.gross_minor == 25 * 19_900 else 20
    assert (renewal.gross_minor, now(stage, subscription).quantity) == (paid_for * 19_900, paid_for)
    assert stage.entitlement(first).seats == paid_for


def test_a_change_that_is_not_dead_is_not_taken_back(stage: Stage) -> None:
    first, _, order_id = unanswered(stage)
    take_back(stage, order_id)
    assert (stage.order(order_id).state, stage.entitlement(first).seats) == ("active", 25)
    with pytest.raises(DomainError):
        replay(stage, changes(stage, first)[0])
