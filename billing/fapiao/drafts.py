"""Stored tax invoices as what an issuer numbers, and as the documents that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select

from billing.documents.fapiao import FapiaoDocument, RedReference, item_name
from billing.documents.fapiao_split import PartLine
from billing.documents.fapiao_xml import CHINA
from billing.documents.lines import DocumentLine, TaxCategory, unit_price_of
from billing.fapiao.models import Fapiao, FapiaoLine, FapiaoRequest
from billing.fapiao.ports import FapiaoDraft, FapiaoIssued
from billing.invoices.to_document import party_of
from kernel.db.uow import UnitOfWork

DRAWER = "系统开具"


def add_fapiao(uow: UnitOfWork, fapiao: Fapiao, lines: Sequence[PartLine]) -> None:
    """Write down a document that has no number yet, with its lines; its amounts are theirs."""
    fapiao.net_minor = sum(line.net_minor for line in lines)
    fapiao.tax_minor = sum(line.tax_minor for line in lines)
    fapiao.gross_minor = sum(line.gross_minor for line in lines)
    uow.session.add(fapiao)
    uow.flush()
    uow.session.add_all(
        FapiaoLine(
            buyer_org_id=fapiao.buyer_org_id,
            seller_org_id=fapiao.seller_org_id,
            fapiao_id=fapiao.id,
            position=position,
            invoice_line_id=line.source_id,
            name=item_name(line.name, line.tax_rate_ppm),
            unit=line.unit,
            quantity=line.quantity,
            tax_category=line.tax_category,
            tax_rate_ppm=line.tax_rate_ppm,
            tax_reason=line.tax_reason,
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
            currency=fapiao.currency,
        )
        for position, line in enumerate(lines, 1)
    )
    uow.flush()


def lines_of(uow: UnitOfWork, fapiao: Fapiao) -> tuple[PartLine, ...]:
    """Its lines in their order."""
    rows = uow.session.scalars(
        select(FapiaoLine).where(FapiaoLine.fapiao_id == fapiao.id).order_by(FapiaoLine.position)
    )
    return tuple(part_line(row) for row in rows)


def part_line(row: FapiaoLine) -> PartLine:
    """A stored line as a value."""
    return PartLine(
        source_id=row.invoice_line_id,
        name=row.name,
        unit=row.unit,
        quantity=plain(row.quantity),
        net_minor=row.net_minor,
        tax_minor=row.tax_minor,
        gross_minor=row.gross_minor,
        tax_rate_ppm=row.tax_rate_ppm,
        tax_category=row.tax_category,
        tax_reason=row.tax_reason,
    )


def plain(quantity: Decimal) -> Decimal:
    """The column keeps six digits; 12 seats are to be printed as 12."""
    return quantity.quantize(1) if quantity == quantity.to_integral_value() else quantity.normalize()


def draft_of(
    uow: UnitOfWork, request: FapiaoRequest, fapiao: Fapiao, *, original_number: str = "", confirmation_number: str = ""
) -> FapiaoDraft:
    """What an issuer is asked to number."""
    return FapiaoDraft(
        id=fapiao.id,
        special=request.kind == "special",
        seller=party_of(request.seller),
        buyer=party_of(request.buyer),
        lines=lines_of(uow, fapiao),
        remarks=request.remarks if fapiao.direction == "blue" else "",
        original_number=original_number,
        confirmation_number=confirmation_number,
    )


def to_document(draft: FapiaoDraft, issued: FapiaoIssued, *, issuer: str, sandbox: bool) -> FapiaoDocument:
    """The numbered document. Pure.

    Raises:
        Invalid: as `FapiaoDocument`.
    """
    lines = tuple(_line(line) for line in draft.lines)
    return FapiaoDocument(
        number=issued.number,
        issued_at=issued.at,
        issued_on=issued.at.astimezone(CHINA).date(),
        special=draft.special,
        seller=draft.seller,
        buyer=draft.buyer,
        lines=lines,
        net_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        gross_minor=sum(line.gross_minor for line in lines),
        issuer=issuer,
        sandbox=sandbox,
        drawer=DRAWER,
        remarks=draft.remarks,
        red=RedReference(draft.original_number, draft.confirmation_number) if draft.is_red else None,
    )


def _line(line: PartLine) -> DocumentLine:
    return DocumentLine(
        name=item_name(line.name, line.tax_rate_ppm),
        quantity=line.quantity,
        unit_price_minor=unit_price_of(line.net_minor, line.quantity),
        net_minor=line.net_minor,
        tax_category=TaxCategory(line.tax_category),
        tax_rate_ppm=line.tax_rate_ppm,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
        unit=line.unit,
        exemption_reason=line.tax_reason,
    )
