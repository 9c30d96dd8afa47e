"""A seller's customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import get
from litestar.params import FromPath

from api.request import ApiRequest
from api.schema import Out
from api.v1.orders import OrderOut
from marketplace.leads.queries import SellerLeadView
from orders.customers import get_customer

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
    created_at: datetime


class CustomerOut(Out):
    """An organization that bought or asked: its latest orders, entitlements and requests.

    `leads` is empty without the permission `leads.manage`; a contact in one is there by consent alone.
    """

    org_id: UUID
    name: str
    orders: Sequence[OrderOut]
    entitlements: Sequence[CustomerEntitlementOut]
    leads: Sequence[SellerLeadView]


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


routes = [get_seller_customer]
