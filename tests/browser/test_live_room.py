"""A live room in a browser: the card changes by itself, nobody sees ahead, and the sheet has the price of the room."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from api.context import Services
from app.embedded.engines import Addresses
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.runner import drain
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.attribution.models import Touchpoint
from marketplace.live.explain import explain_item
from marketplace.live.models import LiveSession
from marketplace.live.run_session import end_session, start_session
from marketplace.live.save_session import SaveLiveSession, schedule_session
from marketplace.live.shelf import add_item
from marketplace.videos import jobs
from marketplace.videos.models import Video
from orders.coupons.live_price import SetLivePrice, set_live_price
from tests.api_server import services_for, serving
from tests.browser.chromium import needs_chromium
from tests.browser.journeys.test_journey import find_faults
from tests.browser.test_film_details import WAIT_MS, film
from tests.emptied import empty
from tests.factories_marketplace import (
    PASSWORD,
    Org,
    make_channel,
    make_org,
    make_plans,
    make_seller,
    per_seat_plan,
)

pytestmark = needs_chromium
LONG_MS = 3_600_000


@dataclass(frozen=True)
class Room:
    """A server, a session that runs on it, and what is on its shelf."""

    address: str
    services: Services
    seller: Org
    session: LiveSession
    items: tuple[UUID, ...]

    def explain(self, number: int) -> None:
        with unit_of_work(self.services.db, self.seller.owner) as uow:
            explain_item(uow, self.session.id, self.items[number])


@pytest.fixture
def room(addresses: Addresses, db: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    empty(addresses)
    folder = tmp_path_factory.mktemp("live")
    signer, box = TokenSigner([secrets.token_bytes(32)]), SecretBox({"k1": secrets.token_bytes(32)})
    services = services_for(db, folder, signer=signer, box=box, policy=OutboundPolicy())
    jobs.register(services.storage)
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        make_channel(uow, seller)
        plans = make_plans(uow, seller, per_seat_plan(), per_seat_plan(code="max", unit_price_minor=39_900))
    with serving(services) as address, httpx.Client(base_url=address, timeout=60) as client:
        opened = client.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
        made = client.post("/v1/videos", json={"title": "秋招专场", "title_en": "Campus"}).json()
        client.put(f"/v1/videos/{made['id']}/upload", params={"name": "a.mp4"}, content=film(folder).read_bytes())
        drain(db, queues=("media",))
        with unit_of_work(db, SYSTEM) as uow:
            # The film is short; the session goes on after its last picture.
            uow.session.get_one(Video, UUID(made["id"])).duration_ms = LONG_MS
        with unit_of_work(db, seller.owner) as uow:
            command = SaveLiveSession(UUID(made["id"]), "秋招专场", clock.now() + timedelta(hours=1), "Campus")
            session = schedule_session(uow, command)
            items = tuple(add_item(uow, session.id, plan.id).id for plan in plans)
            start_session(uow, session.id)
            set_live_price(uow, SetLivePrice(session.id, items[1], percent_ppm=200_000, places=5))
        yield Room(address, services, seller, session, items)


@pytest.fixture
def viewer(chromium: Browser, room: Room) -> Iterator[Page]:
    """A buyer on a phone, of whose browser nothing was complained about."""
    with unit_of_work(room.services.db, SYSTEM) as uow:
        buyer = make_org(uow)
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page, heard = context.new_page(), list[str]()
    page.set_default_timeout(WAIT_MS)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{room.address}/sign-in")
    page.fill("[name=email]", buyer.email)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation(url=lambda url: "sign-in" not in url):
        page.keyboard.press("Enter")
    yield page
    context.close()
    assert heard == []


def clicked(room: Room, number: int) -> list[UUID | None]:
    """The sessions of the clicks that were reported of an item."""
    wanted = select(Touchpoint.live_session_id).where(
        Touchpoint.live_item_id == room.items[number], Touchpoint.kind == "card_click"
    )
    with unit_of_work(room.services.db, SYSTEM) as uow:
        return list(uow.session.scalars(wanted))


def test_the_card_changes_by_itself_and_the_sheet_has_the_price_of_the_room(room: Room, viewer: Page) -> None:
    first, second = (viewer.locator(f'[data-explaining="{item}"]') for item in room.items)
    viewer.goto(f"{room.address}/live/{room.session.id}")
    expect(first).to_be_hidden()
    viewer.evaluate("window.kept = true")
    room.explain(0)
    expect(first).to_be_visible()
    room.explain(1)
    expect(second).to_be_visible()
    expect(first).to_be_hidden()
    assert viewer.evaluate("window.kept"), "nothing was loaded anew"
    assert find_faults(viewer) == []
    second.locator("a[data-buy]").click()
    sheet = viewer.locator("dialog[open]")
    expect(sheet.locator("input[name=live]")).to_have_value(str(room.session.id))
    assert int(sheet.locator("input[name=second]").input_value()) >= 0
    # 20 seats at 399 less a fifth.
    expect(sheet.get_by_text("优惠 秋招专场").first).to_be_visible()
    sheet.locator("[data-close]").first.click()
    deadline = time.monotonic() + WAIT_MS / 1000
    while not (told := clicked(room, 1)) and time.monotonic() < deadline:
        viewer.wait_for_timeout(100)
    assert told == [room.session.id]
    with unit_of_work(room.services.db, room.seller.owner) as uow:
        end_session(uow, room.session.id)
    # The page is drawn anew as the replay.
    expect(viewer.locator("[data-room][data-state=ended]")).to_be_visible()
    assert find_faults(viewer) == []
