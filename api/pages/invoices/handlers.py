"""The buyer's invoices by month: finance's first screen."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest, page
from api.pages.invoices.views import InvoiceItem, InvoicePanel, InvoicePanelLine, InvoicesView
from api.v1.invoice_export import month_filter, parse_month
from billing.documents.chinese_capitals import chinese_capitals
from billing.fapiao.archive import fapiaos_of
from billing.fapiao.queries import request_of
from billing.invoices import queries
from billing.invoices.draw_first import draw_first
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.money import Money

PAGE = 100
MONTHS = 12
REFRESH_S = 5
"""How soon a page on which a document is being drawn looks again."""
STANDINGS: dict[str, queries.Standing] = {one: one for one in get_args(queries.Standing)}


@page(addresses.INVOICES, "invoices.read")
def list_invoices(page_request: Given[PageRequest]) -> Response[str]:
    """A month's invoices and credit notes; `open` shows one beside them."""
    today = clock.today(page_request.time_zone)
    month = parse_month(page_request.query("month", most=7)) or today.replace(day=1)
    seller, opened = _id(page_request.query("seller", most=36)), _id(page_request.query("open", most=36))
    standing = STANDINGS.get(page_request.query("state"))
    wanted = month_filter(month, seller=seller, text=page_request.query("q"), standing=standing)
    with page_request.work() as uow:
        found = queries.list_invoices(uow, wanted, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
        totals = queries.totals_of(uow, wanted)
        credited = queries.credited_of(uow, [row.id for row in found.items])
        sellers = queries.list_counterparties(uow)
        first = queries.first_received_on(uow)
        detail = _detail(page_request, uow, opened) if opened else None
    view = InvoicesView(
        month=month,
        months=_months(today, first, month),
        rows=tuple(_row(row, credited.get(row.id, 0), page_request.time_zone) for row in found.items),
        count=sum(one.count for one in totals.values()),
        pending=sum(one.pending for one in totals.values()),
        totals=tuple(Money(one.gross_minor, currency) for currency, one in totals.items()),
        sellers=tuple((str(org_id), name) for org_id, name in sellers),
        seller=str(seller or ""),
        state=standing or "",
        query=page_request.query("q"),
        opened=detail,
        next_address=_more(page_request, month, found.next_cursor),
    )
    waits = detail is not None and not detail.row.drawn
    return page_request.render(view, refresh_s=REFRESH_S if waits else 0)


def _more(page_request: PageRequest, month: date, cursor: str | None) -> str | None:
    kept = {name: page_request.query(name) for name in ("seller", "state", "q")}
    return addresses.next_page(addresses.INVOICES, cursor, month=f"{month:%Y-%m}", **kept)


def _detail(page_request: PageRequest, uow: UnitOfWork, invoice_id: UUID) -> InvoicePanel | None:
    try:
        found = queries.get_invoice(uow, invoice_id)
    except NotFound:
        return None
    row, said = found.row, found.accounting_tax
    if not row.has_pdf:
        draw_first(uow, invoice_id)
    sign = -1 if row.kind == "credit_note" else 1
    chinese = page_request.language == "zh-CN" and row.currency.strip() == "CNY"
    asked = request_of(uow, invoice_id)
    of_china = row.kind == "invoice" and row.currency.strip() == "CNY" and found.seller.country == "CN"
    return InvoicePanel(
        row=_row(row, sum(note.gross_minor for note in found.credit_notes), page_request.time_zone),
        lines=tuple(
            InvoicePanelLine(
                text=line.name,
                quantity=f"{line.quantity.normalize():f}",
                net=money(sign * line.net_minor, row.currency),
                tax_ppm=line.tax_rate_ppm,
                tax=money(sign * line.tax_minor, row.currency),
            )
            for line in found.lines
        ),
        seller_tax_id=row.seller_tax_id,
        buyer_name=row.buyer_name,
        buyer_tax_id=row.buyer_tax_id,
        remarks=found.remarks,
        capital_amount=chinese_capitals(sign * row.gross_minor) if chinese else "",
        fapiao_address=(addresses.fapiao.FAPIAO if asked else addresses.fapiao.new(str(row.id))) if of_china else "",
        fapiao_asked=asked is not None,
        accounting_tax=money(sign * said.tax_minor, said.currency) if said else None,
        accounting_rate=said.rate if said else "",
        no_xml_because=found.no_xml_because or "",
        fapiaos=tuple((str(one.id), one.number) for one in fapiaos_of(uow, [invoice_id])),
    )


def _row(row: queries.InvoiceRow, credited_minor: int, time_zone: str) -> InvoiceItem:
    kind: Literal["invoice", "credit_note"] = "credit_note" if row.kind == "credit_note" else "invoice"
    sign = -1 if kind == "credit_note" else 1
    return InvoiceItem(
        id=str(row.id),
        number=row.number or "–",
        kind=kind,
        seller_name=row.seller_name,
        issued_on=row.issued_on or row.created_at.astimezone(ZoneInfo(time_zone)).date(),
        order_id="" if row.kind == "commission_invoice" else str(row.reference),
        order_number=row.order_number,
        po_number=row.po_number,
        cost_centre=row.cost_centre,
        net=money(sign * row.net_minor, row.currency),
        tax=money(sign * row.tax_minor, row.currency),
        gross=money(sign * row.gross_minor, row.currency),
        state=queries.standing(row, credited_minor),
        drawn=row.has_pdf,
        has_xml=row.has_xml,
    )


def _months(today: date, first: date | None, shown: date) -> tuple[date, ...]:
    """At least a year, and as far back as there are invoices."""
    found: list[date] = []
    month = today.replace(day=1)
    while len(found) < MONTHS or (first is not None and month >= first.replace(day=1)):
        found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return tuple(sorted({*found, shown}, reverse=True))


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


routes = [list_invoices]
