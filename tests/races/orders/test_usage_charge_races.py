"""What was used is charged once, whoever closes it and however often; a credit is drawn once; a debt is paid once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

import orders.usage.jobs
from billing.payments.models import Payment
from fulfillment.usage.challenges import AnswerChallenge, answer_challenge, challenge_line
from fulfillment.usage.close_period import close_period
from fulfillment.usage.models import UsageChallenge, UsageLine, UsagePeriod
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from orders.checkout.request_payment import pay_again
from orders.order.models import Subscription
from orders.usage.charge_usage import charge_usage
from orders.usage.dunning import take_owed_step
from tests.loop.test_usage_charges import charged, decline, metered, over, periods, use
from tests.loop_stage import Stage
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import every_order, interleaved

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def calendar() -> Iterator[None]:
    """A clock that is moved on from period to period."""
    with clock.frozen(clock.now()):
        yield


def close(stage: Stage, period_id: UUID) -> bool:
    return transact(stage.services.db, SYSTEM, lambda uow: close_period(uow, period_id))


def due(stage: Stage, quantity: int = 2_000) -> tuple[UUID, Subscription, UsagePeriod]:
    """A period that is to be closed."""
    order_id, subscription = metered(stage)
    use(stage, order_id, quantity)
    (period,) = periods(stage, order_id)
    clock.advance(period.closes_at - clock.now())
    return order_id, subscription, period


@every_order
def test_closed_twice(stage: Stage, order: str) -> None:
    _, subscription, period = due(stage)
    interleaved(stage.services.db, order, *[lambda: close(stage, period.id)] * 2)
    stage.run()
    assert [(one.state, one.gross_minor) for one in charged(stage, subscription)] == [("active", 17_500)]


def test_what_failed_between_closing_and_charging_is_charged_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The period is closed all the same; its order follows as a job, and another job finds it placed."""
    order_id, subscription, period = due(stage)

    def fail(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(orders.usage.jobs, "charge_usage", fail)
        close(stage, period.id)
    assert stage.get(UsagePeriod, period.id).state == "closed"
    assert charged(stage, subscription) == []
    works: list[Callable[[], object]] = [
        lambda: transact(stage.services.db, SYSTEM, lambda uow: charge_usage(uow, period.id)),
        stage.run,
        stage.run,
    ]
    at_once(works)
    clock.advance(timedelta(minutes=10))
    stage.run()
    assert [(one.state, one.gross_minor) for one in charged(stage, subscription)] == [("active", 17_500)]
    assert stage.get(UsagePeriod, periods(stage, order_id)[0].id).state == "invoiced"


@in_rounds
def test_charged_by_many_at_once(stage: Stage) -> None:
    _, subscription, period = due(stage)
    at_once([lambda: close(stage, period.id)] * 4)
    at_once([lambda: transact(stage.services.db, SYSTEM, lambda uow: charge_usage(uow, period.id))] * 4)
    stage.run()
    assert len(charged(stage, subscription)) == 1


@in_rounds
def test_a_credit_is_drawn_once_by_two_periods(stage: Stage) -> None:
    order_id, subscription, period = due(stage)
    close(stage, period.id)
    stage.run()
    (line,) = stage.rows(select(UsageLine).where(UsageLine.period_id == period.id))
    challenge_id: UUID = transact(
        stage.services.db, stage.purchaser, lambda uow: challenge_line(uow, line.id, "not ours")
    )
    answer = AnswerChallenge(challenge_id, 6_000, "taken back")
    transact(stage.services.db, stage.seller.owner, lambda uow: answer_challenge(uow, answer))
    use(stage, order_id, 1_200)
    second = periods(stage, order_id)[1]
    clock.advance(second.ends_at - clock.now())
    use(stage, order_id, 1_200)
    third = periods(stage, order_id)[2]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(
            update(UsagePeriod)
            .where(UsagePeriod.id.in_([second.id, third.id]))
            .values(ends_at=clock.now() + timedelta(seconds=1), closes_at=clock.now() + timedelta(seconds=2))
        )
    clock.advance(timedelta(seconds=2))
    at_once([lambda: close(stage, second.id), lambda: close(stage, third.id)])
    stage.run()
    clock.advance(timedelta(minutes=10))
    stage.run()
    credited = [one.credited_minor for one in periods(stage, order_id)]
    assert sorted(credited) == [0, 1_000, 5_000]
    assert stage.get(UsageChallenge, challenge_id).drawn_minor == 6_000
    assert sorted(one.gross_minor for one in charged(stage, subscription)) == [4_000, 17_500]


@every_order
def test_paid_by_hand_while_the_method_is_asked_again(stage: Stage, order: str) -> None:
    order_id, subscription = metered(stage)
    use(stage, order_id, 2_000)
    decline(stage, order_id)
    over(stage, order_id)
    (unpaid,) = charged(stage, subscription)
    clock.advance(timedelta(days=1))

    def pay() -> object:
        return transact(
            stage.services.db,
            stage.purchaser,
            lambda uow: pay_again(uow, unpaid.purchase_id, gateway="sandbox", method_token="sbx_ok"),
        )

    def ask_again() -> object:
        return transact(stage.services.db, SYSTEM, lambda uow: take_owed_step(uow, unpaid.purchase_id))

    interleaved(stage.services.db, order, pay, ask_again)
    stage.run()
    paid = stage.rows(select(Payment).where(Payment.reference == unpaid.purchase_id, Payment.state == "succeeded"))
    if not paid:
        # The declined try was the first: the buyer was told that one is under way, and pays after it.
        pay()
        stage.run()
        paid = stage.rows(select(Payment).where(Payment.reference == unpaid.purchase_id, Payment.state == "succeeded"))
    assert len(paid) == 1
    assert stage.order(unpaid.id).state == "active"


@in_rounds
def test_closed_while_what_it_is_of_goes_back(stage: Stage) -> None:
    order_id, subscription = metered(stage, refund_window_days=60)
    use(stage, order_id, 2_000)
    (period,) = periods(stage, order_id)
    clock.advance(period.closes_at - clock.now())
    stage.refund(order_id)
    both: list[Callable[[], object]] = [stage.run, lambda: close(stage, period.id)]
    at_once(both)
    clock.advance(timedelta(days=2))
    stage.run()
    close(stage, period.id)
    stage.run()
    assert [(one.state, one.gross_minor) for one in charged(stage, subscription)] == [("completed", 17_500)]
