"""A buyer asks for the tax invoices (数电票) of bills of one seller: merged, and split by the issuer's limit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from billing.charges.models import Charge
from billing.documents.fapiao_split import PartLine, split_by_limit
from billing.fapiao.drafts import add_fapiao, draft_of, plain, to_document
from billing.fapiao.models import FAPIAO_REQUEST, Fapiao, FapiaoRequest
from billing.fapiao.ports import FapiaoIssued, FapiaoIssuer
from billing.fapiao.taken_back import ON_ITS_WAY
from billing.invoices.models import FapiaoSource, Invoice, InvoiceLine
from billing.refunds.models import Refund, RefundLine
from kernel import audit, clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from marketplace.input_text import optional_line

FapiaoKind = Literal["ordinary", "special"]
ISSUE_FAPIAO: Final = "billing.fapiao.issue"
"""Kind of the job that has the documents of a request numbered and drawn."""
BILLS_MOST: Final = 50
REMARKS_MOST: Final = 200
_UNTAXED: Final = frozenset({"E", "Z", "O"})
_PLACEHOLDER: Final = "0" * 20


@dataclass(frozen=True, slots=True)
class RequestFapiao:
    """`remarks` stand on every document, after the orders' numbers."""

    invoice_ids: Sequence[UUID]
    kind: FapiaoKind = "ordinary"
    remarks: str = ""


def request_fapiao(uow: UnitOfWork, command: RequestFapiao, issuer: FapiaoIssuer | None) -> FapiaoRequest:
    """Ask for tax invoices of what is left of these bills, of which the acting organization is the buyer.

    Raises:
        NotFound: `invoice_not_found`.
        Invalid: `fapiao_bills_count`; `text_too_long`; what no document could say.
        Conflict: `fapiao_not_chinese`, not of a Chinese seller in yuan; `invoice_not_issued`; `fapiao_bills_differ`, of several
            sellers or titles; `fapiao_special_refused`; `fapiao_requested_already`; `fapiao_nothing_left`;
            `fapiao_issuer_missing`, nobody numbers this installation's, or only a sandbox would what real money paid;
            `fapiao_refund_under_way`, money of them is going back.

    Locks: the bills.
    """
    ids = set(command.invoice_ids)
    if not 1 <= len(ids) <= BILLS_MOST:
        raise Invalid("fapiao_bills_count", field="invoice_ids", limit=BILLS_MOST)
    bills = lock_rows(uow.session, Invoice, ids)
    if len(bills) != len(ids) or any(bill.buyer_org_id != uow.principal.organization() for bill in bills):
        raise NotFound("invoice_not_found")
    _check_bills(bills)
    if issuer is None or any(bill.sandbox != issuer.sandbox for bill in bills):
        raise Conflict("fapiao_issuer_missing")
    taken = select(FapiaoSource.id).where(FapiaoSource.invoice_id.in_(ids)).limit(1)
    if uow.session.scalar(taken) is not None:
        raise Conflict("fapiao_requested_already")
    _require_no_refund(uow, ids)
    left = {bill.id: _left_of(uow, bill) for bill in bills}
    lines = [line for bill in bills for line in left[bill.id]]
    if any(not left[bill.id] for bill in bills):
        raise Conflict("fapiao_nothing_left")
    _check_kind(command.kind, bills[0], lines)
    request = _request(uow, command, bills, lines, issuer)
    uow.session.add(request)
    uow.flush()
    for bill in bills:
        gross = sum(line.gross_minor for line in left[bill.id])
        uow.session.add(_source(request, bill, gross))
    for position, document in enumerate(split_by_limit(lines, issuer.limit_minor), 1):
        fapiao = Fapiao(
            id=uuid7(),
            buyer_org_id=request.buyer_org_id,
            seller_org_id=request.seller_org_id,
            request_id=request.id,
            position=position,
            direction="blue",
            currency=request.currency,
            created_at=request.created_at,
        )
        add_fapiao(uow, fapiao, document)
        draft = draft_of(uow, request, fapiao)
        # What no document could say must not be asked for.
        to_document(draft, FapiaoIssued(_PLACEHOLDER, clock.now()), issuer=issuer.name, sandbox=issuer.sandbox)
    _hand_over(uow, request)
    audit.record(uow, "fapiao.requested", subject_id=request.id)
    return request


def retry_fapiao(uow: UnitOfWork, request_id: UUID, remarks: str) -> FapiaoRequest:
    """Ask again for what was refused, with other remarks where that is what was wrong. What has its number keeps it.

    Raises:
        NotFound: `fapiao_request_not_found`.
        Conflict: `fapiao_not_failed`; `fapiao_refund_under_way`. Invalid: `text_too_long`.

    Locks: the request, then its bills.
    """
    request = lock_row(uow.session, FapiaoRequest, request_id)
    if request is None or request.buyer_org_id != uow.principal.organization():
        raise NotFound("fapiao_request_not_found")
    if request.state != "failed":
        raise Conflict("fapiao_not_failed")
    bills = uow.session.scalars(select(FapiaoSource.invoice_id).where(FapiaoSource.request_id == request.id)).all()
    lock_rows(uow.session, Invoice, bills)
    _require_no_refund(uow, set(bills))
    request.remarks = _remarks(remarks, request.remarks.partition("\n")[0])
    request.failure_code = request.concluded_at = None
    FAPIAO_REQUEST.move(uow, request, "requested", org_ids=[request.buyer_org_id, request.seller_org_id])
    _enqueue(uow, request)
    audit.record(uow, "fapiao.retried", subject_id=request.id)
    return request


def _check_bills(bills: Sequence[Invoice]) -> None:
    first = bills[0]
    for bill in bills:
        if bill.kind == "credit_note" or bill.currency != "CNY" or bill.seller["country"] != "CN":
            raise Conflict("fapiao_not_chinese")
        if bill.number is None:
            raise Conflict("invoice_not_issued")
        if bill.seller_org_id != first.seller_org_id or any(
            getattr(bill, side).get(name) != getattr(first, side).get(name)
            for side in ("buyer", "seller")
            for name in ("legal_name", "tax_id")
        ):
            raise Conflict("fapiao_bills_differ")


def _require_no_refund(uow: UnitOfWork, bill_ids: Collection[UUID]) -> None:
    """While money of locked bills is going back nobody knows what is left of them; a refund goes behind this lock too."""
    going = (
        select(RefundLine.id)
        .join(Refund, Refund.id == RefundLine.refund_id)
        .join(Charge, Charge.id == RefundLine.charge_id)
        .join(InvoiceLine, InvoiceLine.reference == Charge.reference)
        .where(InvoiceLine.invoice_id.in_(bill_ids), Refund.state.in_(ON_ITS_WAY))
        .limit(1)
    )
    if uow.session.scalar(going) is not None:
        raise Conflict("fapiao_refund_under_way")


def _check_kind(kind: FapiaoKind, bill: Invoice, lines: Sequence[PartLine]) -> None:
    """A special one lets its buyer deduct the tax: it needs their tax number, and tax (增值税暂行条例 art. 21)."""
    untaxed = any(line.tax_category in _UNTAXED for line in lines)
    if kind == "special" and (untaxed or bill.buyer["country"] != "CN" or not bill.buyer.get("tax_id")):
        raise Conflict("fapiao_special_refused")


def _left_of(uow: UnitOfWork, bill: Invoice) -> list[PartLine]:
    """The bill's lines less what credit notes took back: whole ones as they are, others as one lump of what is left."""
    credited = aliased(InvoiceLine)
    taken = {
        reference: (int(net), int(tax), int(gross))
        for reference, net, tax, gross in uow.session.execute(
            select(
                credited.reference,
                func.sum(credited.net_minor),
                func.sum(credited.tax_minor),
                func.sum(credited.gross_minor),
            )
            .join(Invoice, Invoice.id == credited.invoice_id)
            .where(Invoice.original_invoice_id == bill.id)
            .group_by(credited.reference)
        )
    }
    rows = uow.session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == bill.id).order_by(InvoiceLine.position)
    )
    lines = [_part(row, *taken.get(row.reference, (0, 0, 0))) for row in rows]
    return [line for line in lines if line.gross_minor]


def _part(row: InvoiceLine, net: int, tax: int, gross: int) -> PartLine:
    return PartLine(
        source_id=row.id,
        name=row.name,
        # Bills name it in both languages.
        unit="" if gross else row.unit.partition(" / ")[0],
        quantity=Decimal(1) if gross else plain(row.quantity),
        net_minor=row.net_minor - net,
        tax_minor=row.tax_minor - tax,
        gross_minor=row.gross_minor - gross,
        tax_rate_ppm=row.tax_rate_ppm,
        tax_category=row.tax_category,
        tax_reason=row.tax_reason,
    )


def _request(
    uow: UnitOfWork,
    command: RequestFapiao,
    bills: Sequence[Invoice],
    lines: Sequence[PartLine],
    issuer: FapiaoIssuer,
) -> FapiaoRequest:
    first = bills[0]
    request = FapiaoRequest(
        id=uuid7(),
        buyer_org_id=first.buyer_org_id,
        seller_org_id=first.seller_org_id,
        kind=command.kind,
        buyer=first.buyer,
        seller=first.seller,
        currency=first.currency,
        net_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        gross_minor=sum(line.gross_minor for line in lines),
        remarks=_remarks(command.remarks, _orders(bills)),
        issuer=issuer.name,
        sandbox=issuer.sandbox,
        attempts=0,
        created_at=clock.now(),
    )
    FAPIAO_REQUEST.begin(uow, request, org_ids=[request.buyer_org_id, request.seller_org_id])
    return request


def _orders(bills: Sequence[Invoice]) -> str:
    """Which orders they are for, as far as a document's remarks have room."""
    shown = [f"{bill.month:%Y-%m} 月度合并" if bill.month else bill.order_number for bill in bills[:5]]
    return f"订单 {'、'.join(shown)}{f' 等 {len(bills)} 笔' if len(bills) > len(shown) else ''}"


def _remarks(said: str, orders: str) -> str:
    typed = optional_line("remarks", said, REMARKS_MOST)
    return f"{orders}\n{typed}" if typed else orders


def _source(request: FapiaoRequest, bill: Invoice, gross_minor: int) -> FapiaoSource:
    return FapiaoSource(
        id=uuid7(),
        buyer_org_id=bill.buyer_org_id,
        seller_org_id=bill.seller_org_id,
        invoice_id=bill.id,
        request_id=request.id,
        gross_minor=gross_minor,
        currency=bill.currency,
        created_at=request.created_at,
    )


def _hand_over(uow: UnitOfWork, request: FapiaoRequest) -> None:
    uow.flush()
    _enqueue(uow, request)


def _enqueue(uow: UnitOfWork, request: FapiaoRequest) -> None:
    enqueue(uow, ISSUE_FAPIAO, {"request_id": str(request.id)}, dedupe_key=f"{request.id}:{request.attempts}")
