"""End customers as a dealer reads them, and the dealers that order for an organization as that one does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.end_customers.agree import PERMISSION
from marketplace.end_customers.models import EndCustomer


@dataclass(frozen=True, slots=True)
class EndCustomerRow:
    """`is_dealer`: the reader's organization orders; `may_confirm`: it waits for the reader. `code`: of a link that still waits,
    for its dealer alone.
    """

    id: UUID
    dealer_org_id: UUID
    dealer_name: str
    org_id: UUID | None
    name: str
    tax_id: str | None
    state: str
    is_dealer: bool
    may_confirm: bool
    code: str | None
    created_at: datetime
    expires_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    ended_by_dealer: bool | None


@dataclass(frozen=True, slots=True)
class EndCustomerLink:
    """What whoever has a link is shown before they confirm. `state`: `open`, or `over`."""

    dealer_name: str
    name: str
    tax_id: str | None
    state: str
    expires_at: datetime | None


def list_end_customers(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, is_dealer: bool | None = None
) -> Page[EndCustomerRow]:
    """Of the acting organization on either side, or on one; the newest first. Raises Forbidden `permission_missing`."""
    uow.principal.require(PERMISSION)
    own_id = uow.principal.organization()
    orders, uses = EndCustomer.dealer_org_id == own_id, EndCustomer.org_id == own_id
    found = select(EndCustomer).where(or_(orders, uses) if is_dealer is None else orders if is_dealer else uses)
    rows = uow.session.scalars(newest_first(found, EndCustomer.created_at, EndCustomer.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([_row(uow, one) for one in page.items], page.next_cursor)


def get_end_customer(uow: UnitOfWork, end_customer_id: UUID) -> EndCustomerRow:
    """One of the acting organization's, on whichever side. Raises Forbidden `permission_missing`; NotFound
    `end_customer_not_found`.
    """
    uow.principal.require(PERMISSION)
    row = uow.session.get(EndCustomer, end_customer_id)
    if row is None or uow.principal.organization() not in row.parties:
        raise NotFound("end_customer_not_found")
    return _row(uow, row)


def orderable_end_customers(uow: UnitOfWork, *, limit: int = 500) -> list[EndCustomerRow]:
    """For whom the acting organization may order now, by name; none where it may not buy."""
    if not uow.principal.may(PERMISSION):
        return []
    rows = uow.session.scalars(
        select(EndCustomer)
        .where(EndCustomer.dealer_org_id == uow.principal.organization(), state_in(EndCustomer.state, "active"))
        .order_by(EndCustomer.name, EndCustomer.id)
        .limit(limit)
    )
    return [_row(uow, one) for one in rows]


def read_link(uow: UnitOfWork, code: str) -> EndCustomerLink:
    """What a link asks, for whoever has it. Raises NotFound `end_customer_not_found`."""
    with as_platform(uow):
        row = uow.session.scalar(select(EndCustomer).where(EndCustomer.code == code))
    if row is None:
        raise NotFound("end_customer_not_found")
    is_open = row.state == "asked" and row.expires_at is not None and row.expires_at > clock.now()
    return EndCustomerLink(row.dealer_name, row.name, row.tax_id, "open" if is_open else "over", row.expires_at)


def _row(uow: UnitOfWork, row: EndCustomer) -> EndCustomerRow:
    is_dealer = row.dealer_org_id == uow.principal.organization()
    return EndCustomerRow(
        id=row.id,
        dealer_org_id=row.dealer_org_id,
        dealer_name=row.dealer_name,
        org_id=row.org_id,
        name=row.name,
        tax_id=row.tax_id,
        state=row.state,
        is_dealer=is_dealer,
        may_confirm=row.state == "asked" and not is_dealer,
        code=row.code if is_dealer and row.state == "asked" else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        confirmed_at=row.confirmed_at,
        ended_at=row.ended_at,
        ended_by_dealer=row.ended_by_dealer,
    )
