"""Sample views of what waits for its month's invoice, and of what a seller waits to be paid for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from api.pages.awaited_payments.views import AwaitedItem, AwaitedNote, AwaitedPaymentsView
from api.pages.billing_profiles.views import ProfileTyped, ProfileView
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.seller.views import SellerOrdersView
from api.pages.unbilled_orders.views import (
    InvoiceToComeItem,
    SoldInvoiceItem,
    SoldUnbilledItem,
    SoldUnbilledView,
    UnbilledOrderItem,
    UnbilledOrdersView,
)
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny


def buyers_pages(s: Samples) -> dict[str, View]:
    """The buyer's pages by name."""
    month = date(2026, 11, 1)
    waiting = tuple(
        UnbilledOrderItem(
            addresses.order(ID.format(90 + at)), f"202611{at:02}-7D6F12AA0{at}", s.seller, month, NOW, cny(sum_)
        )
        for at, sum_ in ((4, 398_000), (3, 59_700), (2, 1_200_000))
    )
    listed = UnbilledOrdersView(
        (InvoiceToComeItem(month, NOW, s.seller, s.buyer, 3, cny(1_657_700)),), waiting, addresses.BILLING_PROFILES
    )
    typed = ProfileTyped(legal_name=s.buyer, tax_id="91310115MA1K3YJ12D", email="a@b.example", monthly_invoice=True)
    return {
        "to-be-invoiced": listed,
        "to-be-invoiced-none": replace(listed, invoices=(), orders=()),
        "billing-profile-monthly": ProfileView(
            addresses.billing_profile(ID.format(81)),
            (Choice("CN", s.pick("中国", "China")),),
            typed,
            is_new=False,
            is_default=True,
        ),
    }


def sellers_pages(s: Samples) -> dict[str, View]:
    """The seller's pages by name."""
    month, numbers = date(2026, 11, 1), ("20261104-7D6F12AA04", "20261103-7D6F12AA03")
    waiting = tuple(
        SoldUnbilledItem(addresses.trace(ID.format(90 + at)), number, s.buyer, month, NOW, cny(sum_))
        for at, (number, sum_) in enumerate(zip(numbers, (398_000, 59_700), strict=True))
    )
    sold = SoldUnbilledView(
        (
            SoldInvoiceItem(month, NOW, s.buyer, s.seller, s.buyer, 2, cny(457_700)),
            SoldInvoiceItem(month, NOW, s.buyer, s.platform, "", 1, cny(120_000)),
        ),
        waiting,
    )
    late = AwaitedNote("overdue", NOW - timedelta(days=37), NOW - timedelta(days=7), 7)
    soon = AwaitedNote("awaited", NOW - timedelta(days=2), NOW + timedelta(days=28), 0)
    unpaid = AwaitedPaymentsView(
        (
            AwaitedItem(addresses.trace(ID.format(91)), numbers[0], s.hiring, s.buyer, cny(398_000), True, late),
            AwaitedItem(addresses.trace(ID.format(92)), numbers[1], s.hiring, s.buyer, cny(59_700), True, soon),
            AwaitedItem("", "20261120-7D6F12AA05", s.hiring, "", cny(1_200_000), False, soon),
        )
    )
    first, second, *others = s.order_rows()
    rows = (replace(first, awaited=soon), replace(second, awaited=late), *others)
    return {
        "seller-to-be-invoiced": sold,
        "seller-to-be-invoiced-none": replace(sold, invoices=(), orders=()),
        "awaited-payments": unpaid,
        "awaited-payments-none": replace(unpaid, rows=()),
        "seller-orders-unpaid": SellerOrdersView(rows, (), ("active", "completed")),
    }
