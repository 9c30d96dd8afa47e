"""A live room over HTTP: all in it are told at once, whoever comes late has the whole state, pages work without scripts."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.live.explain import explain_item
from marketplace.live.models import LiveItem, LiveSession
from marketplace.live.run_session import end_session, start_session
from marketplace.notifications.models import Notification
from orders.coupons.live_price import SetLivePrice, set_live_price
from orders.notifications.notify_of_events import notify_past
from tests.api_server import application, serving
from tests.factories_live import make_live, make_session
from tests.factories_marketplace import PASSWORD, Org, acting, make_org, make_plans, make_seller, per_seat_plan

BASE = "https://market.example"
CROWD = 6


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture(scope="module")
def plans(services: Services, seller: Org) -> list[Plan]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_plans(uow, seller, per_seat_plan(), per_seat_plan(code="max"))


@pytest.fixture
def live(services: Services, seller: Org, plans: list[Plan]) -> Iterator[tuple[LiveSession, list[LiveItem]]]:
    with unit_of_work(services.db, SYSTEM) as uow:
        made = make_live(uow, seller, *plans)
    yield made
    with unit_of_work(services.db, seller.owner) as uow:
        end_session(uow, made[0].id)


def browser(services: Services, org: Org | None = None) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    if org is not None:
        opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def listen(address: str, session: LiveSession, heard: list[dict[str, Any]], until: int, of: str = "live") -> None:
    """What a room tells until `until` events were heard, or it ends."""
    with httpx.stream("GET", f"{address}/v1/live-sessions/{session.id}/stream", timeout=30) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event:"):
                name = line.partition(":")[2].strip()
            if line.startswith("data:") and name == of:
                heard.append(json.loads(line.partition(":")[2]))
                if len(heard) == until:
                    return


def test_everybody_in_the_room_sees_the_switch_and_who_comes_late_has_all_of_it(
    services: Services, seller: Org, live: tuple[LiveSession, list[LiveItem]]
) -> None:
    session, (one, two) = live
    told: list[list[dict[str, Any]]] = [[] for _ in range(CROWD)]
    with serving(services) as address, ThreadPoolExecutor(CROWD) as pool:
        rooms = [pool.submit(listen, address, session, heard, 2) for heard in told]
        while not all(told):
            assert not any(room.done() for room in rooms)
            time.sleep(0.01)
        with unit_of_work(services.db, seller.owner) as uow:
            explain_item(uow, session.id, one.id)
        for room in rooms:
            room.result()
        late: list[dict[str, Any]] = []
        with unit_of_work(services.db, seller.owner) as uow:
            explain_item(uow, session.id, two.id)
        listen(address, session, late, 1)
        polled = httpx.get(f"{address}/v1/live-sessions/{session.id}/state").json()
    for first, switched in told:
        assert (first["state"], first["item_id"]) == ("live", None)
        assert switched["item_id"] == str(one.id)
        assert switched["sequence"] > first["sequence"]
        assert 0 <= first["position_ms"] <= switched["position_ms"]
    assert late[0]["item_id"] == str(two.id) == polled["item_id"]
    assert late[0]["sequence"] == polled["sequence"]


def test_the_stream_ends_with_the_session(services: Services, seller: Org, plans: list[Plan]) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        session, _ = make_live(uow, seller, *plans)
    heard: list[dict[str, Any]] = []
    with serving(services) as address:
        room = threading.Thread(target=listen, args=(address, session, heard, 99))
        room.start()
        while not heard:
            time.sleep(0.01)
        with unit_of_work(services.db, seller.owner) as uow:
            end_session(uow, session.id)
        room.join(timeout=20)
        assert not room.is_alive()
    assert [one.get("state") for one in heard] == ["live", "ended"]


def test_the_room_shows_its_state_without_scripts(
    services: Services, seller: Org, live: tuple[LiveSession, list[LiveItem]]
) -> None:
    session, (one, two) = live
    with unit_of_work(services.db, seller.owner) as uow:
        explain_item(uow, session.id, one.id)
    page = browser(services).get(f"/live/{session.id}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    hidden = {
        found[1]: "hidden" in found[0] for found in re.finditer(r'<div data-explaining="([0-9a-f-]+)"[^>]*>', page.text)
    }
    assert hidden == {str(one.id): False, str(two.id): True}
    assert "<noscript><meta" in page.text
    assert str(session.id) in browser(services).get("/live", headers={"Accept": "text/html"}).text


def test_a_host_works_on_pages_alone(services: Services, seller: Org, plans: list[Plan]) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        film = make_session(uow, seller)[0].video_id
    client = browser(services, seller)
    client.headers["Accept"] = "text/html"

    def post(path: str, **fields: str) -> httpx.Response:
        form = client.get("/seller/live").text
        csrf = re.search(r'name="csrf" content="([^"]+)"', form)
        assert csrf is not None
        return client.post(path, data={"csrf": csrf[1], **fields}, follow_redirects=False)

    words = {"video_id": str(film), "title": "夜场", "visibility": "public", "publish_at": "2020-01-01T10:00"}
    refused = post("/seller/live", **words)
    assert refused.status_code == 422
    assert "夜场" in refused.text
    ahead = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    made = post("/seller/live", **words | {"publish_at": ahead})
    assert made.status_code == 303
    here = made.headers["location"]
    assert post(f"{here}/items", plan_id=str(plans[0].id)).status_code == 303
    twice = post(f"{here}/items", plan_id=str(plans[0].id))
    assert twice.status_code == 409
    assert post(here, **words | {"publish_at": ahead, "title": "日场"}).status_code == 303
    item = client.get(f"/v1{here.replace('seller/live', 'live-sessions')}").json()["items"][0]["id"]
    assert post(f"{here}/items/{item}/explain").status_code == 409
    assert post(f"{here}/start").status_code == 303
    assert post(f"{here}/items/{item}/explain").status_code == 303
    assert "讲解中" in client.get(here).text
    assert post(f"{here}/stop").status_code == 303
    assert post(f"{here}/end").status_code == 303
    assert "日场" in client.get(here.replace("/seller", "")).text


def test_whoever_asked_is_told_when_it_begins(services: Services, seller: Org, plans: list[Plan]) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        reader = make_org(uow)
        session, _ = make_session(uow, seller, *plans)
    client, since = browser(services, reader), clock.now()
    assert client.put(f"/v1/live-sessions/{session.id}/reminder").status_code == 204
    with unit_of_work(services.db, seller.owner) as uow:
        start_session(uow, session.id)
    notify_past(lambda work: transact(services.db, SYSTEM, work), since, clock.now())
    with unit_of_work(services.db, SYSTEM) as uow:
        found = uow.session.scalars(select(Notification).where(Notification.person_id == reader.owner.person_id)).all()
        assert [(one.kind, one.path) for one in found] == [("live_started", f"/live/{session.id}")]
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, seller.owner):
        end_session(uow, session.id)


def test_what_is_asked_and_answered_and_the_places_left_reach_the_room(
    services: Services, seller: Org, live: tuple[LiveSession, list[LiveItem]]
) -> None:
    session, (item, _) = live
    with unit_of_work(services.db, SYSTEM) as uow:
        asker = make_org(uow)
    with unit_of_work(services.db, seller.owner) as uow:
        set_live_price(uow, SetLivePrice(session.id, item.id, percent_ppm=100_000, places=3))
    told: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    host, viewer, since = browser(services, seller), browser(services, asker), clock.now()
    with serving(services) as address, ThreadPoolExecutor(2) as pool:
        rooms = [
            pool.submit(listen, address, session, told, 3, "questions"),
            pool.submit(listen, address, session, places, 1, "places"),
        ]
        while not (told and places):
            assert not rooms[0].done()
            time.sleep(0.01)
        asked = viewer.post(f"/v1/live-sessions/{session.id}/questions", json={"text": "<b>能试用吗？</b>"}).json()[
            "id"
        ]
        while len(told) < 2:
            assert not rooms[0].done()
            time.sleep(0.01)
        answer = f"/v1/seller/live-questions/{asked}/answer"
        assert host.put(answer, json={"text": "可以。"}).status_code == 204
        for room in rooms:
            room.result()
    assert places == [{str(item.id): 3}]
    assert [(one["waiting"], [q["answer"] for q in one["shown"]]) for one in told] == [
        (0, []),
        (1, []),
        (0, ["可以。"]),
    ]
    page = viewer.get(f"/live/{session.id}", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    assert "&lt;b&gt;能试用吗？&lt;/b&gt;" in page
    assert viewer.post(f"/v1/live-sessions/{session.id}/questions", json={"text": ""}).status_code == 422
    notify_past(lambda work: transact(services.db, SYSTEM, work), since, clock.now())
    with unit_of_work(services.db, SYSTEM) as uow:
        kinds = uow.session.scalars(select(Notification.kind).where(Notification.org_id == asker.id)).all()
    assert "live_question_answered" in kinds
