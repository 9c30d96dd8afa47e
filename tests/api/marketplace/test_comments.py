"""Comments: plain text below a video, moderated by its channel, never faster than a person writes."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import TooMany
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.notifications.models import Notification
from marketplace.reactions.comment_on_video import MAX_TEXT, MOST, SENT_AGAIN, WITHIN, add_comment
from marketplace.videos.models import Video
from orders.notifications.notify_of_events import notify_past
from tests.api_server import application
from tests.factories_marketplace import (
    PASSWORD,
    Org,
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
def reader(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def video(services: Services, seller: Org, plan: Plan) -> Video:
    return publish(services, seller, plan)


def publish(services: Services, seller: Org, plan: Plan, visibility: str = "public") -> Video:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_published_video(uow, seller, plan, visibility=visibility)[0]


def browser(services: Services, org: Org | None = None) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    if org is not None:
        opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def write(client: TestClient[Any], video: Video, text: str = "支持私有部署吗？") -> str:
    answer = client.post(f"/v1/videos/{video.id}/comments", json={"text": text})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def texts(client: TestClient[Any], video: Video) -> list[str]:
    return [one["text"] for one in client.get(f"/v1/videos/{video.id}/comments").json()["items"]]


def test_everybody_reads_what_one_wrote_as_plain_text(services: Services, reader: Org, video: Video) -> None:
    client = browser(services, reader)
    write(client, video, "<script>alert(1)</script>\nsecond line")
    row = browser(services).get(f"/v1/videos/{video.id}/comments").json()["items"][0]
    assert row["text"] == "<script>alert(1)</script>\nsecond line"
    assert (row["own"], row["moderated"], row["state"]) == (False, False, "shown")
    assert row["person_name"] == "老板"
    assert row["org_name"].startswith("测试企业")
    page = browser(services).get(f"/v/{video.id}/comments", headers={"Accept": "text/html"}).text
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(("text", "code"), [("", "text_required"), (" \n ", "text_required"), ("x" * 501, None)])
def test_what_is_no_comment_is_refused_and_stays_in_the_form(
    services: Services, reader: Org, video: Video, text: str, code: str | None
) -> None:
    assert MAX_TEXT == 500
    client = browser(services, reader)
    answer = client.post(f"/v1/videos/{video.id}/comments", json={"text": text})
    assert answer.status_code == 422
    assert code is None or answer.json()["code"] == code
    form = {"text": text, "csrf": client.headers["X-CSRF-Token"]}
    page = client.post(f"/v/{video.id}/comments", data=form, headers={"Accept": "text/html"})
    assert page.status_code == 422
    assert text.strip() in page.text
    assert texts(client, video) == []


def test_a_channel_hides_and_shows_what_is_below_its_own_videos(
    services: Services, seller: Org, reader: Org, video: Video
) -> None:
    writer, channel = browser(services, reader), browser(services, seller)
    comment = write(writer, video)
    with unit_of_work(services.db, SYSTEM) as uow:
        other = make_seller(uow)
    assert browser(services, other).post(f"/v1/comments/{comment}/hide").status_code == 404
    assert channel.post(f"/v1/comments/{comment}/hide").status_code == 204
    assert texts(browser(services), video) == []
    assert texts(browser(services, other), video) == []
    assert len(texts(writer, video)) == len(texts(channel, video)) == 1, "its writer and the channel still see it"
    assert channel.post(f"/v1/comments/{comment}/show").status_code == 204
    assert len(texts(browser(services), video)) == 1


def test_one_takes_back_ones_own_alone_and_for_good(services: Services, seller: Org, reader: Org, video: Video) -> None:
    writer, channel = browser(services, reader), browser(services, seller)
    comment = write(writer, video)
    assert channel.delete(f"/v1/comments/{comment}").status_code == 404
    for _ in range(2):
        assert writer.delete(f"/v1/comments/{comment}").status_code == 204
    for client in (writer, channel, browser(services)):
        assert texts(client, video) == []
    assert channel.post(f"/v1/comments/{comment}/show").status_code == 409


def test_below_what_one_may_not_see_one_neither_reads_nor_writes(
    services: Services, seller: Org, plan: Plan, reader: Org
) -> None:
    video = publish(services, seller, plan, "internal")
    comment = write(browser(services, seller), video)
    for client in (browser(services, reader), browser(services)):
        assert client.get(f"/v1/videos/{video.id}/comments").status_code == 404
    client = browser(services, reader)
    assert client.post(f"/v1/videos/{video.id}/comments", json={"text": "x"}).status_code == 404
    report = {"kind": "comment", "content_id": comment}
    assert client.post("/v1/content-reports", json=report).status_code == 404


def test_a_person_writes_so_fast_and_no_faster_even_all_at_once(services: Services, reader: Org, video: Video) -> None:
    barrier, outcomes = threading.Barrier(MOST + 4), []

    def one(number: int) -> None:
        barrier.wait()
        try:
            with unit_of_work(services.db, reader.owner) as uow:
                add_comment(uow, video.id, f"快 {number}")
            outcomes.append("written")
        except TooMany:
            outcomes.append("too many")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(MOST + 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["too many"] * 4 + ["written"] * MOST
    answer = browser(services, reader).post(f"/v1/videos/{video.id}/comments", json={"text": "再来"})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_comments")
    assert answer.headers["retry-after"] == "600"
    with clock.frozen(clock.now() + WITHIN + timedelta(seconds=1)), unit_of_work(services.db, reader.owner) as uow:
        add_comment(uow, video.id, "歇了一会儿")


def test_the_same_words_sent_again_are_there_once(services: Services, reader: Org, video: Video) -> None:
    """The back button, a second press, two windows at once."""
    barrier, written = threading.Barrier(4), set()

    def one() -> None:
        barrier.wait()
        with unit_of_work(services.db, reader.owner) as uow:
            written.add(add_comment(uow, video.id, "很好用").id)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 1
    with clock.frozen(clock.now() + SENT_AGAIN + timedelta(seconds=1)), unit_of_work(services.db, reader.owner) as uow:
        assert add_comment(uow, video.id, "很好用").id not in written


def test_the_channels_people_are_told_of_others_comments(
    services: Services, seller: Org, reader: Org, video: Video
) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        viewer = make_member(uow, seller, "viewer")
    begun = clock.now() - timedelta(minutes=1)
    write(browser(services, reader), video, "请问")
    write(browser(services, seller), video, "欢迎提问")

    def transact(work: Any) -> Any:
        with unit_of_work(services.db, SYSTEM) as uow:
            return work(uow)

    notify_past(transact, begun, clock.now() + timedelta(minutes=1))
    with unit_of_work(services.db, SYSTEM) as uow:
        told = uow.session.scalars(
            select(Notification).where(
                Notification.kind == "comment_added", Notification.path == f"/v/{video.id}/comments"
            )
        ).all()
        assert [(one.person_id, one.params["text"]) for one in told] == [(seller.owner.person(), "请问")]
        assert viewer.person() not in {one.person_id for one in told}
