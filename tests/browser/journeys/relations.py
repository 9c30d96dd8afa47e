"""What the stories of organizations that know each other have in common."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect
from pypdf import PdfReader

from kernel import clock
from tests.browser.stories.people import Person, scan

SELLER: Final = "owner@yihao.example"
SELLER_NAME: Final = "杭州一号直聘网络科技有限公司"
OPERATOR: Final = "operator@market.example"
ORGANIZER: Final = "owner@harbor.example"
SEATS: Final = 20
"""The fewest in which the seller's plan is sold."""


def moment(days: int) -> str:
    """So many days from now, as a field has it; by sample organizations' clocks."""
    at = clock.wall_now().astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M")


def option(page: Page, field: str, words: str) -> str:
    """The value of the choice that says so."""
    found = page.locator(f"{field} option", has_text=words).first.get_attribute("value")
    assert found, words
    return found


def proves(person: Person, operator: Person, organization: str) -> None:
    """Hands in its licence, which the operator looks at: others find it from then on."""
    person.open("/organization/verification")
    person.give("#file", scan())
    person.press("form[enctype] button.first")
    operator.open("/operator/sellers")
    operator.press(f"a:has-text('{organization}')")
    operator.press("button[value=approve]")


def pays(person: Person, way: str) -> None:
    """In the sheet that is open, over a page or a page by itself."""
    person.choose("#pay-with", value=option(person.page, "#pay-with", way))
    expect(person.page.locator("[data-pay]")).to_be_enabled()
    person.look()
    person.inputs += 1
    person.page.locator("[data-pay]").click()


def proposes(orderer: Person, payer: str) -> None:
    """That somebody else pays for what it orders."""
    orderer.open("/payers")
    orderer.fill("#partners", payer)
    orderer.choose("#side", value="orderer")
    orderer.press("form[action='/payers'] button.first")
    expect(orderer.page.get_by_text(payer).first).to_be_visible()
    orderer.look()


def agrees(payer: Person, orderer: str, *, monthly: str, order: str) -> None:
    """To pay so much a month; of an order above so much it is asked."""
    payer.open("/payers")
    form = f"form[action$='/accept']:has-text('{orderer}')"
    payer.fill(f"{form} [name=monthly_limit]", monthly)
    payer.fill(f"{form} [name=order_limit]", order)
    payer.press(f"{form} button.first")
    payer.look()


def paid_paper(payer: Person, folder: Path) -> str:
    """The words of the invoice of what was paid for another, which is drawn within moments."""
    paper = payer.page.locator("a[href$='/pdf']").first
    for _ in range(60):
        payer.page.goto(f"{payer.product.address}/payers/charges")
        if paper.count():
            break
        payer.page.wait_for_timeout(500)
    payer.look()
    with payer.page.expect_download() as download:
        paper.click()
    saved = folder / download.value.suggested_filename
    download.value.save_as(saved)
    return "".join(page.extract_text() for page in PdfReader(saved).pages)
