"""A seller's customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, list_page
from api.v1.orders import OrderOut
from marketplace.leads.queries import SellerLeadView
from orders.customer_list import CustomerSummary, State, list_customers
from orders.customers import get_customer
from orders.subscriptions.trial_queries import RunningTrial

READ = "seller.orders.read"


class CustomerEntitlementOut(Out):
    """What the customer may use of the seller's."""

    id: UUID
    listing_id: UUID
    title: str
    title_en: str
    plan_code: str
    plan_name: str
    plan_name_en: str
    state: str
    seats: int
    seats_used: int
    valid_from: datetime | None
    valid_to: datetime | None
    data_kept_until: Annotated[
        datetime | None, Meta(description="Since it ended: until when what the customer left is kept")
    ]
    created_at: datetime


class CustomerOut(Out):
    """An organization that bought or asked: its latest orders, entitlements and requests.

    `leads` is empty without the permission `leads.manage`; a contact in one is there by consent alone.
    """

    org_id: UUID
    name: str
    orders: Sequence[OrderOut]
    entitlements: Sequence[CustomerEntitlementOut]
    trials: Annotated[Sequence[RunningTrial], Meta(description="What of them is tried so far, and may be extended")]
    leads: Sequence[SellerLeadView]


class CustomerSummaryOut(Out):
    """A customer in the list. `bought`: paid within 365 days and not given back, a sum for each currency.

    `open_leads` and `due_on` are those of its requests, and nothing without the permission `leads.manage`.
    """

    org_id: UUID
    name: str
    last_at: datetime
    entitlements: Annotated[int, Meta(description="How many are in force")]
    ends_next_at: Annotated[datetime | None, Meta(description="When the first of them ends")]
    bought: Sequence[MoneyOut]
    open_leads: int
    due_on: date | None

    @classmethod
    def of(cls, row: CustomerSummary) -> CustomerSummaryOut:
        """From the query's row."""
        return cls.of_row(row, bought=[MoneyOut.of_money(one) for one in row.bought])


@get("/v1/seller/customers", permission=READ, sync_to_thread=True, tags=["seller"])
def get_seller_customers(
    request: ApiRequest,
    paging: Given[Paging],
    q: Annotated[
        str | None, QueryParameter(name="q", max_length=100, required=False, description="Words of the name")
    ] = None,
    only: Annotated[
        State | None,
        QueryParameter(
            name="state", required=False, description="With something in force (active), or an open request (asking)"
        ),
    ] = None,
) -> Response[PageOut[CustomerSummaryOut]]:
    """Every organization that bought from the seller, or asked it: whoever was active last first.

    Who only asked is there for whoever holds `leads.manage`.
    """
    return list_page(request, paging, list_customers, CustomerSummaryOut.of, q=q, state=only)


@get("/v1/seller/customers/{customer_id:uuid}", permission=READ, sync_to_thread=True, tags=["seller"])
def get_seller_customer(customer_id: FromPath[UUID], request: ApiRequest) -> CustomerOut:
    """One customer of the seller, by its organization."""
    with request.transaction() as uow:
        found = get_customer(uow, customer_id)
        return CustomerOut.of_row(
            found,
            orders=[OrderOut.of(one) for one in found.orders],
            entitlements=[CustomerEntitlementOut.of_row(one, state=one.state_now) for one in found.entitlements],
        )


routes = [get_seller_customers, get_seller_customer]
