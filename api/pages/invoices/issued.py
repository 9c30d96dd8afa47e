"""What an organization issued by month: of a seller its bills, of the platform what it sold itself and its commission."""

from __future__ import annotations

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.seller_access import require_issuer
from api.pages.frame.site import PageRequest, page
from api.pages.invoices.handlers import PAGE, REFRESH_S, STANDINGS, item_of, months_since, panel_of, parsed_id
from api.pages.invoices.views import IssuedInvoicesView
from api.v1.fapiaos import SELLS
from api.v1.invoice_export import parse_month, period_filter
from billing.invoices import queries
from kernel import clock
from kernel.money import Money

KINDS = ("invoice", "credit_note")
OF_PLATFORM = (*KINDS, "commission_invoice")


@page(addresses.fapiao.ISSUED, SELLS)
def list_issued(page_request: Given[PageRequest]) -> Response[str]:
    """A month's documents; `open` shows one beside them."""
    require_issuer(page_request)
    signed_in = page_request.signed_in
    of_platform = signed_in is not None and signed_in.organization.is_platform
    kinds = OF_PLATFORM if of_platform else KINDS
    today = clock.today(page_request.time_zone)
    month = parse_month(page_request.query("month", most=7)) or today.replace(day=1)
    kind = next((one for one in kinds if one == page_request.query("kind", most=20)), "")
    state = page_request.query("state", most=20)
    standing, text = STANDINGS.get(state), page_request.query("q", most=80)
    wanted = period_filter(month, None, None, side="issued", kind=kind or None, standing=standing, text=text or None)
    opened = parsed_id(page_request.query("open", most=36))
    with page_request.work() as uow:
        found = queries.list_invoices(uow, wanted, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
        totals = queries.totals_of(uow, wanted)
        credited = queries.credited_of(uow, [row.id for row in found.items])
        first = queries.first_day(uow, "issued")
        detail = panel_of(page_request, uow, opened, "issued") if opened else None
    filters = {"month": f"{month:%Y-%m}", "kind": kind, "state": standing or "", "q": text}
    view = IssuedInvoicesView(
        month=month,
        months=months_since(today, first, month),
        rows=tuple(item_of(row, credited.get(row.id, 0), page_request.time_zone) for row in found.items),
        count=sum(one.count for one in totals.values()),
        pending=sum(one.pending for one in totals.values()),
        totals=tuple(Money(one.gross_minor, currency) for currency, one in totals.items()),
        kinds=kinds,
        export_address=addresses.with_query(
            addresses.INVOICES_EXPORT, side="issued", **{name: value for name, value in filters.items() if value}
        ),
        kind=kind,
        state=standing or "",
        query=text,
        opened=detail,
        next_address=addresses.next_page(addresses.fapiao.ISSUED, found.next_cursor, **filters),
        of_platform=of_platform,
    )
    waits = detail is not None and not detail.row.drawn
    return page_request.render(view, refresh_s=REFRESH_S if waits else 0)


routes = [list_issued]
