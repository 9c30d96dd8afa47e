"""A video is published at its moment, not before; changed, cancelled, or kept back where something stands in the way then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from app.scheduler import run_sweep
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.jobs.kinds import sweeps
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import withdraw_plan
from marketplace.notifications.models import Notification
from marketplace.publishing import jobs
from marketplace.publishing.edit_placements import AddPlacement, add_placement
from marketplace.publishing.jobs import PUBLISH_DUE
from marketplace.publishing.schedule_video import LONGEST
from marketplace.videos.models import Video
from orders.notifications.notify_of_events import notify_past
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, acting, make_org, make_plans, make_ready_video, make_seller

BASE = "https://market.example"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    jobs.register()
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture
def plan(services: Services, seller: Org) -> Plan:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_plans(uow, seller)[0]


@pytest.fixture
def video(services: Services, seller: Org, plan: Plan) -> Video:
    with unit_of_work(services.db, SYSTEM) as uow:
        made = make_ready_video(uow, seller)
        with acting(uow, seller.owner):
            add_placement(uow, AddPlacement(made.id, plan.id, 3_000, 14_000))
        made.title_en = f"Scheduled {made.id.hex}"
        uow.flush()
    services.storage.put_bytes(str(made.media_key), b"x")
    return made


def browser(services: Services, org: Org | None = None) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    if org is not None:
        opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def schedule(client: TestClient[Any], video: Video, at: datetime) -> Any:
    return client.put(f"/v1/videos/{video.id}/schedule", json={"publish_at": at.isoformat()})


def sweep(services: Services) -> None:
    run_sweep(services.db, next(item for item in sweeps() if item.name == PUBLISH_DUE))


def state(client: TestClient[Any], video: Video) -> Any:
    return client.get(f"/v1/seller/videos/{video.id}").json()["video"]


def leaks(services: Services, video: Video) -> list[str]:
    """Where an outsider learns of the video."""
    with unit_of_work(services.db, SYSTEM) as uow:
        other = make_org(uow)
    outsiders = [browser(services), browser(services, other)]
    found = []
    page = {"Accept": "text/html"}
    for client in outsiders:
        channel = video.channel_id
        lists = ("/v1/feed?limit=100", f"/v1/channels/{channel}/videos", f"/v1/search?q={video.id.hex}", "/")
        found += [path for path in (*lists, f"/channels/{channel}") if str(video.id) in client.get(path).text]
        for path in ("", "/media", "/cover", "/captions/en", "/comments", "/reactions"):
            if client.get(f"/v1/videos/{video.id}{path}").status_code != 404:
                found.append(path)
        for path in (f"/v/{video.id}", f"/v/{video.id}/comments"):
            answer = client.get(path, headers=page)
            if answer.status_code != 404 or "og:title" in answer.text or video.title_en in answer.text:
                found.append(path)
    return found


def test_it_is_published_when_it_is_due_and_not_before(services: Services, seller: Org, video: Video) -> None:
    owner = browser(services, seller)
    now = clock.now()
    with clock.frozen(now):
        assert schedule(owner, video, now + DAY).status_code == 204
        assert datetime.fromisoformat(state(owner, video)["publish_at"]) == now + DAY
    with clock.frozen(now + DAY - timedelta(seconds=1)):
        sweep(services)
        assert state(owner, video)["state"] == "ready"
        assert leaks(services, video) == []
    with clock.frozen(now + DAY):
        sweep(services)
        sweep(services)
        row = state(owner, video)
        assert (row["state"], row["publish_at"], row["publish_refused_code"]) == ("published", None, None)
        assert datetime.fromisoformat(row["published_at"]) == now + DAY
        assert str(video.id) in browser(services).get("/v1/feed?limit=100").text
        assert str(video.id) in browser(services).get(f"/v1/search?q={video.id.hex}").text


def test_a_moment_is_changed_and_cancelled(services: Services, seller: Org, video: Video) -> None:
    owner = browser(services, seller)
    now = clock.now()
    schedule(owner, video, now + DAY)
    assert schedule(owner, video, now + 3 * DAY).status_code == 204
    with clock.frozen(now + 2 * DAY):
        sweep(services)
        assert state(owner, video)["state"] == "ready"
    for _ in range(2):
        assert owner.delete(f"/v1/videos/{video.id}/schedule").status_code == 204
    with clock.frozen(now + 4 * DAY):
        sweep(services)
        assert (state(owner, video)["state"], state(owner, video)["publish_at"]) == ("ready", None)


def test_published_by_hand_it_is_not_due_any_more(services: Services, seller: Org, video: Video) -> None:
    owner = browser(services, seller)
    now = clock.now()
    schedule(owner, video, now + DAY)
    assert owner.post(f"/v1/videos/{video.id}/publish").status_code == 200
    assert state(owner, video)["publish_at"] is None
    assert owner.post(f"/v1/videos/{video.id}/withdraw").status_code == 200
    with clock.frozen(now + 2 * DAY):
        sweep(services)
        assert state(owner, video)["state"] == "withdrawn"


def test_what_stands_in_the_way_by_then_keeps_it_back_and_is_told(
    services: Services, seller: Org, video: Video, plan: Plan
) -> None:
    owner = browser(services, seller)
    now = clock.now()
    schedule(owner, video, now + DAY)
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, seller.owner):
        withdraw_plan(uow, plan.id)
    with clock.frozen(now + DAY):
        sweep(services)
        row = state(owner, video)
        assert (row["state"], row["publish_at"]) == ("ready", None)
        assert row["publish_refused_code"] == "placement_not_on_sale"
        assert leaks(services, video) == []
        notify_past(lambda work: _transact(services, work), now, now + DAY + timedelta(minutes=1))
    with unit_of_work(services.db, SYSTEM) as uow:
        wanted = select(Notification.params).where(
            Notification.kind == "video_not_published", Notification.path == f"/seller/videos/{video.id}"
        )
        (told,) = uow.session.scalars(wanted)
    assert told["why_en"] == "the product of a card was not on sale"
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    page = owner.get(f"/seller/videos/{video.id}", headers=headers).text
    assert "It was due, but it was not published." in page


def _transact(services: Services, work: Any) -> Any:
    with unit_of_work(services.db, SYSTEM) as uow:
        return work(uow)


@pytest.mark.parametrize(
    ("moment", "code"), [(timedelta(0), "schedule_past"), (-DAY, "schedule_past"), (LONGEST + DAY, "schedule_too_far")]
)
def test_a_moment_lies_ahead_and_within_a_year(
    services: Services, seller: Org, video: Video, moment: timedelta, code: str
) -> None:
    now = clock.now()
    with clock.frozen(now):
        answer = schedule(browser(services, seller), video, now + moment)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_what_could_not_be_published_now_is_not_scheduled(services: Services, seller: Org, plan: Plan) -> None:
    owner = browser(services, seller)
    with unit_of_work(services.db, SYSTEM) as uow:
        video = make_ready_video(uow, seller)
        with acting(uow, seller.owner):
            add_placement(uow, AddPlacement(video.id, plan.id, 3_000, 14_000))
            withdraw_plan(uow, plan.id)
    answer = schedule(owner, video, clock.now() + DAY)
    assert (answer.status_code, answer.json()["code"]) == (409, "placement_not_on_sale")
    naive = owner.put(f"/v1/videos/{video.id}/schedule", json={"publish_at": "2099-01-01T00:00:00"})
    assert naive.status_code == 422


def test_the_page_keeps_the_organizations_clock(services: Services, video: Video, seller: Org) -> None:
    owner = browser(services, seller)
    csrf = owner.headers["X-CSRF-Token"]
    local = (clock.now() + 2 * DAY).strftime("%Y-%m-%dT09:30")
    page = {"Accept": "text/html", "Accept-Language": "en"}
    path = f"/seller/videos/{video.id}"
    answer = owner.post(
        f"{path}/schedule", data={"publish_at": local, "csrf": csrf}, headers=page, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    assert state(owner, video)["publish_at"] == local.replace("T09:30", "T01:30:00Z"), "Asia/Shanghai"
    shown = owner.get(path, headers=page).text
    assert f'value="{local}"' in shown
    assert "Asia/Shanghai" in shown
    bad = owner.post(f"{path}/schedule", data={"publish_at": "soon", "csrf": csrf}, headers=page)
    assert bad.status_code == 422
    assert 'value="soon"' in bad.text
    data = {"action": "cancel", "csrf": csrf}
    assert owner.post(f"{path}/schedule", data=data, headers=page, follow_redirects=False).status_code == 303
    assert state(owner, video)["publish_at"] is None


def test_a_post_begins_with_its_readers_and_its_moment(services: Services, seller: Org) -> None:
    client, at = browser(services, seller), clock.now() + DAY
    with unit_of_work(services.db, SYSTEM) as uow:
        partner = make_org(uow)
    words = {"title": "为伙伴准备", "visibility": "partners", "partner_ids": [str(partner.id)]}
    made = client.post("/v1/videos", json=words | {"publish_at": at.isoformat()})
    assert made.status_code == 201, made.text
    with unit_of_work(services.db, SYSTEM) as uow:
        video = uow.session.get_one(Video, made.json()["id"])
        assert (video.visibility, video.partner_ids, video.publish_at) == ("partners", [partner.id], at)
    with clock.frozen(at + timedelta(seconds=1)):
        sweep(services)
        found = state(client, video)
        assert (found["state"], found["publish_refused_code"]) == ("draft", "video_not_ready"), "its file never came"
    wrong = (
        ({"visibility": "partners"}, "partners_missing"),
        ({"publish_at": (clock.now() - DAY).isoformat()}, "schedule_past"),
        ({"publish_at": (clock.now() + LONGEST + DAY).isoformat()}, "schedule_too_far"),
    )
    for change, code in wrong:
        refused = client.post("/v1/videos", json={"title": "不成"} | change)
        assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_the_upload_form_takes_them_too_and_keeps_what_was_typed(services: Services, seller: Org) -> None:
    client = browser(services, seller)
    form = {"title": "窗体", "visibility": "internal", "publish_at": "2020-01-01T09:00", "partners": ""}
    form["csrf"] = client.headers["X-CSRF-Token"]
    page = client.post(
        "/seller/videos/new", data=form, files={"file": ("a.mp4", b"x")}, headers={"Accept": "text/html"}
    )
    assert page.status_code == 422
    assert 'value="2020-01-01T09:00"' in page.text
    assert 'value="internal" checked' in page.text
    asked = {"Accept": "application/json"}
    assert client.post("/seller/videos", data=form, headers=asked).json()["code"] == "schedule_past"
    local = (clock.now() + DAY).strftime("%Y-%m-%dT%H:%M")
    begun = client.post("/seller/videos", data=form | {"publish_at": local}, headers=asked)
    assert begun.status_code == 201, begun.text
    with unit_of_work(services.db, SYSTEM) as uow:
        video = uow.session.get_one(Video, begun.json()["id"])
        assert (video.title, video.visibility, video.state) == ("窗体", "internal", "draft")
        assert video.publish_at == datetime.fromisoformat(f"{local}+08:00")
