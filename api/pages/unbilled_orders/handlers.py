"""What is to be invoiced: finance's list of what waits for its month's invoice."""

from __future__ import annotations

from typing import Final

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import PageRequest, page
from api.pages.unbilled_orders.views import (
    InvoiceToComeItem,
    SoldInvoiceItem,
    SoldUnbilledItem,
    SoldUnbilledView,
    UnbilledOrderItem,
    UnbilledOrdersView,
)
from api.v1 import sold_unbilled
from api.v1.unbilled_orders import READ
from orders.invoicing.sold_unbilled import list_sold_unbilled, sold_invoices_to_come
from orders.invoicing.unbilled_queries import invoices_to_come, list_unbilled_orders

PAGE: Final = 50
CHOOSE: Final = "billing.manage"


@page(addresses.payments.UNBILLED, READ)
def show_unbilled_orders(page_request: Given[PageRequest]) -> Response[str]:
    """The invoices that are to come, and the orders that will be on them."""
    with page_request.work() as uow:
        coming = invoices_to_come(uow)
        found = list_unbilled_orders(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    view = UnbilledOrdersView(
        invoices=tuple(
            InvoiceToComeItem(
                one.month, one.due_at, one.seller_name, one.title, one.orders, money(one.gross_minor, one.currency)
            )
            for one in coming
        ),
        orders=tuple(
            UnbilledOrderItem(
                addresses.order(str(one.order_id)) if page_request.principal.may("orders.read") else "",
                one.order_number,
                one.seller_name,
                one.month,
                one.created_at,
                money(one.gross_minor, one.currency),
            )
            for one in found.items
        ),
        choose_address=addresses.BILLING_PROFILES if page_request.principal.may(CHOOSE) else "",
        next_address=addresses.with_query(addresses.payments.UNBILLED, cursor=found.next_cursor)
        if found.next_cursor
        else None,
    )
    return page_request.render(view)


@page(addresses.payments.SELLER_UNBILLED, sold_unbilled.READ)
def show_sold_unbilled(page_request: Given[PageRequest]) -> Response[str]:
    """The month's invoices that the seller's sales will be on, and which sales these are."""
    require_seller(page_request)
    with page_request.work() as uow:
        coming = sold_invoices_to_come(uow)
        found = list_sold_unbilled(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    traces = page_request.principal.may("trace.read")
    view = SoldUnbilledView(
        invoices=tuple(
            SoldInvoiceItem(
                one.month,
                one.due_at,
                one.buyer_name,
                one.issuer_name,
                one.title,
                one.orders,
                money(one.gross_minor, one.currency),
            )
            for one in coming
        ),
        orders=tuple(
            SoldUnbilledItem(
                addresses.trace(str(one.order_id)) if traces else "",
                one.order_number,
                one.buyer_name,
                one.month,
                one.created_at,
                money(one.gross_minor, one.currency),
            )
            for one in found.items
        ),
        next_address=addresses.next_page(addresses.payments.SELLER_UNBILLED, found.next_cursor),
    )
    return page_request.render(view)


routes = [show_unbilled_orders, show_sold_unbilled]
