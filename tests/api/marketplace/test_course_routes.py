"""A course over HTTP, with real bytes: no file of an episode reaches anybody without a seat, whatever address they try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.context import Services
from fulfillment.provisioning.end_entitlement import end_entitlement
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.access.models import Person
from marketplace.videos.models import Video, captions_key
from tests import factories_fulfillment
from tests.api_server import services_for, serving
from tests.factories_courses import LONG, Taught, make_course, sell
from tests.factories_fulfillment import Delivery
from tests.factories_marketplace import PASSWORD, make_member, make_org

FILM = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def services(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Services:
    factories_fulfillment.register()
    return services_for(
        db,
        tmp_path_factory.mktemp("house"),
        signer=TokenSigner([bytes(32)]),
        box=SecretBox({"k1": bytes(32)}),
        policy=OutboundPolicy(),
    )


@pytest.fixture(scope="module")
def address(services: Services) -> Iterator[str]:
    with serving(services) as found:
        yield found


@pytest.fixture
def sold(services: Services) -> tuple[Taught, Delivery, dict[str, str]]:
    """A course with films, sold; the addresses of a seller, the buyer's owner, two of its members and a stranger."""
    with unit_of_work(services.db, SYSTEM) as uow:
        course = make_course(uow)
        made = sell(uow, course, seats=1)
        for video_id in course.videos:
            video = uow.session.get_one(Video, video_id)
            video.media_bytes, video.captions = len(FILM), {"en": "0" * 64}
            services.storage.put_bytes(str(video.media_key), FILM)
            services.storage.put_bytes(captions_key(video_id, "0" * 64), b"WEBVTT\n")
        members = [make_member(uow, made.buyer, "finance") for _ in range(2)]
        emails = [uow.session.get_one(Person, one.person()).email for one in members]
        stranger = make_org(uow)
    people = {"seller": course.seller.email, "owner": made.buyer.email, "stranger": stranger.email}
    return course, made, people | {"member": emails[0], "colleague": emails[1]}


@pytest.fixture
def people(address: str, sold: tuple[Taught, Delivery, dict[str, str]]) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as stack:
        clients = {"visitor": stack.enter_context(httpx.Client(base_url=address, timeout=30))}
        for name, email in sold[2].items():
            client = stack.enter_context(httpx.Client(base_url=address, timeout=30))
            answer = client.post("/v1/session", json={"email": email, "password": PASSWORD})
            assert answer.status_code == 201, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            clients[name] = client
        yield clients


def person_of(client: httpx.Client) -> str:
    return str(client.get("/v1/me").json()["person_id"])


def give_seat(people: dict[str, httpx.Client], made: Delivery, name: str) -> str:
    answer = people["owner"].post(
        f"/v1/entitlements/{made.id}/seats",
        json={"person_id": person_of(people[name])},
        headers={"Idempotency-Key": uuid7().hex},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def film(course: Taught, video_id: UUID) -> str:
    return f"/v1/courses/{course.id}/episodes/{video_id}/media"


def statuses(people: dict[str, httpx.Client], path: str) -> dict[str, int]:
    return {name: client.get(path, headers={"Range": "bytes=10-19"}).status_code for name, client in people.items()}


Sold = tuple[Taught, Delivery, dict[str, str]]
NOBODY = {"visitor": 404, "owner": 404, "stranger": 404, "member": 404, "colleague": 404, "seller": 206}


class TestBytes:
    def test_each_range_asks_for_the_seat_anew(
        self, people: dict[str, httpx.Client], sold: Sold, services: Services
    ) -> None:
        course, made, _ = sold
        paid = film(course, course.paid)
        assert statuses(people, paid) == NOBODY
        seat_id = give_seat(people, made, "member")
        assert statuses(people, paid) == NOBODY | {"member": 206}
        whole = people["member"].get(paid)
        assert (whole.status_code, whole.content) == (200, FILM)
        assert whole.headers["cache-control"] == "private, no-cache"
        part = people["member"].get(paid, headers={"Range": "bytes=10-19"})
        assert (part.content, part.headers["content-range"]) == (FILM[10:20], f"bytes 10-19/{len(FILM)}")
        assert people["owner"].delete(f"/v1/entitlements/{made.id}/seats/{seat_id}").status_code == 204
        assert statuses(people, paid) == NOBODY
        known = {"If-None-Match": whole.headers["etag"]}
        assert people["member"].get(paid, headers=known).status_code == 404, "what was kept is not vouched for any more"
        give_seat(people, made, "colleague")
        assert statuses(people, paid) == NOBODY | {"colleague": 206}
        with unit_of_work(services.db, SYSTEM) as uow:
            end_entitlement(uow, made.id, reason="refunded")
        assert statuses(people, paid) == NOBODY

    def test_a_preview_is_everybodys(self, people: dict[str, httpx.Client], sold: Sold) -> None:
        course = sold[0]
        assert set(statuses(people, film(course, course.preview)).values()) == {206}

    def test_no_other_address_leads_to_an_episode(self, people: dict[str, httpx.Client], sold: Sold) -> None:
        course, made, _ = sold
        give_seat(people, made, "member")
        for video_id in (course.preview, course.paid):
            for part in ("", "/media", "/cover", "/captions/en"):
                answers = {
                    name: client.get(f"/v1/videos/{video_id}{part}").status_code for name, client in people.items()
                }
                assert {name for name, status in answers.items() if status != 404} <= {"seller"}, part

    def test_captions_are_as_closed_as_the_film(self, people: dict[str, httpx.Client], sold: Sold) -> None:
        course, made, _ = sold
        give_seat(people, made, "member")
        path = film(course, course.paid).replace("/media", "/captions/en")
        assert statuses(people, path) == NOBODY | {"member": 200, "seller": 200}
        assert people["member"].get(path.replace("/en", "/fr")).json()["code"] == "captions_not_found"


class TestProgress:
    def test_a_member_watches_and_the_administrator_reads(self, people: dict[str, httpx.Client], sold: Sold) -> None:
        course, made, _ = sold
        give_seat(people, made, "member")
        path = film(course, course.paid).replace("/media", "/progress")
        kept = people["member"].put(path, json={"position_ms": 40_000})
        assert (kept.status_code, kept.json()["furthest_ms"]) == (200, 40_000)
        assert people["member"].put(path, json={"position_ms": LONG}).json()["completed_at"] is not None
        for name, status in (("visitor", 401), ("owner", 404), ("stranger", 404), ("seller", 404), ("colleague", 404)):
            assert people[name].put(path, json={"position_ms": 1}).status_code == status, name
        (row,) = people["member"].get("/v1/courses").json()
        assert (row["listing_id"], row["completed"], row["episodes"]) == (str(course.id), 1, 3)
        assert people["owner"].get("/v1/courses").json() == []
        shown: dict[str, Any] = people["member"].get(f"/v1/courses/{course.id}").json()
        assert [one["is_open"] for one in shown["episodes"]] == [True, True, True]
        assert shown["episodes"][1]["position_ms"] == LONG
        table = people["owner"].get(f"/v1/entitlements/{made.id}/course-progress").json()
        assert [(one["completed"], one["has_place"]) for one in table["members"]] == [(1, True)]
        for name, status in (("member", 403), ("stranger", 404), ("seller", 404), ("visitor", 401)):
            assert people[name].get(f"/v1/entitlements/{made.id}/course-progress").status_code == status, name

    def test_the_seller_reads_numbers_and_edits(self, people: dict[str, httpx.Client], sold: Sold) -> None:
        course, made, _ = sold
        give_seat(people, made, "member")
        people["member"].put(film(course, course.paid).replace("/media", "/progress"), json={"position_ms": LONG})
        path = f"/v1/seller/courses/{course.id}"
        numbers = people["seller"].get(path)
        assert (numbers.json()["learners"], numbers.json()["finished"]) == (1, 0)
        assert sold[2]["member"] not in numbers.text
        assert person_of(people["member"]) not in numbers.text
        episodes = [{"video_id": str(one), "is_preview": False} for one in course.videos]
        change = {"episodes": episodes, "base": numbers.json()["base"]}
        assert people["stranger"].put(path, json=change).status_code == 404
        assert people["owner"].put(path, json=change).status_code == 404
        assert people["seller"].put(path, json=change).status_code == 204
        assert people["visitor"].get(film(course, course.preview)).status_code == 404, "no preview any more"
        refused = people["seller"].put(path, json=change | {"episodes": episodes[:2]})
        assert (refused.status_code, refused.json()["code"]) == (409, "course_shortened")

    @pytest.mark.parametrize("said", [-1, 1.5, "1", None, 10**12])
    def test_what_is_no_position_is_refused(self, people: dict[str, httpx.Client], sold: Sold, said: object) -> None:
        course = sold[0]
        path = film(course, course.paid).replace("/media", "/progress")
        assert people["member"].put(path, json={"position_ms": said}).status_code in {400, 422}
