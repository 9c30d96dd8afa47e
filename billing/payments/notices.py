"""Incoming notices of gateways: stored once, answered, then looked into by asking the gateway itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from billing.payments.ports import Notice
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.models import Inbox
from kernel.jobs.outbox import enqueue

NOTICE = "billing.gateway.notice"
"""Kind of the job that looks into a notice."""
NEEDS_PERSON = "needs_person"
"""In a stored notice: no question to the gateway settles it."""


def receive_notice(uow: UnitOfWork, gateway: str, notice: Notice) -> bool:
    """Store a verified notice and enqueue its processing. Returns False when it was received before.

    Idempotent by: (gateway, event id).
    """
    inbox_id = uuid7()
    inserted = uow.session.execute(
        insert(Inbox)
        .values(
            id=inbox_id,
            source=gateway,
            event_id=notice.event_id,
            kind=notice.kind,
            body={**notice.body, "reference": notice.reference, NEEDS_PERSON: notice.needs_person},
            state="received",
            received_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["source", "event_id"])
        .returning(Inbox.id)
    ).first()
    if inserted is None:
        return False
    enqueue(uow, NOTICE, {"inbox_id": str(inbox_id)}, dedupe_key=str(inbox_id))
    return True


def named_id(body: Mapping[str, Any], name: str) -> UUID | None:
    """The id of ours that the gateway gave back in a notice's metadata; good for finding a row, never for believing."""
    metadata = body.get("metadata")
    value = metadata.get(name) if isinstance(metadata, Mapping) else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def close_notice(uow: UnitOfWork, inbox_id: UUID, state: str, note: str | None = None) -> None:
    """Say what became of a notice: processed, ignored (nothing of ours) or quarantined (a person must look)."""
    row = uow.session.get_one(Inbox, inbox_id)
    row.state = state
    row.note = note
    row.processed_at = clock.now()
