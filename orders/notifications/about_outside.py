"""What people are told of approval outside: that their answer there did not count, or that nothing could be asked there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from orders.approval_apps.connect import MANAGE
from orders.approval_apps.events import OutsideAnswerNotCounted, OutsideApprovalFailed
from orders.approval_apps.models import ApprovalApp, OutsideAnswer, OutsideApproval
from orders.checkout.models import Purchase
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.models import Order, OrderLine

PAGE = "/approvals"
NAMES = {"dingtalk": ("钉钉", "DingTalk"), "wecom": ("企业微信", "WeCom"), "feishu": ("飞书", "Feishu")}


@notifies_of(OutsideAnswerNotCounted)
def answer_not_counted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever answered; where nobody here is known by that user id, whoever manages members."""
    wanted = select(OutsideAnswer).where(OutsideAnswer.id.in_([event.uuid("answer_id") for event in events]))
    answers = {row.id: row for row in uow.session.scalars(wanted)}
    said = _said(uow, {row.outside_approval_id for row in answers.values() if row.outside_approval_id is not None})
    for event in events:
        answer = answers[event.uuid("answer_id")]
        if answer.outside_approval_id is None:
            continue
        whom = {"person_id": answer.person_id} if answer.person_id is not None else {"permission": MANAGE}
        params = said[answer.outside_approval_id]
        yield NewNotification(
            event.id, event.at, "outside_answer_not_counted", PAGE, params, org_id=answer.org_id, **whom
        )


@notifies_of(OutsideApprovalFailed)
def approval_failed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever manages members can mend it."""
    said = _said(uow, {event.uuid("outside_approval_id") for event in events})
    for event in events:
        yield NewNotification(
            event.id,
            event.at,
            "outside_approval_failed",
            PAGE,
            said[event.uuid("outside_approval_id")],
            org_id=event.uuid("buyer_org_id"),
            permission=MANAGE,
        )


def _said(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, Params]:
    """What is said of each: the purchase's first product, its amount and the provider."""
    rows = uow.session.execute(
        select(OutsideApproval.id, ApprovalApp.provider, Purchase)
        .join(ApprovalApp, ApprovalApp.id == OutsideApproval.app_id)
        .join(Purchase, Purchase.id == OutsideApproval.purchase_id)
        .where(OutsideApproval.id.in_(ids))
    ).all()
    lines = uow.session.execute(
        select(Order.purchase_id, OrderLine.plan)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.purchase_id.in_([purchase.id for _, _, purchase in rows]))
        .order_by(OrderLine.id.desc())
    )
    first = {row.purchase_id: row.plan for row in lines}
    found: dict[UUID, Params] = {}
    for approval_id, provider, purchase in rows:
        chinese, english = NAMES[provider]
        plan = first[purchase.id]
        found[approval_id] = {
            "what": str(plan["title"]),
            "what_en": str(plan.get("title_en") or plan["title"]),
            "provider": chinese,
            "provider_en": english,
            "amount_minor": purchase.gross_minor,
            "currency": purchase.currency,
        }
    return found
