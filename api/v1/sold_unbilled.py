"""What of a seller's sales waits for its month's invoice, and what those invoices will be."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency as Given
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, list_page
from api.v1.unbilled_orders import OrderParameter
from orders.invoicing.sold_unbilled import (
    SoldInvoiceToCome,
    SoldUnbilledRow,
    list_sold_unbilled,
    sold_invoices_to_come,
)

READ = "money.read"


class SoldUnbilledOrderOut(Out):
    """A sale that comes on its month's invoice. Amounts are what refunds have left of it."""

    id: UUID
    order_id: UUID
    order_number: str
    buyer_org_id: UUID
    buyer_name: str
    issuer_name: Annotated[str, Meta(description="Who will issue its invoice: the seller, or the platform")]
    title: Annotated[str, Meta(description="Whom that will name; empty where the platform issues it")]
    month: Annotated[date, Meta(description="The first day of the month, where the buyer keeps its calendar")]
    due_at: Annotated[datetime, Meta(description="From when on its invoice is issued")]
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    created_at: datetime

    @classmethod
    def of(cls, row: SoldUnbilledRow) -> SoldUnbilledOrderOut:
        """From the query's row."""
        return cls.of_row(row)


class SoldInvoiceToComeOut(Out):
    """What of an invoice will be of the seller's sales, as it would be if its month ended now."""

    month: date
    due_at: datetime
    buyer_org_id: UUID
    buyer_name: str
    issuer_name: str
    title: str
    orders: int
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut

    @classmethod
    def of(cls, row: SoldInvoiceToCome) -> SoldInvoiceToComeOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/seller/unbilled-orders", permission=READ, sync_to_thread=True, tags=["seller"])
def get_sold_unbilled_orders(
    request: ApiRequest, paging: Given[Paging], order_id: OrderParameter = None
) -> Response[PageOut[SoldUnbilledOrderOut]]:
    """Delivered and paid sales whose invoice comes at the end of their month, newest first."""
    return list_page(request, paging, list_sold_unbilled, SoldUnbilledOrderOut.of, order_id=order_id)


@get("/v1/seller/invoices-to-come", permission=READ, sync_to_thread=True, tags=["seller"])
def get_sold_invoices_to_come(request: ApiRequest) -> list[SoldInvoiceToComeOut]:
    """The consolidated invoices that the seller's sales will be on, the soonest first."""
    with request.transaction() as uow:
        return [SoldInvoiceToComeOut.of(row) for row in sold_invoices_to_come(uow)]


routes = [get_sold_unbilled_orders, get_sold_invoices_to_come]
