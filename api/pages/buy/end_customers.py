"""For whom a dealer orders, on the purchase sheet."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from api.pages.buy.views import BuyView
from api.pages.frame.end_customers import end_customer_choices
from kernel.db.uow import UnitOfWork

NOT_FOR_OTHERS: Final = (
    "end_customer_over",
    "end_customer_is_seller",
    "end_customer_needs_partner",
    "end_customer_kind_unfit",
)
"""Why it cannot be ordered for whoever was chosen: the sheet says so, and is priced for the visitor's own organization."""


def with_end_customers(uow: UnitOfWork, view: BuyView, chosen: str) -> BuyView:
    """The sheet with the choice, where there is somebody to order for; offers and trials are the buyer's own."""
    if view.offer_id or view.trial:
        return view
    return replace(view, end_customers=end_customer_choices(uow), end_customer_id=chosen)
