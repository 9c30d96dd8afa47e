"""A step that is answered outside and decided inside at once, in every order there is; and one answer that comes twice."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from orders.approval_apps.access import message_context
from orders.approval_apps.count_answer import CountAnswers
from orders.approval_apps.dingtalk import TASK
from orders.approval_apps.models import ApprovalCallback, OutsideAnswer, OutsideApproval
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Approval, Purchase
from tests.loop_stage import Stage
from tests.outside_stage import APPROVER
from tests.races.forced import Side, every_order, every_order_of_twins, interleaved
from tests.verify_outside import Reachable, connect, register

pytestmark = pytest.mark.races


@pytest.fixture
def box(stage: Stage) -> SecretBox:
    register(stage.services.secrets)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 0))
    connect(stage.services.db, stage.services.secrets, stage.buyer.owner, stage.approver)
    return stage.services.secrets


def held(stage: Stage) -> UUID:
    purchase_id = stage.purchase(stage.quote())
    stage.run()
    return purchase_id


def came_in(stage: Stage, box: SecretBox, purchase_id: UUID, result: str = "agree") -> UUID:
    """A callback that is written down, and not counted yet."""
    callback_id = uuid7()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        row = uow.session.scalars(select(OutsideApproval).where(OutsideApproval.purchase_id == purchase_id)).one()
        said = {"EventType": TASK, "type": "finish", "result": result, "staffId": APPROVER}
        message = json.dumps(said | {"processInstanceId": row.instance_id}).encode()
        uow.session.add(
            ApprovalCallback(
                id=callback_id,
                org_id=row.buyer_org_id,
                app_id=row.app_id,
                event_key=uuid7().hex,
                event_type=TASK,
                message_sealed=box.seal(message, message_context(callback_id)),
                received_at=clock.now(),
            )
        )
    return callback_id


def counting(stage: Stage, box: SecretBox, callback_id: UUID) -> Side:
    def count() -> str:
        counter = CountAnswers({"dingtalk": Reachable()}, box)
        payload = {"callback_id": str(callback_id)}
        transact(stage.services.db, SYSTEM, lambda uow: counter.count(uow, payload))
        return "counted"

    return count


def decisions(stage: Stage, purchase_id: UUID) -> int:
    (found,) = stage.rows(select(func.count()).where(Approval.purchase_id == purchase_id))
    return int(found)


@every_order
def test_inside_and_outside_at_once_make_one_decision(stage: Stage, box: SecretBox, order: str) -> None:
    purchase_id = held(stage)
    callback_id = came_in(stage, box, purchase_id)

    def reject() -> str:
        command = DecidePurchase(purchase_id, "rejected", "no", step=1)
        transact(stage.services.db, stage.buyer.owner, lambda uow: decide_purchase(uow, command))
        return "rejected"

    outside, inside = interleaved(stage.services.db, order, counting(stage, box, callback_id), reject)
    assert (outside, decisions(stage, purchase_id)) == ("counted", 1)
    (answer,) = stage.rows(select(OutsideAnswer).where(OutsideAnswer.callback_id == callback_id))
    state = stage.get(Purchase, purchase_id).state
    if answer.outcome == "counted":
        assert (inside, state) == ("purchase_not_pending", "pending_payment")
    else:
        assert (answer.reason, inside, state) == ("purchase_not_pending", "rejected", "rejected")


@every_order_of_twins
def test_two_callbacks_of_one_answer_are_counted_once(stage: Stage, box: SecretBox, order: str) -> None:
    purchase_id = held(stage)
    both = [came_in(stage, box, purchase_id) for _ in range(2)]
    interleaved(stage.services.db, order, *(counting(stage, box, one) for one in both))
    answers = stage.rows(select(OutsideAnswer).where(OutsideAnswer.callback_id.in_(both)))
    assert [one.outcome for one in answers] == ["counted"]
    assert decisions(stage, purchase_id) == 1
