"""Documents by which the sides of a case for money back show what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.storage import StoredObject
from kernel.text import plain_text
from orders.refunds.ask_refund import lock_case
from orders.refunds.models import OPEN, RefundCase, RefundEvidence

PREFIX: Final = "refunds"
"""Where the documents are kept in the object store."""
MOST: Final = 10
"""Documents of one side on one case."""


@dataclass(frozen=True, slots=True)
class AddRefundEvidence:
    """What was stored, what its bytes are, and what its uploader called it (for people, never for a path)."""

    case_id: UUID
    side: str
    stored: StoredObject
    media_type: str
    file_name: str


def evidence_key(case_id: UUID) -> str:
    """Where a document is to be stored: a new place every time."""
    return f"{PREFIX}/{case_id}/{uuid7()}"


def add_refund_evidence(uow: UnitOfWork, command: AddRefundEvidence) -> RefundEvidence:
    """Show a document on a case that waits to be decided. The same bytes of the same side again change nothing.

    Raises: NotFound `refund_case_not_found`; Conflict `refund_case_moved`: it is decided; `refund_evidence_full`.
    Locks: the order, then the case.
    """
    row = lock_case(uow, command.case_id, side=command.side)
    shown = uow.session.scalars(
        select(RefundEvidence).where(RefundEvidence.case_id == row.id, RefundEvidence.side == command.side)
    ).all()
    same = next((one for one in shown if one.sha256 == command.stored.sha256), None)
    if same is not None:
        return same
    if row.state not in OPEN:
        raise Conflict("refund_case_moved", state=row.state)
    if len(shown) >= MOST:
        raise Conflict("refund_evidence_full", limit=MOST)
    added = RefundEvidence(
        id=uuid7(),
        buyer_org_id=row.buyer_org_id,
        seller_org_id=row.seller_org_id,
        case_id=row.id,
        side=command.side,
        file_key=command.stored.key,
        file_name=plain_text(command.file_name)[:200] or "document",
        media_type=command.media_type,
        size_bytes=command.stored.size_bytes,
        sha256=command.stored.sha256,
        submitted_by=uow.principal.accountable_id,
        created_at=clock.now(),
    )
    uow.session.add(added)
    uow.flush()
    return added


def find_evidence(uow: UnitOfWork, case_id: UUID, evidence_id: UUID, *, side: str | None) -> RefundEvidence:
    """A document on a case of which the acting organization is this side, or for operators (None) on anybody's.

    Raises: NotFound `refund_evidence_not_found`.
    """
    found = (
        select(RefundEvidence)
        .join(RefundCase, RefundCase.id == RefundEvidence.case_id)
        .where(RefundEvidence.id == evidence_id, RefundEvidence.case_id == case_id)
    )
    if side is None:
        uow.principal.require("operator.read")
    else:
        column = RefundCase.buyer_org_id if side == "buyer" else RefundCase.seller_org_id
        found = found.where(column == uow.principal.organization())
    row = uow.session.scalar(found)
    if row is None:
        raise NotFound("refund_evidence_not_found")
    return row
