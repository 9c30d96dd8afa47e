"""Chapters: set by the video's organization, on its page or by the API, and shown to whoever watches."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.publishing.publish_video import publish_video
from marketplace.videos.models import Video
from marketplace.videos.set_chapters import MAX_CHAPTERS, MAX_TITLE, Chapter, set_chapters
from tests.api_server import application
from tests.factories_marketplace import (
    PASSWORD,
    Org,
    acting,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
)

BASE = "https://market.example"
PARTS = [{"at_ms": 0, "title": "开场", "title_en": ""}, {"at_ms": 7_000, "title": "价格", "title_en": "Pricing"}]


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture(scope="module")
def owner(services: Services, seller: Org) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    opened = client.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


@pytest.fixture
def video(services: Services, seller: Org) -> Video:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_published_video(uow, seller, make_plans(uow, seller)[0])[0]


def put(owner: TestClient[Any], video: Video, chapters: list[dict[str, Any]]) -> Any:
    return owner.put(f"/v1/videos/{video.id}/chapters", json={"chapters": chapters})


def shown(services: Services, video: Video) -> Any:
    return TestClient(application(services), base_url=BASE).get(f"/v1/videos/{video.id}").json()["chapters"]


def test_chapters_are_set_shown_and_taken_away(services: Services, owner: TestClient[Any], video: Video) -> None:
    assert put(owner, video, PARTS).status_code == 204
    assert shown(services, video) == [PARTS[0] | {"title_en": "开场"}, PARTS[1]]
    reader = TestClient(application(services), base_url=BASE)
    page = reader.get(f"/v/{video.id}", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    assert 'data-chapter="7"' in page
    assert f'href="/v/{video.id}?t=7"' in page, "without scripts a link opens the chapter"
    assert "Pricing" in page
    assert owner.get(f"/v1/seller/videos/{video.id}").json()["chapters"] == shown(services, video)
    assert put(owner, video, []).status_code == 204
    assert shown(services, video) == []


@pytest.mark.parametrize(
    ("chapters", "code"),
    [
        ([{"at_ms": 14_000, "title": "x"}], "chapter_beyond_end"),
        ([{"at_ms": 5_000, "title": "x"}, {"at_ms": 5_000, "title": "y"}], "chapter_times"),
        ([{"at_ms": 5_000, "title": "x"}, {"at_ms": 4_000, "title": "y"}], "chapter_times"),
        ([{"at_ms": 0, "title": " "}], "text_required"),
        ([{"at_ms": 0, "title": "x"}, {"at_ms": 1, "title": "a | b"}], "chapter_unreadable"),
        ([{"at_ms": 0, "title": "x" * (MAX_TITLE + 1)}], "validation_failed"),
        ([{"at_ms": -1, "title": "x"}], "validation_failed"),
        ([{"at_ms": 0.5, "title": "x"}], "validation_failed"),
        ([{"at_ms": at, "title": "x"} for at in range(MAX_CHAPTERS + 1)], "validation_failed"),
    ],
)
def test_what_is_wrong_is_refused_and_those_there_are_stay(
    services: Services, owner: TestClient[Any], video: Video, chapters: list[dict[str, Any]], code: str
) -> None:
    put(owner, video, PARTS)
    answer = put(owner, video, chapters)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert len(shown(services, video)) == len(PARTS)


def test_a_shorter_film_is_not_published_with_chapters_behind_its_end(services: Services, seller: Org) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        video = make_ready_video(uow, seller)
        with acting(uow, seller.owner):
            set_chapters(uow, video.id, [Chapter(0, "开场"), Chapter(13_000, "结尾")])
            video.duration_ms = 10_000
            uow.flush()
            with pytest.raises(Exception, match="chapter_beyond_end"):
                publish_video(uow, video.id)
