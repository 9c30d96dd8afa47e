"""Webhooks that cannot be believed, or that only a person can settle: listed, looked into once more, or closed with a word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.gateways.webhooks import NEEDS_PERSON, enqueue_processing
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.models import Inbox
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from kernel.text import plain_text


@dataclass(frozen=True, slots=True)
class QuarantinedWebhook:
    """One of them as its operator sees it. `note`: why it was put aside; `subject_id`: the payment, refund or payout of ours."""

    id: UUID
    gateway: str
    event_id: str
    kind: str
    subject_id: UUID | None
    reference: str | None
    note: str
    needs_person: bool
    """No question to the gateway settles it, so that looking again is of no use."""
    state: str
    received_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    resolution: str | None


def list_quarantined(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[QuarantinedWebhook]:
    """What is or was put aside, newest first. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    statement = select(Inbox).where(state_in(Inbox.state, "quarantined", "settled"))
    if state is not None:
        statement = statement.where(Inbox.state == state)
    rows = uow.session.scalars(newest_first(statement, Inbox.received_at, Inbox.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.received_at, row.id))
    return Page([to_quarantined(row) for row in page.items], page.next_cursor)


def to_quarantined(row: Inbox) -> QuarantinedWebhook:
    """A stored webhook as a frozen value, without its body."""
    return QuarantinedWebhook(
        id=row.id,
        gateway=row.source,
        event_id=row.event_id,
        kind=row.kind,
        subject_id=row.subject_id,
        reference=row.body.get("reference"),
        note=row.note or "",
        needs_person=bool(row.body.get(NEEDS_PERSON)),
        state=row.state,
        received_at=row.received_at,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        resolution=row.resolution,
    )


def look_again(uow: UnitOfWork, inbox_id: UUID) -> Inbox:
    """Have a webhook looked into once more, when what did not fit has been put right at the gateway. Its state is `received`
    until a worker has asked; then what became of it, which may be `quarantined` again.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound `webhook_not_found`; Conflict `webhook_settled`,
    `webhook_needs_person`. Locks: the webhook. Idempotent by: its state.
    """
    row = _lock_quarantined(uow, inbox_id)
    if row.body.get(NEEDS_PERSON):
        raise Conflict("webhook_needs_person")
    row.state, row.note, row.processed_at = "received", None, None
    audit.record(uow, "webhook.looked_at_again", subject_id=row.id, event=row.event_id)
    enqueue_processing(uow, row.id, anew=True)
    return row


def settle_webhook(uow: UnitOfWork, inbox_id: UUID, resolution: str) -> Inbox:
    """Close a webhook with what was done about it. Nothing else changes: what moves money comes from the gateway's answers.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound `webhook_not_found`; Conflict `webhook_settled`;
    Invalid `resolution_required`. Locks: the webhook. Idempotent by: its state.
    """
    row = _lock_quarantined(uow, inbox_id)
    said = plain_text(resolution, multiline=True)
    if not said:
        raise Invalid("resolution_required", field="resolution")
    row.state, row.settled_at, row.resolution = "settled", clock.now(), said
    row.settled_by = str(uow.principal.person_id or uow.principal.label)
    audit.record(uow, "webhook.settled", subject_id=row.id, event=row.event_id)
    return row


def _lock_quarantined(uow: UnitOfWork, inbox_id: UUID) -> Inbox:
    uow.principal.require("operator.payouts")
    row = lock_row(uow.session, Inbox, inbox_id)
    if row is None:
        raise NotFound("webhook_not_found")
    if row.state != "quarantined":
        raise Conflict("webhook_settled")
    return row
