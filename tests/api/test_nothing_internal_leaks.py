"""Nothing internal leaks: every GET route there is, asked by a stranger, a partner and nobody, says nothing of an internal video,
nor of an internal circle.

Neither its words nor its bytes, nor those of its cards, comments, captions, cover, training and answers; and what has its own
address answers as if it were not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from kernel.storage import StoredObject
from marketplace.publishing.edit_placements import AddClaim, add_claim
from marketplace.reactions.comment_on_video import add_comment
from marketplace.response_cards.save_card import add_card
from marketplace.training.assign_training import AssignTraining, assign_training
from marketplace.videos.captions.edit_captions import put_captions
from marketplace.videos.media.cover_sizes import cover_keys
from marketplace.videos.models import captions_key
from tests.api_server import application
from tests.card_stage import card, stage_response
from tests.circle_stage import join, make_circle, post
from tests.factories_marketplace import PASSWORD, acting, make_member, make_org, make_plans, make_published_video
from tests.factories_marketplace import make_seller as seller_of

BASE = "https://market.example"
MARK = "zqxinternal"
BYTES = b"\xff\xd8zqxinternal-bytes"
UNKNOWN = {401, 403, 404}
OF_A_CIRCLE = ("/circles/{circle_id:uuid}", "/v1/circles/{circle_id:uuid}/posts", "/circles/{circle_id:uuid}/members")
NOT_OF_A_VIDEO = {"/v1/events/stream", "/events", "/docs"}
"""Streams that do not end."""


@dataclass(frozen=True)
class Secret:
    """An internal video with everything that belongs to it, and an internal circle, by the names of routes' parameters."""

    ids: dict[str, UUID]
    clients: dict[str, TestClient[Any]]
    member: TestClient[Any]
    routes: tuple[str, ...]


def browser(services: Services, email: str = "") -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    if email:
        opened = client.post("/v1/session", json={"email": email, "password": PASSWORD})
        assert opened.status_code == 201, opened.text
    return client


def get_routes(services: Services) -> tuple[str, ...]:
    """The path of every route that is asked by GET."""
    found = set()
    for route in application(services).routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and "GET" in handler.http_methods:
                found.add(route.path)
    return tuple(sorted(one for one in found if "stream" not in one and one not in NOT_OF_A_VIDEO))


@pytest.fixture(scope="module")
def secret(services: Services) -> Secret:
    with unit_of_work(services.db, SYSTEM) as uow:
        owner, partner, stranger = seller_of(uow), seller_of(uow), make_org(uow)
        plan = make_plans(uow, owner)[0]
        video, placement = make_published_video(uow, owner, plan, visibility="internal")
        member = make_member(uow, owner, "viewer")
        with acting(uow, owner.owner):
            video.title = video.title_en = video.description = video.description_en = f"{MARK}-video"
            video.partner_ids = [partner.id]
            uow.flush()
            said = f"{MARK}-claim"
            add_claim(uow, AddClaim(placement.id, "included_seats", 4_000, said, said, plan.included_seats))
            words = {"title": f"{MARK}-card", "title_en": f"{MARK}-card", "text": f"{MARK}-card"}
            card_id = add_card(uow, video.id, card(**words)).id
            comment_id = add_comment(uow, video.id, f"{MARK}-comment").id
            people = (owner.owner.person(), member.person())
            due = clock.today("Asia/Shanghai") + timedelta(days=9)
            training_id = assign_training(uow, AssignTraining(f"{MARK}-training", due, (video.id,), people)).id
            put_captions(uow, video.id, "en", StoredObject(captions_key(video.id, "1" * 64), len(BYTES), "1" * 64))
        response_id = stage_response(uow, card_id)
        ids = {"video_id": video.id, "placement_id": placement.id, "card_id": card_id, "response_card_id": card_id}
        ids |= {"comment_id": comment_id, "training_id": training_id, "response_id": response_id}
        circle = make_circle(uow, owner.owner, "internal", f"{MARK}-circle")
        (circle_member_id,) = join(uow, circle, member)
        circle_post_id = post(uow, circle, member, f"{MARK}-post")
        ids |= {"circle_id": circle.org_id, "circle_member_id": circle_member_id, "circle_post_id": circle_post_id}
        ids |= {"card_response_id": response_id, "content_id": video.id, "claim_id": video.id}
        keys = (*cover_keys(video.cover_key), str(video.media_key), captions_key(video.id, "1" * 64))
    for key in keys:
        services.storage.put_bytes(key, BYTES)
    clients = {
        "nobody": browser(services),
        "partner": browser(services, partner.email),
        "stranger": browser(services, stranger.email),
    }
    return Secret(ids, clients, browser(services, member.label), get_routes(services))


def address(path: str, ids: dict[str, UUID], kind: str) -> str:
    def value(match: re.Match[str]) -> str:
        name, kind_of = match.group(1), match.group(2)
        if kind_of == "uuid":
            return str(ids.get(name, ids["video_id"]))
        return {"kind": kind, "language": "en"}.get(name, "video")

    return re.sub(r"\{(\w+):(\w+)\}", value, path)


def said(client: TestClient[Any], where: str, query: dict[str, str]) -> tuple[int, bytes]:
    answer = client.get(where, params=query, follow_redirects=False)
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
    return answer.status_code, answer.content + headers


def names_it(path: str, ids: dict[str, UUID]) -> bool:
    return any(name in ids for name in re.findall(r"\{(\w+):uuid\}", path))


def test_the_routes_are_there_and_its_own_people_see_it(secret: Secret) -> None:
    """What follows would hold for a house in which nothing is ever said."""
    assert len(secret.routes) > 150
    seen = {
        path: said(secret.member, address(path, secret.ids, "video"), {})
        for path in (
            "/v/{video_id:uuid}",
            "/v1/videos/{video_id:uuid}",
            "/v1/trainings/{training_id:uuid}",
            *OF_A_CIRCLE,
        )
    }
    assert {status for status, _ in seen.values()} == {200}
    assert all(MARK.encode() in body for _, body in seen.values())
    assert MARK.encode() in said(secret.member, f"/cards/{secret.ids['card_id']}", {})[1]
    assert MARK.encode() in said(secret.member, "/v1/feed", {})[1]


def test_no_route_says_anything_of_it(secret: Secret) -> None:
    told: list[str] = []
    for path in secret.routes:
        where = address(path, secret.ids, "video")
        for who, client in secret.clients.items():
            status, body = said(client, where, {})
            if MARK.encode() in body or BYTES in body or status >= 500:
                told.append(f"{who} {where}: {status}")
            elif names_it(path, secret.ids) and status not in {*UNKNOWN, 303}:
                told.append(f"{who} {where}: answers {status}")
    assert told == [], "\n".join(told)


QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from([MARK, f"{MARK}-video", f"{MARK}-card"]),
        "part": st.just("sheet"),
        "t": st.sampled_from(["0", "5"]),
        "limit": st.sampled_from(["1", "100"]),
        "token": st.sampled_from(["x", "a.b"]),
        "share": st.just("x"),
        "card": st.just("1"),
        "followed": st.just("1"),
        "w": st.sampled_from(["160", "480"]),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nor_whatever_is_asked_beside(secret: Secret, data: st.DataObject) -> None:
    about = [one for one in secret.routes if names_it(one, secret.ids) or "{" not in one]
    path, who = data.draw(st.sampled_from(about)), data.draw(st.sampled_from(sorted(secret.clients)))
    kind = data.draw(st.sampled_from(["video", "comment", "demo", "circle_post"]))
    status, body = said(secret.clients[who], address(path, secret.ids, kind), data.draw(QUERIES))
    # What is asked for is repeated on the page of a search; the video's own words are longer.
    assert not re.search(rb"zqxinternal-(?:training|claim|comment|bytes|circle|post)", body)
    assert status < 500
    if names_it(path, secret.ids):
        assert status in {*UNKNOWN, 303, 400}
