"""A step that waits is asked outside as well: once, of whoever may take it and has a user id there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again
from kernel.jobs.outbox import emit, enqueue
from kernel.secrets import SecretBox
from marketplace.access.models import Member, Person
from marketplace.access.permissions import holds, permissions_of
from orders.approval_apps.access import access_of
from orders.approval_apps.connect import find_app
from orders.approval_apps.events import OutsideApprovalFailed
from orders.approval_apps.form_text import FormContent, amount_text, form_text
from orders.approval_apps.models import OUTSIDE_APPROVAL, ApprovalApp, ApprovalAppMember, OutsideApproval
from orders.approval_apps.ports import Access, ApprovalProvider, NewInstance, ProviderRefused, ProviderSilent
from orders.approval_apps.withdraw_outside import withdraw
from orders.approval_rules.deputies import deputies_in
from orders.approval_rules.models import PurchaseRule
from orders.approval_rules.set_policy import READS
from orders.approval_rules.steps import ANY_APPROVER, ApprovalStep, Candidate, WaitingStep, decider_of, steps_from
from orders.checkout.approval_reasons import reasons_of
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Approval, Purchase
from orders.order.models import Order, OrderLine

ASK = "orders.approval_apps.ask"
MOST_TRIES = 6
MOST_ASKED = 20


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked by one call. `is_repeated`: a call before this one may have asked it."""

    outside_approval_id: UUID
    provider: str
    access: Access
    new: NewInstance
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """What came of the call: an instance, or why there is none for certain, or that nobody knows."""

    instance_id: str | None = None
    reason: str = ""
    try_again: bool = False


def ask_step(uow: UnitOfWork, purchase_id: UUID, step: int) -> None:
    """Begin to ask a step outside, where its organization has an app; one that waits no more, or was begun, is left alone.

    Locks: the purchase. Idempotent by the step. Emits: OutsideApprovalFailed when nobody of those who may decide has a user id.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    if purchase is None or purchase.state != "pending_approval":
        return
    app = find_app(uow, purchase.buyer_org_id)
    if app is None or _taken(uow, purchase.id) != step - 1 or _known(uow, purchase.id, step):
        return
    approvers = _approvers(uow, app, purchase, step)
    row = OutsideApproval(
        id=uuid7(),
        buyer_org_id=purchase.buyer_org_id,
        purchase_id=purchase.id,
        step=step,
        app_id=app.id,
        instance_id=None,
        requester=_requester(uow, app, purchase),
        asked=len(approvers),
        begun_at=None,
        reason=None if approvers else "nobody_mapped",
        withdrawal=None,
        created_at=clock.now(),
    )
    OUTSIDE_APPROVAL.begin(uow, row, "asking" if approvers else "failed", org_ids=[row.buyer_org_id])
    uow.session.add(row)
    uow.flush()
    if approvers:
        enqueue(uow, ASK, {"outside_approval_id": str(row.id)}, dedupe_key=str(row.id))
    else:
        emit(uow, OutsideApprovalFailed(outside_approval_id=row.id, buyer_org_id=row.buyer_org_id))


class AskOutside:
    """The steps of the call."""

    def __init__(self, providers: Mapping[str, ApprovalProvider], box: SecretBox, public_url: str) -> None:
        self._providers = providers
        self._box = box
        self._public_url = public_url

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> Question | None:
        """Note that it begins. None: it is not to be asked any more, or a call before this one was cut off."""
        found = uow.session.get(OutsideApproval, UUID(claim.payload["outside_approval_id"]))
        purchase = find_locked_purchase(uow, found.purchase_id) if found is not None else None
        row = lock_row(uow.session, OutsideApproval, found.id) if found is not None else None
        if row is None or purchase is None or row.state != "asking":
            return None
        app = uow.session.get_one(ApprovalApp, row.app_id)
        approvers = _approvers(uow, app, purchase, row.step)
        if app.disconnected_at is not None:
            _fail(uow, row, "disconnected")
            return None
        if not approvers:
            _fail(uow, row, "nobody_mapped")
            return None
        is_repeated = row.begun_at is not None
        if is_repeated and not self._providers[app.provider].knows_repetitions:
            # Whoever made that call died before its answer was written: it is not made a second time.
            _fail(uow, row, "answer_lost")
            return None
        row.begun_at, row.asked = clock.now(), len(approvers)
        new = NewInstance(
            reference=str(row.id),
            requester=row.requester,
            approvers=approvers,
            text=form_text(_asked(uow, purchase, row.step, self._public_url)),
            summary=amount_text(purchase.gross_minor, purchase.currency)[:20],
        )
        return Question(row.id, app.provider, access_of(self._box, app), new, is_repeated)

    def call(self, request: Question) -> Asking:
        """Ask. What may have been done though no answer came is not repeated where the provider would do it twice."""
        provider = self._providers[request.provider]
        try:
            return Asking(provider.create(request.access, request.new))
        except ProviderRefused as refused:
            return Asking(reason=f"refused: {refused.said}")
        except ProviderSilent as silent:
            again = provider.knows_repetitions or not silent.may_have_acted
            return Asking(reason="unreachable" if again else "answer_lost", try_again=again)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: Question, answer: Asking) -> Again | None:
        """FormContent, or failed, or again later. What was decided inside meanwhile is taken back."""
        found = uow.session.get_one(OutsideApproval, request.outside_approval_id)
        find_locked_purchase(uow, found.purchase_id)
        row = lock_row(uow.session, OutsideApproval, found.id)
        assert row is not None  # noqa: S101 - nobody deletes it
        if answer.instance_id is not None:
            row.instance_id = answer.instance_id
            if row.state == "withdrawn":
                withdraw(uow, row)
            else:
                OUTSIDE_APPROVAL.move(uow, row, "asked", org_ids=[row.buyer_org_id])
            uow.flush()
            return None
        if row.state != "asking":
            return None
        if answer.try_again and claim.attempts < MOST_TRIES:
            if not self._providers[request.provider].knows_repetitions:
                row.begun_at = None
            uow.flush()
            return Again(timedelta(seconds=5 * 3**claim.attempts), answer.reason)
        _fail(uow, row, answer.reason)
        return None


def _requester(uow: UnitOfWork, app: ApprovalApp, purchase: Purchase) -> str:
    """In whose name it is asked: of whoever asked for it, where they have a user id there."""
    wanted = select(ApprovalAppMember.user_id).where(
        ApprovalAppMember.app_id == app.id, ApprovalAppMember.person_id == purchase.requested_by
    )
    return uow.session.scalar(wanted) or app.requester_user_id


def _fail(uow: UnitOfWork, row: OutsideApproval, reason: str) -> None:
    row.reason = reason
    OUTSIDE_APPROVAL.move(uow, row, "failed", org_ids=[row.buyer_org_id], reason=reason.partition(":")[0])
    uow.flush()
    emit(uow, OutsideApprovalFailed(outside_approval_id=row.id, buyer_org_id=row.buyer_org_id))


def _taken(uow: UnitOfWork, purchase_id: UUID) -> int:
    return uow.session.scalar(select(func.count()).where(Approval.purchase_id == purchase_id)) or 0


def _known(uow: UnitOfWork, purchase_id: UUID, step: int) -> bool:
    wanted = select(OutsideApproval.id).where(OutsideApproval.purchase_id == purchase_id, OutsideApproval.step == step)
    return uow.session.scalar(wanted) is not None


def _step(purchase: Purchase, number: int) -> ApprovalStep:
    return (steps_from(purchase.approval_steps) or (ANY_APPROVER,))[number - 1]


def _approvers(uow: UnitOfWork, app: ApprovalApp, purchase: Purchase, number: int) -> tuple[str, ...]:
    """User ids of those who may take the step now, deputies too, as `decider_of` says."""
    members = uow.session.execute(
        select(ApprovalAppMember.user_id, Member.person_id, Member.roles)
        .join(Member, (Member.org_id == ApprovalAppMember.org_id) & (Member.person_id == ApprovalAppMember.person_id))
        .where(ApprovalAppMember.app_id == app.id, Member.state == "active")
        .order_by(ApprovalAppMember.user_id, ApprovalAppMember.id)
    ).all()
    before = uow.session.scalars(select(Approval).where(Approval.purchase_id == purchase.id)).all()
    rule = select(PurchaseRule.self_approval).where(
        PurchaseRule.org_id == purchase.buyer_org_id,
        PurchaseRule.currency == purchase.currency,
        PurchaseRule.seller_org_id.is_(None),
        PurchaseRule.category.is_(None),
    )
    asked = WaitingStep(
        _step(purchase, number),
        purchase.requested_by,
        frozenset(one for row in before for one in (row.decided_by, row.decided_for) if one is not None),
        self_approval=bool(uow.session.scalar(rule)),
    )
    standing = deputies_in(uow, [purchase.buyer_org_id])
    found = []
    for user_id, person_id, roles in members:
        if not holds(roles, READS):
            continue
        represented = [one for _, deputy_id, one in standing if deputy_id == person_id]
        try:
            decider_of(asked, Candidate(person_id, permissions_of(roles)), represented)
        except Forbidden:
            continue
        found.append(user_id)
    return tuple(found[:MOST_ASKED])


def _asked(uow: UnitOfWork, purchase: Purchase, step: int, public_url: str) -> FormContent:
    orders = uow.session.scalars(select(Order).where(Order.purchase_id == purchase.id).order_by(Order.id)).all()
    lines = uow.session.scalars(
        select(OrderLine).where(OrderLine.order_id.in_([one.id for one in orders])).order_by(OrderLine.id)
    )
    name = uow.session.scalar(select(Person.name).where(Person.id == purchase.requested_by))
    return FormContent(
        gross_minor=purchase.gross_minor,
        currency=purchase.currency,
        seller_names=tuple(order.seller_name for order in orders),
        products=tuple(f"{one.plan['title']} · {one.plan['plan_name']} × {one.quantity}" for one in lines),
        requester=name or "API",
        step=step,
        steps=len(purchase.approval_steps) or 1,
        reasons=reasons_of(purchase.approval_reasons),
        po_number=purchase.po_number,
        link=f"{public_url}/approvals",
    )
