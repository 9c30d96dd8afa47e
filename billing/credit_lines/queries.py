"""Reads of credit lines: a buyer's own, and the platform's of all buyers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.credit_lines.models import CreditLine
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.parties.models import Organization

READ = "operator.read"


@dataclass(frozen=True, slots=True)
class CreditLineView:
    """A line. `available_minor`: what the next purchase may add; none while something is overdue."""

    id: UUID
    org_id: UUID
    organization: str
    currency: str
    state: str
    limit_minor: int
    term_days: int
    used_minor: int
    held_minor: int
    available_minor: int
    is_overdue: bool
    first_due_at: datetime | None
    asked_minor: int | None
    asked_reason: str
    asked_at: datetime | None
    decision_reason: str
    decided_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OfferedTerms:
    """What the acting organization may put on account in a currency now, if anything; `refused`: why nothing."""

    currency: str
    term_days: int
    available_minor: int
    refused: str | None


def own_lines(uow: UnitOfWork) -> list[CreditLineView]:
    """The acting organization's lines by currency."""
    mine = select(CreditLine, Organization.legal_name).join(Organization, Organization.id == CreditLine.org_id)
    rows = uow.session.execute(
        mine.where(CreditLine.org_id == uow.principal.organization()).order_by(CreditLine.currency)
    )
    return [line_view(row, name) for row, name in rows]


def own_line(uow: UnitOfWork, currency: str) -> CreditLineView:
    """The acting organization's line in a currency. Raises NotFound."""
    found = next((one for one in own_lines(uow) if one.currency == currency), None)
    if found is None:
        raise NotFound("not_found")
    return found


def offered_terms(uow: UnitOfWork) -> list[OfferedTerms]:
    """Of each open line of the acting organization, whether a purchase may go on it now."""
    now = clock.now()
    rows = uow.session.scalars(
        select(CreditLine)
        .where(CreditLine.org_id == uow.principal.organization(), CreditLine.state == "open")
        .order_by(CreditLine.currency)
    )
    return [OfferedTerms(row.currency.strip(), row.term_days, row.available_minor, row.refusal(1, now)) for row in rows]


def list_credit_lines(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[CreditLineView]:
    """All lines, newest first; `asked`: those of which something is to be decided. Raises Forbidden."""
    uow.principal.require(READ)
    statement: Any = select(CreditLine, Organization.legal_name).join(
        Organization, Organization.id == CreditLine.org_id
    )
    if state == "asked":
        statement = statement.where(CreditLine.asked_minor.is_not(None))
    elif state is not None:
        statement = statement.where(CreditLine.state == state)
    rows = uow.session.execute(newest_first(statement, CreditLine.created_at, CreditLine.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.CreditLine.created_at, row.CreditLine.id))
    return Page([line_view(row.CreditLine, row.legal_name) for row in page.items], page.next_cursor)


def get_credit_line(uow: UnitOfWork, line_id: UUID) -> CreditLineView:
    """One line. Raises NotFound, Forbidden."""
    uow.principal.require(READ)
    row = uow.session.get(CreditLine, line_id)
    if row is None:
        raise NotFound("not_found")
    return line_view(row, uow.session.get_one(Organization, row.org_id).legal_name)


def line_view(row: CreditLine, organization: str) -> CreditLineView:
    """A stored line as a frozen value."""
    is_overdue = row.first_due_at is not None and row.first_due_at <= clock.now()
    said: dict[str, Any] = {
        "organization": organization,
        "currency": row.currency.strip(),
        "is_overdue": is_overdue,
        "available_minor": 0 if is_overdue else row.available_minor,
    }
    return CreditLineView(
        **{name: getattr(row, name) for name in CreditLineView.__dataclass_fields__.keys() - said.keys()}, **said
    )
