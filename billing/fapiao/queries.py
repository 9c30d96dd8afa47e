"""Reads of tax invoices: requests with their documents and their trail, red letters, and files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, true

from billing.fapiao.models import OFFICIAL, REFUND_OVER, WAITING, Fapiao, FapiaoRequest, RedLetter
from billing.fapiao.red_letters import Decision, is_void, may_say, siblings_of
from billing.invoices.models import FapiaoSource, Invoice
from billing.invoices.to_document import party_of
from billing.refunds.models import Refund
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import StateHistory

FapiaoSide = Literal["buyer", "seller"]


@dataclass(frozen=True, slots=True)
class FapiaoRow:
    """One document. Amounts positive; the direction says which way."""

    id: UUID
    direction: str
    number: str | None
    original_id: UUID | None
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    issued_on: date | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One step of a request, and when."""

    state: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class FapiaoRequestRow:
    """A request with what came of it."""

    id: UUID
    state: str
    kind: str
    buyer_org_id: UUID
    buyer_name: str
    buyer_tax_id: str
    seller_org_id: UUID
    seller_name: str
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    remarks: str
    issuer: str
    sandbox: bool
    failure_code: str | None
    attempts: int
    created_at: datetime
    concluded_at: datetime | None
    bills: tuple[str, ...]
    """Numbers of the bills that it merges."""
    documents: tuple[FapiaoRow, ...]
    trail: tuple[TrailRow, ...]


@dataclass(frozen=True, slots=True)
class RedLetterRow:
    """A red letter as one of its sides sees it."""

    id: UUID
    side: FapiaoSide
    state: str
    official: str
    number: str | None
    fapiao_id: UUID
    fapiao_number: str
    red_id: UUID
    red_number: str | None
    note_id: UUID | None
    refund_id: UUID | None
    reason: str
    buyer_name: str
    seller_name: str
    currency: str
    gross_minor: int
    expires_at: datetime | None
    failure_code: str | None
    created_at: datetime
    may_say: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class FapiaoFile:
    """Where a document's file lies and what it is to be called."""

    key: str
    file_name: str
    sha256: str


def list_fapiao_requests(
    uow: UnitOfWork, *, side: FapiaoSide, cursor: str | None = None, limit: int = 20
) -> Page[FapiaoRequestRow]:
    """Requests that the acting organization made, or that were made to it, newest first."""
    own = FapiaoRequest.buyer_org_id if side == "buyer" else FapiaoRequest.seller_org_id
    statement = select(FapiaoRequest).where(own == uow.principal.organization())
    rows = uow.session.scalars(newest_first(statement, FapiaoRequest.created_at, FapiaoRequest.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_rows(uow, page.items), page.next_cursor)


def get_fapiao_request(uow: UnitOfWork, request_id: UUID) -> FapiaoRequestRow:
    """One that the acting organization made or was made to it. Raises NotFound `fapiao_request_not_found`."""
    row = uow.session.scalar(
        select(FapiaoRequest).where(
            FapiaoRequest.id == request_id, _visible(uow, FapiaoRequest.buyer_org_id, FapiaoRequest.seller_org_id)
        )
    )
    if row is None:
        raise NotFound("fapiao_request_not_found")
    return _rows(uow, [row])[0]


def request_of(uow: UnitOfWork, invoice_id: UUID) -> UUID | None:
    """The request that a bill stands in, if there is one."""
    return uow.session.scalar(select(FapiaoSource.request_id).where(FapiaoSource.invoice_id == invoice_id))


def list_red_letters(
    uow: UnitOfWork, *, side: FapiaoSide | None = None, cursor: str | None = None, limit: int = 20
) -> Page[RedLetterRow]:
    """Red letters of the acting organization, newest first: as buyer, as seller, or both."""
    org_id = uow.principal.organization()
    sides = {"buyer": RedLetter.buyer_org_id == org_id, "seller": RedLetter.seller_org_id == org_id}
    statement = select(RedLetter).where(sides[side] if side else or_(*sides.values()))
    rows = uow.session.scalars(newest_first(statement, RedLetter.created_at, RedLetter.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([_letter(uow, row) for row in page.items], page.next_cursor)


def get_red_letter(uow: UnitOfWork, letter_id: UUID) -> RedLetterRow:
    """One of the acting organization's. Raises NotFound `red_letter_not_found`."""
    row = uow.session.scalar(
        select(RedLetter).where(
            RedLetter.id == letter_id, _visible(uow, RedLetter.buyer_org_id, RedLetter.seller_org_id)
        )
    )
    if row is None:
        raise NotFound("red_letter_not_found")
    return _letter(uow, row)


def find_fapiao_file(uow: UnitOfWork, fapiao_id: UUID, form: Literal["pdf", "xml"]) -> FapiaoFile:
    """Where a document's file is.

    Raises:
        NotFound: `fapiao_not_found`. Conflict: `fapiao_not_issued`, it has no number yet.
    """
    row = uow.session.scalar(
        select(Fapiao).where(Fapiao.id == fapiao_id, _visible(uow, Fapiao.buyer_org_id, Fapiao.seller_org_id))
    )
    if row is None:
        raise NotFound("fapiao_not_found")
    key, sha256 = (row.pdf_key, row.pdf_sha256) if form == "pdf" else (row.xml_key, row.xml_sha256)
    if row.number is None or key is None or sha256 is None:
        raise Conflict("fapiao_not_issued")
    return FapiaoFile(key, f"{row.number}.{form}", sha256)


def fapiao_row(row: Fapiao) -> FapiaoRow:
    """A stored document as lists show it."""
    return FapiaoRow(
        row.id,
        row.direction,
        row.number,
        row.original_id,
        row.currency,
        row.net_minor,
        row.tax_minor,
        row.gross_minor,
        row.issued_on,
        row.used_at,
    )


def _visible(uow: UnitOfWork, *sides: ColumnElement[UUID] | object) -> ColumnElement[bool]:
    if uow.principal.is_platform:
        return true()
    org_id = uow.principal.organization()
    return or_(*(side == org_id for side in sides))  # type: ignore[arg-type]


def _rows(uow: UnitOfWork, requests: Sequence[FapiaoRequest]) -> list[FapiaoRequestRow]:
    ids = [row.id for row in requests]
    documents: dict[UUID, list[FapiaoRow]] = defaultdict(list)
    for document in uow.session.scalars(
        select(Fapiao).where(Fapiao.request_id.in_(ids)).order_by(Fapiao.request_id, Fapiao.position)
    ):
        # A red one that came to nothing never gets a number.
        if document.direction == "blue" or document.number is not None:
            documents[document.request_id].append(fapiao_row(document))
    bills: dict[UUID, list[str]] = defaultdict(list)
    for request_id, number in uow.session.execute(
        select(FapiaoSource.request_id, Invoice.number)
        .join(Invoice, Invoice.id == FapiaoSource.invoice_id)
        .where(FapiaoSource.request_id.in_(ids))
        .order_by(Invoice.number)
    ):
        bills[request_id].append(number or "")
    trail: dict[UUID, list[TrailRow]] = defaultdict(list)
    for step in uow.session.scalars(
        select(StateHistory).where(StateHistory.subject_id.in_(ids)).order_by(StateHistory.at, StateHistory.id)
    ):
        trail[step.subject_id].append(TrailRow(step.to_state, step.at, step.reason))
    return [_row(row, bills[row.id], documents[row.id], trail[row.id]) for row in requests]


def _row(
    row: FapiaoRequest, bills: Sequence[str], documents: Sequence[FapiaoRow], trail: Sequence[TrailRow]
) -> FapiaoRequestRow:
    buyer = party_of(row.buyer)
    return FapiaoRequestRow(
        id=row.id,
        state=row.state,
        kind=row.kind,
        buyer_org_id=row.buyer_org_id,
        buyer_name=buyer.legal_name,
        buyer_tax_id=buyer.tax_id,
        seller_org_id=row.seller_org_id,
        seller_name=party_of(row.seller).legal_name,
        currency=row.currency,
        net_minor=row.net_minor,
        tax_minor=row.tax_minor,
        gross_minor=row.gross_minor,
        remarks=row.remarks,
        issuer=row.issuer,
        sandbox=row.sandbox,
        failure_code=row.failure_code,
        attempts=row.attempts,
        created_at=row.created_at,
        concluded_at=row.concluded_at,
        bills=tuple(bills),
        documents=tuple(documents),
        trail=tuple(trail),
    )


def _letter(uow: UnitOfWork, row: RedLetter) -> RedLetterRow:
    blue, red = uow.session.get_one(Fapiao, row.fapiao_id), uow.session.get_one(Fapiao, row.red_id)
    request = uow.session.get_one(FapiaoRequest, blue.request_id)
    side: FapiaoSide = "buyer" if uow.principal.org_id == row.buyer_org_id else "seller"
    again: tuple[Decision, ...] = ("again",) if is_void(row) and _may_be_entered_again(uow, row) else ()
    return RedLetterRow(
        id=row.id,
        side=side,
        state=row.state,
        official=OFFICIAL[row.state],
        number=row.number,
        fapiao_id=row.fapiao_id,
        fapiao_number=blue.number or "",
        red_id=row.red_id,
        red_number=red.number,
        note_id=row.note_id,
        refund_id=row.refund_id,
        reason=row.reason,
        buyer_name=party_of(request.buyer).legal_name,
        seller_name=party_of(request.seller).legal_name,
        currency=row.currency,
        gross_minor=row.gross_minor,
        expires_at=row.expires_at if row.state in WAITING else None,
        failure_code=row.failure_code,
        created_at=row.created_at,
        may_say=(*may_say(row, side), *again),
    )


def _may_be_entered_again(uow: UnitOfWork, row: RedLetter) -> bool:
    waits = row.note_id is not None or _refund_waits(uow, row)
    return waits and all(is_void(one) for one in siblings_of(uow, row))


def _refund_waits(uow: UnitOfWork, row: RedLetter) -> bool:
    """Whether the refund of a letter waits for it still. The platform does not see that of what it sold itself: it has come to
    nothing where the letter says so, and has gone where there is its credit note.
    """
    refund = uow.session.get(Refund, row.refund_id)
    if refund is not None:
        return refund.state == "held"
    let_be = exists().where(StateHistory.subject_id == row.id, StateHistory.reason == REFUND_OVER)
    has_gone = exists().where(Invoice.refund_id == row.refund_id)
    return not uow.session.scalar(select(or_(let_be, has_gone)))
