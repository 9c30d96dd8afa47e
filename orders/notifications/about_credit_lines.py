"""What a buyer is told of what it may owe, and of what it owes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from billing.bank.models import BankTransfer
from billing.credit_lines.events import CreditLineDecided
from billing.credit_lines.models import CreditLine
from billing.on_account.events import DunningNoticeGiven
from billing.on_account.models import DunningNotice
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from orders.checkout.models import Purchase
from orders.notifications.notifiers import RecordedEvent, notifies_of

FINANCE = "billing.manage"
PATH = "/on-account"


@notifies_of(CreditLineDecided)
def credit_line_decided(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked, and the buyer's finance."""
    ids = [event.uuid("line_id") for event in events]
    lines = {row.id: row for row in uow.session.scalars(select(CreditLine).where(CreditLine.id.in_(ids)))}
    for event in events:
        line = lines[event.uuid("line_id")]
        params: Params = {
            "amount_minor": line.limit_minor,
            "currency": line.currency.strip(),
            "days": line.term_days,
            "reason": line.decision_reason,
        }
        asked_by = event.payload["asked_by"]
        by = UUID(asked_by) if asked_by else None
        kind = f"credit_line_{event.payload['outcome']}"
        if by is not None:
            yield NewNotification(event.id, event.at, kind, PATH, params, org_id=line.org_id, person_id=by)
        yield NewNotification(
            event.id, event.at, kind, PATH, params, org_id=line.org_id, permission=FINANCE, but_not=by
        )


@notifies_of(DunningNoticeGiven)
def notice_given(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked for the purchase, and the buyer's finance; not of what was paid meanwhile."""
    purchase_ids = [event.uuid("reference") for event in events]
    asked = select(Purchase.id, Purchase.requested_by).where(Purchase.id.in_(purchase_ids))
    requested_by = {row.id: row.requested_by for row in uow.session.execute(asked)}
    given = (
        select(DunningNotice, BankTransfer)
        .join(BankTransfer, BankTransfer.id == DunningNotice.transfer_id)
        .where(DunningNotice.id.in_([event.uuid("notice_id") for event in events]))
    )
    rows = {row.DunningNotice.id: row for row in uow.session.execute(given)}
    for event in events:
        notice, transfer = rows[event.uuid("notice_id")]
        if transfer.state != "awaited":
            continue
        params: Params = {
            "reference": transfer.remark_code,
            "what": transfer.description,
            "amount_minor": notice.owed_minor,
            "currency": notice.currency.strip(),
            "days": abs(notice.days),
        }
        kind = "owed_overdue" if notice.days > 0 else "owed_due_soon"
        path, by = f"/payments/{transfer.payment_id}/transfer", requested_by.get(event.uuid("reference"))
        org_id = notice.payer_org_id
        if by is not None:
            yield NewNotification(event.id, event.at, kind, path, params, org_id=org_id, person_id=by)
        yield NewNotification(event.id, event.at, kind, path, params, org_id=org_id, permission=FINANCE, but_not=by)
