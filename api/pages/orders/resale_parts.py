"""Of an order's line that a dealer ordered for another organization: for which, and what the dealer earns of it."""

from __future__ import annotations

from api.pages.frame.end_customers import end_customer_parts
from api.pages.frame.site import PageRequest
from kernel.money import Money
from orders.order.views import LineView, OrderView


def resale_parts(page_request: PageRequest, order: OrderView, line: LineView) -> tuple[str, ...]:
    """In words. The margin is for the dealer alone, whoever else reads the page."""
    said, margin = end_customer_parts(page_request, line.end_customer), line.margin_at_list
    if margin is None or page_request.principal.org_id != order.buyer_org_id:
        return said
    formats = page_request.formats
    amount = formats.money(Money(margin.minor, order.currency.strip()))
    return (*said, page_request.t("end_customers.margin", margin=amount, rate=formats.rate(margin.ppm)))
