"""Approvals outside in the market that `verify` is tried on: asked, answered and taken back, through the product's own verbs."""

from __future__ import annotations

import json
from typing import cast
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.jobs.runner import drain
from kernel.outbound import OutboundClient
from kernel.principal import SYSTEM, Principal
from kernel.secrets import SecretBox
from marketplace.access.models import Member
from orders.approval_apps import jobs
from orders.approval_apps.access import message_context
from orders.approval_apps.connect import connect_app, name_member
from orders.approval_apps.dingtalk import TASK, DingTalk
from orders.approval_apps.models import ApprovalCallback, OutsideApproval
from orders.approval_apps.ports import Access, NewInstance
from orders.approval_apps.receive_callback import COUNT
from tests.outside_stage import APPROVER, command_for


class Reachable(DingTalk):
    """DingTalk whose interface takes whatever it is asked."""

    def __init__(self) -> None:
        super().__init__(cast("OutboundClient", None), "")

    def create(self, access: Access, new: NewInstance) -> str:
        """An instance by the name of its question."""
        del access
        return f"instance-{new.reference}"

    def withdraw(self, access: Access, instance_id: str, requester: str) -> None:
        """Done."""
        del access, instance_id, requester


def register(box: SecretBox) -> None:
    """Stand in for the provider."""
    jobs.register({"dingtalk": Reachable()}, box, public_url="https://market.example")


def connect(db: Database, box: SecretBox, owner: Principal, approver: Principal) -> None:
    """The owner's organization asks outside from now on; the approver has a user id there."""
    with unit_of_work(db, owner) as uow:
        connect_app(uow, box, command_for("dingtalk"))
        wanted = select(Member.id).where(Member.person_id == approver.person(), Member.org_id == owner.organization())
        name_member(uow, uow.session.scalars(wanted).one(), APPROVER)


def agree(db: Database, box: SecretBox, purchase_id: UUID) -> None:
    """The approver agrees there: written down as what came in verified is, and counted."""
    with unit_of_work(db, SYSTEM) as uow:
        row = uow.session.scalars(select(OutsideApproval).where(OutsideApproval.purchase_id == purchase_id)).one()
        message = {"EventType": TASK, "type": "finish", "result": "agree", "staffId": APPROVER}
        callback_id = uuid7()
        uow.session.add(
            ApprovalCallback(
                id=callback_id,
                org_id=row.buyer_org_id,
                app_id=row.app_id,
                event_key=uuid7().hex,
                event_type=TASK,
                message_sealed=box.seal(
                    json.dumps(message | {"processInstanceId": row.instance_id}).encode(), message_context(callback_id)
                ),
                received_at=clock.now(),
            )
        )
        enqueue(uow, COUNT, {"callback_id": str(callback_id)}, dedupe_key=str(callback_id))
    drain(db)
