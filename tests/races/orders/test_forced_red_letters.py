"""A refund that waits for its red letter, between two that meet, in every order there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from billing.fapiao.red_first import enter_of_held
from billing.fapiao.red_letters import Decision, decide_red_letter, expire_red_letters
from billing.refunds.hold_refund import release_refund
from billing.refunds.models import Refund
from kernel import clock
from kernel.db.uow import UnitOfWork, transact
from kernel.principal import SYSTEM
from orders.refunds.held import withdraw_held_refund
from tests.fapiao_stage import letters_of, number_reds, on_fapiao
from tests.loop_stage import Stage
from tests.races.forced import Side, every_order, interleaved

pytestmark = pytest.mark.races
PART = 98_000


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(clock.now()):
        yield


def held(stage: Stage) -> UUID:
    order_id, _ = on_fapiao(stage)
    refund_id = stage.refund(order_id, PART)
    stage.run()
    return refund_id


def deciding(stage: Stage, refund_id: UUID, decision: Decision) -> Side:
    letter_id = letters_of(stage, refund_id)[-1].id
    return lambda: transact(
        stage.services.db, stage.buyer.owner, lambda uow: decide_red_letter(uow, letter_id, decision).state
    )


def withdrawing(stage: Stage, refund_id: UUID) -> Side:
    return lambda: transact(stage.services.db, stage.purchaser, lambda uow: withdraw_held_refund(uow, refund_id).state)


def expiring(stage: Stage, refund_id: UUID) -> Side:
    letter_id = letters_of(stage, refund_id)[-1].id

    def work(uow: UnitOfWork) -> bool:
        return expire_red_letters(uow) > 0 and enter_of_held(uow, letter_id)

    return lambda: transact(stage.services.db, SYSTEM, work)


@every_order
def test_a_confirmation_against_letting_it_be(stage: Stage, order: str) -> None:
    refund_id = held(stage)
    done = interleaved(stage.services.db, order, deciding(stage, refund_id, "confirm"), withdrawing(stage, refund_id))
    assert done[1] == "failed"
    number_reds(stage)
    (letter,) = letters_of(stage, refund_id)
    assert (stage.get(Refund, refund_id).state, letter.red_id is not None) == ("failed", True)
    assert letter.state in {"withdrawn", "revoked"}


@every_order
def test_its_release_against_letting_it_be(stage: Stage, order: str) -> None:
    refund_id = held(stage)

    def release(uow: UnitOfWork) -> bool:
        return release_refund(uow, refund_id, waiver="operator")

    done = interleaved(
        stage.services.db,
        order,
        lambda: transact(stage.services.db, SYSTEM, release),
        withdrawing(stage, refund_id),
    )
    stage.run()
    assert done in {(True, "refund_not_held"), (False, "failed")}
    assert stage.get(Refund, refund_id).state == ("succeeded" if done[0] else "failed")


@every_order
def test_its_end_after_72_hours_against_letting_it_be(stage: Stage, order: str) -> None:
    refund_id = held(stage)
    clock.advance(timedelta(hours=72))
    interleaved(stage.services.db, order, expiring(stage, refund_id), withdrawing(stage, refund_id))
    assert stage.get(Refund, refund_id).state == "failed"
    live = [one for one in letters_of(stage, refund_id) if one.state == "awaiting_buyer"]
    assert live == [], "no letter waits for a refund that is over"
