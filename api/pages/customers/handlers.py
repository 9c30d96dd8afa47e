"""A seller's customers: the list, and what one of them bought, may use, and asked for."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.customers.views import CustomerEntitlement, CustomerItem, CustomerPage, CustomersView
from api.pages.frame import addresses
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import PageRequest, page
from api.pages.leads.presenter import lead_item
from api.pages.leads.views import LeadItem
from api.pages.seller.presenter import order_row
from api.v1.customers import READ
from fulfillment.entitlements.views import EntitlementRow
from marketplace.leads.queries import SellerLeadView
from orders.customer_list import STATES, CustomerSummary, list_customers
from orders.customers import get_customer


@page(addresses.SELLER_CUSTOMERS, READ)
def show_customers(page_request: Given[PageRequest]) -> Response[str]:
    """Every organization that bought or asked, whoever was active last first."""
    require_seller(page_request)
    text, asked = page_request.query("q"), page_request.query("state", most=20)
    state = next((one for one in STATES if one == asked), None)
    with page_request.work() as uow:
        cursor = page_request.query("cursor", most=200) or None
        found = list_customers(uow, cursor=cursor, q=text or None, state=state)
    more = addresses.next_page(addresses.SELLER_CUSTOMERS, found.next_cursor, state=state, q=text)
    rows = tuple(_item(one) for one in found.items)
    return page_request.render(CustomersView(STATES, state or "", text, rows, more))


@page("/seller/customers/{customer_id:uuid}", READ)
def show_customer(customer_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The latest of everything between the two organizations."""
    require_seller(page_request)
    with page_request.work() as uow:
        found = get_customer(uow, customer_id)
    view = CustomerPage(
        found.name,
        orders=tuple(order_row(page_request, one, disputed=False) for one in found.orders),
        entitlements=tuple(_entitlement(page_request, one) for one in found.entitlements),
        leads=tuple(_lead(page_request, one) for one in found.leads),
        subscriptions=addresses.with_query(addresses.SELLER_SUBSCRIPTIONS, customer=str(customer_id)),
        may_answer=page_request.principal.may("leads.manage"),
    )
    return page_request.render(view)


def _item(row: CustomerSummary) -> CustomerItem:
    return CustomerItem(
        addresses.seller_customer(str(row.org_id)),
        row.name,
        row.last_at,
        row.entitlements,
        row.ends_next_at,
        tuple(row.bought),
        row.open_leads,
        row.due_on,
    )


def _entitlement(page_request: PageRequest, row: EntitlementRow) -> CustomerEntitlement:
    return CustomerEntitlement(
        page_request.pick(row.title, row.title_en),
        page_request.pick(row.plan_name, row.plan_name_en),
        row.state_now,
        row.seats,
        row.seats_used,
        row.valid_to,
    )


def _lead(page_request: PageRequest, row: SellerLeadView) -> LeadItem:
    item = lead_item(page_request, row.lead, sells=True)
    return replace(item, assigned=row.assigned_name or "", due_on=row.due_on)


routes = [show_customers, show_customer]
