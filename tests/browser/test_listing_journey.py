"""A seller writes a listing, the operator returns it with reasons, the seller mends it, and it is on sale."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHROMIUM, Product, Visits
from tests.browser.test_accounts import follow, looks_right
from tests.browser.test_journey import DESK, PHONE, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium at /usr/bin/chromium: no browser is downloaded here"),
]

SELLER = "owner@yihao.example"
OPERATOR = "operator@market.example"
DONE = {"zh-CN": "已保存", "en": "Saved"}
RETURNED = {
    "zh-CN": "请删除，或给出可以核实的依据。",
    "en": "Take the claim out, or give evidence that can be checked.",
}


def press(page: Page, selector: str) -> None:
    """Press a button that leads to another page."""
    with page.expect_navigation():
        page.locator(selector).first.click()


def write_draft(page: Page, product: Product, language: str, name: str) -> str:
    """A draft with one language and one plan, saved as it is written; its editor's address."""
    page.goto(f"{product.address}/seller/listings")
    follow(page.locator("a[href='/seller/listings/new']").first)
    looks_right(page)
    title = "#new-title" if language == "zh-CN" else "#new-title_en"
    page.fill(title, name)
    press(page, "form[action='/seller/listings/new'] button.first")
    looks_right(page)
    ending = "" if language == "zh-CN" else "_en"
    page.fill(f"#text-summary{ending}", "No. 1")
    page.fill(f"#text-description{ending}", "## Rota\n\n- **20** seats")
    expect(page.locator("#text [data-saved]")).to_have_text(DONE[language])
    page.fill("#new-name_en", "Standard")
    page.fill("#new-price", "199")
    page.select_option("#new-connector_id", index=1)
    press(page, "#add-plan button.first")
    looks_right(page)
    return page.url.partition("#")[0]


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en"), (PHONE, "en"), (DESK, "zh-CN")])
def test_a_listing_is_written_returned_mended_and_sold(
    product: Product, visit: Visits, width: int, language: str
) -> None:
    name = f"Rota {secrets.token_hex(4)}"
    seller, operator = visit(width, language).page, visit(width, language).page
    sign_in(seller, product, SELLER)
    editor = write_draft(seller, product, language, name)
    follow(seller.locator("a[href$='/preview']"))
    expect(seller.locator("main")).to_contain_text("¥199")
    looks_right(seller)
    seller.goto(editor)
    press(seller, "form[action$='/submit'] button")
    looks_right(seller)

    sign_in(operator, product, OPERATOR)
    operator.goto(f"{product.address}/operator/reviews")
    looks_right(operator)
    follow(operator.get_by_role("link", name=name))
    looks_right(operator)
    field = operator.locator(f"input[value='summary{'' if language == 'zh-CN' else '_en'}']")
    number = re.sub(r"\D", "", field.get_attribute("name") or "")
    operator.select_option(f"#code-{number}", "review_unproven")
    operator.fill(f"[name='note_{number}']", "No. 1?")
    press(operator, "button[value='reject']")
    looks_right(operator)

    seller.goto(editor)
    expect(seller.locator("#text")).to_contain_text(RETURNED[language])
    looks_right(seller)
    seller.fill(f"#text-summary{'' if language == 'zh-CN' else '_en'}", "A month's rota on one screen")
    press(seller, "#text .row button.first")
    press(seller, "form[action$='/submit'] button")

    operator.goto(f"{product.address}/operator/reviews")
    follow(operator.get_by_role("link", name=name))
    looks_right(operator)
    for box in operator.locator("input[type=checkbox]").all():
        box.check()
    press(operator, "button[value='approve']")
    seller.goto(editor)
    expect(seller.locator("form[action$='/versions']")).to_be_visible()
    looks_right(seller)


def test_without_scripts_a_draft_is_written_too(product: Product, visit: Visits) -> None:
    page = visit(DESK, "en", scripts=False).page
    sign_in(page, product, SELLER)
    page.goto(f"{product.address}/seller/listings/new")
    page.fill("#new-title_en", f"Rota {secrets.token_hex(4)}")
    press(page, "form[action='/seller/listings/new'] button.first")
    page.fill("#text-summary_en", "A month's rota")
    press(page, "#text .row button.first")
    expect(page.locator("#text-summary_en")).to_have_value("A month's rota")
