"""A seller in Chromium: sign in, upload a real film with progress, place a card, be held to one's word, publish."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from api.context import Services
from app.embedded.engines import Addresses
from app.sample.scenes.facts import STORIES
from app.sample.scenes.make import make_scene
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.runner import drain
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.videos import jobs as video_jobs
from tests.api_server import services_for, serving
from tests.browser.chromium import needs_chromium
from tests.emptied import empty
from tests.factories_marketplace import PASSWORD, Org, make_channel, make_plans, make_seller

pytestmark = needs_chromium

PHONE, DESK = (390, 844), (1280, 832)
UPLOAD_BYTES_PER_S = 600_000
"""Slow enough that the bar is seen moving: the film has about 0.7 MB."""
EXAMINED_MS = 60_000
KEPT_WITHIN_S = 30


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first sample film: fourteen seconds of H.264 and AAC."""
    path = tmp_path_factory.mktemp("film") / "recruiting-1.mp4"
    make_scene(STORIES[0], path, lambda _share: None)
    return path


@pytest.fixture(scope="module")
def services(db: Database, addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Services:
    """An API process's ports, and a worker's jobs for videos. The feed starts empty: others' films have no bytes."""
    empty(addresses)
    found = services_for(
        db,
        tmp_path_factory.mktemp("house"),
        signer=TokenSigner([secrets.token_bytes(32)]),
        box=SecretBox({"k1": secrets.token_bytes(32)}),
        policy=OutboundPolicy(),
    )
    video_jobs.register(found.storage)
    return found


@pytest.fixture(scope="module")
def address(services: Services) -> Iterator[str]:
    """The application, and a worker that examines what is uploaded."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.2):
            drain(services.db, queues=("media",))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    with serving(services) as found:
        yield found
    over.set()
    worker.join(30)


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    """The session's Chromium: Playwright's synchronous side can be started once in a process."""
    return chromium


@pytest.fixture(params=[PHONE, DESK], ids=["390", "1280"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page that fails its test when a script or the security policy complained."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", locale="en-GB")
    made = context.new_page()
    heard: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # Answers with status 409, which the browser reports by itself: the refused publication, and tus' own word to whoever
        # goes on before the server has stored what came of the piece before; its client then asks from where, and goes on.
        address = message.location.get("url", "")
        refused = "409" in message.text and (address.endswith("/publish") or "/v1/uploads/" in address)
        if message.type == "error" and not refused:
            heard.append(message.text)

    made.on("console", listen)
    made.on("pageerror", lambda error: heard.append(str(error)))
    made.on("dialog", lambda dialog: dialog.accept())
    yield made
    context.close()
    assert heard == []


@pytest.fixture
def seller(db: Database) -> Org:
    """A seller whose checklist is done, with a channel and a plan on sale: ¥199 a seat and year, 20 seats included."""
    with unit_of_work(db, SYSTEM) as uow:
        org = make_seller(uow)
        make_channel(uow, org)
        make_plans(uow, org)
    return org


def sign_in(page: Page, address: str, org: Org) -> None:
    """Ask for the upload page, be sent to sign in, and arrive there."""
    page.goto(f"{address}/seller/videos/new")
    page.wait_for_url("**/sign-in?next=**")
    page.locator('input[name="email"]').fill(org.email)
    page.locator('input[name="password"]').fill(PASSWORD)
    page.locator('form[action="/sign-in"] button.first').first.click()
    page.wait_for_url(f"{address}/seller/videos/new")


def wait_until_kept(page: Page, upload_address: str) -> None:
    """Until the server has stored what it had received: it goes on storing after the browser has closed the connection."""
    until_s = time.monotonic() + KEPT_WITHIN_S
    while page.request.get(upload_address).json()["received_bytes"] == 0:
        assert time.monotonic() < until_s, "what had arrived was kept"
        page.wait_for_timeout(50)


def upload(page: Page, film: Path, title: str) -> None:
    """Choose the film, watch the bar move, stop, leave, come back: it goes on where it stopped until the editor opens."""
    client = page.context.new_cdp_session(page)
    client.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": UPLOAD_BYTES_PER_S},
    )
    pieces: list[Request] = []
    page.on("request", lambda sent: pieces.append(sent) if sent.method == "PATCH" else None)
    page.locator("#file").set_input_files(film)
    page.locator("#title").fill(title)
    page.locator("form[data-upload] button.first").click()
    expect(page.locator("[data-sending]")).to_be_visible()
    expect(page.locator("[data-percent]")).to_have_text(re.compile("[1-9][0-9]%"))
    page.locator("[data-pause]").click()
    expect(page.locator("[data-detail]")).to_contain_text("what has arrived is kept")
    wait_until_kept(page, pieces[0].url)
    page.reload()
    page.locator("#file").set_input_files(film)
    expect(page.locator("[data-unfinished]")).to_be_visible()
    page.locator("form[data-upload] button.first").click()
    expect(page.locator("[data-percent]")).to_have_text(re.compile("[1-9][0-9]%"))
    page.locator("[data-pause]").click()
    page.locator("[data-pause]").click()
    page.wait_for_url("**/seller/videos/0*", timeout=30_000)
    offsets = [int(piece.headers["upload-offset"]) for piece in pieces]
    assert offsets[0] == 0
    assert 0 < offsets[1] <= offsets[-1], "the second time it began where it had stopped"


def show_tracks(page: Page) -> None:
    """Bring the timeline into the middle of the screen, clear of the phone's bar."""
    page.locator("[data-tracks]").evaluate("tracks => tracks.scrollIntoView({ block: 'center' })")


def click_lane(page: Page, share: float) -> None:
    """Click the timeline at a share of its length, where no card lies."""
    box = page.locator("[data-tracks] svg").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.8)


def drag_card(page: Page, by_share: float) -> None:
    """Drag the only card along the timeline."""
    lane, card = page.locator("[data-tracks] svg").bounding_box(), page.locator("[data-span]").bounding_box()
    assert lane is not None
    assert card is not None
    x, y = card["x"] + card["width"] * 0.3, card["y"] + card["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + lane["width"] * by_share, y, steps=5)
    page.mouse.up()


def add_claim(page: Page, second: int, kind: str, value: str, text: str) -> None:
    """Enter a claim in the form below the timeline."""
    page.locator("#s-claim").fill(str(second))
    page.locator("#k-claim").select_option(kind)
    page.locator("#v-claim").fill(value)
    page.locator("#t-claim").fill(text)
    page.locator('form[action$="/claims"] button.first').click()
    expect(page.get_by_text(f"“{text}”").first).to_be_visible()


def test_from_the_file_to_the_feed(page: Page, address: str, seller: Org, film: Path) -> None:
    title = f"One screen, {secrets.token_hex(3)}"
    sign_in(page, address, seller)
    upload(page, film, title)
    # The page goes on by itself once the file has been examined.
    expect(page.locator("[data-tracks]")).to_be_visible(timeout=EXAMINED_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    show_tracks(page)
    click_lane(page, 3 / 14)
    assert page.locator("#f-new").input_value() == "3"
    page.locator("#t-new").fill("8")
    page.locator("form[data-new-placement] button.first").click()
    expect(page.locator("[data-span]")).to_have_count(1)
    show_tracks(page)
    drag_card(page, 2 / 14)
    expect(page.get_by_text("Saved").first).to_be_visible()
    page.reload()
    assert page.locator('[data-placement-row] input[name="from_s"]').input_value() == "5"

    add_claim(page, 6, "price", "199", "199 per seat and year")
    expect(page.locator(".verdict").first).to_contain_text("Matches")
    add_claim(page, 7, "included_seats", "50", "50 seats included")
    expect(page.locator(".verdict.differs")).to_contain_text("says 50, the plan holds 20")
    page.locator('form[action$="/publish"] button').click()
    expect(page.locator(".note.bad")).to_contain_text("says 50, the plan holds 20")
    page.goto(page.url.removesuffix("/publish"))
    page.locator(".edit-row.claim", has_text="50 seats included").locator("button").click()
    expect(page.locator(".verdict.differs")).to_have_count(0)
    page.locator('form[action$="/publish"] button').click()
    expect(page.get_by_text("Watch in channel")).to_be_visible()

    page.goto(f"{address}/")
    expect(page.get_by_text(title).first).to_be_visible()
