"""Asked on a phone, offered at a desk, bought at the offered price; a demo is booked and given up."""

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


def ask(page: Page, product: Product, kind: str) -> None:
    """Open the form of the hiring software over its page."""
    page.goto(f"{product.address}/products")
    follow(page.get_by_role("link", name=HIRING["zh-CN"]).first)
    page.locator(f"a[data-buy][href$='/ask/{kind}']").click()
    expect(page.locator("dialog[open] form.buy")).to_be_visible()
    looks_right(page)


def open_hours(seller: Page, product: Product) -> None:
    """The seller gives demos on every day."""
    seller.goto(f"{product.address}/seller/demo-hours")
    looks_right(seller)
    for day in range(1, 8):
        seller.check(f"[name=day_{day}]")
    seller.fill("#ends", "20:00")
    seller.click("form[action='/seller/demo-hours'] button.first")
    expect(seller.get_by_role("status").first).to_be_visible()


def bargain(buyer: Page, seller: Page) -> None:
    """The buyer proposes another price in the thread; the seller, who has it open, offers just that."""
    counter = buyer.locator("details:has(form[action$='/counter'])")
    counter.locator("summary").click()
    buyer.fill("#unit_price_1", "140")
    follow(counter.locator("form button"))
    looks_right(buyer)
    seller.reload()
    looks_right(seller)
    expect(seller.locator("#unit_price")).to_have_value("140.00")
    seller.locator("form[action$='/offers'] button.first").click()
    expect(seller.locator(".offer-shown")).to_have_count(2)
    looks_right(seller)


def test_from_a_request_to_an_order_at_the_offered_price(product: Product, visit: Visits) -> None:
    visitor, seller = visit(PHONE, "zh-CN"), visit(DESK, "en").page
    visitor.allowed.append("/ask/quote")
    buyer = visitor.page
    sign_in(seller, product, "owner@yihao.example")
    open_hours(seller, product)

    sign_in(buyer, product, "owner@lakeside.example")
    ask(buyer, product, "quote")
    buyer.fill("dialog #text", "20 席，年付。")
    buyer.fill("dialog #quantity", "0")
    buyer.locator("dialog form.buy button.first").click()
    expect(buyer.locator("dialog[open] #quantity-wrong")).to_be_visible()
    expect(buyer.locator("dialog #text")).to_have_value("20 席，年付。")
    buyer.fill("dialog #quantity", "20")
    follow(buyer.locator("dialog form.buy button.first"))
    request = buyer.url
    looks_right(buyer)

    seller.goto(request.replace("/requests/", "/seller/leads/"))
    looks_right(seller)
    seller.fill("#unit_price", "150")
    seller.locator("form[action$='/offers'] button.first").click()
    expect(seller.locator("form[action$='/withdraw']")).to_be_visible()
    looks_right(seller)

    buyer.goto(request)
    looks_right(buyer)
    bargain(buyer, seller)

    buyer.goto(request)
    looks_right(buyer)
    follow(buyer.locator("a[href^='/offers/']"))
    looks_right(buyer)
    expect(buyer.locator("[data-gross]")).to_contain_text("2,800.00")
    buyer.locator("[data-pay]").click()
    order = buyer.locator("[data-order]")
    expect(order).to_be_visible()
    follow(order)
    looks_right(buyer)
    customer = seller.locator("a[href^='/seller/customers/']").first
    follow(customer)
    expect(seller.locator("table").first).to_be_visible()
    looks_right(seller)

    ask(buyer, product, "demo")
    buyer.locator("dialog #slot").select_option(index=1)
    follow(buyer.locator("dialog form.buy button.first"))
    looks_right(buyer)
    give_up = buyer.locator("form[action$='/booking'] button[value=cancel]")
    buyer.on("dialog", lambda asked: asked.accept())
    give_up.click()
    expect(give_up).to_have_count(0)
