"""A buyer's administrator keeps invoice titles and purchase rules, in either language, on a phone and at a desk."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import Product, Visits
from tests.browser.journeys.test_accounts import looks_right
from tests.browser.journeys.test_journey import DESK, PHONE, sign_in
from tests.factories_marketplace import new_tax_id

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]


def submit(page: Page, form: str) -> None:
    """Send a form and be on the next page."""
    with page.expect_navigation():
        page.click(f"{form} button.first")


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en")])
def test_titles_and_limits(product: Product, visit: Visits, width: int, language: str) -> None:
    visitor, name = visit(width, language), f"湖畔{secrets.token_hex(4)}"
    page = visitor.page
    sign_in(page, product, "owner@lakeside.example")
    visitor.allowed += ["/billing-profiles/new", "/purchase-rules"]  # what is wrong is answered 422

    page.goto(f"{product.address}/billing-profiles")
    looks_right(page)
    page.goto(f"{product.address}/billing-profiles/new")
    expect(page.locator("#vat_status")).to_be_visible()
    page.check("#party_type-person")
    expect(page.locator("#vat_status")).to_be_hidden()
    page.check("#party_type-organization")
    looks_right(page)
    right = new_tax_id()
    page.fill("#legal_name", name)
    page.fill("#email", "invoices@firm.example")
    page.fill("#tax_id", right[:-1])
    submit(page, "form[action='/billing-profiles/new']")
    expect(page.locator("#tax_id-wrong")).to_be_visible()
    assert page.input_value("#legal_name") == name
    looks_right(page)
    page.fill("#tax_id", right)
    submit(page, "form[action='/billing-profiles/new']")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    looks_right(page)

    page.goto(f"{product.address}/purchase-rules")
    looks_right(page)
    form = "form[action='/purchase-rules']:has(#currency)"
    # Not the yuan, by which other tests buy.
    currency = page.locator("#currency option").nth(3).get_attribute("value")
    assert currency is not None
    page.select_option("#currency", currency)
    page.fill("#order-new", "1,00")
    submit(page, form)
    expect(page.locator("#order-new-wrong")).to_be_visible()
    looks_right(page)
    page.fill("#order-new", "10,000")
    page.fill("#month-new", "50,000")
    submit(page, form)
    expect(page.locator(f"#rule-{currency}")).to_be_visible()
    page.locator("section", has=page.locator(f"#rule-{currency}")).locator("summary").click()
    looks_right(page)
