"""What was answered outside is decided here, as the person it is of, with what they may do now; or it is said why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, RetryLater
from kernel.jobs.outbox import emit
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.secrets import SecretBox
from kernel.states import state_in
from marketplace.access.models import Member
from marketplace.access.permissions import permissions_of
from marketplace.parties.models import Organization
from orders.approval_apps.access import message_context
from orders.approval_apps.events import OutsideAnswerNotCounted
from orders.approval_apps.models import (
    OUTSIDE_APPROVAL,
    ApprovalApp,
    ApprovalAppMember,
    ApprovalCallback,
    OutsideAnswer,
    OutsideApproval,
)
from orders.approval_apps.ports import ApprovalProvider, SaidOutside
from orders.approval_rules.set_policy import READS
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Purchase
from orders.checkout.request_payment import payment_waits

SOON = timedelta(seconds=2)
WAITS_FOR_ITS_INSTANCE = timedelta(minutes=10)
"""A callback may be here before the answer to the call that made its instance."""
DECIDES = {"agreed": "approved", "refused": "rejected"}
NO_REMARK = "在外部审批中拒绝，未填写理由 / refused in the outside approval, without a reason"
LONGEST_REMARK = 500
KNOWN_REASONS = frozenset(
    {
        "nobody_mapped",
        "not_a_member",
        "unknown_instance",
        "disconnected",
        "purchase_not_pending",
        "step_decided",
        "approval_expired",
        "self_approval",
        "decided_before",
        "not_your_step",
    }
)
OTHER = "refused_inside"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one answer."""

    outcome: str
    reason: str | None = None
    person_id: UUID | None = None
    user_id: str = ""


class CountAnswers:
    """The job of one callback."""

    def __init__(self, providers: Mapping[str, ApprovalProvider], box: SecretBox) -> None:
        self._providers = providers
        self._box = box

    def count(self, uow: UnitOfWork, payload: Payload) -> None:
        """Count what a callback says, in its order. Locks: the purchase, then what was asked of it.

        Idempotent by the answer's key.
        """
        callback = uow.session.get_one(ApprovalCallback, UUID(payload["callback_id"]))
        app = uow.session.get_one(ApprovalApp, callback.app_id)
        message = self._box.open(callback.message_sealed, message_context(callback.id))
        for said in self._providers[app.provider].said_in(message):
            row = _asked_as(uow, app, said.instance_id)
            if row is None and _may_come(uow, app, callback):
                raise RetryLater(SOON, "its instance is not known yet")
            _take(uow, app, callback, row, said)


def _take(
    uow: UnitOfWork, app: ApprovalApp, callback: ApprovalCallback, row: OutsideApproval | None, said: SaidOutside
) -> None:
    if row is None:
        if said.kind in DECIDES:
            user = said.user_ids[0] if said.user_ids else ""
            _write(uow, callback, None, said, _Outcome("not_counted", "unknown_instance", user_id=user))
        return
    purchase = find_locked_purchase(uow, row.purchase_id)
    locked = lock_row(uow.session, OutsideApproval, row.id)
    assert purchase is not None  # noqa: S101 - what was asked is of a purchase
    assert locked is not None  # noqa: S101 - nobody deletes it
    user_id, person_id = _who(uow, app, said.user_ids)
    if _is_known(uow, locked, user_id, said.kind):
        return
    if said.kind not in DECIDES:
        outcome = _Outcome("noted", None, person_id, user_id)
    else:
        outcome = _decided(uow, app, purchase, locked, said, user_id, person_id)
    _write(uow, callback, locked, said, outcome)


def _decided(
    uow: UnitOfWork,
    app: ApprovalApp,
    purchase: Purchase,
    row: OutsideApproval,
    said: SaidOutside,
    user_id: str,
    person_id: UUID | None,
) -> _Outcome:
    def not_counted(reason: str) -> _Outcome:
        return _Outcome("not_counted", reason if reason in KNOWN_REASONS else OTHER, person_id, user_id)

    if app.disconnected_at is not None:
        return not_counted("disconnected")
    if person_id is None:
        return not_counted("nobody_mapped")
    principal = _principal(uow, app.org_id, person_id)
    if principal is None:
        return not_counted("not_a_member")
    agreed = said.kind == "agreed"
    reason = said.remark[:LONGEST_REMARK] or (None if agreed else NO_REMARK)
    command = DecidePurchase(purchase.id, "approved" if agreed else "rejected", reason, step=row.step)
    uow.flush()
    uow.act_as(principal)
    try:
        if agreed:
            # The one refusal that would come after something was written: asked first.
            payment_waits(uow, purchase.gateway, purchase.currency)
        decide_purchase(uow, command)
        uow.flush()
    except DomainError as refused:
        uow.act_as(SYSTEM)
        return not_counted(refused.code)
    uow.act_as(SYSTEM)
    OUTSIDE_APPROVAL.move(uow, row, "answered", org_ids=[row.buyer_org_id])
    return _Outcome("counted", None, person_id, user_id)


def _principal(uow: UnitOfWork, org_id: UUID, person_id: UUID) -> Principal | None:
    """The member with what their roles let them do now; None for who may not see purchases, or has left."""
    roles = uow.session.scalar(
        select(Member.roles)
        .join(Organization, Organization.id == Member.org_id)
        .where(
            Member.org_id == org_id,
            Member.person_id == person_id,
            Member.state == "active",
            Organization.state == "active",
        )
    )
    permissions = permissions_of(roles or [])
    if READS not in permissions:
        return None
    return Principal(PrincipalKind.PERSON, org_id=org_id, person_id=person_id, permissions=permissions)


def _write(
    uow: UnitOfWork, callback: ApprovalCallback, row: OutsideApproval | None, said: SaidOutside, outcome: _Outcome
) -> None:
    answer = OutsideAnswer(
        id=uuid7(),
        org_id=callback.org_id,
        callback_id=callback.id,
        outside_approval_id=row.id if row is not None else None,
        user_id=outcome.user_id[:200],
        person_id=outcome.person_id,
        kind=said.kind,
        outcome=outcome.outcome,
        reason=outcome.reason,
        created_at=clock.now(),
    )
    uow.session.add(answer)
    uow.flush()
    # An answer that only repeats what another has decided misses nobody.
    if outcome.outcome == "not_counted" and row is not None:
        emit(uow, OutsideAnswerNotCounted(answer_id=answer.id, buyer_org_id=callback.org_id))


def _asked_as(uow: UnitOfWork, app: ApprovalApp, instance_id: str) -> OutsideApproval | None:
    wanted = select(OutsideApproval).where(OutsideApproval.app_id == app.id, OutsideApproval.instance_id == instance_id)
    return uow.session.scalar(wanted)


def _may_come(uow: UnitOfWork, app: ApprovalApp, callback: ApprovalCallback) -> bool:
    asking = select(
        exists().where(
            OutsideApproval.app_id == app.id,
            state_in(OutsideApproval.state, "asking"),
            OutsideApproval.begun_at.is_not(None),
        )
    )
    return clock.now() < callback.received_at + WAITS_FOR_ITS_INSTANCE and bool(uow.session.scalar(asking))


def _who(uow: UnitOfWork, app: ApprovalApp, user_ids: Sequence[str]) -> tuple[str, UUID | None]:
    """By which of their names the user is known here, and who that is."""
    named = (
        select(ApprovalAppMember.user_id, ApprovalAppMember.person_id)
        .where(ApprovalAppMember.app_id == app.id, ApprovalAppMember.user_id.in_(user_ids))
        .order_by(ApprovalAppMember.id)
    )
    known = {row.user_id: row.person_id for row in uow.session.execute(named)}
    found = next((one for one in user_ids if one in known), None)
    if found is not None:
        return found, known[found]
    return (user_ids[0] if user_ids else ""), None


def _is_known(uow: UnitOfWork, row: OutsideApproval, user_id: str, kind: str) -> bool:
    wanted = select(
        exists().where(
            OutsideAnswer.outside_approval_id == row.id,
            OutsideAnswer.user_id == user_id[:200],
            OutsideAnswer.kind == kind,
        )
    )
    return bool(uow.session.scalar(wanted))
