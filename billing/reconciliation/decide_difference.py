"""What a person says about a difference: who looks into it, what explains it, how it was resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from billing.reconciliation.models import RECONCILIATION_DIFFERENCE, ReconciliationDifference
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.text import plain_text
from marketplace.access.models import Person

MAY_DECIDE = "operator.payouts"


@dataclass(frozen=True, slots=True)
class DecideDifference:
    """`explained`: the books are right as they are, or will be; `resolved`: what was wrong was put right."""

    difference_id: UUID
    decision: Literal["explained", "resolved"]
    reason: str


def decide_difference(uow: UnitOfWork, command: DecideDifference) -> ReconciliationDifference:
    """Explain or resolve a difference. The amounts stay as they are: corrections are facts of their own.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        NotFound: `difference_not_found`.
        Invalid: `books_reason_required`.
        Conflict: `difference_resolved`.

    Locks: the difference.
    """
    row = _lock(uow, command.difference_id)
    reason = plain_text(command.reason, multiline=True)
    if not reason:
        raise Invalid("books_reason_required", field="reason")
    RECONCILIATION_DIFFERENCE.move(uow, row, command.decision, org_ids=[], reason=reason)
    row.reason, row.decided_by = reason, str(uow.principal.person_id or uow.principal.label)
    if command.decision == "resolved":
        row.resolved_at = clock.now()
    audit.record(uow, f"reconciliation.{command.decision}", subject_id=row.id, leg=row.leg)
    uow.flush()
    return row


def assign_difference(uow: UnitOfWork, difference_id: UUID, owner_id: UUID | None) -> ReconciliationDifference:
    """Say who looks into a difference; None: nobody does any more.

    Raises: Forbidden and Conflict as `decide_difference`; NotFound `difference_not_found`; Invalid `owner_not_operator`.
    Locks: the difference.
    """
    row = _lock(uow, difference_id)
    if owner_id is not None:
        person = uow.session.get(Person, owner_id)
        if person is None or not person.is_operator:
            raise Invalid("owner_not_operator", field="owner_id")
    row.owner_id = owner_id
    audit.record(uow, "reconciliation.assigned", subject_id=row.id, owner_id=str(owner_id or ""))
    uow.flush()
    return row


def _lock(uow: UnitOfWork, difference_id: UUID) -> ReconciliationDifference:
    uow.principal.require(MAY_DECIDE)
    row = lock_row(uow.session, ReconciliationDifference, difference_id)
    if row is None:
        raise NotFound("difference_not_found")
    if row.state == "resolved":
        raise Conflict("difference_resolved")
    return row
