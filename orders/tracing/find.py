"""What a person types to begin a trace: an id, or the number printed on an order, an invoice or a statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select

from billing.invoices.models import Invoice
from billing.statements.models import Statement
from kernel.db.uow import UnitOfWork
from marketplace.parties.models import Organization
from orders.order.models import Order
from orders.tracing.resolve import MOST, agreed, mine

LONGEST = 64


@dataclass(frozen=True, slots=True)
class Traceable:
    """Something with a number that a trace may begin at. `of` is whose number it is: issuer, seller, or party."""

    kind: str
    id: UUID
    number: str
    of: str
    at: datetime


def as_id(typed: str) -> UUID | None:
    """What was typed, where it is an id."""
    try:
        return UUID(typed.strip())
    except ValueError:
        return None


def find_traceable(uow: UnitOfWork, typed: str) -> list[Traceable]:
    """Everything with this number that the principal may see, newest first.

    There may be several: each issuer counts its invoices and credit notes from one.
    """
    number = typed.strip()[:LONGEST]
    numbered = (
        select(literal("order"), Order.id, Order.number, Organization.legal_name, Order.created_at)
        .join(Organization, Organization.id == Order.seller_org_id)
        .where(Order.number == number, agreed(uow))
        .order_by(Order.created_at.desc()),
        select(Invoice.kind, Invoice.id, Invoice.number, Invoice.seller["legal_name"].astext, Invoice.created_at)
        .where(Invoice.number == number, mine(uow, Invoice.buyer_org_id, Invoice.seller_org_id))
        .order_by(Invoice.created_at.desc()),
        select(literal("statement"), Statement.id, Statement.number, Organization.legal_name, Statement.closed_at)
        .join(Organization, Organization.id == Statement.org_id)
        .where(Statement.number == number, mine(uow, Statement.org_id))
        .order_by(Statement.closed_at.desc()),
    )
    return [Traceable(*row) for statement in numbered for row in uow.session.execute(statement.limit(MOST))]
