"""How far a bill's lines are taken back: what credits and refunds take of them, and what red letters do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from billing.charges.models import Charge
from billing.fapiao.models import LIVE, Fapiao, FapiaoLine, RedLetter
from billing.invoices.models import Invoice, InvoiceLine
from billing.refunds.models import EFFECTIVE, Refund, RefundLine
from kernel.db.uow import UnitOfWork

ON_ITS_WAY = ("requested", "processing", "unknown")
"""Refunds whose money may go, or is going."""
_NOTE, _NOTE_LINE = aliased(Invoice), aliased(InvoiceLine)


@dataclass(frozen=True, slots=True)
class LineTaken:
    """Gross amounts of one line of a bill, in minor units of its currency.

    `claimed` is what credit notes and refunds on their way took after the tax invoices were asked for; `held` what waiting
    refunds want besides; `pledged` what live red letters take back, `reddened` so much of it as red ones with a number do.
    """

    claimed: int = 0
    held: int = 0
    pledged: int = 0
    reddened: int = 0


def lines_taken(
    uow: UnitOfWork, line_ids: Collection[UUID], *, besides: UUID | None = None, notes: bool = True
) -> dict[UUID, LineTaken]:
    """By the bill's line, of bills whose tax invoices were asked for. `besides`: a refund or a credit note that is left out.

    Without `notes` credit notes count whose red ones are issued, no others.
    """
    ids = list(line_ids)
    noted, blue = _noted(uow, ids, besides, every=notes), _of_documents(uow, ids, red=None)
    pledged, reddened = _of_documents(uow, ids, red=False), _of_documents(uow, ids, red=True)
    refunds = _of_refunds(uow, ids, besides)
    rows = uow.session.execute(select(InvoiceLine.id, InvoiceLine.gross_minor).where(InvoiceLine.id.in_(ids)))
    gross = {one.id: one.gross_minor for one in rows}
    found = {}
    for line_id in ids:
        # What had been credited by then is on no tax invoice.
        before = max(0, gross.get(line_id, 0) - blue.get(line_id, 0)) if notes else 0
        going, waiting = refunds.get(line_id, (0, 0))
        found[line_id] = LineTaken(
            claimed=noted.get(line_id, 0) - before + going,
            held=waiting,
            pledged=pledged.get(line_id, 0),
            reddened=reddened.get(line_id, 0),
        )
    return found


def own_reddened(uow: UnitOfWork, *, refund_id: UUID | None = None, note_id: UUID | None = None) -> dict[UUID, int]:
    """What red ones with a number take back for this refund, or this credit note, by the bill's line."""
    of = RedLetter.refund_id == refund_id if refund_id is not None else RedLetter.note_id == note_id
    rows = uow.session.execute(
        select(FapiaoLine.invoice_line_id, func.sum(FapiaoLine.gross_minor))
        .join(RedLetter, RedLetter.red_id == FapiaoLine.fapiao_id)
        .join(Fapiao, Fapiao.id == RedLetter.red_id)
        .where(of, RedLetter.state.in_(LIVE), Fapiao.number.is_not(None))
        .group_by(FapiaoLine.invoice_line_id)
    )
    return {line_id: int(minor) for line_id, minor in rows}


def covers(has: Mapping[UUID, int], wanted: Mapping[UUID, int]) -> bool:
    """Whether there is enough for every line."""
    return all(has.get(line_id, 0) >= minor for line_id, minor in wanted.items())


def refunded_of_lines(uow: UnitOfWork, refund_id: UUID, *conditions: ColumnElement[bool]) -> dict[UUID, int]:
    """What a refund takes of which lines of the standing bills, gross; of those that meet the conditions."""
    minor = func.sum(RefundLine.gross_minor)
    statement = _lines_of(refund_id, InvoiceLine.id, minor).where(*conditions).group_by(InvoiceLine.id)
    return {line_id: int(found) for line_id, found in uow.session.execute(statement.order_by(InvoiceLine.id))}


def bills_of(uow: UnitOfWork, refund_id: UUID) -> Sequence[UUID]:
    """The standing bills of which a refund takes something."""
    bill = InvoiceLine.invoice_id
    return uow.session.scalars(_lines_of(refund_id, bill).distinct().order_by(bill)).all()


def _lines_of(refund_id: UUID, *columns: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[Any]:
    return (
        select(*columns)
        .select_from(RefundLine)
        .join(Charge, Charge.id == RefundLine.charge_id)
        .join(InvoiceLine, InvoiceLine.reference == Charge.reference)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(RefundLine.refund_id == refund_id, Invoice.kind == "invoice", Invoice.superseded_at.is_(None))
    )


def noted_of_lines(uow: UnitOfWork, note_id: UUID) -> dict[UUID, int]:
    """What a credit note takes of which lines of its bill, gross."""
    rows = uow.session.execute(
        select(InvoiceLine.id, func.sum(_NOTE_LINE.gross_minor))
        .join(_NOTE, _NOTE.original_invoice_id == InvoiceLine.invoice_id)
        .join(_NOTE_LINE, (_NOTE_LINE.invoice_id == _NOTE.id) & (_NOTE_LINE.reference == InvoiceLine.reference))
        .where(_NOTE.id == note_id)
        .group_by(InvoiceLine.id)
        .order_by(InvoiceLine.id)
    )
    return {line_id: int(minor) for line_id, minor in rows}


def _noted(uow: UnitOfWork, ids: list[UUID], besides: UUID | None, *, every: bool) -> dict[UUID, int]:
    wanted = (
        select(InvoiceLine.id, func.sum(_NOTE_LINE.gross_minor))
        .join(_NOTE, _NOTE.original_invoice_id == InvoiceLine.invoice_id)
        .join(_NOTE_LINE, (_NOTE_LINE.invoice_id == _NOTE.id) & (_NOTE_LINE.reference == InvoiceLine.reference))
        .where(InvoiceLine.id.in_(ids), _NOTE.id.is_distinct_from(besides))
        .group_by(InvoiceLine.id)
    )
    if not every:
        wanted = wanted.where(_NOTE.reddened_at.is_not(None))
    return {line_id: int(minor) for line_id, minor in uow.session.execute(wanted)}


def _of_documents(uow: UnitOfWork, ids: list[UUID], *, red: bool | None) -> dict[UUID, int]:
    """Blue ones (None), red ones of live letters, or those of them that have a number."""
    wanted = select(FapiaoLine.invoice_line_id, func.sum(FapiaoLine.gross_minor)).where(
        FapiaoLine.invoice_line_id.in_(ids)
    )
    wanted = wanted.join(Fapiao, Fapiao.id == FapiaoLine.fapiao_id)
    if red is None:
        wanted = wanted.where(Fapiao.direction == "blue")
    else:
        wanted = wanted.join(RedLetter, RedLetter.red_id == Fapiao.id).where(RedLetter.state.in_(LIVE))
        wanted = wanted.where(Fapiao.number.is_not(None)) if red else wanted
    rows = uow.session.execute(wanted.group_by(FapiaoLine.invoice_line_id))
    return {line_id: int(minor) for line_id, minor in rows}


def _of_refunds(uow: UnitOfWork, ids: list[UUID], besides: UUID | None) -> dict[UUID, tuple[int, int]]:
    """Of refunds without a credit note: what is going, or gone after it waited, and what waits."""
    lettered = select(RedLetter.id).where(RedLetter.refund_id == Refund.id).exists()
    credited = select(_NOTE.id).where(_NOTE.refund_id == Refund.id).exists()
    of_lines = _charges_of(ids)
    rows = uow.session.execute(
        select(of_lines.c.line_id, Refund.state, func.sum(RefundLine.gross_minor))
        .join(RefundLine, RefundLine.charge_id == of_lines.c.charge_id)
        .join(Refund, Refund.id == RefundLine.refund_id)
        .where(
            or_(Refund.state.in_((*ON_ITS_WAY, "held")), Refund.state.in_(EFFECTIVE) & lettered),
            ~credited,
            Refund.id.is_distinct_from(besides),
        )
        .group_by(of_lines.c.line_id, Refund.state)
    )
    found: dict[UUID, tuple[int, int]] = {}
    for line_id, state, minor in rows:
        going, waiting = found.get(line_id, (0, 0))
        found[line_id] = (going, waiting + int(minor)) if state == "held" else (going + int(minor), waiting)
    return found


def _charges_of(ids: list[UUID]) -> Subquery:
    return (
        select(InvoiceLine.id.label("line_id"), Charge.id.label("charge_id"))
        .join(Charge, Charge.reference == InvoiceLine.reference)
        .where(InvoiceLine.id.in_(ids))
        .subquery()
    )
