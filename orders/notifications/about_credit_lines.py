"""What a buyer is told of what it may owe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from billing.credit_lines.events import CreditLineDecided
from billing.credit_lines.models import CreditLine
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
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
