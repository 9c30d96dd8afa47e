"""A market that takes money through Stripe: paid on its page with 3-D Secure and back at the second, bought again by two clicks
with the card that was kept, declined and then paid another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from app.local_stripe.hook import Hook
from app.local_stripe.server import LocalStripe
from tests.browser.conftest import CHROMIUM, Product, Visits, free_ports, running_product
from tests.browser.journeys.test_accounts import follow, looks_right
from tests.browser.journeys.test_journey import BUYERS, PHONE, open_hiring, seek, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium at /usr/bin/chromium: no browser is downloaded here"),
]
SECRET = "whsec_story"
LANGUAGE = "zh-CN"
PAID_MS = 60_000


@dataclass(frozen=True)
class StripeMarket:
    """A market, and the Stripe that it was told of."""

    product: Product
    stripe: LocalStripe


@pytest.fixture(scope="module")
def shop() -> Iterator[StripeMarket]:
    """`market up` with Stripe beside the sandbox, whose sample data has paid through the latter."""
    port, seller = free_ports(2)
    with LocalStripe() as stripe:
        stripe.hook = Hook(f"http://127.0.0.1:{port}/hooks/stripe", SECRET, copies=2, reversed=True)
        told = {
            "PORT": str(port),
            "SAMPLE_SELLER_PORT": str(seller),
            "SAMPLE_HISTORY": "off",
            "PAYMENT_GATEWAYS": "sandbox,stripe",
            "STRIPE_API_KEY": "sk_test_story",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_BASE_ADDRESS": stripe.address,
        }
        with running_product(told) as (address, _):
            yield StripeMarket(Product(address, f"http://127.0.0.1:{seller}"), stripe)


def test_paid_on_another_page_kept_and_declined(shop: StripeMarket, visit: Visits) -> None:
    page = visit(PHONE, LANGUAGE).page
    sign_in(page, shop.product, BUYERS[LANGUAGE])
    second = open_sheet(page, shop.product)
    page.select_option("dialog #pay-with", "stripe:checkout_kept")
    page.locator("dialog[open] [data-pay]").click()

    # The payer is led to the gateway's page, and to the bank's; and comes back to this second of the video.
    page.wait_for_url(f"{shop.stripe.address}/pay/**")
    follow(page.locator("button[value=authenticate]"))
    page.wait_for_url(f"{shop.stripe.address}/bank/**")
    page.locator("button[value=confirm]").click()
    page.wait_for_url(re.compile(rf"{shop.product.address}/v/[0-9a-f-]+\?t={second}$"))

    # Two clicks with what was kept: it stands first in the sheet. This bank asks each time.
    page.wait_for_timeout(2_000)
    open_sheet(page, shop.product)
    expect(page.locator("dialog #pay-with option:checked")).to_have_text("万事达卡 •••• 3155")
    page.locator("dialog[open] [data-pay]").click()
    page.wait_for_url(f"{shop.stripe.address}/bank/**")
    page.locator("button[value=confirm]").click()
    page.wait_for_url(f"{shop.product.address}/v/**")

    page.goto(f"{shop.product.address}/payment-methods")
    expect(page.get_by_text("万事达卡 •••• 3155").first).to_be_visible()
    looks_right(page)

    # Declined, left, and paid another way from the order.
    open_sheet(page, shop.product)
    page.select_option("dialog #pay-with", "stripe:checkout")
    page.locator("dialog[open] [data-pay]").click()
    page.wait_for_url(f"{shop.stripe.address}/pay/**")
    page.locator("button[value=decline]").click()
    expect(page.get_by_text("Your card was declined.")).to_be_visible()
    page.locator("button[value=leave]").click()
    page.wait_for_url(f"{shop.product.address}/orders/**")
    looks_right(page)
    page.locator("form[action$='/withdraw'] button").click()
    expect(page.locator("form[action$='/pay']")).to_be_visible()
    looks_right(page)
    page.select_option("#pay-with", "stripe:checkout")
    page.locator("form[action$='/pay'] button").click()
    page.wait_for_url(f"{shop.stripe.address}/pay/**")
    page.locator("button[value=pay]").click()
    page.wait_for_url(f"{shop.product.address}/v/**", timeout=PAID_MS)


def open_sheet(page: Page, product: Product) -> int:
    """The hiring software's card in its video, pressed; returns the second."""
    open_hiring(page, product, LANGUAGE)
    card = page.locator("[data-card]").first
    second = int(card.get_attribute("data-from") or "0")
    seek(page, second + 0.2)
    card.click()
    page.wait_for_selector("dialog[open] [data-pay]")
    return second
