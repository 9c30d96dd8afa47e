"""A circle is refused, finds a company that pays, and buys what is offered to it alone: by pages, its owner's at a desk."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import PASSWORD, Product, Visits
from tests.browser.journeys.relations import (
    OPERATOR,
    SELLER,
    agrees,
    moment,
    option,
    paid_paper,
    pays,
    proposes,
    proves,
)
from tests.browser.journeys.test_accounts import follow
from tests.browser.journeys.test_journey import DESK, HIRING, PHONE
from tests.browser.stories.people import ACTIVE_MS, Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]


def test_a_circle_is_refused_binds_to_a_company_and_buys_what_is_offered_to_it_alone(
    product: Product, visit: Visits, tmp_path: Path
) -> None:
    name = secrets.token_hex(3)
    circle, company = f"Hiring peers {name}", f"Harbour Works {name}"
    leading = visit(DESK, "en")
    leading.allowed.append("/v1/purchases")  # refused until somebody pays
    founder, payer = Person(leading.page, product), Person(visit(PHONE, "en").page, product)
    seller, operator = (Person(visit(PHONE, "zh-CN").page, product) for _ in range(2))
    founder.sign_up(f"Founder {name}")
    payer.sign_up(company)
    operator.sign_in(OPERATOR, PASSWORD, "/operator")
    proves(payer, operator, company)

    here = founds(founder, circle)
    seller.sign_in(SELLER, PASSWORD, "/circles")
    offers_to(seller, circle, f"圈内七折 {name}")
    outside_nothing_is_offered(payer, here)

    acts_for(founder, circle)
    buys_in_circle(founder, here, f"圈内七折 {name}")
    founder.page.locator("[data-pay]").click()
    expect(founder.page.locator("[data-error]")).to_contain_text("cannot be billed itself")
    founder.press("a[href='/payers']:has-text('Find a company')")
    proposes(founder, company)
    agrees(payer, circle, monthly="50000", order="")
    keeps_a_way(payer)
    buys_in_circle(founder, here, f"圈内七折 {name}")
    pays(founder, company)
    expect(founder.page.locator("[data-open]")).to_be_visible(timeout=ACTIVE_MS)
    founder.look()
    follow(founder.page.locator("[data-order]"))
    founder.look()
    assert company in paid_paper(payer, tmp_path)


def founds(founder: Person, circle: str) -> str:
    """A circle that everybody finds and may join; returns its address."""
    founder.open("/circles")
    founder.fill("#name", circle)
    founder.choose("#kind", value="exchange")
    founder.choose("#visibility", value="open")
    founder.choose("#joining", value="open")
    founder.press("form[action='/circles'] button.first")
    founder.press(f"a:has-text('{circle}')")
    founder.look()
    return urlsplit(founder.page.url).path


def offers_to(seller: Person, circle: str, called: str) -> None:
    """The seller is in it, and takes 30 percent off for it."""
    seller.press(f"a:has-text('{circle}')")
    seller.press("form[action$='/join'] button")
    seller.inputs += 1
    seller.page.locator("section[aria-labelledby=offers] summary").click()
    seller.choose("#listing_id", value=option(seller.page, "#listing_id", HIRING["zh-CN"]))
    seller.fill("#offer_name", called)
    seller.fill("#percent", "30")
    seller.fill("#starts_on", moment(0)[:10])
    seller.fill("#ends_on", moment(20)[:10])
    seller.look()
    seller.press("form[action$='/offers'] button.first")
    expect(seller.page.locator("section[aria-labelledby=offers] .tag")).to_be_visible()
    seller.look()


def outside_nothing_is_offered(stranger: Person, here: str) -> None:
    """Whoever is not in the circle reads of it what everybody may."""
    stranger.open(here)
    assert stranger.page.locator("section[aria-labelledby=offers]").count() == 0


def acts_for(person: Person, organization: str) -> None:
    """By the menu of one's own name."""
    person.inputs += 1
    person.page.locator("details.menu summary:visible").last.click()
    person.press(f"button[name=organization_id]:visible:has-text('{organization}')")
    person.look()


def buys_in_circle(buyer: Person, here: str, called: str) -> None:
    """To the sheet, at the circle's price: 20 seats at ¥199, less 30 percent."""
    buyer.open(here)
    buyer.press("section[aria-labelledby=offers] a[href*='circle=']")
    expect(buyer.page.get_by_text(called).first).to_be_visible()
    expect(buyer.page.locator("[data-gross]")).to_have_text(re.compile("2,786.00"))
    buyer.look()


def keeps_a_way(payer: Person) -> None:
    """To pay what stays within its limits by, without being asked."""
    payer.inputs += 1
    payer.page.locator("details:has(form[action$='/method']) summary").click()
    form = "form[action$='/method']"
    way = payer.page.locator(f"{form} option:not([value=''])").first.get_attribute("value")
    payer.choose(f"{form} select", value=way)
    payer.press(f"{form} button")
    payer.look()
