"""Viewers like videos and watch the channels that they follow; others learn how many, never who."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select, text

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import ANONYMOUS, SYSTEM
from marketplace.catalog.models import Plan
from marketplace.reactions.like_video import like_video
from marketplace.reactions.models import VideoLike
from marketplace.videos.models import Video
from tests.api_server import application
from tests.factories_marketplace import (
    PASSWORD,
    Org,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
)

BASE = "https://market.example"


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture(scope="module")
def plan(services: Services, seller: Org) -> Plan:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_plans(uow, seller)[0]


@pytest.fixture
def viewers(services: Services) -> tuple[Org, Org]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow), make_org(uow)


def publish(services: Services, seller: Org, plan: Plan, visibility: str = "public") -> Video:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_published_video(uow, seller, plan, visibility=visibility)[0]


def browser(services: Services, org: Org) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def test_likes_are_counted_once_a_person_and_taken_back(
    services: Services, seller: Org, plan: Plan, viewers: tuple[Org, Org]
) -> None:
    video = publish(services, seller, plan)
    one, other = (browser(services, org) for org in viewers)
    visitor: TestClient[Any] = TestClient(application(services), base_url=BASE)
    where = f"/v1/videos/{video.id}"
    for _ in range(2):
        assert one.put(f"{where}/like").status_code == 204
    assert other.put(f"{where}/like").status_code == 204
    assert one.get(f"{where}/reactions").json() == {"likes": 2, "liked": True}
    assert visitor.get(f"{where}/reactions").json() == {"likes": 2, "liked": False}
    assert visitor.put(f"{where}/like").status_code == 401
    for _ in range(2):
        assert one.delete(f"{where}/like").status_code == 204
    assert one.get(f"{where}/reactions").json() == {"likes": 1, "liked": False}


def test_the_same_by_the_page_without_scripts(
    services: Services, seller: Org, plan: Plan, viewers: tuple[Org, Org]
) -> None:
    video = publish(services, seller, plan)
    client = browser(services, viewers[0])
    page = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Referer": f"{BASE}/v/{video.id}"}

    def likes_on_page() -> str:
        """Of the video that is asked for: the page shows it first."""
        found = re.search(r'data-likes="(\d+)"', client.get(f"/v/{video.id}", headers=page).text)
        assert found is not None
        return found.group(1)

    form = {"on": "1", "csrf": client.headers["X-CSRF-Token"]}
    liked = client.post(f"/v/{video.id}/like", data=form, headers=page, follow_redirects=False)
    assert (liked.status_code, liked.headers["location"]) == (303, f"/v/{video.id}")
    assert likes_on_page() == "1"
    client.post(f"/v/{video.id}/like", data=form | {"on": "0"}, headers=page, follow_redirects=False)
    assert likes_on_page() == "0"


def test_what_one_may_not_see_one_can_neither_like_nor_count(
    services: Services, seller: Org, plan: Plan, viewers: tuple[Org, Org]
) -> None:
    video = publish(services, seller, plan, "internal")
    client = browser(services, viewers[0])
    for answer in (
        client.put(f"/v1/videos/{video.id}/like"),
        client.delete(f"/v1/videos/{video.id}/like"),
        client.get(f"/v1/videos/{video.id}/reactions"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "video_not_found")
    assert browser(services, seller).put(f"/v1/videos/{video.id}/like").status_code == 204


def test_who_likes_stays_with_their_organization(
    services: Services, seller: Org, plan: Plan, viewers: tuple[Org, Org]
) -> None:
    video = publish(services, seller, plan)
    browser(services, viewers[0]).put(f"/v1/videos/{video.id}/like")
    rows = select(func.count()).select_from(VideoLike).where(VideoLike.video_id == video.id)
    with unit_of_work(services.db, SYSTEM) as uow:
        for principal, seen in ((viewers[0].owner, 1), (seller.owner, 0), (viewers[1].owner, 0), (ANONYMOUS, 0)):
            with acting(uow, principal):
                assert uow.session.scalar(rows) == seen
                counted = uow.session.execute(
                    text("SELECT likes FROM marketplace.count_likes(ARRAY[CAST(:id AS uuid)])"), {"id": video.id}
                )
                assert counted.scalar_one() == 1
                assert uow.session.scalar(rows) == seen, "the count lifts the second net for itself alone"


def test_a_crowd_of_colleagues_at_once_is_counted_exactly(
    services: Services, seller: Org, plan: Plan, viewers: tuple[Org, Org]
) -> None:
    video = publish(services, seller, plan)
    with unit_of_work(services.db, SYSTEM) as uow:
        people = [make_member(uow, viewers[0], "viewer") for _ in range(3)]
    barrier = threading.Barrier(9)

    def like(number: int) -> None:
        barrier.wait()
        with unit_of_work(services.db, people[number % 3]) as uow:
            like_video(uow, video.id)

    threads = [threading.Thread(target=like, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert browser(services, viewers[0]).get(f"/v1/videos/{video.id}/reactions").json()["likes"] == 3


def test_the_feed_of_the_channels_one_follows(
    services: Services, seller: Org, plan: Plan, viewers: tuple[Org, Org]
) -> None:
    followed, other = publish(services, seller, plan), publish(services, seller, plan)
    client = browser(services, viewers[0])
    page = {"Accept": "text/html", "Accept-Language": "en"}
    assert client.get("/v1/feed?followed=true").json()["items"] == []
    assert "The channels that you follow have no video" in client.get("/?followed=1", headers=page).text
    client.put(f"/v1/channels/{followed.channel_id}/follow")
    assert [one["id"] for one in client.get("/v1/feed?followed=true").json()["items"]] == [str(followed.id)]
    shown = client.get("/?followed=1", headers=page).text
    assert f'id="v-{followed.id}"' in shown
    assert f'id="v-{other.id}"' not in shown
    everything = client.get("/v1/feed?limit=100").json()["items"]
    assert {str(followed.id), str(other.id)} <= {one["id"] for one in everything}
    visitor: TestClient[Any] = TestClient(application(services), base_url=BASE)
    assert visitor.get("/v1/feed?followed=true").json()["items"] == []
    assert f'id="v-{other.id}"' in visitor.get("/?followed=1", headers=page).text
