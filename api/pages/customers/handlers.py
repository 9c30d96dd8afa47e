"""A seller's customers: the list, and what one of them bought, may use, and asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.customers.views import CustomerEntitlement, CustomerItem, CustomerPage, CustomersView
from api.pages.frame import addresses, conversation_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.frame.typed_numbers import find_whole
from api.pages.leads.presenter import lead_item
from api.pages.leads.views import LeadItem
from api.pages.seller.presenter import order_row
from api.v1.customers import READ
from fulfillment.entitlements.views import EntitlementRow
from kernel.errors import DomainError, NotFound
from marketplace.leads.queries import SellerLeadView
from orders.awaited_payments import SoldOrder, awaited_of
from orders.customer_list import STATES, CustomerSummary, list_customers
from orders.customers import get_customer
from orders.subscriptions.sold import get_sold_subscription
from orders.subscriptions.trial_extension import EXTEND, ExtendTrial, extend_trial
from orders.subscriptions.trial_queries import RunningTrial


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
    return page_request.render(_customer(page_request, customer_id))


@form_post("/seller/customers/{customer_id:uuid}/trials", EXTEND)
def extend(
    customer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Let the trial `subscription_id` go on for `days` more."""
    require_seller(page_request)
    subscription_id = parse_uuid_or_404(form.text("subscription_id", most=36))
    typed = form.text("days", most=20)
    try:
        # What is no number at all is refused as one that does not fit: the trial says how many days are left to give.
        command = ExtendTrial(subscription_id, find_whole(typed) or 0)
        page_request.transact(lambda uow: extend_trial(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        with page_request.work() as uow:
            tried = get_sold_subscription(uow, subscription_id)
        name = page_request.pick(tried.title, tried.title_en)
        said = page_request.t("trial.not_extended", name=name, why=failure(page_request, refused))
        view = _customer(page_request, customer_id, error=said, typed={str(subscription_id): typed})
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_customer(str(customer_id)), notice="trial_extended")


def _customer(
    page_request: PageRequest, customer_id: UUID, *, error: str | None = None, typed: Mapping[str, str] | None = None
) -> CustomerPage:
    with page_request.work() as uow:
        found = get_customer(uow, customer_id)
        awaited = awaited_of(uow, [one.id for one in found.orders])
    trials = {one.order_line_id: one for one in found.trials}
    may_extend = page_request.principal.may(EXTEND)
    return CustomerPage(
        found.name,
        orders=tuple(
            order_row(page_request, SoldOrder(one, awaited.get(one.id)), disputed=False) for one in found.orders
        ),
        entitlements=tuple(_entitlement(page_request, one, trials.get(one.reference)) for one in found.entitlements),
        leads=tuple(_lead(page_request, one) for one in found.leads),
        subscriptions=addresses.with_query(addresses.SELLER_SUBSCRIPTIONS, customer=str(customer_id)),
        may_answer=page_request.principal.may("leads.manage"),
        service_address=conversation_addresses.with_customer(str(customer_id))
        if page_request.principal.may("leads.manage")
        else "",
        address=addresses.seller_customer(str(customer_id), "/trials") if may_extend else "",
        error=error,
        typed=typed or {},
    )


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


def _entitlement(page_request: PageRequest, row: EntitlementRow, trial: RunningTrial | None) -> CustomerEntitlement:
    return CustomerEntitlement(
        page_request.pick(row.title, row.title_en),
        page_request.pick(row.plan_name, row.plan_name_en),
        row.state_now,
        row.seats,
        row.seats_used,
        row.paid_until,
        row.data_kept_until,
        trial_id=str(trial.subscription_id) if trial else "",
        extendable_days=trial.extendable_days if trial else 0,
        extended_days=(trial.extended_days or 0) if trial else 0,
    )


def _lead(page_request: PageRequest, row: SellerLeadView) -> LeadItem:
    item = lead_item(page_request, row.lead, sells=True)
    return replace(item, assigned=row.assigned_name or "", due_on=row.due_on)


routes = [show_customers, show_customer, extend]
