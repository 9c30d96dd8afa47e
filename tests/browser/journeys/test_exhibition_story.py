"""A visitor of an exhibition becomes a customer: by pages alone, the visitor's on a phone, the exhibitor's at a desk."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import PASSWORD, Product, Visits
from tests.browser.journeys.relations import ORGANIZER, SEATS, SELLER, SELLER_NAME, moment, option
from tests.browser.journeys.test_accounts import follow
from tests.browser.journeys.test_journey import DESK, HIRING, PHONE
from tests.browser.stories.people import ACTIVE_MS, Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]


def test_a_visitor_of_an_exhibition_becomes_a_customer(product: Product, visit: Visits) -> None:
    name = secrets.token_hex(3)
    title, company = f"Autumn fair {name}", f"Visitors {name} Ltd"
    visitor, exhibitor = Person(visit(PHONE, "en").page, product), Person(visit(DESK, "zh-CN").page, product)
    organizer = Person(visit(DESK, "en").page, product)
    visitor.sign_up(company)
    organizer.sign_in(ORGANIZER, PASSWORD, "/organizer/halls")
    exhibitor.sign_in(SELLER, PASSWORD, "/organizer/halls")
    opens_hall(organizer, title)
    takes_booth(exhibitor, f"秋季云展会 {name}")
    organizer.page.reload()
    organizer.press("form[action$='/publish'] button")
    organizer.look()

    gives_badge(visitor, title, company)
    lead = answers(exhibitor, company)
    visitor.open("/requests")
    visitor.press(f"a[href='{lead}']")
    expect(visitor.page.get_by_text("您好，20 席可享九折。")).to_be_visible()
    visitor.look()
    visitor.press("a[href^='/offers/']")
    visitor.look()
    visitor.inputs += 1
    visitor.page.locator("[data-pay]").click()
    expect(visitor.page.locator("[data-open]")).to_be_visible(timeout=ACTIVE_MS)
    visitor.look()
    follow(visitor.page.locator("[data-order]"))
    visitor.look()
    exhibitor.open(lead.replace("/requests/", "/seller/leads/"))
    expect(exhibitor.page.locator(".page-head .state.good")).to_be_visible()
    organizer.press("a[href$='/report']")
    organizer.look()


def opens_hall(organizer: Person, title: str) -> None:
    """Open since yesterday, with one exhibitor invited."""
    organizer.look()
    organizer.fill("#title", title.replace("Autumn fair", "秋季云展会"))
    organizer.fill("#title_en", title)
    organizer.fill("#opens_at", moment(-1))
    organizer.fill("#closes_at", moment(2))
    organizer.press("form[action='/organizer/halls'] button.first")
    organizer.press(f"a:has-text('{title}')")
    organizer.fill("#partners", SELLER_NAME)
    organizer.press("form[action$='/exhibitors'] button.first")
    organizer.look()


def takes_booth(exhibitor: Person, title: str) -> None:
    """With a product to show and words of welcome."""
    exhibitor.open("/organizer/halls")
    exhibitor.press(f"a:has-text('{title}')")
    exhibitor.press("form[action$='/accept'] button")
    exhibitor.fill("#words", "欢迎来聊校园招聘。")
    exhibitor.page.get_by_label(HIRING["zh-CN"], exact=True).fill("1")
    exhibitor.press("form:has(#words) button.first")
    exhibitor.look()


def gives_badge(visitor: Person, title: str, company: str) -> None:
    """Registers with consent, and gives the badge to the booth with consent of its own."""
    visitor.open("/halls")
    visitor.press(f"a:has-text('{title}')")
    visitor.look()
    visitor.press(".page-head a[href$='/badge']")
    visitor.fill("#name", "Ada Visitor")
    visitor.fill("#company", company)
    visitor.fill("#email", visitor.email)
    visitor.look()
    visitor.tick("#agreed")
    visitor.press("form[action$='/badge'] button.first")
    visitor.look()
    visitor.press("section[aria-labelledby=given] a")
    visitor.press("section[aria-labelledby=booths] a.strong")
    visitor.fill("#text", "A price for 20 seats, please.")
    visitor.tick("#agreed")
    visitor.look()
    visitor.press("form[action$='/badge'] button.first")
    visitor.look()


def answers(exhibitor: Person, company: str) -> str:
    """The lead that the badge became: with words, and an offer; returns where the visitor reads it."""
    lead = exhibitor.page.locator(f"tr:has-text('{company}') a")
    for _ in range(60):
        exhibitor.page.goto(f"{exhibitor.product.address}/seller/leads")
        if lead.count():
            break
        exhibitor.page.wait_for_timeout(500)
    exhibitor.look()
    exhibitor.press(f"tr:has-text('{company}') a")
    expect(exhibitor.page.get_by_text("Ada Visitor").first).to_be_visible()
    exhibitor.look()
    exhibitor.fill("#text", "您好，20 席可享九折。")
    exhibitor.press("form[action$='/messages'] button.first")
    exhibitor.choose("#plan_id", value=option(exhibitor.page, "#plan_id", "专业版"))
    exhibitor.fill("#quantity", str(SEATS))
    exhibitor.fill("#discount_ppm", "10")
    exhibitor.press("form[action$='/offers'] button.first")
    expect(exhibitor.page.locator("form[action$='/withdraw']")).to_be_visible()
    exhibitor.look()
    return urlsplit(exhibitor.page.url).path.replace("/seller/leads/", "/requests/")
