"""Order sheets in the reader's words."""

from __future__ import annotations

from uuid import UUID

from api.pages.buy.quote_panel import quote_view
from api.pages.frame import addresses
from api.pages.frame.choices import Choice, department_choices
from api.pages.frame.payment_methods import methods
from api.pages.frame.phrases import reason
from api.pages.frame.site import PageRequest
from api.pages.order_sheets.views import (
    FaultItem,
    OrderSheetsView,
    OrderSheetView,
    SheetLineItem,
    SheetOrderItem,
    SheetRowItem,
)
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.departments.queries import list_departments
from marketplace.parties.queries import list_billing_profiles
from orders.order_sheets.check_rows import CheckedRow
from orders.order_sheets.orderable import orderable_plans
from orders.order_sheets.queries import SheetView, get_sheet, list_sheets

MOST_WRONG = 50
"""Wrong lines to correct at once."""
MOST_LINES = 100


def sheets_view(page_request: PageRequest) -> OrderSheetsView:
    """The sheets, newest first."""
    with page_request.work() as uow:
        found = list_sheets(uow, cursor=page_request.query("cursor", most=200) or None)
        offered = bool(orderable_plans(uow))
    partners = addresses.partners
    return OrderSheetsView(
        rows=tuple(
            SheetRowItem(
                one.name or page_request.t("order_sheets.unnamed"),
                one.state,
                one.lines,
                one.wrong if one.state == "draft" else 0,
                one.ended_at or one.created_at,
                partners.order_sheet(str(one.id)),
            )
            for one in found.items
        ),
        offered=offered,
        next_address=addresses.next_page(partners.ORDER_SHEETS, found.next_cursor),
    )


def sheet_view(page_request: PageRequest, sheet_id: UUID) -> OrderSheetView:
    """One sheet. Raises as `get_sheet`."""
    with page_request.work() as uow:
        found = get_sheet(uow, sheet_id)
        quotes = tuple(quote_view(page_request, one) for one in found.quotes)
        profiles = list_billing_profiles(uow) if found.item.state == "draft" else []
        departments = list_departments(uow) if quotes else []
        currency = found.quotes[0].currency if len(found.quotes) == 1 else ""
        ways = methods(page_request, page_request.services.gateways, uow, currency=currency) if quotes else ()
    lines = [_line(page_request, one) for one in found.rows]
    quoted = found.quotes[0].invoice_party["billing_profile_id"] if found.quotes else ""
    return OrderSheetView(
        id=str(found.item.id),
        name=found.item.name or page_request.t("order_sheets.unnamed"),
        state=found.item.state,
        total=found.item.lines,
        wrong=found.item.wrong,
        left_out=found.left_out,
        at=found.item.ended_at or found.item.created_at,
        wrong_lines=tuple(one for one in lines if one.faults)[:MOST_WRONG],
        lines=tuple(one for one in lines if not one.faults)[:MOST_LINES],
        quotes=quotes,
        orders=_orders(found),
        billing_profiles=tuple(Choice(str(one.id), one.legal_name, one.tax_id or "") for one in profiles),
        billing_profile_id=quoted or "",
        payment_methods=ways,
        payment_method_id=ways[0].id if ways else "",
        departments=department_choices(departments, page_request.language),
        idempotency_key=str(uuid7()),
    )


def _line(page_request: PageRequest, one: CheckedRow) -> SheetLineItem:
    row, plan = one.row, one.plan
    what = ""
    if plan is not None:
        title, name = page_request.pick(plan.title, plan.title_en), page_request.pick(plan.plan_name, plan.plan_name_en)
        what = f"{title} · {name}"
    return SheetLineItem(
        row.number,
        row.code,
        row.quantity,
        row.note,
        row.left_out,
        what,
        plan.seller_name if plan is not None else "",
        tuple(FaultItem(fault.column, _fault(page_request, fault.code, fault.params)) for fault in one.faults),
        row.end_customer,
    )


def _fault(page_request: PageRequest, code: str, params: dict[str, object]) -> str:
    """What is wrong; of a sum, of how many."""
    said = reason(page_request, code, params)
    if "total" not in params:
        return said
    together = page_request.t("order_sheets.together", total=params["total"])
    return f"{said} {together}"


def _orders(found: SheetView) -> tuple[SheetOrderItem, ...]:
    return tuple(
        SheetOrderItem(
            one.number, one.seller_name, one.state, Money(one.gross_minor, one.currency), addresses.order(str(one.id))
        )
        for one in found.orders
    )
