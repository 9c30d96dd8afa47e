"""Revenue of prepaid terms, recognised by day: a seller's own sales, and the platform's commission."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out
from api.v1.invoice_export import parse_month
from kernel.errors import NotFound
from orders.deferred_revenue.queries import DeferredLine, DeferredMonth, Whose, deferred_lines, deferred_months

AfterParameter = Annotated[
    UUID | None,
    QueryParameter(name="after", required=False, description="`next_after` of the page before; none for the first"),
]


class DeferredMonthOut(Out):
    """A month of the organization's calendar in one currency. A seller's amounts are net of tax."""

    month: Annotated[date, Meta(description="Its first day")]
    recognised: Annotated[MoneyOut, Meta(description="Earned in it")]
    deferred: Annotated[MoneyOut, Meta(description="Paid, and not earned at its end")]
    terms: int

    @classmethod
    def of(cls, row: DeferredMonth) -> DeferredMonthOut:
        """From the query's row."""
        return cls.of_row(row)


class DeferredLineOut(Out):
    """A prepaid term with what is earned of it in the month."""

    order_line_id: UUID
    order_id: UUID
    order_number: str
    starts_on: date
    ends_on: Annotated[date, Meta(description="Excluded")]
    amount: Annotated[MoneyOut, Meta(description="Of the whole term, without what was given back")]
    recognised: MoneyOut
    deferred: MoneyOut

    @classmethod
    def of(cls, row: DeferredLine) -> DeferredLineOut:
        """From the query's row."""
        return cls.of_row(row)


class DeferredLinesOut(Out):
    """One page of a month's terms."""

    items: list[DeferredLineOut]
    next_after: UUID | None


@get("/v1/seller/deferred-revenue", permission="money.read", sync_to_thread=True, tags=["seller"])
def get_own_months(request: ApiRequest) -> list[DeferredMonthOut]:
    """Of the organization's own sales, from a year ago to a year ahead, the latest first."""
    return _months(request, "seller")


@get("/v1/seller/deferred-revenue/{month:str}", permission="money.read", sync_to_thread=True, tags=["seller"])
def get_own_lines(month: FromPath[str], request: ApiRequest, after: AfterParameter = None) -> DeferredLinesOut:
    """The terms of a month (YYYY-MM), the latest bought first."""
    return _lines(request, "seller", month, after)


@get("/v1/operator/deferred-revenue", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_platforms_months(request: ApiRequest) -> list[DeferredMonthOut]:
    """Of the platform's commission, from a year ago to a year ahead, the latest first."""
    return _months(request, "platform")


@get("/v1/operator/deferred-revenue/{month:str}", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_platforms_lines(month: FromPath[str], request: ApiRequest, after: AfterParameter = None) -> DeferredLinesOut:
    """The terms of a month (YYYY-MM), the latest bought first."""
    return _lines(request, "platform", month, after)


def _months(request: ApiRequest, whose: Whose) -> list[DeferredMonthOut]:
    with request.transaction() as uow:
        return [DeferredMonthOut.of(row) for row in deferred_months(uow, whose)]


def _lines(request: ApiRequest, whose: Whose, month: str, after: UUID | None) -> DeferredLinesOut:
    first = parse_month(month)
    if first is None:
        raise NotFound("deferred_month_not_found")
    with request.transaction() as uow:
        found = deferred_lines(uow, whose, first, after=after)
    return DeferredLinesOut(items=[DeferredLineOut.of(row) for row in found.items], next_after=found.next_after)


routes = [get_own_months, get_own_lines, get_platforms_months, get_platforms_lines]
