"""Sample views of what waits for its month's invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from api.pages.billing_profiles.views import ProfileTyped, ProfileView
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.unbilled_orders.views import InvoiceToComeItem, UnbilledOrderItem, UnbilledOrdersView
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
