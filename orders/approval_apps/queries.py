"""The app as its organization sees it, what came back by it, and what is asked outside of purchases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.access.models import Member, Person
from marketplace.access.permissions import holds
from orders.approval_apps.connect import find_app, get_app
from orders.approval_apps.models import (
    ApprovalApp,
    ApprovalAppMember,
    ApprovalCallback,
    OutsideAnswer,
    OutsideApproval,
)
from orders.approval_rules.set_policy import READS

MOST_CALLBACKS = 50


@dataclass(frozen=True, slots=True)
class AppView:
    """A connected app; nothing of its secrets."""

    id: UUID
    provider: str
    corp_id: str
    client_id: str
    template_code: str
    form_field: str
    approver_node: str | None
    requester_user_id: str
    tested_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AppMemberView:
    """A member who may see purchases, and their user id there."""

    member_id: UUID
    name: str
    email: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class CallbackView:
    """A callback, and what came of what it says; all None where it says nothing that matters, or is not looked at yet."""

    id: UUID
    event_type: str
    received_at: datetime
    kind: str | None
    outcome: str | None
    reason: str | None
    user_id: str | None
    person_name: str | None
    purchase_id: UUID | None


@dataclass(frozen=True, slots=True)
class OutsideAnswerView:
    """What somebody did outside, and what came of it."""

    kind: str
    outcome: str
    reason: str | None
    person_name: str | None
    user_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OutsideApprovalView:
    """A step as it is asked outside."""

    id: UUID
    purchase_id: UUID
    step: int
    provider: str
    state: str
    asked: int
    reason: str | None
    """A code; what the provider said is behind a colon."""
    withdrawal: str | None
    created_at: datetime
    answers: tuple[OutsideAnswerView, ...] = ()


def app_view(uow: UnitOfWork) -> AppView:
    """The acting organization's app. Raises NotFound `approval_app_not_found`."""
    found = find_app(uow, uow.principal.organization())
    if found is None:
        raise NotFound("approval_app_not_found")
    return view_of(found)


def view_of(app: ApprovalApp) -> AppView:
    """Without the secrets."""
    return AppView(
        app.id,
        app.provider,
        app.corp_id,
        app.client_id,
        app.template_code,
        app.form_field,
        app.approver_node,
        app.requester_user_id,
        app.tested_at,
        app.created_at,
    )


def app_members(uow: UnitOfWork) -> list[AppMemberView]:
    """Members who may see purchases, by name, with their user ids. Raises as `get_app`."""
    app = get_app(uow)
    rows = uow.session.execute(
        select(Member.id, Person.name, Person.email, Member.roles, ApprovalAppMember.user_id)
        .join(Member, Member.person_id == Person.id)
        .outerjoin(
            ApprovalAppMember,
            (ApprovalAppMember.app_id == app.id) & (ApprovalAppMember.person_id == Member.person_id),
        )
        .where(Member.org_id == app.org_id, Member.state == "active")
        .order_by(Person.name, Person.id)
    )
    return [AppMemberView(row.id, row.name, row.email, row.user_id) for row in rows if holds(row.roles, READS)]


def last_callbacks(uow: UnitOfWork) -> list[CallbackView]:
    """The newest callbacks of the app, newest first. Raises as `get_app`."""
    app = get_app(uow)
    newest = (
        select(ApprovalCallback.id)
        .where(ApprovalCallback.app_id == app.id)
        .order_by(ApprovalCallback.received_at.desc(), ApprovalCallback.id.desc())
        .limit(MOST_CALLBACKS)
    )
    ids = list(uow.session.scalars(newest))
    rows = uow.session.execute(
        select(ApprovalCallback, OutsideAnswer, Person.name, OutsideApproval.purchase_id)
        .outerjoin(OutsideAnswer, OutsideAnswer.callback_id == ApprovalCallback.id)
        .outerjoin(OutsideApproval, OutsideApproval.id == OutsideAnswer.outside_approval_id)
        .outerjoin(Person, Person.id == OutsideAnswer.person_id)
        .where(ApprovalCallback.id.in_(ids))
        .order_by(ApprovalCallback.received_at.desc(), ApprovalCallback.id.desc(), OutsideAnswer.id)
    )
    return [
        CallbackView(
            callback.id,
            callback.event_type,
            callback.received_at,
            answer.kind if answer is not None else None,
            answer.outcome if answer is not None else None,
            answer.reason if answer is not None else None,
            answer.user_id if answer is not None else None,
            name,
            purchase_id,
        )
        for callback, answer, name, purchase_id in rows
    ]


def outside_approvals(uow: UnitOfWork, purchase_ids: Collection[UUID]) -> dict[UUID, list[OutsideApprovalView]]:
    """What is asked outside of purchases of the acting organization, by purchase, in the order of steps."""
    org_id = uow.principal.organization()
    rows = uow.session.execute(
        select(OutsideApproval, ApprovalApp.provider)
        .join(ApprovalApp, ApprovalApp.id == OutsideApproval.app_id)
        .where(OutsideApproval.purchase_id.in_(purchase_ids), OutsideApproval.buyer_org_id == org_id)
        .order_by(OutsideApproval.purchase_id, OutsideApproval.step)
    ).all()
    if not rows:
        return {}
    answers: dict[UUID | None, list[OutsideAnswerView]] = {}
    said = (
        select(OutsideAnswer, Person.name)
        .outerjoin(Person, Person.id == OutsideAnswer.person_id)
        .where(OutsideAnswer.outside_approval_id.in_([row.id for row, _ in rows]), OutsideAnswer.org_id == org_id)
        .order_by(OutsideAnswer.id)
    )
    for one, name in uow.session.execute(said):
        answered = OutsideAnswerView(one.kind, one.outcome, one.reason, name, one.user_id, one.created_at)
        answers.setdefault(one.outside_approval_id, []).append(answered)
    found: dict[UUID, list[OutsideApprovalView]] = {}
    for row, provider in rows:
        view = OutsideApprovalView(
            row.id,
            row.purchase_id,
            row.step,
            provider,
            row.state,
            row.asked,
            row.reason,
            row.withdrawal,
            row.created_at,
            tuple(answers.get(row.id, ())),
        )
        found.setdefault(row.purchase_id, []).append(view)
    return found
