"""Two-step sign-in as a person does it: an app is set up, the next sign-in asks for a code, and it is switched off again."""

from __future__ import annotations

import re
import secrets

import pyotp
import pytest
from playwright.sync_api import Page, expect

from kernel import clock
from tests.browser.chromium import needs_chromium
from tests.browser.conftest import Product, Visits
from tests.browser.journeys.test_accounts import DIGITS, follow, looks_right, open_mail
from tests.browser.journeys.test_journey import DESK, PHONE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]

PASSWORD = "first long password"
PAGE = "/account/second-factor"


def sign_up(page: Page, product: Product, email: str) -> None:
    page.goto(f"{product.address}/sign-up")
    page.fill("#email", email)
    page.click("form[action='/sign-up'] button")
    page.wait_for_url("**/sign-up/complete?**")
    open_mail(page, product, email, DIGITS)
    follow(page.locator("a[href^='/sign-up/complete']"))
    page.fill("#name", "Kim")
    page.fill("#password", PASSWORD)
    page.fill("#legal_name", f"Steps {email[6:14]} Ltd")
    page.select_option("#country", "US")
    page.click("form[action='/sign-up/complete'] button")
    page.wait_for_url(lambda address: "/sign-up" not in address)


def code_of(secret: str) -> str:
    return pyotp.TOTP(secret).at(int(clock.wall_now().timestamp()))


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en")])
def test_it_is_switched_on_asked_for_and_switched_off(
    product: Product, visit: Visits, width: int, language: str
) -> None:
    visitor, email = visit(width, language), f"steps-{secrets.token_hex(4)}@firm.example"
    page = visitor.page
    visitor.allowed += [f"{PAGE}/confirm", "/sign-in/code"]  # wrong codes are answered 422
    sign_up(page, product, email)
    page.goto(f"{product.address}/account")
    looks_right(page)
    follow(page.locator(f"a[href='{PAGE}']"))
    looks_right(page)
    page.fill("#begin-password", PASSWORD)
    page.click(f"form[action='{PAGE}/setup'] button")
    expect(page.locator("[role=img] svg")).to_be_visible()
    looks_right(page)
    secret = page.locator("code").inner_text().replace(" ", "")
    page.fill("#code", "x")
    page.click(f"form[action='{PAGE}/confirm'] button")
    expect(page.get_by_role("alert")).to_be_visible()
    looks_right(page)
    page.fill("#code", code_of(secret))
    page.click(f"form[action='{PAGE}/confirm'] button")
    expect(page.locator("li code").first).to_be_visible()
    looks_right(page)
    codes = re.findall(r"(?:[A-Z2-9]{4}-){3}[A-Z2-9]{4}", page.locator("main").inner_text())
    assert len(set(codes)) == 10
    page.goto(f"{product.address}{PAGE}")
    looks_right(page)

    other = visit(width, language)
    other.allowed.append("/sign-in/code")
    there = other.page
    there.goto(f"{product.address}/sign-in?next=/account")
    there.fill("#email", email)
    there.fill("#password", PASSWORD)
    there.click("form[action='/sign-in'] button.first")
    there.wait_for_url("**/sign-in/code?**")
    looks_right(there)
    there.fill("#code", "000000")
    there.click("form[action='/sign-in/code'] button.first")
    expect(there.get_by_role("alert")).to_be_visible()
    looks_right(there)
    there.fill("#code", codes[0].lower())
    there.click("form[action='/sign-in/code'] button.first")
    there.wait_for_url("**/account")
    there.goto(f"{product.address}{PAGE}")
    there.fill("#off-password", PASSWORD)
    there.fill("#off-code", codes[1])
    there.click(f"form[action='{PAGE}/off'] button")
    there.wait_for_url("**/account")
    expect(there.get_by_role("status").first).to_be_visible()
