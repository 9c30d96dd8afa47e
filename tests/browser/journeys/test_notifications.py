"""Somebody is told that their password was changed: the bell counts it, the list leads on, and they choose how to be told."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import Product, Visits
from tests.browser.journeys.test_accounts import follow, looks_right
from tests.browser.journeys.test_journey import PHONE
from tests.browser.journeys.test_second_factor import PASSWORD, sign_up

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]


def test_what_happened_is_told_read_and_chosen(product: Product, visit: Visits) -> None:
    visitor, email = visit(PHONE, "zh-CN"), f"told-{secrets.token_hex(4)}@firm.example"
    page = visitor.page
    sign_up(page, product, email)
    page.goto(f"{product.address}/account")
    page.fill("#current_password", PASSWORD)
    page.fill("#password", "second long password")
    page.click("form[action='/account/password'] button")
    unread = page.locator(".top .bell .badge")
    for _ in range(30):
        page.goto(f"{product.address}/account")
        if unread.count():
            break
        page.wait_for_timeout(1_000)
    expect(unread).to_contain_text("1")
    follow(page.locator(".top .bell"))
    looks_right(page)
    page.click(".notifications form[action$='/open'] button")
    page.wait_for_url("**/account")
    expect(unread).to_have_count(0)
    page.goto(f"{product.address}/notifications/preferences")
    looks_right(page)
    page.select_option("#p-orders", "digest")
    page.click("form[action='/notifications/preferences'] button")
    expect(page.get_by_role("status").first).to_be_visible()
    expect(page.locator("#p-orders")).to_have_value("digest")
    expect(page.locator("#p-security")).to_be_disabled()
