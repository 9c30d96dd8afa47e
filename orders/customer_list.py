"""A seller's customers: every organization that bought or asked, with what it uses, spent and waits for. No contact datum."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Subquery, case, func, null, or_, select

from billing.refunds.models import Refund
from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.leads.models import OPEN, Lead
from marketplace.relations.models import CustomerRelation
from orders.order.models import Order

State = Literal["active", "asking"]
STATES: tuple[State, ...] = ("active", "asking")
"""Those with something in force, and those whose request is open."""
BOUGHT_WITHIN = timedelta(days=365)
GIVEN_BACK = ("succeeded", "returned", "resending", "settled")


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """One customer. `name`: as it was called in its latest order, else in its latest request."""

    org_id: UUID
    name: str
    last_at: datetime
    """When it last paid for, asked or was written something."""
    entitlements: int
    """How many are in force."""
    ends_next_at: datetime | None
    """When the first of them ends."""
    bought: Sequence[Money]
    """Paid within the last 365 days and not given back, a sum for each currency."""
    open_leads: int
    due_on: date | None
    """The seller's own next date for one of them."""


def list_customers(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    q: str | None = None,
    state: State | None = None,
) -> Page[CustomerSummary]:
    """The acting seller's, whoever was active last first; `q`: words of the name.

    Who only asked is there for whoever may take care of requests (leads.manage); for anybody else nothing of them is.
    """
    found = _customers(uow)
    statement = select(found.c.org_id, found.c.name, found.c.last_at)
    for word in (q or "").split()[:8]:
        statement = statement.where(found.c.name.icontains(word, autoescape=True))
    if state == "active":
        in_force = select(Entitlement.buyer_org_id).where(*_in_force(uow))
        statement = statement.where(found.c.org_id.in_(in_force))
    elif state == "asking":
        statement = statement.where(found.c.org_id.in_(select(Lead.buyer_org_id).where(*_open_leads(uow))))
    rows = uow.session.execute(newest_first(statement, found.c.last_at, found.c.org_id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.last_at, row.org_id))
    return Page(_summaries(uow, page.items), page.next_cursor)


def _customers(uow: UnitOfWork) -> Subquery:
    """Each with its name and its last activity: one row for each, however much there was between them."""
    known = CustomerRelation
    mine = known.seller_org_id == uow.principal.organization()
    if not uow.principal.may("leads.manage"):
        bought = select(
            known.buyer_org_id.label("org_id"), known.bought_name.label("name"), known.bought_at.label("last_at")
        )
        return bought.where(mine, known.bought_at.is_not(None)).subquery()
    asked_last = known.bought_at.is_(None) | (known.asked_at > known.bought_at)
    name = case((asked_last, known.asked_name), else_=known.bought_name)
    return select(known.buyer_org_id.label("org_id"), name.label("name"), known.last_at).where(mine).subquery()


def _summaries(uow: UnitOfWork, rows: Sequence[Any]) -> list[CustomerSummary]:
    if not rows:
        return []
    ids = [row.org_id for row in rows]
    used = {
        org_id: (number, ends)
        for org_id, number, ends in uow.session.execute(
            select(Entitlement.buyer_org_id, func.count(), func.min(Entitlement.valid_to))
            .where(*_in_force(uow), Entitlement.buyer_org_id.in_(ids))
            .group_by(Entitlement.buyer_org_id)
        )
    }
    asked: dict[UUID, tuple[int, date | None]] = {}
    if uow.principal.may("leads.manage"):
        asked = {
            org_id: (number, due_on)
            for org_id, number, due_on in uow.session.execute(
                select(Lead.buyer_org_id, func.count(), func.min(Lead.due_on))
                .where(*_open_leads(uow), Lead.buyer_org_id.in_(ids))
                .group_by(Lead.buyer_org_id)
            )
        }
    bought = _bought(uow, ids)
    return [
        CustomerSummary(
            row.org_id,
            row.name,
            row.last_at,
            *used.get(row.org_id, (0, None)),
            bought.get(row.org_id, ()),
            *asked.get(row.org_id, (0, None)),
        )
        for row in rows
    ]


def _bought(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, Sequence[Money]]:
    seller_id = uow.principal.organization()
    paid = (
        select(Order.id, Order.buyer_org_id, Order.currency, Order.gross_minor)
        .where(
            Order.seller_org_id == seller_id,
            Order.buyer_org_id.in_(ids),
            Order.paid_at > clock.now() - BOUGHT_WITHIN,
        )
        .subquery()
    )
    back = (
        select(Refund.reference, func.sum(Refund.amount_minor).label("amount_minor"))
        .where(Refund.seller_org_id == seller_id, Refund.buyer_org_id.in_(ids), state_in(Refund.state, *GIVEN_BACK))
        .group_by(Refund.reference)
        .subquery()
    )
    kept = func.sum(paid.c.gross_minor - func.coalesce(back.c.amount_minor, 0))
    rows = uow.session.execute(
        select(paid.c.buyer_org_id, paid.c.currency, kept)
        .join(back, back.c.reference == paid.c.id, isouter=True)
        .group_by(paid.c.buyer_org_id, paid.c.currency)
        .order_by(paid.c.buyer_org_id, paid.c.currency)
    )
    found: dict[UUID, list[Money]] = defaultdict(list)
    for org_id, currency, minor in rows:
        found[org_id].append(Money(int(minor), currency.strip()))
    return dict(found)


def _in_force(uow: UnitOfWork) -> tuple[Any, ...]:
    return (
        Entitlement.seller_org_id == uow.principal.organization(),
        Entitlement.state == "active",
        or_(Entitlement.valid_to.is_(None), Entitlement.valid_to > clock.now()),
    )


def _open_leads(uow: UnitOfWork) -> tuple[Any, ...]:
    """None for whoever may not take care of them."""
    mine = uow.principal.organization() if uow.principal.may("leads.manage") else null()
    return Lead.seller_org_id == mine, state_in(Lead.state, *OPEN)
