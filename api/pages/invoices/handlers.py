"""The buyer's invoices by month: finance's first screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import PageRequest, page
from api.pages.invoices.views import InvoiceFields, InvoiceItem, InvoicePanel, InvoicePanelLine, InvoicesView
from api.v1.fapiaos import ASK
from api.v1.invoice_export import next_month, parse_month, period_filter
from billing.documents.chinese_capitals import chinese_capitals
from billing.fapiao.archive import fapiaos_of
from billing.fapiao.queries import request_of
from billing.invoice_forwards.forward_documents import PERMISSION as FORWARD
from billing.invoices import queries
from billing.invoices.draw_first import draw_first
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.money import Money
from orders.invoicing.correct_title import CORRECT

PAGE = 100
MONTHS = 12
LINES_SHOWN = 100
"""Of an opened document; all are on its paper."""
REFRESH_S = 5
"""How soon a page on which a document is being drawn looks again."""
STANDINGS: dict[str, queries.Standing] = {one: one for one in get_args(queries.Standing)}


@page(addresses.INVOICES, "invoices.read")
def list_invoices(page_request: Given[PageRequest]) -> Response[str]:
    """A month's invoices and credit notes; `open` shows one beside them."""
    today = clock.today(page_request.time_zone)
    month = parse_month(page_request.query("month", most=7)) or today.replace(day=1)
    opened = parsed_id(page_request.query("open", most=36))
    with page_request.work() as uow:
        currencies = queries.received_currencies(uow)
        fields = _fields(page_request, currencies)
        try:
            wanted, error = _filter(page_request, month, fields), ""
        except Invalid as refused:
            wanted, error = period_filter(month, None, None), failure(page_request, refused)
        found = queries.list_invoices(uow, wanted, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
        totals = queries.totals_of(uow, wanted)
        credited = queries.credited_of(uow, [row.id for row in found.items])
        sellers = queries.list_counterparties(uow)
        first = queries.first_day(uow)
        detail = panel_of(page_request, uow, opened) if opened else None
    view = InvoicesView(
        title=_title(page_request, month, fields),
        month=month,
        months=months_since(today, first, month),
        rows=tuple(item_of(row, credited.get(row.id, 0), page_request.time_zone) for row in found.items),
        count=sum(one.count for one in totals.values()),
        pending=sum(one.pending for one in totals.values()),
        totals=tuple(Money(one.gross_minor, currency) for currency, one in totals.items()),
        sellers=tuple((str(org_id), name) for org_id, name in sellers),
        seller=str(wanted.other_org_id or ""),
        state=wanted.standing or "",
        query=page_request.query("q"),
        fields=fields,
        currencies=tuple(currencies),
        export_address=_export(wanted, month),
        error=error,
        may_forward=page_request.principal.may(FORWARD),
        may_ask_fapiao=page_request.principal.may(ASK),
        opened=detail,
        next_address=_more(page_request, month, fields, found.next_cursor),
    )
    waits = detail is not None and not detail.row.drawn
    return page_request.render(view, refresh_s=REFRESH_S if waits else 0)


def _title(page_request: PageRequest, month: date, fields: InvoiceFields) -> str:
    since, until = _day(fields.since), _day(fields.until)
    words = page_request.formats
    if since and until:
        return page_request.t("invoices.between", since=words.day(since), until=words.day(until))
    if since:
        return page_request.t("invoices.since_day", since=words.day(since))
    if until:
        return page_request.t("invoices.until_day", until=words.day(until))
    return page_request.t("invoices.of", month=words.month(month))


def _fields(page_request: PageRequest, currencies: Sequence[str]) -> InvoiceFields:
    typed = {name: page_request.query(name, most=80) for name in InvoiceFields.__dataclass_fields__}
    if typed["currency"] not in currencies:
        # An amount is of a currency: of the one there is, where none was chosen.
        typed["currency"] = currencies[0] if currencies and (typed["least"] or typed["most"]) else ""
    for name in ("since", "until"):
        typed[name] = f"{day}" if (day := _day(typed[name])) else ""
    return InvoiceFields(**typed)


def _filter(page_request: PageRequest, month: date, fields: InvoiceFields) -> queries.InvoiceFilter:
    """Raises Invalid: `amount_invalid`, `amount_limits_swapped`."""
    until = _day(fields.until)
    least, most = (
        typed_amount(getattr(fields, name), fields.currency, field=name) if fields.currency else None
        for name in ("least", "most")
    )
    return period_filter(
        month,
        _day(fields.since),
        until + timedelta(days=1) if until else None,
        other_org_id=parsed_id(page_request.query("seller", most=36)),
        standing=STANDINGS.get(page_request.query("state")),
        text=page_request.query("q") or None,
        tax_id=fields.tax_id or None,
        po_number=fields.po_number or None,
        cost_centre=fields.cost_centre or None,
        currency=fields.currency or None,
        least_minor=least,
        most_minor=most,
    )


def _export(wanted: queries.InvoiceFilter, month: date) -> str:
    renamed = {"other_org_id": "seller", "standing": "state", "text": "q"}
    kept = {renamed.get(name, name): getattr(wanted, name) for name in wanted.__dataclass_fields__ if name != "side"}
    if wanted.issued_from == month and wanted.issued_before == next_month(month):
        kept |= {"month": f"{month:%Y-%m}", "issued_from": None, "issued_before": None}
    return addresses.with_query(
        addresses.INVOICES_EXPORT, **{name: str(value) for name, value in kept.items() if value is not None}
    )


def _day(text: str) -> date | None:
    """A day as a browser's field sends it, of years that are written in four digits; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(1970, 1, 1) <= day < date(2999, 12, 31) else None


def _more(page_request: PageRequest, month: date, fields: InvoiceFields, cursor: str | None) -> str | None:
    kept = {name: page_request.query(name) for name in ("seller", "state", "q")} | fields.kept()
    return addresses.next_page(addresses.INVOICES, cursor, month=f"{month:%Y-%m}", **kept)


def panel_of(
    page_request: PageRequest, uow: UnitOfWork, invoice_id: UUID, side: queries.Side = "received"
) -> InvoicePanel | None:
    """A document opened beside the list; None where there is none to be seen. Not drawn yet, it is first in the queue now."""
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
        row=item_of(row, sum(note.gross_minor for note in found.credit_notes), page_request.time_zone),
        lines=tuple(
            InvoicePanelLine(
                text=line.name,
                quantity=f"{line.quantity.normalize():f}",
                net=money(sign * line.net_minor, row.currency),
                tax_ppm=line.tax_rate_ppm,
                tax=money(sign * line.tax_minor, row.currency),
                order_address=addresses.order(str(line.order_id)) if line.order_id else "",
                order_number=line.order_number,
            )
            for line in found.lines[:LINES_SHOWN]
        ),
        lines_more=max(0, len(found.lines) - LINES_SHOWN),
        seller_tax_id=row.seller_tax_id,
        buyer_name=row.buyer_name,
        buyer_tax_id=row.buyer_tax_id,
        remarks=found.remarks,
        capital_amount=chinese_capitals(sign * row.gross_minor) if chinese else "",
        fapiao_address=_fapiao_address(page_request, row, side, asked=asked is not None) if of_china else "",
        fapiao_asked=asked is not None,
        correction_address=addresses.fapiao.correction(str(row.id)) if _may_correct(page_request, found) else "",
        linked=_linked(uow, found),
        accounting_tax=money(sign * said.tax_minor, said.currency) if said else None,
        accounting_rate=said.rate if said else "",
        no_xml_because=found.no_xml_because or "",
        fapiaos=tuple((str(one.id), one.number) for one in fapiaos_of(uow, [invoice_id])),
    )


def _fapiao_address(page_request: PageRequest, row: queries.InvoiceRow, side: queries.Side, *, asked: bool) -> str:
    """Where its 数电票 was asked for, or can be by this reader: its buyer alone asks."""
    if asked:
        return addresses.fapiao.side("buyer" if side == "received" else "seller")
    if side == "issued":
        return ""
    return addresses.fapiao.new(str(row.id)) if page_request.principal.may(ASK) else ""


def _may_correct(page_request: PageRequest, found: queries.InvoiceDetail) -> bool:
    row = found.row
    left = row.gross_minor - sum(note.gross_minor for note in found.credit_notes)
    is_own = row.buyer_org_id == page_request.principal.org_id and page_request.principal.may(CORRECT)
    return is_own and row.kind == "invoice" and row.number is not None and row.superseded_at is None and left > 0


def _linked(uow: UnitOfWork, found: queries.InvoiceDetail) -> tuple[tuple[str, str, str], ...]:
    """What it credits, what credits it, and what stands in whose place."""
    said = [("corrects", found.corrects), ("corrected_by", found.corrected_by)]
    if found.row.original_invoice_id is not None:
        said.insert(0, ("original", queries.get_invoice(uow, found.row.original_invoice_id).row))
    said += [("notes", note) for note in found.credit_notes]
    return tuple((key, one.number or "–", str(one.id)) for key, one in said if one is not None)


def item_of(row: queries.InvoiceRow, credited_minor: int, time_zone: str) -> InvoiceItem:
    """A document as a row of a list."""
    kinds: dict[str, Literal["credit_note", "commission_invoice"]] = {
        "credit_note": "credit_note",
        "commission_invoice": "commission_invoice",
    }
    kind: Literal["invoice", "credit_note", "commission_invoice"] = kinds.get(row.kind, "invoice")
    sign = -1 if kind == "credit_note" else 1
    return InvoiceItem(
        id=str(row.id),
        number=row.number or "–",
        kind=kind,
        seller_name=row.seller_name,
        buyer_name=row.buyer_name,
        issued_on=row.issued_on or row.created_at.astimezone(ZoneInfo(time_zone)).date(),
        order_id="" if row.kind == "commission_invoice" or row.month else str(row.reference),
        order_number=row.order_number,
        po_number=row.po_number,
        cost_centre=row.cost_centre,
        net=money(sign * row.net_minor, row.currency),
        tax=money(sign * row.tax_minor, row.currency),
        gross=money(sign * row.gross_minor, row.currency),
        state=queries.standing(row, credited_minor),
        month=row.month,
        drawn=row.has_pdf,
        has_xml=row.has_xml,
    )


def months_since(today: date, first: date | None, shown: date) -> tuple[date, ...]:
    """At least a year, and as far back as there are invoices."""
    found: list[date] = []
    month = today.replace(day=1)
    while len(found) < MONTHS or (first is not None and month >= first.replace(day=1)):
        found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return tuple(sorted({*found, shown}, reverse=True))


def parsed_id(text: str) -> UUID | None:
    """An id as an address has it; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None


routes = [list_invoices]
