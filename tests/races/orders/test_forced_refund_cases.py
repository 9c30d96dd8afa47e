"""Money asked back, between two that meet, in every order there is: it goes back once, whoever comes first."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork, transact
from kernel.principal import SYSTEM
from orders.order.locking import find_locked_order
from orders.refunds.ask_refund import AskForRefund, ask_refund, withdraw_refund
from orders.refunds.decide_refund import DecideRefund, answer_refund
from orders.refunds.models import RefundCase
from orders.refunds.refund_order import refund_remaining
from orders.refunds.run_out import run_out
from tests.loop_stage import Stage
from tests.races.forced import Side, every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races
GROSS = 398_000


def late(stage: Stage) -> UUID:
    """A delivered order whose window is over. The clock is frozen by the caller."""
    order_id = stage.buy()
    stage.run()
    clock.advance(timedelta(days=7, seconds=1))
    return order_id


def asking(stage: Stage, order_id: UUID) -> Side:
    command = AskForRefund(order_id, None, "because")
    return lambda: transact(stage.services.db, stage.purchaser, lambda uow: ask_refund(uow, command).id)


def asked(stage: Stage, order_id: UUID) -> UUID:
    found = asking(stage, order_id)()
    assert isinstance(found, UUID)
    return found


def granting(stage: Stage, case_id: UUID, amount_minor: int | None = None) -> Side:
    command = DecideRefund(case_id, "grant", amount_minor)
    return _answering(stage, command)


def refusing(stage: Stage, case_id: UUID) -> Side:
    return _answering(stage, DecideRefund(case_id, "refuse", None, "no"))


def _answering(stage: Stage, command: DecideRefund) -> Side:
    return lambda: transact(stage.services.db, stage.seller.owner, lambda uow: answer_refund(uow, command).state)


def withdrawing(stage: Stage, case_id: UUID) -> Side:
    return lambda: transact(stage.services.db, stage.purchaser, lambda uow: withdraw_refund(uow, case_id).state)


def running_out(stage: Stage, case_id: UUID) -> Side:
    return lambda: transact(stage.services.db, SYSTEM, lambda uow: run_out(uow, case_id))


def taking_back(stage: Stage, order_id: UUID) -> Side:
    """As the loop takes the money of a renewal back whose first term was refunded."""

    def back() -> None:
        def work(uow: UnitOfWork) -> None:
            order = find_locked_order(uow, order_id)
            assert order is not None
            assert order.payment_id is not None
            refund_remaining(uow, order, order.payment_id, reason="renewed_order_refunded")

        transact(stage.services.db, SYSTEM, work)

    return back


def sent_minor(stage: Stage, order_id: UUID) -> int:
    stage.run()
    return sum(one.amount_minor for one in stage.refunds(order_id) if one.state != "failed")


@every_order_of_twins
def test_one_is_open_at_a_time(stage: Stage, order: str) -> None:
    with clock.frozen(clock.now()):
        order_id = late(stage)
        ask = asking(stage, order_id)
        assert interleaved(stage.services.db, order, ask, ask)[1] == "refund_already_asked"
        assert len(stage.rows(select(RefundCase.id).where(RefundCase.order_id == order_id))) == 1


@every_order_of_twins
def test_granted_twice_goes_back_once(stage: Stage, order: str) -> None:
    with clock.frozen(clock.now()):
        order_id = late(stage)
        case_id = asked(stage, order_id)
        grant = granting(stage, case_id, 100_000)
        assert interleaved(stage.services.db, order, grant, grant) == ("granted", "granted")
        assert sent_minor(stage, order_id) == 100_000


@every_order
def test_a_grant_against_a_refusal(stage: Stage, order: str) -> None:
    with clock.frozen(clock.now()):
        order_id = late(stage)
        case_id = asked(stage, order_id)
        done = interleaved(stage.services.db, order, granting(stage, case_id), refusing(stage, case_id))
        state = stage.get(RefundCase, case_id).state
        assert sorted(map(str, done)) == sorted([state, "refund_case_moved"])
        assert sent_minor(stage, order_id) == (GROSS if state == "granted" else 0)


@every_order
def test_a_grant_against_its_withdrawal(stage: Stage, order: str) -> None:
    with clock.frozen(clock.now()):
        order_id = late(stage)
        case_id = asked(stage, order_id)
        done = interleaved(stage.services.db, order, granting(stage, case_id), withdrawing(stage, case_id))
        state = stage.get(RefundCase, case_id).state
        assert sorted(map(str, done)) == sorted([state, "refund_case_moved"])
        assert sent_minor(stage, order_id) == (GROSS if state == "granted" else 0)


@every_order
def test_a_grant_against_its_deadline(stage: Stage, order: str) -> None:
    with clock.frozen(clock.now()):
        order_id = late(stage)
        case_id = asked(stage, order_id)
        clock.advance(timedelta(days=5))
        granted, ran_out = interleaved(stage.services.db, order, granting(stage, case_id), running_out(stage, case_id))
        assert (granted, ran_out) in {("granted", False), ("refund_case_moved", True)}
        assert sent_minor(stage, order_id) == (0 if ran_out else GROSS)


@every_order
def test_a_grant_against_money_that_goes_back_by_itself(stage: Stage, order: str) -> None:
    with clock.frozen(clock.now()):
        order_id = late(stage)
        case_id = asked(stage, order_id)
        granted, _ = interleaved(stage.services.db, order, granting(stage, case_id), taking_back(stage, order_id))
        assert granted in {"granted", "refund_exceeds_charge"}
        assert sent_minor(stage, order_id) == GROSS
        assert stage.get(RefundCase, case_id).state == ("granted" if granted == "granted" else "closed")
