"""From a search to a product's page and to an order that no video sold, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import Product, Visits
from tests.browser.journeys.test_accounts import follow, looks_right
from tests.browser.journeys.test_journey import PHONE, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]


def test_from_a_search_to_an_order(product: Product, visit: Visits) -> None:
    visitor = visit(PHONE, "zh-CN")
    page = visitor.page
    sign_in(page, product, "owner@lakeside.example")
    page.goto(f"{product.address}/products")
    looks_right(page)
    page.fill("#find-all", "zhaopin")
    with page.expect_navigation():
        page.press("#find-all", "Enter")
    expect(page.locator("mark", has_text="招聘").first).to_be_visible()
    looks_right(page)
    follow(page.locator("a.hit[href^='/products/']").first)
    looks_right(page)
    page.locator("a[data-buy]").first.click()
    sheet = page.locator("dialog[open]")
    expect(sheet.locator("[data-gross]")).to_be_visible()
    sheet.locator("[data-pay]").click()
    order = sheet.locator("[data-order]")
    expect(order).to_be_visible()
    follow(order)
    looks_right(page)
