"""Deferred revenue on pages: months, and the terms of one of them."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.deferred_revenue.views import (
    DeferredLineItem,
    DeferredMonthItem,
    PlatformDeferredView,
    SellerDeferredView,
)
from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import PageRequest, page
from api.v1.invoice_export import parse_month
from orders.deferred_revenue.queries import DeferredLine, Whose, deferred_lines, deferred_months

Answer = Response[str] | Response[bytes]


@page(addresses.books.SELLER_DEFERRED, "money.read")
def show_sellers(page_request: Given[PageRequest]) -> Answer:
    """Of the seller's own sales."""
    require_seller(page_request)
    return _show(page_request, "seller", SellerDeferredView, addresses.books.SELLER_DEFERRED)


@page(addresses.books.DEFERRED, "operator.read")
def show_platforms(page_request: Given[PageRequest]) -> Answer:
    """Of the platform's commission."""
    return _show(page_request, "platform", PlatformDeferredView, addresses.books.DEFERRED)


def _show(page_request: PageRequest, whose: Whose, view: type[SellerDeferredView], path: str) -> Answer:
    month = parse_month(page_request.query("month", most=7))
    if month is None:
        with page_request.work() as uow:
            rows = deferred_months(uow, whose)
        months = tuple(
            DeferredMonthItem(
                row.month,
                money(row.recognised_minor, row.currency),
                money(row.deferred_minor, row.currency),
                row.terms,
                addresses.with_query(path, month=f"{row.month:%Y-%m}"),
            )
            for row in rows
        )
        return page_request.render(view(months))
    with page_request.work() as uow:
        found = deferred_lines(uow, whose, month, after=_known_id(page_request.query("after", most=36)))
    lines = tuple(_line(row) for row in found.items)
    following = None
    if found.next_after is not None:
        following = addresses.with_query(path, month=f"{month:%Y-%m}", after=str(found.next_after))
    return page_request.render(view((), lines, month, following))


def _line(row: DeferredLine) -> DeferredLineItem:
    return DeferredLineItem(
        row.order_number,
        addresses.trace(str(row.order_id)),
        row.starts_on,
        row.ends_on,
        money(row.amount_minor, row.currency),
        money(row.recognised_minor, row.currency),
        money(row.deferred_minor, row.currency),
    )


def _known_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


routes = [show_sellers, show_platforms]
