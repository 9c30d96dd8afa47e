"""What a person types to begin a trace: an id, or the number printed on an order, an invoice or a statement."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.invoices.models import Invoice
from billing.statements.models import Statement
from kernel.db.uow import UnitOfWork
from orders.order.models import Order
from orders.tracing.resolve import agreed, mine

LONGEST = 64


def find_traceable(uow: UnitOfWork, typed: str) -> UUID | None:
    """The id behind what was typed, as far as the principal may see it; an id is taken as it is."""
    text = typed.strip()[:LONGEST]
    try:
        return UUID(text)
    except ValueError:
        pass
    numbered = (
        select(Order.id).where(Order.number == text, agreed(uow)),
        select(Invoice.id).where(Invoice.number == text, mine(uow, Invoice.buyer_org_id, Invoice.seller_org_id)),
        select(Statement.id).where(Statement.number == text, mine(uow, Statement.org_id)),
    )
    for statement in numbered:
        found = uow.session.scalar(statement.limit(1))
        if found is not None:
            return found
    return None
