"""What other applications show of a shared link: only what is public, with absolute addresses that answer anybody."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.channels.models import Channel
from marketplace.publishing.publish_video import withdraw_video
from marketplace.sharing.share_links import share_channel, share_listing, share_video
from marketplace.videos.media.cover_sizes import cover_keys
from marketplace.videos.models import Video
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, acting, make_plans, make_published_video, make_seller

BASE = "https://market.example"


class Tags(HTMLParser):
    """The page's properties, and its canonical address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and (name := found.get("property") or found.get("name")):
            self.said[name] = found.get("content") or ""
        if tag == "link" and found.get("rel") == "canonical":
            self.said["canonical"] = found.get("href") or ""


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture(scope="module")
def plan(services: Services, seller: Org) -> Plan:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_plans(uow, seller)[0]


@pytest.fixture(scope="module")
def client(services: Services) -> TestClient[Any]:
    return TestClient(application(services), base_url=BASE)


def publish(services: Services, seller: Org, plan: Plan, visibility: str = "public") -> Video:
    with unit_of_work(services.db, SYSTEM) as uow:
        video, _ = make_published_video(uow, seller, plan, visibility=visibility)
        for key in cover_keys(video.cover_key):
            services.storage.put_bytes(key, b"\xff\xd8cover")
        services.storage.put_bytes(str(video.media_key), b"x")
    return video


def opened(client: TestClient[Any], path: str, language: str = "en") -> tuple[int, dict[str, str]]:
    answer = client.get(path, headers={"Accept": "text/html", "Accept-Language": language})
    return answer.status_code, Tags(answer.text).said


def test_a_public_video_has_its_poster_and_its_film(
    services: Services, client: TestClient[Any], seller: Org, plan: Plan
) -> None:
    video = publish(services, seller, plan)
    status, said = opened(client, f"/v/{video.id}")
    assert status == 200
    assert (said["og:type"], said["og:title"]) == ("video.other", "One screen")
    assert said["og:url"] == said["canonical"] == f"{BASE}/v/{video.id}"
    assert (said["og:video:width"], said["og:video:height"], said["video:duration"]) == ("720", "1280", "14")
    assert said["twitter:card"] == "summary_large_image"
    for name in ("og:image", "og:video"):
        assert said[name].startswith(f"{BASE}/v1/videos/{video.id}/")
        assert "token=" not in said[name], "a preview never carries a signature"
        address = urlsplit(said[name])
        answer = TestClient(application(services), base_url=BASE).get(f"{address.path}?{address.query}")
        assert answer.status_code == 200
        if name == "og:image":
            assert answer.headers["content-type"] == said["og:image:type"] == "image/jpeg"
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert opened(client, f"/v/{video.id}", "zh-CN")[1]["og:title"] == "用一块屏管完校招"


def test_a_promoters_code_stays_in_the_shared_address_alone(
    services: Services, client: TestClient[Any], seller: Org, plan: Plan
) -> None:
    video = publish(services, seller, plan)
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, seller.owner):
        shared = {
            f"/v/{video.id}": share_video(uow, video.id),
            f"/products/{plan.listing_id}": share_listing(uow, plan.listing_id),
            f"/channels/{video.channel_id}": share_channel(uow, video.channel_id),
        }
    for path, code in shared.items():
        _, said = opened(client, f"{path}?share={code}&t=3")
        assert said["og:url"] == f"{BASE}{path}?share={code}"
        assert said["canonical"] == f"{BASE}{path}"
    _, odd = opened(client, f"/v/{video.id}?share=%22%3E%3Cscript%3E")
    assert odd["og:url"] == f"{BASE}/v/{video.id}"


@pytest.mark.parametrize("visibility", ["internal", "partners"])
def test_what_is_not_public_is_told_to_nobody(
    services: Services, client: TestClient[Any], seller: Org, plan: Plan, visibility: str
) -> None:
    video = publish(services, seller, plan, visibility)
    status, said = opened(client, f"/v/{video.id}")
    assert status == 404
    assert not [name for name in said if name.startswith(("og:", "twitter:", "canonical"))]
    own: TestClient[Any] = TestClient(application(services), base_url=BASE)
    own.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
    status, said = opened(own, f"/v/{video.id}")
    assert status == 200
    assert not [name for name in said if name.startswith(("og:", "twitter:", "canonical"))]


def test_a_withdrawn_video_shows_nothing(services: Services, client: TestClient[Any], seller: Org, plan: Plan) -> None:
    video = publish(services, seller, plan)
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, seller.owner):
        withdraw_video(uow, video.id)
    status, said = opened(client, f"/v/{video.id}")
    assert (status, "og:title" in said) == (404, False)


def test_a_product_and_a_channel_show_a_public_video_of_theirs(
    services: Services, client: TestClient[Any], seller: Org, plan: Plan
) -> None:
    shown, hidden = publish(services, seller, plan), publish(services, seller, plan, "internal")
    own: TestClient[Any] = TestClient(application(services), base_url=BASE)
    own.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
    for reader in (client, own):
        _, product = opened(reader, f"/products/{plan.listing_id}")
        assert (product["og:type"], product["og:title"]) == ("website", "Recruiting Pro")
        assert product["og:url"] == f"{BASE}/products/{plan.listing_id}"
        assert product["og:image"].startswith(BASE)
        assert str(hidden.id) not in product["og:image"]
    _, channel = opened(client, f"/channels/{shown.channel_id}")
    assert (channel["og:type"], channel["og:title"]) == ("profile", "Channel")
    assert channel["og:image"].startswith(f"{BASE}/v1/videos/{shown.id}/cover")
    _, bare = opened(own, f"/channels/{hidden.channel_id}")
    assert "og:image" not in bare
    assert bare["twitter:card"] == "summary"


def test_words_are_escaped_and_cut(services: Services, client: TestClient[Any], seller: Org, plan: Plan) -> None:
    video = publish(services, seller, plan)
    with unit_of_work(services.db, SYSTEM) as uow:
        row = uow.session.get_one(Video, video.id)
        row.title_en, row.description_en = '"><script>alert(1)</script>', "many\n\nwords " * 100
        assert uow.session.get_one(Channel, video.channel_id).name
    _, said = opened(client, f"/v/{video.id}")
    assert said["og:title"] == '"><script>alert(1)</script>'
    assert len(said["og:description"]) == 200
    assert said["og:description"].startswith("many words many")
    assert said["og:description"].endswith("…")
