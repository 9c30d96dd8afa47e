"""A seller in Chromium: from sign-up to a finished checklist, with the operator's no and yes in between."""

from __future__ import annotations

import io
import re
import secrets

import httpx
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect
from stdnum.cn import uscc

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import Product, Visits
from tests.browser.journeys.test_accounts import PASSWORDS, code_in_mail, follow, looks_right
from tests.browser.journeys.test_journey import DESK, PHONE, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]
OPERATOR = "operator@market.example"
NO = "The lower half is not legible."


def scan(name: str) -> FilePayload:
    """A picture of a licence."""
    written = io.BytesIO()
    Image.new("RGB", (640, 400), (240, 240, secrets.randbelow(200))).save(written, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": written.getvalue()}


def tax_id() -> str:
    """A unified social credit code with a right check digit."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    base = "91310000" + "".join(secrets.choice(signs) for _ in range(9))
    return base + str(uscc.calc_check_digit(base))


def sign_up(page: Page, product: Product, name: str) -> None:
    """Come in to sell."""
    address = f"seller-{name}@firm.example"
    page.goto(f"{product.address}/sign-up")
    page.fill("#email", address)
    page.click("form[action='/sign-up'] button")
    page.wait_for_url("**/sign-up/complete?**")
    page.fill("#code", code_in_mail(page, product, address))
    page.fill("#name", "Wang Fang")
    page.fill("#password", PASSWORDS[0])
    page.fill("#legal_name", f"Seller {name} Ltd")
    page.fill("#tax_id", tax_id())
    page.check("[name=is_seller][value=yes]")
    page.click("form[action='/sign-up/complete'] button")
    page.wait_for_url("**/seller/start")


def states(page: Page, product: Product) -> list[str]:
    """How the steps stand, in the order of the page."""
    page.goto(f"{product.address}/seller/start")
    looks_right(page)
    return [one.get_attribute("class") or "" for one in page.locator(".checklist > li").all()]


def hand_in(page: Page, product: Product) -> None:
    """Upload a document."""
    page.goto(f"{product.address}/seller/start/legal")
    looks_right(page)
    page.set_input_files("#file", scan("licence.png"))
    page.click("form[action='/seller/start/legal'] button")
    expect(page.locator(".note.info")).to_be_visible()
    looks_right(page)


def decide(operator: Page, product: Product, seller: str, reason: str) -> None:
    """The operator looks at a seller's document, and says yes, or no with a reason."""
    operator.goto(f"{product.address}/operator/sellers")
    looks_right(operator)
    follow(operator.get_by_role("link", name=seller, exact=True))
    picture = operator.locator("img.document")
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.complete && one.naturalWidth") == 640
    looks_right(operator)
    if reason:
        operator.fill("#reason", reason)
    operator.click("button[value=reject]" if reason else "button[value=approve]")
    operator.wait_for_url("**/operator/sellers")
    expect(operator.get_by_role("status").first).to_be_visible()


def give_account(page: Page, product: Product) -> None:
    """A wrong number first, then the right one."""
    page.goto(f"{product.address}/seller/start/payout-account")
    looks_right(page)
    page.fill("#bank_name", "中国工商银行杭州西湖支行")
    page.fill("#account", "6222 0202 0011 2233 445")
    page.fill("#bank_code", "1021")
    page.click("form[action='/seller/start/payout-account'] button")
    expect(page.locator("#bank_code")).to_have_attribute("aria-invalid", "true")
    assert page.input_value("#account") == "6222 0202 0011 2233 445"
    looks_right(page)
    page.fill("#bank_code", "102100099996")
    page.click("form[action='/seller/start/payout-account'] button")
    expect(page.get_by_text("•••• 3445")).to_be_visible()
    looks_right(page)


def connect(page: Page, product: Product, vendor: str) -> None:
    """Set the connector up, fail the test while the system does not know the secret, tell it, and pass."""
    page.goto(f"{product.address}/seller/connectors")
    looks_right(page)
    page.fill("#name", "Production")
    page.fill("#url", f"{product.seller}/webhooks/marketplace/{vendor}")
    page.click("form[action='/seller/connectors'] button")
    secret = page.input_value("#secret")
    looks_right(page)
    page.click("form[action$='/test'] button")
    expect(page.locator(".checklist > li.failed")).to_have_count(1)
    assert page.locator("#secret").count() == 0, "it was shown once"
    page.locator(".transcript summary").first.click()
    looks_right(page)
    told = httpx.post(f"{product.seller}/secrets", json={"vendor": vendor, "secret": secret}, trust_env=False)
    assert told.status_code == 200, told.text
    page.click("form[action$='/test'] button")
    expect(page.locator(".checklist > li.done")).to_have_count(3)
    looks_right(page)


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en")])
def test_from_sign_up_to_a_finished_checklist(product: Product, visit: Visits, width: int, language: str) -> None:
    visitor, name = visit(width, language), secrets.token_hex(4)
    page, seller = visitor.page, f"Seller {name} Ltd"
    visitor.allowed.append("/seller/start/payout-account")  # the wrong bank code is answered 422
    operator = visit(width, language).page
    sign_in(operator, product, OPERATOR, "/operator")

    sign_up(page, product, name)
    assert states(page, product) == ["todo"] * 8
    hand_in(page, product)
    decide(operator, product, seller, NO)
    assert states(page, product)[0] == "rejected"
    expect(page.get_by_text(NO)).to_be_visible()
    hand_in(page, product)
    decide(operator, product, seller, "")

    page.goto(f"{product.address}/seller/start/tax")
    looks_right(page)
    page.click("form[action='/seller/start/tax'] button")
    page.wait_for_url("**/seller/start")
    give_account(page, product)
    page.goto(f"{product.address}/seller/start/agreement")
    looks_right(page)
    page.check("[name=accepted]")
    page.click("form[action='/seller/start/agreement'] button")
    page.wait_for_url("**/seller/start")
    page.goto(f"{product.address}/seller/channel")
    looks_right(page)
    for field, text in (("handle", f"c-{name}"), ("name", "频道"), ("name_en", "Channel")):
        page.fill(f"#{field}", text)
    page.click("form[action='/seller/channel'] button")
    expect(page.get_by_text(f"@c-{name}")).to_be_visible()
    looks_right(page)
    connect(page, product, f"vendor-{name}")

    assert states(page, product)[:6] == ["done"] * 6
    page.goto(f"{product.address}/seller")
    assert page.locator("#todo").count() == 0


def test_a_buyer_begins_to_sell_without_scripts(product: Product, visit: Visits) -> None:
    visitor, name = visit(PHONE, "en", scripts=False), secrets.token_hex(4)
    page, address = visitor.page, f"buyer-{name}@firm.example"
    page.goto(f"{product.address}/sign-up")
    page.fill("#email", address)
    page.click("form[action='/sign-up'] button")
    mailbox = visit(PHONE, "en").page
    page.fill("#code", code_in_mail(mailbox, product, address))
    page.fill("#name", "Kim")
    page.fill("#password", PASSWORDS[0])
    page.fill("#legal_name", f"Buyer {name} Ltd")
    page.select_option("#country", "US")
    page.click("form[action='/sign-up/complete'] button")
    page.wait_for_url("**/orders")
    page.goto(f"{product.address}/seller/start")
    page.click("main form[action='/seller/start'] button")
    expect(page.locator(".checklist > li.todo")).to_have_count(8)
    page.goto(f"{product.address}/seller/start/legal")
    page.set_input_files("#file", scan("extract.png"))
    page.click("form[action='/seller/start/legal'] button")
    expect(page.get_by_text(re.compile("looking at your document"))).to_be_visible()
