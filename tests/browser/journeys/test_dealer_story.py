"""A dealer orders in a live session for partners, and its headquarters pays: by pages alone, the dealer's on a phone."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.conftest import PASSWORD, Product, Visits
from tests.browser.journeys.relations import (
    OPERATOR,
    SEATS,
    SELLER,
    agrees,
    moment,
    option,
    paid_paper,
    pays,
    proposes,
    proves,
)
from tests.browser.journeys.test_journey import DESK, HIRING, PHONE
from tests.browser.stories.people import ACTIVE_MS, EXAMINED_MS, Person
from tests.browser.test_film_details import film

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    needs_chromium,
]
SHOW_S = 300
"""How long the session's film is: it ends with it."""


def test_a_dealer_orders_in_a_session_for_partners_and_its_headquarters_pays(
    product: Product, visit: Visits, tmp_path: Path
) -> None:
    name = secrets.token_hex(3)
    dealers, group = f"星河经销{name}", f"星河集团{name}"
    ordering, headquarters = visit(PHONE, "zh-CN"), Person(visit(DESK, "zh-CN").page, product)
    ordering.allowed.append("/group")  # asks somebody too early
    dealer = Person(ordering.page, product)
    seller, strange = Person(visit(DESK, "en").page, product), visit(PHONE, "en")
    dealer.sign_up(dealers)
    headquarters.sign_up(group)
    operator = Person(visit(DESK, "zh-CN").page, product)
    operator.sign_in(OPERATOR, PASSWORD, "/operator")
    asks_who_is_not_verified(dealer, group)
    proves(headquarters, operator, group)
    seller.sign_in(SELLER, PASSWORD, "/seller/partners")

    takes_partner(seller, dealer, dealers, name)
    room = goes_live(seller, name, film(tmp_path, frames=SHOW_S, rate=1))
    joins_group(dealer, headquarters, group, dealers)
    proposes(dealer, group)
    agrees(headquarters, dealers, monthly="50000", order="1000")

    strange.allowed.append(room)
    strange.page.goto(f"{product.address}/live")
    assert strange.page.locator(f"a[href='{room}']").count() == 0
    answer = strange.page.goto(f"{product.address}{room}")
    assert answer is not None
    assert answer.status == 404

    asks_in_the_room(dealer, seller, room)
    dealer.inputs += 1
    dealer.page.locator("[data-explaining]:not([hidden]) a[data-buy]").click()
    sheet = dealer.page.locator("dialog[open]")
    # 20 seats at ¥199, less 15 percent.
    expect(sheet.locator("[data-gross]")).to_have_text(re.compile("3,383.00"))
    pays(dealer, group)
    expect(sheet.locator("[data-message]")).to_have_text(re.compile("已请付款方付款"))
    dealer.look()
    address = sheet.locator("[data-order]").get_attribute("href")
    waiting = dealer.page.context.new_page()
    waiting.goto(f"{product.address}{address}")
    expect(waiting.locator(".note.wait")).to_contain_text("已请付款方付款")
    waiting.close()

    headquarters.open("/payers/charges")
    expect(headquarters.page.get_by_text(dealers).first).to_be_visible()
    headquarters.press("form[action$='/approve'] button.first")
    headquarters.look()
    expect(sheet.locator("[data-open]")).to_be_visible(timeout=ACTIVE_MS)
    dealer.look()
    dealer.open_order()
    dealer.look()
    assert group in paid_paper(headquarters, tmp_path)

    seller.page.on("dialog", lambda dialog: dialog.accept())
    seller.open(f"/seller{room}")
    seller.press("form[action$='/end'] button")


def takes_partner(seller: Person, dealer: Person, dealers: str, name: str) -> None:
    """A tier with a price that begins at so many seats; the dealer accepts to be in it."""
    tier = f"Live dealers {name}"
    seller.fill("#code", f"LIVE-{name.upper()}")
    seller.fill("#name", f"直播经销商 {name}")
    seller.fill("#name_en", tier)
    seller.fill("#rank", "9")
    seller.press("form[action='/seller/partner-tiers'] button")
    seller.press(f"a.strong:has-text('{tier}')")
    seller.choose("#product", value=option(seller.page, "#product", f"{HIRING['en']} ·"))
    seller.fill("#percent", "15")
    seller.fill("#min_quantity", str(SEATS))
    seller.fill("#quantity_step", "5")
    seller.press("form:has(#percent) button.first")
    seller.look()
    seller.open("/seller/partner-invitations")
    seller.fill("#name", dealers)
    seller.choose("#tier_id", value=option(seller.page, "#tier_id", tier))
    seller.press("form:has(#most_uses) button.first")
    link = seller.page.get_by_label(dealers).input_value()
    dealer.page.goto(link)
    dealer.look()
    dealer.press("form button.first")
    expect(dealer.page.get_by_text(f"直播经销商 {name}").first).to_be_visible()
    dealer.look()


def goes_live(seller: Person, name: str, recorded: Path) -> str:
    """A session that the tier alone sees, with its product explained; returns the room's address."""
    title, shown = f"For dealers {name}", f"一屏讲完 {name}"
    seller.open("/seller/videos/new")
    seller.give("#file", recorded)
    seller.fill("#title", shown)
    seller.press("form[data-upload] button.first")
    expect(seller.page.locator("[data-tracks]")).to_be_visible(timeout=EXAMINED_MS)
    seller.open("/seller/live")
    seller.choose("#video_id", value=option(seller.page, "#video_id", shown))
    seller.fill("#title", f"经销商专场 {name}")
    seller.fill("#title_en", title)
    seller.fill("#m-schedule", moment(2))
    seller.tick("[name=visibility][value=partners]")
    seller.tick(f"label:has-text('Live dealers {name}') input")
    seller.press("form[action='/seller/live'] button.first")
    expect(seller.page.get_by_role("heading", name=title)).to_be_visible()
    seller.choose("#plan_id", value=option(seller.page, "#plan_id", HIRING["en"]))
    seller.press("form[action$='/items'] button")
    seller.press("form[action$='/start'] button")
    seller.press("form[action$='/explain'] button")
    seller.look()
    address = seller.page.locator(".page-head a[href^='/live/']").get_attribute("href")
    assert address is not None
    return address


def asks_who_is_not_verified(dealer: Person, group: str) -> None:
    """And is told why it is not found."""
    dealer.open("/group")
    dealer.fill("#partners", group)
    dealer.press("form[action='/group'] button.first")
    expect(dealer.page.locator("#partners-wrong")).to_contain_text("组织认证")


def joins_group(dealer: Person, headquarters: Person, group: str, dealers: str) -> None:
    """The dealer lets its headquarters see what it orders, and pay for it."""
    dealer.open("/group")
    dealer.fill("#partners", group)
    dealer.tick("[name=as][value=member]")
    for right in ("see_orders", "pay"):
        dealer.tick(f"#ask-{right}")
    dealer.press("form[action='/group'] button.first")
    headquarters.open("/group")
    expect(headquarters.page.get_by_text(dealers).first).to_be_visible()
    headquarters.press("form[action$='/accept'] button.first")
    headquarters.look()


def asks_in_the_room(dealer: Person, seller: Person, room: str) -> None:
    """The dealer finds the session, and is answered while it stays there."""
    dealer.open("/live")
    dealer.press(f"a[href='{room}']")
    expect(dealer.page.locator("[data-explaining]:not([hidden])")).to_be_visible()
    dealer.look()
    dealer.fill("#question", "最少订多少席？")
    dealer.press("form:has(#question) button.first")
    seller.open(f"/seller{room}")
    seller.inputs += 1
    seller.page.locator("section[aria-labelledby=questions] details summary").first.click()
    seller.fill("section[aria-labelledby=questions] textarea", f"{SEATS} 席起订。")
    seller.press("section[aria-labelledby=questions] button[value=answer]")
    seller.look()
    expect(dealer.page.get_by_text(f"{SEATS} 席起订。").first).to_be_visible()
