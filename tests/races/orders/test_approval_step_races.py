"""Two people, or a person and the end of a deputy's time, at one step of a purchase, in every order there is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM, Principal
from orders.approval_rules.deputies import AppointDeputy, appoint_deputy, revoke_deputy
from orders.approval_rules.set_policy import set_steps
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.approval_rules.steps import ANY_APPROVER
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.queries import get_purchase
from tests.factories_marketplace import make_member
from tests.loop_stage import Stage
from tests.races.forced import OF_TWINS, Side, every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def _rule(stage: Stage) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 0))


def approving(stage: Stage, who: Principal, purchase_id: UUID, step: int | None = None) -> Side:
    def approve() -> str:
        command = DecidePurchase(purchase_id, "approved", step=step)
        transact(stage.services.db, who, lambda uow: decide_purchase(uow, command))
        return "approved"

    return approve


def state(stage: Stage, purchase_id: UUID) -> tuple[str, int]:
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        found = get_purchase(uow, purchase_id)
    return found.state, sum(one.decision is not None for one in found.approval_steps)


@every_order_of_twins
def test_two_approvers_take_one_step_once(stage: Stage, order: str) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_steps(uow, [ANY_APPROVER, ANY_APPROVER])
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        colleague = make_member(uow, stage.buyer, "approver")
    held = stage.purchase(stage.quote())
    told = interleaved(
        stage.services.db, order, approving(stage, stage.approver, held, 1), approving(stage, colleague, held, 1)
    )
    assert told == ("approved", "step_decided")
    assert state(stage, held) == ("pending_approval", 1)


@every_order
def test_a_deputy_against_the_end_of_their_time(stage: Stage, order: str) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        deputy = make_member(uow, stage.buyer, "viewer")
    today = clock.today("Asia/Shanghai")
    with unit_of_work(stage.services.db, stage.approver) as uow:
        delegation = appoint_deputy(uow, AppointDeputy(deputy.person(), today, today + timedelta(days=1))).id
    held = stage.purchase(stage.quote())

    def revoke() -> str:
        transact(stage.services.db, stage.approver, lambda uow: revoke_deputy(uow, delegation))
        return "revoked"

    told, ended = interleaved(stage.services.db, order, approving(stage, deputy, held), revoke)
    assert ended == "revoked"
    assert (told, state(stage, held)) in (
        ("approved", ("pending_payment", 1)),
        ("not_your_step", ("pending_approval", 0)),
    )
    if order in OF_TWINS:
        assert told == "approved"
