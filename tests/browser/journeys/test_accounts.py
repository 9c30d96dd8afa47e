"""From no account at all: sign-up with the mailed code, a colleague who is invited and accepts, a forgotten password."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import PASSWORD, Product, Visits
from tests.browser.journeys.test_journey import DESK, PHONE, find_faults, fits, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]

PASSWORDS = ("first long password", "second long password")
DIGITS = re.compile(r"\d{6}")


def follow(link: Locator) -> None:
    """Click and be there: a page that is left while it is looked at has no document for a moment."""
    with link.page.expect_navigation():
        link.click()


def looks_right(page: Page) -> None:
    """No wider than its screen, and nothing for axe-core to say."""
    assert fits(page), page.url
    assert find_faults(page) == [], page.url


def open_mail(page: Page, product: Product, address: str, subject: re.Pattern[str]) -> None:
    """The newest mail to an address in the sandbox's outbox; it appears when a worker has sent it."""
    link = page.get_by_role("link", name=subject).first
    for _ in range(60):
        page.goto(f"{product.address}/outbox?to={address}")
        if link.count():
            break
        page.wait_for_timeout(250)
    looks_right(page)
    follow(link)
    looks_right(page)


def code_in_mail(page: Page, product: Product, address: str) -> str:
    """What a person reads in their mailbox, in a tab of its own."""
    mailbox = page.context.new_page()
    open_mail(mailbox, product, address, DIGITS)
    found = DIGITS.search(mailbox.locator("h1").inner_text())
    mailbox.close()
    assert found is not None
    return found.group()


def give_another_role(page: Page, name: str) -> None:
    """A member who keeps the books approves purchases from now on, too."""
    joined = page.get_by_role("listitem").filter(has=page.get_by_text(name, exact=True))
    joined.locator("summary").click()
    joined.locator("[name=role_approver]").check()
    joined.locator("button.first").click()
    expect(page.get_by_role("status").first).to_be_visible()
    joined.locator("summary").click()
    expect(joined.locator("[name=role_approver]")).to_be_checked()
    expect(joined.locator("[name=role_finance]")).to_be_checked()


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en"), (PHONE, "en"), (DESK, "zh-CN")])
def test_an_owner_signs_up_and_a_colleague_joins(product: Product, visit: Visits, width: int, language: str) -> None:
    visitor, name = visit(width, language), secrets.token_hex(4)
    page, owner, colleague = visitor.page, f"owner-{name}@firm.example", f"colleague-{name}@firm.example"
    visitor.allowed.append("/sign-up/complete")  # the wrong code is answered 422

    page.goto(f"{product.address}/sign-in")
    follow(page.locator("a[href^='/sign-up']"))
    looks_right(page)
    page.fill("#email", owner)
    page.click("form[action='/sign-up'] button")
    page.wait_for_url("**/sign-up/complete?**")
    looks_right(page)
    code = code_in_mail(page, product, owner)
    page.fill("#code", f"{(int(code) + 1) % 1_000_000:06d}")
    page.fill("#name", "王芳")
    page.fill("#password", PASSWORDS[0])
    page.fill("#legal_name", f"Lake {name} Ltd")
    page.select_option("#country", "US")
    page.click("form[action='/sign-up/complete'] button")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.input_value("#legal_name") == f"Lake {name} Ltd"
    looks_right(page)
    page.fill("#code", code)
    page.fill("#password", PASSWORDS[0])
    page.click("form[action='/sign-up/complete'] button")
    page.wait_for_url("**/orders")
    expect(page.get_by_role("status").first).to_be_visible()  # who came in is welcomed
    looks_right(page)

    page.goto(f"{product.address}/members")
    looks_right(page)
    page.fill("#email", colleague)
    page.select_option("#role", "finance")
    page.click("form[action='/members/invite'] button.first")
    expect(page.get_by_text(colleague)).to_be_visible()
    looks_right(page)

    invited = visit(width, language).page
    open_mail(invited, product, colleague, re.compile(f"Lake {name}"))
    follow(invited.locator("a[href^='/invitations/accept']"))
    looks_right(invited)
    invited.fill("#name", "李雷")
    invited.fill("#password", PASSWORDS[0])
    invited.click("form[action='/invitations/accept'] button.first")
    invited.wait_for_url("**/account")
    expect(invited.get_by_role("status").first).to_be_visible()
    looks_right(invited)
    page.goto(f"{product.address}/members")
    give_another_role(page, "李雷")
    looks_right(page)


@pytest.mark.parametrize(("width", "language"), [(PHONE, "en"), (DESK, "zh-CN")])
def test_a_forgotten_password_is_set_by_mail(product: Product, visit: Visits, width: int, language: str) -> None:
    visitor, name = visit(width, language), secrets.token_hex(4)
    page, email = visitor.page, f"forgot-{name}@firm.example"
    page.goto(f"{product.address}/sign-up")
    page.fill("#email", email)
    page.click("form[action='/sign-up'] button")
    page.wait_for_url("**/sign-up/complete?**")
    open_mail(page, product, email, DIGITS)
    follow(page.locator("a[href^='/sign-up/complete']"))
    looks_right(page)
    page.fill("#name", "Kim")
    page.fill("#password", PASSWORDS[0])
    page.fill("#legal_name", f"Forgot {name} Ltd")
    page.select_option("#country", "US")
    page.click("form[action='/sign-up/complete'] button")
    page.wait_for_url(lambda address: "/sign-up" not in address)

    other = visit(width, language).page
    other.goto(f"{product.address}/sign-in")
    follow(other.locator("a[href^='/password']"))
    looks_right(other)
    other.fill("#email", email)
    other.click("form[action='/password'] button")
    other.wait_for_url("**/password/complete?**")
    looks_right(other)
    other.fill("#code", code_in_mail(other, product, email))
    other.fill("#password", PASSWORDS[1])
    other.click("form[action='/password/complete'] button")
    other.wait_for_url("**/sign-in?**")
    expect(other.get_by_role("status")).to_be_visible()
    looks_right(other)
    other.fill("#password", PASSWORDS[1])
    other.click("form[action='/sign-in'] button.first")
    other.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto(f"{product.address}/account")
    page.wait_for_url("**/sign-in?**")


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en")])
def test_what_is_sent_after_the_session_ended_is_there_again(
    product: Product, visit: Visits, width: int, language: str
) -> None:
    """Signed out meanwhile, somebody sends a form: they are told, sign in again, and find what they had typed."""
    page = visit(width, language).page
    sign_in(page, product, "owner@lakeside.example", "/billing-profiles/new")
    page.fill("#legal_name", "Lakeside Instruments, second title")
    page.fill("#street", "88 Jinji Lake Avenue")
    page.locator("main form").first.evaluate("form => { form.noValidate = true }")
    page.context.clear_cookies()
    page.click("main form button.first")
    page.wait_for_url("**/sign-in?**")
    says = "没有数据被改动" if language == "zh-CN" else "nothing was changed"
    expect(page.locator("main .note")).to_contain_text(says)
    looks_right(page)
    page.fill("#email", "owner@lakeside.example")
    page.fill("#password", PASSWORD)
    page.click("form[action='/sign-in'] button.first")
    page.wait_for_url("**/billing-profiles/new*")
    expect(page.locator("#legal_name")).to_have_value("Lakeside Instruments, second title")
    expect(page.locator("#street")).to_have_value("88 Jinji Lake Avenue")
    assert "unsaved" not in page.url
    looks_right(page)
    page.reload()
    expect(page.locator("#street")).not_to_have_value("88 Jinji Lake Avenue")
