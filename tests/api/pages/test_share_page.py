"""A video is sent on from a page: its plain link for anybody, a member's own once they asked for it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.sharing.models import ShareLink
from marketplace.videos.models import Video
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, make_org, make_plans, make_published_video, make_seller

BASE = "https://market.example"
PAGE = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


def published(services: Services, seller: Org, visibility: str = "public") -> Video:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_published_video(uow, seller, make_plans(uow, seller)[0], visibility=visibility)[0]


def link(page: str) -> str:
    found = re.search(r'id="link" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_member_gets_a_link_of_their_own_once(services: Services, seller: Org) -> None:
    video = published(services, seller)
    path = f"/v/{video.id}/share"
    nobody: TestClient[Any] = TestClient(application(services), base_url=BASE)
    assert link(nobody.get(path, headers=PAGE).text) == f"{BASE}/v/{video.id}"
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    csrf = client.post("/v1/session", json={"email": org.email, "password": PASSWORD}).json()["csrf"]
    client.headers["X-CSRF-Token"] = csrf
    assert link(client.get(path, headers=PAGE).text) == f"{BASE}/v/{video.id}", "a look makes none"
    for _ in range(2):
        made = client.post(path, data={"csrf": csrf}, headers=PAGE, follow_redirects=False)
        assert (made.status_code, made.headers["location"]) == (303, path)
    own = link(client.get(path, headers=PAGE).text)
    with unit_of_work(services.db, SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).where(ShareLink.video_id == video.id)) == 1
        code = uow.session.scalars(select(ShareLink.code).where(ShareLink.video_id == video.id)).one()
    assert own == f"{BASE}/v/{video.id}?share={code}"
    assert nobody.post(path, data={"csrf": "x"}, headers=PAGE, follow_redirects=False).status_code in {303, 401, 403}


def test_what_one_may_not_see_cannot_be_shared(services: Services, seller: Org) -> None:
    video = published(services, seller, "internal")
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    assert client.get(f"/v/{video.id}/share", headers=PAGE).status_code == 404
