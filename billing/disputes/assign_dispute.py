"""An operator says which lines a dispute about a part of a payment is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select

from billing.disputes.models import Dispute, DisputePart
from billing.payments.models import Payment
from kernel import audit, clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class DisputedLine:
    """What of the disputed amount is about an order line of this gross, in minor units."""

    order_id: UUID
    line_id: UUID
    seller_org_id: UUID
    gross_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AssignDispute:
    """Lines of the orders that the disputed payment paid; together they are the disputed amount."""

    dispute_id: UUID
    lines: Sequence[DisputedLine]


def assign_dispute(uow: UnitOfWork, command: AssignDispute) -> Dispute:
    """Let a dispute hold these lines alone; all others go on. Said once: what was free meanwhile may have been paid out. The same
    again changes nothing.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        NotFound: `dispute_not_found`.
        Conflict: `dispute_ended`, `dispute_assigned`: to other lines; `dispute_whole`: it is about all that was paid.
        Invalid: `amount_not_positive`, `dispute_exceeds_line`, `dispute_parts_differ`: they are not the disputed amount.

    Locks: the purchase (as an aggregate), the dispute.
    """
    uow.principal.require("operator.payouts")
    dispute = lock_dispute(uow, command.dispute_id)
    for line in command.lines:
        if line.amount_minor <= 0:
            raise Invalid("amount_not_positive", field="lines")
        if line.amount_minor > line.gross_minor:
            raise Invalid("dispute_exceeds_line", field="lines")
    wanted = {line.line_id: line.amount_minor for line in command.lines}
    if sum(wanted.values()) != dispute.amount_minor:
        raise Invalid("dispute_parts_differ", field="lines")
    if dispute.basis == "operator":
        known = select(DisputePart.line_id, DisputePart.amount_minor).where(DisputePart.dispute_id == dispute.id)
        if {row[0]: row[1] for row in uow.session.execute(known)} == wanted:
            return dispute
        raise Conflict("dispute_assigned")
    if dispute.state != "open":
        raise Conflict("dispute_ended", state=dispute.state)
    if dispute.amount_minor == uow.session.get_one(Payment, dispute.payment_id).amount_minor:
        raise Conflict("dispute_whole")
    uow.session.execute(delete(DisputePart).where(DisputePart.dispute_id == dispute.id))
    now = clock.now()
    uow.session.add_all(
        DisputePart(
            id=uuid7(),
            payer_org_id=dispute.payer_org_id,
            seller_org_id=line.seller_org_id,
            dispute_id=dispute.id,
            reference=line.order_id,
            line_id=line.line_id,
            amount_minor=line.amount_minor,
            currency=dispute.currency,
            created_at=now,
        )
        for line in command.lines
    )
    dispute.basis = "operator"
    dispute.seller_org_ids = sorted({line.seller_org_id for line in command.lines})
    uow.flush()
    audit.record(uow, "dispute.assigned", subject_id=dispute.id, lines=len(command.lines))
    return dispute


def lock_dispute(uow: UnitOfWork, dispute_id: UUID) -> Dispute:
    """A dispute, locked behind the purchase that was paid. Raises: NotFound `dispute_not_found`."""
    found = select(Payment.reference).join(Dispute, Dispute.payment_id == Payment.id).where(Dispute.id == dispute_id)
    reference = uow.session.scalar(found)
    if reference is None:
        raise NotFound("dispute_not_found")
    lock_aggregate(uow, reference)
    dispute = lock_row(uow.session, Dispute, dispute_id)
    assert dispute is not None  # noqa: S101 - disputes are never deleted
    return dispute
