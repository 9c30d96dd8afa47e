"""A seller makes a coupon and a promotion at a desk; a buyer sees the one, types the other on a phone, and buys with it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import Product, Visits
from tests.browser.journeys.test_accounts import follow, looks_right
from tests.browser.journeys.test_journey import DESK, HIRING, PHONE, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]


def make(seller: Page, name: str, code: str, percent: str) -> None:
    seller.fill("#name", name)
    seller.fill("#code", code)
    seller.fill("#percent", percent)
    seller.locator("form[action='/seller/coupons'] button.first").click()


def buy_with_the_right_code(buyer: Page) -> None:
    """In the open sheet: a wrong code first, which keeps what was typed beside it."""
    sheet = buyer.locator("dialog[open]")
    expect(sheet.get_by_text("优惠 Autumn")).to_be_visible()
    sheet.locator("#po").fill("PO-77")
    before = sheet.locator("[data-gross]").inner_text()
    sheet.locator("#coupon").fill("nope")
    sheet.locator("[data-apply]").click()
    expect(sheet.locator("[data-error]")).to_contain_text("没有可用的优惠码")
    expect(sheet.locator("#coupon")).to_have_attribute("aria-invalid", "true")
    expect(sheet.locator("#coupon")).to_have_value("nope")
    expect(sheet.locator("#po")).to_have_value("PO-77")
    sheet.locator("#coupon").fill("spring-25")
    sheet.locator("[data-apply]").click()
    expect(sheet.get_by_text("优惠 SPRING-25")).to_be_visible()
    expect(sheet.locator("[data-error]")).to_be_empty()
    expect(sheet.locator("[data-gross]")).not_to_have_text(before)
    looks_right(buyer)
    total = sheet.locator("[data-gross]").inner_text()
    expect(sheet.locator("[data-pay]")).to_contain_text(total)
    sheet.locator("[data-pay]").click()
    order = sheet.locator("[data-order]")
    expect(order).to_be_visible()
    follow(order)
    expect(buyer.get_by_text("SPRING-25").first).to_be_visible()
    looks_right(buyer)


def test_a_code_is_typed_refused_taken_and_seen_by_its_seller(product: Product, visit: Visits) -> None:
    visiting, selling = visit(PHONE, "zh-CN"), visit(DESK, "en")
    visiting.allowed.append("/v1/quotes")
    selling.allowed.append("/seller/coupons")
    buyer, seller = visiting.page, selling.page
    sign_in(seller, product, "owner@yihao.example")
    seller.goto(f"{product.address}/seller/coupons")
    looks_right(seller)
    make(seller, "Spring", "a b", "25")
    expect(seller.locator("#code-wrong")).to_be_visible()
    expect(seller.locator("#name")).to_have_value("Spring")
    looks_right(seller)
    make(seller, "Spring", "spring-25", "25")
    expect(seller.get_by_role("link", name="Spring", exact=True)).to_be_visible()
    make(seller, "Autumn", "", "10")
    expect(seller.get_by_role("link", name="Autumn", exact=True)).to_be_visible()
    looks_right(seller)

    sign_in(buyer, product, "owner@lakeside.example")
    buyer.goto(f"{product.address}/products")
    follow(buyer.get_by_role("link", name=HIRING["zh-CN"]).first)
    expect(buyer.get_by_text("Autumn · 优惠 10%").first).to_be_visible()
    looks_right(buyer)
    buyer.locator("a[data-buy][href*='/buy']:not([href*='trial'])").first.click()
    buy_with_the_right_code(buyer)

    seller.goto(f"{product.address}/seller/coupons")
    follow(seller.get_by_role("link", name="Spring", exact=True))
    expect(seller.locator("tbody tr")).to_have_count(1)
    looks_right(seller)
    seller.on("dialog", lambda asked: asked.accept())
    end = seller.locator("form[action$='/end'] button")
    end.click()
    expect(seller.get_by_text("Ended").first).to_be_visible()
    # Other stories of this market are at list prices.
    end.click()
    expect(end).to_have_count(0)
