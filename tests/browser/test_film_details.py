"""A film with captions and chapters, for a partner alone, in Chromium from a real server; and its cover chosen in the editor."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import av
import httpx
import pytest
from av.video.frame import VideoFrame
from playwright.sync_api import Browser, Page, expect

from api.context import Services
from app.embedded.engines import Addresses
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.runner import drain
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.videos import jobs
from tests.api_server import services_for, serving
from tests.browser.chromium import needs_chromium
from tests.browser.journeys.test_journey import find_faults
from tests.emptied import empty
from tests.factories_marketplace import PASSWORD, Org, make_channel, make_org, make_plans, make_seller

pytestmark = needs_chromium
CAPTIONS = "WEBVTT\n\n00:00:02.000 --> 00:00:09.000\nEverybody on one screen.\n"
CHAPTERS = [
    {"at_ms": 0, "title": "开场", "title_en": "Opening"},
    {"at_ms": 6_000, "title": "价格", "title_en": "Pricing"},
]
WAIT_MS = 60_000


@dataclass(frozen=True)
class House:
    """A server, the seller of a film on it, and the partner who sees that."""

    address: str
    services: Services
    seller: Org
    partner: Org
    video_id: str
    listing_id: UUID
    channel_id: UUID


@pytest.fixture(scope="module")
def house(addresses: Addresses, db: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # Videos of other tests have no film behind them, which a browser complains about.
    empty(addresses)
    folder = tmp_path_factory.mktemp("house")
    services = services_for(
        db,
        folder,
        signer=TokenSigner([secrets.token_bytes(32)]),
        box=SecretBox({"k1": secrets.token_bytes(32)}),
        policy=OutboundPolicy(),
    )
    jobs.register(services.storage)
    with unit_of_work(db, SYSTEM) as uow:
        seller, partner = make_seller(uow), make_org(uow)
        channel_id = make_channel(uow, seller).id
        listing_id = make_plans(uow, seller)[0].listing_id
    with serving(services) as address, httpx.Client(base_url=address, timeout=60) as client:
        opened = client.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
        video_id = str(client.post("/v1/videos", json={"title": "一块屏", "title_en": "One screen"}).json()["id"])
        client.put(f"/v1/videos/{video_id}/upload", params={"name": "a.mp4"}, content=film(folder).read_bytes())
        drain(db, queues=("media",))
        shared = {"visibility": "partners", "partner_ids": [str(partner.id)]}
        for part, body in (
            ("captions/en", {"content": CAPTIONS}),
            ("chapters", {"chapters": CHAPTERS}),
            ("visibility", shared),
        ):
            assert client.put(f"/v1/videos/{video_id}/{part}", json=body).status_code == 204
        assert client.post(f"/v1/videos/{video_id}/publish").status_code == 200
        yield House(address, services, seller, partner, video_id, listing_id, channel_id)


def film(folder: Path, *, frames: int = 60, rate: int = 5) -> Path:
    """Twelve seconds that grow lighter, or as long as is said."""
    path = folder / "film.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 240, "yuv420p"
        for number in range(frames):
            frame = VideoFrame(160, 240, "yuv420p")
            for plane, tone in zip(frame.planes, (60 + 2 * number, 90, 160), strict=True):
                plane.update(bytes((tone + column) % 256 for column in range(plane.buffer_size)))
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


@contextmanager
def signed_in(chromium: Browser, house: House, org: Org, size: tuple[int, int], language: str) -> Iterator[Page]:
    """A page of the organization's owner, of which nothing may have complained."""
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale=language)
    page, heard = context.new_page(), list[str]()
    page.set_default_timeout(WAIT_MS)
    page.on("console", lambda message: heard.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{house.address}/sign-in")
    page.fill("[name=email]", org.email)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation(url=lambda url: "sign-in" not in url):
        page.keyboard.press("Enter")
    yield page
    context.close()
    assert heard == []


@pytest.mark.parametrize(("size", "language"), [((390, 844), "zh-CN"), ((1280, 832), "en")])
def test_a_partner_reads_captions_and_jumps_by_chapters(
    chromium: Browser, house: House, size: tuple[int, int], language: str
) -> None:
    with signed_in(chromium, house, house.partner, size, language) as page:
        page.goto(f"{house.address}/v/{house.video_id}?t=3")
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        if language == "zh-CN":
            # There are none in the reader's own language: they are asked for.
            page.keyboard.press("t")
        expect(page.locator("[data-words]")).to_have_text("Everybody on one screen.", timeout=WAIT_MS)
        page.keyboard.press("]")
        assert page.evaluate("document.querySelector('video').currentTime") >= 6
        expect(page.locator("[data-chapter='6']").first).to_have_attribute("aria-current", "true")
        assert find_faults(page) == []
        page.goto(f"{house.address}/v/{house.video_id}/share")
        expect(page.locator(".note")).to_be_visible()
        assert find_faults(page) == []


@pytest.mark.parametrize(("size", "language"), [((390, 844), "zh-CN"), ((1280, 832), "en")])
def test_its_owner_chooses_a_cover_and_sees_it(
    chromium: Browser, house: House, size: tuple[int, int], language: str
) -> None:
    with signed_in(chromium, house, house.seller, size, language) as page:
        page.goto(f"{house.address}/seller/videos/{house.video_id}")
        assert find_faults(page) == []
        before = page.locator(".cover-choice img").get_attribute("src")
        page.fill("[data-cover-second]", "5")
        page.locator("form[action$='/cover'] button").click()
        page.wait_for_selector("[data-examining]")
        drain(house.services.db, queues=("media",))
        page.wait_for_selector("[data-examining]", state="detached")
        assert page.locator(".cover-choice img").get_attribute("src") != before


@pytest.mark.parametrize(("size", "language"), [((390, 844), "zh-CN"), ((1280, 832), "en")])
def test_a_product_and_a_channel_are_sent_on_by_a_link_of_ones_own(
    chromium: Browser, house: House, size: tuple[int, int], language: str
) -> None:
    with signed_in(chromium, house, house.partner, size, language) as page:
        for path in (f"/products/{house.listing_id}", f"/channels/{house.channel_id}"):
            page.goto(f"{house.address}{path}/share")
            make = page.locator(f"form[action='{path}/share'] button")
            if make.count():
                # Of the other size the link is there already.
                assert "share=" not in page.locator("#link").input_value()
                make.click()
            expect(page.locator(f"form[action='{path}/share']")).to_have_count(0, timeout=WAIT_MS)
            link = page.locator("#link").input_value()
            assert f"{path}?share=" in link
            assert find_faults(page) == []
            page.goto(house.address + link[link.index(path) :])
            assert find_faults(page) == []
