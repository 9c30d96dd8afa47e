"""Captions over HTTP: put by the video's organization, read as WebVTT by whoever may watch, chosen by the reader's language."""

from __future__ import annotations

import json
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.videos.models import Video, captions_key
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, make_org, make_plans, make_published_video, make_seller

BASE = "https://market.example"
CHINESE = "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n用一块屏管完校招\n"
ENGLISH = "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nOne screen for everybody.\n"


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


def published(services: Services, seller: Org, visibility: str = "public") -> Video:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_published_video(uow, seller, make_plans(uow, seller)[0], visibility=visibility)[0]


@pytest.fixture
def video(services: Services, seller: Org) -> Video:
    return published(services, seller)


def browser(services: Services, org: Org | None = None) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    if org is not None:
        opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def put(client: TestClient[Any], video: Video, language: str, content: str) -> None:
    answer = client.put(f"/v1/videos/{video.id}/captions/{language}", json={"content": content})
    assert answer.status_code == 204, answer.text


def test_captions_are_put_read_replaced_and_removed(services: Services, seller: Org, video: Video) -> None:
    owner, reader = browser(services, seller), browser(services)
    put(owner, video, "en", ENGLISH)
    put(owner, video, "zh-CN", CHINESE)
    tracks = reader.get(f"/v1/videos/{video.id}").json()["captions"]
    assert [(one["language"], one["name"]) for one in tracks] == [("zh-CN", "简体中文"), ("en", "English")]
    answer = reader.get(tracks[1]["url"])
    assert (answer.status_code, answer.text) == (200, ENGLISH)
    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "max-age=60" in answer.headers["cache-control"]
    unchanged = reader.get(tracks[1]["url"], headers={"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    put(owner, video, "en", ENGLISH.replace("One", "A"))
    replaced = reader.get(f"/v1/videos/{video.id}").json()["captions"][1]["url"]
    assert replaced != tracks[1]["url"], "an address names what it says"
    assert "A screen" in reader.get(replaced).text
    assert owner.delete(f"/v1/videos/{video.id}/captions/en").status_code == 204
    assert owner.delete(f"/v1/videos/{video.id}/captions/en").status_code == 204
    gone = reader.get(replaced)
    assert (gone.status_code, gone.json()["code"]) == (404, "captions_not_found")


@pytest.mark.parametrize(
    ("language", "content", "status", "code"),
    [
        ("en", "1\n00:00:01,000 --> 00:00:02,000\nSubRip\n", 422, "captions_malformed"),
        ("en", ENGLISH.replace("00:00:01", "00:20:01").replace("00:00:04", "00:20:04"), 422, "caption_beyond_end"),
        ("tlh", ENGLISH, 422, "caption_language_unknown"),
        ("en", ENGLISH + "x" * 400_000, 422, None),
        ("en", ENGLISH + "字" * 140_000, 413, "captions_too_large"),
        ("en", "WEBVTT\n\n\ud800", 400, "request_malformed"),
    ],
)
def test_what_is_no_captions_is_refused_and_those_there_are_stay(
    services: Services, seller: Org, video: Video, language: str, content: str, status: int, code: str | None
) -> None:
    owner = browser(services, seller)
    put(owner, video, "en", ENGLISH)
    body = json.dumps({"content": content}, ensure_ascii="\ud800" in content)
    path, headers = f"/v1/videos/{video.id}/captions/{language}", {"Content-Type": "application/json"}
    answer = owner.put(path, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code
    assert browser(services).get(f"/v1/videos/{video.id}/captions/en").text == ENGLISH


def test_captions_are_read_by_those_who_may_watch_alone(services: Services, seller: Org) -> None:
    video = published(services, seller, "internal")
    owner = browser(services, seller)
    put(owner, video, "en", ENGLISH)
    with unit_of_work(services.db, SYSTEM) as uow:
        other = make_org(uow)
    stranger = browser(services, other)
    path = f"/v1/videos/{video.id}/captions/en"
    for client in (stranger, browser(services)):
        assert client.get(path).status_code == 404
    for method in ("put", "delete"):
        assert stranger.request(method, path, json={"content": ENGLISH}).status_code in {403, 404}
    assert owner.get(path).text == ENGLISH
    signed = owner.get(f"/v1/videos/{video.id}").json()["captions"][0]["url"]
    assert "token=" in signed
    answer = browser(services).get(signed)
    assert (answer.status_code, answer.headers["cache-control"].split(",")[0]) == (200, "private")


def test_the_player_has_the_readers_language_from_the_start(services: Services, seller: Org, video: Video) -> None:
    owner = browser(services, seller)
    put(owner, video, "en", ENGLISH)
    put(owner, video, "zh-CN", CHINESE)
    for language, other in (("en", "zh-CN"), ("zh-CN", "en")):
        headers = {"Accept": "text/html", "Accept-Language": language}
        page = browser(services).get(f"/v/{video.id}", headers=headers).text
        tracks = [part.split(">")[0] for part in page.split("<track ")[1:]]
        chosen = {one.split('srclang="')[1].split('"')[0] for one in tracks if one.endswith(" default")}
        assert chosen == {language}
        assert f'srclang="{other}"' in page


def test_the_languages_are_listed_by_their_own_names(services: Services) -> None:
    found = browser(services).get("/v1/caption-languages").json()
    assert {"language": "zh-CN", "name": "简体中文"} in found


def test_the_store_keeps_them_under_what_they_say(services: Services, seller: Org, video: Video) -> None:
    put(browser(services, seller), video, "en", ENGLISH)
    with unit_of_work(services.db, SYSTEM) as uow:
        sha256 = uow.session.get_one(Video, video.id).captions["en"]
    assert services.storage.get_bytes(captions_key(video.id, sha256)).decode() == ENGLISH
