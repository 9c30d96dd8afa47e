"""A seller's sales that wait for their buyers' payments."""

from __future__ import annotations

from typing import Final

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.awaited_payments.views import AwaitedItem, AwaitedNote, AwaitedPaymentsView
from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import PageRequest, page
from api.v1.awaited_payments import SELLS
from orders.awaited_payments import AwaitedOrder, AwaitedPayment, list_awaited

PAGE: Final = 50


@page(addresses.payments.AWAITED, SELLS)
def show_awaited(page_request: Given[PageRequest]) -> Response[str]:
    """What is owed on account and what is to come by bank transfer, the first due first."""
    require_seller(page_request)
    with page_request.work() as uow:
        found = list_awaited(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    following = addresses.next_page(addresses.payments.AWAITED, found.next_cursor)
    return page_request.render(AwaitedPaymentsView(tuple(_item(page_request, one) for one in found.items), following))


def awaited_note(waits: AwaitedPayment) -> AwaitedNote:
    """That an order waits, as its seller's pages say it."""
    return AwaitedNote(waits.state, waits.since, waits.due_at, waits.days_overdue)


def _item(page_request: PageRequest, one: AwaitedOrder) -> AwaitedItem:
    traces = one.awaited.on_account and page_request.principal.may("trace.read")
    return AwaitedItem(
        address=addresses.trace(str(one.order_id)) if traces else "",
        number=one.number,
        listing_name=page_request.t("awaited.joined").join(page_request.pick(*names) for names in one.titles),
        buyer_name=one.buyer_name,
        gross=money(one.gross_minor, one.currency),
        on_account=one.awaited.on_account,
        note=awaited_note(one.awaited),
    )


routes = [show_awaited]
