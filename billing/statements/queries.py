"""Reads of statements and payouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Uuid, column, func, select, table

from billing.disputes.queries import in_dispute
from billing.shares.models import Share
from billing.statements.models import Statement, StatementAdjustment, StatementLine
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first

_PAYOUT = table("payout", column("id", Uuid), column("statement_id", Uuid), column("state", Text), schema="billing")
"""Of the payouts what a statement is shown with; they know statements, not the other way round."""

_LINES_AT_ONCE = 500


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
    held_minor: int
    """What of it is held: a bank is deciding about it, or was when the rest was paid; the next statement takes that up."""


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
    held = _held(uow, page.items)
    return Page([_statement(row, held) for row in page.items], page.next_cursor)


def get_statement(uow: UnitOfWork, statement_id: UUID) -> tuple[StatementRow, list[StatementLineRow]]:
    """One's own statement with its lines. Raises NotFound(`statement_not_found`)."""
    row = get_statement_row(uow, statement_id)
    return row, list(read_statement_lines(uow, row))


def get_statement_row(uow: UnitOfWork, statement_id: UUID) -> StatementRow:
    """One's own statement. Raises NotFound(`statement_not_found`)."""
    wanted = select(Statement).where(Statement.id == statement_id)
    if not uow.principal.is_platform:
        wanted = wanted.where(Statement.org_id == uow.principal.organization())
    found = uow.session.scalar(wanted)
    if found is None:
        raise NotFound("statement_not_found")
    return _statement(found, _held(uow, [found]))


def read_statement_lines(uow: UnitOfWork, row: StatementRow) -> Iterator[StatementLineRow]:
    """The lines of a statement that the reader was shown, in order, a few hundred at a time: a month has very many."""
    lines = (
        select(*(getattr(StatementLine, name) for name in StatementLineRow.__dataclass_fields__))
        .where(StatementLine.statement_id == row.id, StatementLine.org_id == row.org_id)
        .order_by(StatementLine.occurred_at, StatementLine.id)
    )
    for line in uow.session.execute(lines).yield_per(_LINES_AT_ONCE):
        yield StatementLineRow(*line)


def _held(uow: UnitOfWork, rows: Sequence[Statement]) -> dict[UUID, int]:
    """What of each statement is held: of an unpaid one what is in dispute now, of the others what their payout left out."""
    unpaid = [row.id for row in rows if row.state == "closed"]
    disputed = (
        select(Share.statement_id, func.sum(Share.amount_minor - Share.reversed_minor))
        .where(Share.statement_id.in_(unpaid), Share.kind != "commission", Share.state == "in_statement")
        .where(in_dispute(Share.group_reference, Share.reference))
        .group_by(Share.statement_id)
    )
    left_out = (
        select(_PAYOUT.c.statement_id, func.sum(StatementAdjustment.amount_minor))
        .join(_PAYOUT, _PAYOUT.c.id == StatementAdjustment.payout_id)
        .where(_PAYOUT.c.statement_id.in_([row.id for row in rows if row.state != "closed"]))
        .where(StatementAdjustment.kind == "disputed", _PAYOUT.c.state.not_in(("failed", "returned")))
        .group_by(_PAYOUT.c.statement_id)
    )
    return {found[0]: int(found[1]) for statement in (disputed, left_out) for found in uow.session.execute(statement)}


def _statement(row: Statement, held: Mapping[UUID, int]) -> StatementRow:
    names = StatementRow.__dataclass_fields__.keys() - {"held_minor"}
    return StatementRow(**{name: getattr(row, name) for name in names}, held_minor=held.get(row.id, 0))
