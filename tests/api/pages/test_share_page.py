"""A video is sent on from a page: its plain link for anybody, a member's own once they asked for it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.placements.models import Placement
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


def subjects(video: Video, listing_id: UUID) -> dict[str, tuple[Any, UUID]]:
    """What each page opens, by which column of a link."""
    return {
        f"/v/{video.id}": (ShareLink.video_id, video.id),
        f"/products/{listing_id}": (ShareLink.listing_id, listing_id),
        f"/channels/{video.channel_id}": (ShareLink.channel_id, video.channel_id),
    }


def test_a_member_gets_a_link_of_their_own_once(services: Services, seller: Org) -> None:
    video = published(services, seller)
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
        listing_id = uow.session.scalars(select(Placement.listing_id).where(Placement.video_id == video.id)).one()
    nobody: TestClient[Any] = TestClient(application(services), base_url=BASE)
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    csrf = client.post("/v1/session", json={"email": org.email, "password": PASSWORD}).json()["csrf"]
    client.headers["X-CSRF-Token"] = csrf
    for opens, (column, subject_id) in subjects(video, listing_id).items():
        path = f"{opens}/share"
        assert link(nobody.get(path, headers=PAGE).text) == f"{BASE}{opens}"
        assert link(client.get(path, headers=PAGE).text) == f"{BASE}{opens}", "a look makes none"
        for _ in range(2):
            made = client.post(path, data={"csrf": csrf}, headers=PAGE, follow_redirects=False)
            assert (made.status_code, made.headers["location"]) == (303, path)
        page = client.get(path, headers=PAGE).text
        with unit_of_work(services.db, SYSTEM) as uow:
            assert uow.session.scalar(select(func.count()).where(column == subject_id)) == 1
            code = uow.session.scalars(select(ShareLink.code).where(column == subject_id)).one()
        assert link(page) == f"{BASE}{opens}?share={code}"
        assert "Make my own link" not in page
        assert nobody.post(path, data={"csrf": "x"}, headers=PAGE, follow_redirects=False).status_code in {
            303,
            401,
            403,
        }


def test_what_one_may_not_see_cannot_be_shared(services: Services, seller: Org) -> None:
    video = published(services, seller, "internal")
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    assert client.get(f"/v/{video.id}/share", headers=PAGE).status_code == 404
