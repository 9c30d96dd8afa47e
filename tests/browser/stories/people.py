"""People of the stories: a browser each, whose every input is counted, and what several of them do alike."""

from __future__ import annotations

import io
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Product
from tests.browser.journeys.test_accounts import code_in_mail, follow, looks_right, open_mail
from tests.factories_marketplace import new_tax_id

PASSWORD = "a long password of stories"
ACTIVE_MS = 90_000
EXAMINED_MS = 60_000


@dataclass
class Person:
    """Somebody with a browser. `inputs` are the fields filled in, choices made, buttons and links pressed so far."""

    page: Page
    product: Product
    inputs: int = 0
    email: str = ""
    told: list[str] = field(default_factory=list)

    def fill(self, selector: str, text: str) -> None:
        self.inputs += 1
        self.page.fill(selector, text)

    def choose(self, selector: str, **option: Any) -> None:
        self.inputs += 1
        self.page.select_option(selector, **option)

    def tick(self, selector: str) -> None:
        self.inputs += 1
        self.page.check(selector)

    def give(self, selector: str, file: Path | FilePayload) -> None:
        self.inputs += 1
        self.page.set_input_files(selector, file)

    def press(self, selector: str) -> None:
        """A button or link that leads to another page."""
        self.inputs += 1
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()

    def open(self, path: str) -> None:
        """One press of the menu, and a look at what it leads to."""
        self.inputs += 1
        self.page.goto(f"{self.product.address}{path}")
        self.look()

    def look(self) -> None:
        """The page is no wider than its screen, and accessible."""
        looks_right(self.page)

    def sign_in(self, email: str, password: str, path: str) -> None:
        self.page.goto(f"{self.product.address}/sign-in?next={path}")
        self.fill("#email", email)
        self.fill("#password", password)
        self.press("form[action='/sign-in'] button.first")
        self.email = email

    def sign_up(self, organization: str, *, sells: bool = False) -> None:
        """From no account to an organization of one's own, in China."""
        self.email = f"owner-{secrets.token_hex(4)}@firm.example"
        self.open("/sign-up")
        self.fill("#email", self.email)
        self.press("form[action='/sign-up'] button")
        self.fill("#code", code_in_mail(self.page, self.product, self.email))
        self.fill("#name", "王芳")
        self.fill("#password", PASSWORD)
        self.fill("#legal_name", organization)
        self.fill("#tax_id", new_tax_id())
        if sells:
            self.tick("[name=is_seller][value=yes]")
        self.look()
        self.press("form[action='/sign-up/complete'] button")
        self.look()

    def invite(self, email: str, role: str) -> None:
        self.open("/members")
        self.fill("#email", email)
        self.choose("#role", value=role)
        self.press("form[action='/members/invite'] button.first")
        expect(self.page.get_by_text(email)).to_be_visible()

    def accept_invitation(self, email: str, organization: str) -> None:
        """By the link in the mail, without an account so far."""
        self.email = email
        open_mail(self.page, self.product, email, re.compile(re.escape(organization)))
        follow(self.page.locator("a[href^='/invitations/accept']"))
        self.look()
        self.fill("#name", "李雷")
        self.fill("#password", PASSWORD)
        self.press("form[action='/invitations/accept'] button.first")
        self.look()

    def open_channel(self, handle: str) -> None:
        self.open("/seller/channel")
        self.fill("#handle", handle)
        self.fill("#name", f"频道 {handle}")
        self.fill("#name_en", f"Channel {handle}")
        self.press("form[action='/seller/channel'] button.first")
        expect(self.page.get_by_text(f"@{handle}")).to_be_visible()

    def hand_in(self) -> None:
        """The licence, for the operator to look at."""
        self.open("/seller/start/legal")
        self.give("#file", scan())
        self.press("form[action='/seller/start/legal'] button")
        expect(self.page.locator(".note.info")).to_be_visible()

    def give_account(self) -> None:
        self.open("/seller/start/payout-account")
        self.fill("#bank_name", "中国工商银行杭州西湖支行")
        self.fill("#account", "6222 0202 0011 2233 445")
        self.fill("#bank_code", "102100099996")
        self.press("form[action='/seller/start/payout-account'] button")
        expect(self.page.get_by_text("•••• 3445")).to_be_visible()

    def agree(self) -> None:
        self.open("/seller/start/agreement")
        self.tick("[name=accepted]")
        self.press("form[action='/seller/start/agreement'] button")

    def publish_video(self, film: Path, title: str, product_name: str) -> str:
        """Upload a film, put a card of the product on it, publish it; returns the path at which it is watched."""
        self.open("/seller/videos/new")
        self.give("#file", film)
        self.fill("#title", title)
        self.press("form[data-upload] button.first")
        expect(self.page.locator("[data-tracks]")).to_be_visible(timeout=EXAMINED_MS)
        self.look()
        self.fill("#f-new", "1")
        self.fill("#t-new", "9")
        plan = self.page.locator("#p-new option", has_text=product_name).first.get_attribute("value")
        self.choose("#p-new", value=plan)
        self.page.locator("form[data-new-placement] button.first").click()
        expect(self.page.locator("[data-span]")).to_have_count(1)
        self.inputs += 1
        self.look()
        self.press("form[action$='/publish'] button")
        self.look()
        watched = self.page.locator(".page-head a[href^='/v/']:not([href$='/share'])").get_attribute("href")
        assert watched is not None
        return watched

    def buy(self, path: str, quantity: int) -> None:
        """By the card that shows at the second second of a video."""
        self.page.goto(f"{self.product.address}{path}")
        film = "document.querySelector('video')"
        while self.page.evaluate(f"{film}.readyState") < 2:
            self.page.wait_for_timeout(50)
        self.page.evaluate(f"(() => {{ {film}.pause(); {film}.currentTime = 2; }})()")
        self.look()
        self.inputs += 1
        self.page.locator("[data-card].on").first.click()
        self.page.wait_for_selector("dialog[open] [data-pay]")
        self.fill("dialog[open] #quantity", str(quantity))
        pay = self.page.locator("dialog[open] [data-pay]")
        expect(pay).to_be_enabled()
        self.look()
        self.inputs += 1
        pay.click()

    def open_order(self) -> None:
        """From the sheet to the page of what was bought."""
        follow(self.page.locator("dialog[open] [data-order]"))


def scan() -> FilePayload:
    """A picture of a licence."""
    written = io.BytesIO()
    Image.new("RGB", (640, 400), (240, 240, secrets.randbelow(200))).save(written, "PNG")
    return {"name": "licence.png", "mimeType": "image/png", "buffer": written.getvalue()}
