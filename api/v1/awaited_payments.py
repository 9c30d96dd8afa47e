"""Sales that wait for their buyers' payments, as their seller is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency as Given
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, list_page
from orders.awaited_payments import AwaitedOrder, AwaitedPayment, list_awaited

SELLS = "seller.orders.read"


class AwaitedPaymentOut(Out):
    """That an order waits for its buyer's payment."""

    state: Annotated[str, Meta(description="awaited, or overdue")]
    since: datetime
    due_at: Annotated[datetime, Meta(description="Until when the money has to be here")]
    days_overdue: Annotated[int, Meta(description="0 until it is due")]
    on_account: Annotated[
        bool, Meta(description="Delivered already and owed; else nothing is delivered before the money is here")
    ]

    @classmethod
    def of(cls, row: AwaitedPayment) -> AwaitedPaymentOut:
        """From the query's value."""
        return cls.of_row(row)


class AwaitedOrderOut(Out):
    """A sale whose buyer has not paid."""

    order_id: UUID
    number: str
    buyer_name: Annotated[str, Meta(description="Empty where nothing is delivered before the money is here")]
    titles: Annotated[list[dict[str, str]], Meta(description="Of its lines: `zh` and `en`")]
    gross: Annotated[MoneyOut, Meta(description="Of the order, whatever of it is paid by credit or went back")]
    awaited: AwaitedPaymentOut

    @classmethod
    def of(cls, row: AwaitedOrder) -> AwaitedOrderOut:
        """From the query's row."""
        titles = [{"zh": chinese, "en": english} for chinese, english in row.titles]
        return cls.of_row(row, titles=titles, awaited=AwaitedPaymentOut.of(row.awaited))


@get("/v1/seller/awaited-payments", permission=SELLS, sync_to_thread=True, tags=["seller"])
def get_awaited_payments(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[AwaitedOrderOut]]:
    """Sales whose buyers have not paid, the first due first: owed on account, or asked for by bank transfer."""
    return list_page(request, paging, list_awaited, AwaitedOrderOut.of)


routes = [get_awaited_payments]
