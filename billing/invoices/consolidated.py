"""What a consolidated invoice (月度合并开票) has of its own: its month, and what refunds have left of its orders' lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.refunds.allocate_refund import RefundPart
from billing.refunds.models import EFFECTIVE, Refund, RefundLine
from kernel.db.uow import UnitOfWork

NOTHING = RefundPart(0, 0, 0)


@dataclass(frozen=True, slots=True)
class RefundedBefore:
    """What of some orders' lines went back before they were invoiced, and by which refunds, by order."""

    of_line: dict[UUID, RefundPart] = field(default_factory=dict)
    refunds_of: dict[UUID, set[UUID]] = field(default_factory=dict)


def last_day_of(month: date) -> date:
    """The last day of the month that begins on this day."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def refunded_before(uow: UnitOfWork, order_ids: Sequence[UUID]) -> RefundedBefore:
    """What went back of orders whose locks the caller holds: what succeeds afterwards finds their invoice."""
    rows = uow.session.execute(
        select(Refund.id, Charge.group_reference, Charge.reference, RefundLine)
        .join(RefundLine, RefundLine.refund_id == Refund.id)
        .join(Charge, Charge.id == RefundLine.charge_id)
        .where(Charge.group_reference.in_(order_ids), Refund.state.in_(EFFECTIVE))
    )
    found = RefundedBefore()
    for refund_id, order_id, line_id, part in rows:
        known = found.of_line.get(line_id, NOTHING)
        found.of_line[line_id] = RefundPart(
            known.net_minor + part.net_minor,
            known.tax_minor + part.tax_minor,
            known.gross_minor + part.gross_minor,
        )
        found.refunds_of.setdefault(order_id, set()).add(refund_id)
    return found
