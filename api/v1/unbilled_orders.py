"""What is delivered and paid and waits for its month's invoice, and what those invoices will be."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, list_page
from orders.invoicing.unbilled_queries import InvoiceToCome, UnbilledRow, invoices_to_come, list_unbilled_orders

READ = "invoices.read"
OrderParameter = Annotated[
    UUID | None, QueryParameter(name="order_id", required=False, description="Only this order, if it waits")
]
ProfileParameter = Annotated[
    UUID | None,
    QueryParameter(name="billing_profile_id", required=False, description="Only what is to be invoiced to this title"),
]


class UnbilledOrderOut(Out):
    """An order that comes on its month's invoice. Amounts are what refunds have left of it."""

    id: UUID
    order_id: UUID
    order_number: str
    seller_org_id: UUID
    seller_name: str
    billing_profile_id: UUID
    title: Annotated[str, Meta(description="Whom its invoice will name")]
    month: Annotated[date, Meta(description="The first day of the month, where the buyer keeps its calendar")]
    due_at: Annotated[datetime, Meta(description="From when on its invoice is issued")]
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    created_at: datetime

    @classmethod
    def of(cls, row: UnbilledRow) -> UnbilledOrderOut:
        """From the query's row."""
        return cls.of_row(row)


class InvoiceToComeOut(Out):
    """An invoice as it would be if its month ended now; what has more lines than a document holds becomes several."""

    month: date
    due_at: datetime
    seller_org_id: UUID
    seller_name: str
    billing_profile_id: UUID
    title: str
    orders: int
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut

    @classmethod
    def of(cls, row: InvoiceToCome) -> InvoiceToComeOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/unbilled-orders", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_unbilled_orders(
    request: ApiRequest,
    paging: Given[Paging],
    order_id: OrderParameter = None,
    billing_profile_id: ProfileParameter = None,
) -> Response[PageOut[UnbilledOrderOut]]:
    """Delivered and paid orders whose invoice comes at the end of their month, newest first."""
    return list_page(
        request,
        paging,
        list_unbilled_orders,
        UnbilledOrderOut.of,
        order_id=order_id,
        billing_profile_id=billing_profile_id,
    )


@get("/v1/invoices-to-come", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_invoices_to_come(request: ApiRequest) -> list[InvoiceToComeOut]:
    """The consolidated invoices that are to come, the soonest first."""
    with request.transaction() as uow:
        return [InvoiceToComeOut.of(row) for row in invoices_to_come(uow)]


routes = [get_unbilled_orders, get_invoices_to_come]
