"""Reads of statements and payouts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.statements.models import Statement, StatementLine
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A closed period. Signed from the party's side: what lowers its net is negative."""

    id: UUID
    org_id: UUID
    number: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    carried_minor: int
    gross_minor: int
    refunds_minor: int
    commission_minor: int
    promoter_minor: int
    commission_tax_minor: int
    adjustments_minor: int
    net_minor: int
    state: str
    commission_invoice_id: UUID | None
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class StatementLineRow:
    """One share or reversal in a statement."""

    id: UUID
    kind: str
    share_id: UUID
    reference: UUID
    group_reference: UUID
    occurred_at: datetime
    gross_minor: int
    refunds_minor: int
    commission_minor: int
    promoter_minor: int
    net_minor: int


def list_statements(
    uow: UnitOfWork, *, org_id: UUID | None = None, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[StatementRow]:
    """Statements, newest first: one's own; the platform sees everybody's or those of `org_id`."""
    statement = select(Statement)
    owner = org_id if uow.principal.is_platform else uow.principal.organization()
    if owner is not None:
        statement = statement.where(Statement.org_id == owner)
    if state is not None:
        statement = statement.where(Statement.state == state)
    rows = uow.session.scalars(newest_first(statement, Statement.closed_at, Statement.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.closed_at, row.id))
    return Page([_statement(row) for row in page.items], page.next_cursor)


def get_statement(uow: UnitOfWork, statement_id: UUID) -> tuple[StatementRow, list[StatementLineRow]]:
    """One's own statement with its lines. Raises NotFound(`statement_not_found`)."""
    wanted = select(Statement).where(Statement.id == statement_id)
    if not uow.principal.is_platform:
        wanted = wanted.where(Statement.org_id == uow.principal.organization())
    found = uow.session.scalar(wanted)
    if found is None:
        raise NotFound("statement_not_found")
    lines = uow.session.scalars(
        select(StatementLine)
        .where(StatementLine.statement_id == found.id, StatementLine.org_id == found.org_id)
        .order_by(StatementLine.occurred_at, StatementLine.id)
    )
    return _statement(found), [
        StatementLineRow(**{name: getattr(line, name) for name in StatementLineRow.__dataclass_fields__})
        for line in lines
    ]


def _statement(row: Statement) -> StatementRow:
    return StatementRow(**{name: getattr(row, name) for name in StatementRow.__dataclass_fields__})
