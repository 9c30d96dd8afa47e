"""An episode in a real player: it is played, how far it came is kept, and it goes on from there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from api.context import Services
from app.embedded.engines import Addresses
from fulfillment.courses.edit_course import edit_course
from fulfillment.courses.models import EpisodeProgress
from fulfillment.entitlements.seats import revoke_seat
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.runner import drain
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.courses.save_course import EpisodeDraft, SaveCourse
from marketplace.videos import jobs
from tests.api_server import services_for, serving
from tests.browser.chromium import needs_chromium
from tests.browser.journeys.test_journey import find_faults
from tests.browser.test_film_details import WAIT_MS, film
from tests.emptied import empty
from tests.factories_courses import Taught, seat, sell
from tests.factories_fulfillment import Delivery, register
from tests.factories_marketplace import (
    PASSWORD,
    Org,
    acting,
    make_channel,
    make_org,
    make_plans,
    make_seller,
    per_seat_plan,
)

pytestmark = needs_chromium
TIME = "document.querySelector('video').currentTime"


@dataclass(frozen=True)
class School:
    """A server and a course of three films on it."""

    address: str
    services: Services
    course: Taught

    def sold_to(self, buyer: Org) -> tuple[Delivery, UUID]:
        """The course for an organization whose owner has a seat."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            made = sell(uow, self.course, buyer=buyer)
            return made, seat(uow, made, buyer.owner)

    def kept(self, buyer: Org) -> list[tuple[int, int, bool]]:
        """How far its people came: where they left it, the furthest, whether it is completed."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            rows = uow.session.scalars(select(EpisodeProgress).where(EpisodeProgress.org_id == buyer.id)).all()
            return [(row.position_ms, row.furthest_ms, row.completed_at is not None) for row in rows]


@pytest.fixture(scope="module")
def school(addresses: Addresses, db: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    # Videos of other tests have no film behind them, which a browser complains about.
    empty(addresses)
    folder = tmp_path_factory.mktemp("school")
    signer, box = TokenSigner([secrets.token_bytes(32)]), SecretBox({"k1": secrets.token_bytes(32)})
    services = services_for(db, folder, signer=signer, box=box, policy=OutboundPolicy())
    jobs.register(services.storage)
    register()
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        make_channel(uow, seller)
        (plan,) = make_plans(uow, seller, per_seat_plan(), kind="service")
    with serving(services) as address, httpx.Client(base_url=address, timeout=60) as client:
        opened = client.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
        first, second, third = (_uploaded(client, film(folder).read_bytes(), n) for n in (1, 2, 3))
        drain(db, queues=("media",))
        for video_id in (first, second, third):
            shown = client.put(f"/v1/videos/{video_id}/visibility", json={"visibility": "internal"})
            assert shown.status_code == 204, shown.text
        drafts = [
            EpisodeDraft(one, f"第 {n} 课", f"Lesson {n}", is_preview=False)
            for n, one in enumerate((first, second, third), 1)
        ]
        with unit_of_work(db, SYSTEM) as uow, acting(uow, seller.owner):
            edit_course(uow, SaveCourse(plan.listing_id, drafts))
        yield School(address, services, Taught(seller, plan, (first, second, third)))


def _uploaded(client: httpx.Client, content: bytes, number: int) -> UUID:
    made = client.post("/v1/videos", json={"title": f"第 {number} 课", "title_en": f"Lesson {number}"}).json()
    client.put(f"/v1/videos/{made['id']}/upload", params={"name": "a.mp4"}, content=content)
    return UUID(made["id"])


@pytest.fixture(params=[((390, 844), "zh-CN"), ((1280, 832), "en")], ids=["phone", "desk"])
def member(chromium: Browser, school: School, request: pytest.FixtureRequest) -> Iterator[tuple[Page, Org]]:
    """An organization's owner, signed in, and of nothing but a refused report may the browser have complained."""
    (width, height), language = request.param
    with unit_of_work(school.services.db, SYSTEM) as uow:
        buyer = make_org(uow)
    context = chromium.new_context(viewport={"width": width, "height": height}, locale=language)
    page, heard = context.new_page(), list[str]()
    page.set_default_timeout(WAIT_MS)
    page.on(
        "console",
        lambda message: (
            heard.append(message.text)
            if message.type in {"error", "warning"} and not message.location["url"].endswith("/progress")
            else None
        ),
    )
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{school.address}/sign-in")
    page.fill("[name=email]", buyer.email)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation(url=lambda url: "sign-in" not in url):
        page.keyboard.press("Enter")
    yield page, buyer
    context.close()
    assert heard == []


def play_until(page: Page, second: float) -> None:
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    page.evaluate("() => { const film = document.querySelector('video'); film.muted = true; return film.play(); }")
    page.wait_for_function(f"() => {TIME} >= {second}")


def pause(page: Page) -> None:
    """Wait for what the player then reports."""
    with page.expect_response(lambda answer: answer.url.endswith("/progress")) as reported:
        page.evaluate("document.querySelector('video').pause()")
    assert reported.value.status in (200, 404)


def test_it_is_played_kept_resumed_and_completed(school: School, member: tuple[Page, Org]) -> None:
    page, buyer = member
    school.sold_to(buyer)
    address = f"{school.address}/courses/{school.course.id}"
    page.goto(address)
    play_until(page, 2.5)
    pause(page)
    ((left, _, _),) = school.kept(buyer)
    assert 2_400 <= left <= 8_000
    page.reload()
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    page.wait_for_function(f"() => Math.abs({TIME} - {left // 1000}) < 1")
    assert find_faults(page) == []
    page.evaluate("document.querySelector('video').currentTime = 11")
    play_until(page, 11)
    done = page.locator(f'[data-episode-item="{school.course.videos[0]}"] [data-done]')
    expect(done).not_to_be_empty()
    expect(page.locator("[data-meter]")).to_have_js_property("value", 1)
    page.wait_for_function("() => document.querySelector('video').ended")
    ((_, furthest, completed),) = school.kept(buyer)
    assert (furthest >= 10_800, completed) == (True, True)
    page.goto(address)
    expect(page.locator("[data-completed]")).to_contain_text("1")
    assert page.locator("video").get_attribute("data-course") == str(school.course.videos[1]), "the next one"


def test_whoever_lost_the_seat_meanwhile_is_stopped_and_told(school: School, member: tuple[Page, Org]) -> None:
    page, buyer = member
    made, seat_id = school.sold_to(buyer)
    page.goto(f"{school.address}/courses/{school.course.id}")
    play_until(page, 1)
    with unit_of_work(school.services.db, buyer.owner) as uow:
        revoke_seat(uow, made.id, seat_id)
    pause(page)
    expect(page.locator("[data-problem]")).not_to_be_empty()
    assert page.evaluate("document.querySelector('video').paused")
    assert school.kept(buyer) == []
