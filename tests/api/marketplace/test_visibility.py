"""Who may see a video: the same answer on every surface, and another one from the moment on in which it is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS, SYSTEM, Principal
from marketplace.attribution.facts import placements_of_listing
from marketplace.catalog.models import Plan
from marketplace.discovery.claims import claims_of
from marketplace.publishing.change_visibility import MAX_PARTNERS, ChangeVisibility, change_visibility
from marketplace.publishing.edit_placements import AddClaim, add_claim
from marketplace.videos.media.cover_sizes import cover_keys
from marketplace.videos.models import VISIBILITIES, Video
from tests.api_server import application
from tests.factories_marketplace import (
    PASSWORD,
    Org,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
)

BASE = "https://market.example"
CAPTIONS = "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nOne screen.\n"
LISTED = frozenset({"feed", "feed page", "channel", "channel page", "search", "search page", "product page"})
WATCHED = frozenset({"video", "video page", "media", "cover", "captions", "comments", "comments page", "reactions"})
ACTED = frozenset({"like", "comment", "share"})
COUNTED = frozenset({"touchpoint", "claims", "placements"})


@dataclass(frozen=True)
class Film:
    """A published video with a card, a claim and captions."""

    id: UUID
    channel_id: UUID
    placement_id: UUID
    plan: Plan
    word: str


@dataclass(frozen=True)
class Reader:
    """Somebody who looks, and as whom."""

    client: TestClient[Any]
    principal: Principal


def browser(services: Services, email: str = "") -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=BASE)
    if email:
        opened = client.post("/v1/session", json={"email": email, "password": PASSWORD})
        assert opened.status_code == 201, opened.text
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


@pytest.fixture(scope="module")
def seller(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture(scope="module")
def partner(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture(scope="module")
def readers(services: Services, seller: Org, partner: Org) -> dict[str, Reader]:
    with unit_of_work(services.db, SYSTEM) as uow:
        member, stranger = make_member(uow, seller, "viewer"), make_org(uow)
    return {
        "nobody": Reader(browser(services), ANONYMOUS),
        "stranger": Reader(browser(services, stranger.email), stranger.owner),
        "partner": Reader(browser(services, partner.email), partner.owner),
        "member": Reader(browser(services, member.label), member),
    }


@pytest.fixture
def film(services: Services, seller: Org) -> Film:
    with unit_of_work(services.db, SYSTEM) as uow:
        plan = make_plans(uow, seller)[0]
        video, placement = make_published_video(uow, seller, plan, visibility="internal")
        word = f"w{video.id.hex}"
        with acting(uow, seller.owner):
            add_claim(uow, AddClaim(placement.id, "included_seats", 4_000, "含席位", "Seats", plan.included_seats))
            video.title = video.title_en = word
            uow.flush()
    for key in (*cover_keys(video.cover_key), str(video.media_key)):
        services.storage.put_bytes(key, b"\xff\xd8cover")
    owner = browser(services, seller.email)
    assert owner.put(f"/v1/videos/{video.id}/captions/en", json={"content": CAPTIONS}).status_code == 204
    return Film(video.id, video.channel_id, placement.id, plan, word)


def let(services: Services, seller: Org, film: Film, visibility: str, *partners: Org) -> None:
    """As its owner changes it; the words of its title are indexed with it."""
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, seller.owner):
        change_visibility(uow, ChangeVisibility(film.id, visibility, [one.id for one in partners] or None))


def shown(services: Services, reader: Reader, film: Film) -> set[str]:
    """The surfaces on which the reader meets the video."""
    video, client, page = f"/v1/videos/{film.id}", reader.client, {"Accept": "text/html", "Accept-Language": "en"}
    lists = {
        "feed": "/v1/feed?limit=100",
        "feed page": "/",
        "channel": f"/v1/channels/{film.channel_id}/videos",
        "channel page": f"/channels/{film.channel_id}",
        "search": f"/v1/search?q={film.word}",
        "search page": f"/search?q={film.word}",
        "product page": f"/products/{film.plan.listing_id}",
    }
    single = {
        "video": video,
        "video page": f"/v/{film.id}",
        "media": f"{video}/media",
        "cover": f"{video}/cover",
        "captions": f"{video}/captions/en",
        "comments": f"{video}/comments",
        "comments page": f"/v/{film.id}/comments",
        "reactions": f"{video}/reactions",
    }
    found = set()
    for name, path in lists.items():
        answer = client.get(path, headers=page if "page" in name else {})
        assert answer.status_code == 200, (name, answer.text)
        if str(film.id) in answer.text:
            found.add(name)
    for name, path in single.items():
        answer = client.get(path, headers=page if "page" in name else {})
        assert answer.status_code in {200, 404}, (name, answer.text)
        assert answer.status_code == 200 or film.word not in answer.text
        if answer.status_code == 200:
            found.add(name)
    if reader.principal.person_id is not None:
        found |= acted(client, film)
    return found | counted(services, reader, film)


def acted(client: TestClient[Any], film: Film) -> set[str]:
    video = f"/v1/videos/{film.id}"
    answers = {
        "like": client.put(f"{video}/like"),
        "comment": client.post(f"{video}/comments", json={"text": "多少钱？"}),
        "share": client.post(f"{video}/share"),
    }
    return {name for name, answer in answers.items() if answer.status_code < 300}


def counted(services: Services, reader: Reader, film: Film) -> set[str]:
    """What an order made from the video would be attributed to and hold the seller to, and what is counted of it."""
    event = {
        "id": str(uuid7()),
        "kind": "card_click",
        "occurred_at": clock.now().isoformat(),
        "video_id": str(film.id),
        "placement_id": str(film.placement_id),
        "second": 6,
    }
    answer = reader.client.post("/v1/touchpoints", json={"events": [event], "anonymous_id": "abc"})
    assert answer.status_code < 300, answer.text
    found = {"touchpoint"} if answer.json()["accepted"] else set()
    with unit_of_work(services.db, reader.principal) as uow:
        if claims_of(uow, film.id, film.plan.id):
            found.add("claims")
        if placements_of_listing(uow, film.plan.listing_id, [film.id]):
            found.add("placements")
    return found


EVERYTHING = LISTED | WATCHED | COUNTED
SHOWN = {
    "public": {"nobody": EVERYTHING, "stranger": EVERYTHING, "partner": EVERYTHING, "member": EVERYTHING},
    "unlisted": dict.fromkeys(("nobody", "stranger", "partner", "member"), WATCHED | COUNTED),
    "partners": {"nobody": frozenset(), "stranger": frozenset(), "partner": EVERYTHING, "member": EVERYTHING},
    "internal": {"nobody": frozenset(), "stranger": frozenset(), "partner": frozenset(), "member": EVERYTHING},
}


def test_every_surface_agrees_and_a_change_holds_at_once(
    services: Services, seller: Org, partner: Org, readers: dict[str, Reader], film: Film
) -> None:
    """Each into each: what the feed keeps encoded, and what an address was signed for, follow."""
    assert set(SHOWN) == set(VISIBILITIES)
    for visibility in ("public", "internal", "partners", "unlisted", "partners", "public", "unlisted", "internal"):
        let(services, seller, film, visibility, partner)
        for name, reader in readers.items():
            expected = SHOWN[visibility][name]
            if expected and name != "nobody":
                expected = expected | ACTED
            assert shown(services, reader, film) == expected, (visibility, name)


def test_a_partner_that_is_none_any_more_sees_nothing_from_then_on(
    services: Services, seller: Org, partner: Org, readers: dict[str, Reader], film: Film
) -> None:
    let(services, seller, film, "partners", partner)
    item = readers["partner"].client.get(f"/v1/videos/{film.id}").json()
    signed = [item["media_url"], item["cover_url"], item["captions"][0]["url"]]
    anybody = browser(services)
    for address in signed:
        assert "token=" in address
        assert anybody.get(address).status_code == 200
    with unit_of_work(services.db, SYSTEM) as uow:
        other = make_org(uow)
    let(services, seller, film, "partners", other)
    assert [anybody.get(address).status_code for address in signed] == [404] * 3
    assert shown(services, readers["partner"], film) == set()


def test_what_is_withdrawn_ends_signed_addresses_too(
    services: Services, seller: Org, partner: Org, readers: dict[str, Reader], film: Film
) -> None:
    let(services, seller, film, "partners", partner)
    signed = readers["partner"].client.get(f"/v1/videos/{film.id}").json()["media_url"]
    owner = browser(services, seller.email)
    assert owner.post(f"/v1/videos/{film.id}/withdraw").status_code == 200
    assert browser(services).get(signed).status_code == 404
    assert owner.get(owner.get(f"/v1/seller/videos/{film.id}").json()["video"]["media_url"]).status_code == 200


def test_by_link_it_previews_and_is_not_indexed(services: Services, seller: Org, film: Film) -> None:
    page = {"Accept": "text/html"}
    let(services, seller, film, "unlisted")
    answer = browser(services).get(f"/v/{film.id}", headers=page)
    assert answer.headers["x-robots-tag"] == "noindex"
    for part in ("comments", "share"):
        beside = browser(services).get(f"/v/{film.id}/{part}", headers=page)
        assert (beside.status_code, beside.headers["x-robots-tag"]) == (200, "noindex")
    assert f'<meta property="og:title" content="{film.word}">' in answer.text
    let(services, seller, film, "public")
    assert "x-robots-tag" not in browser(services).get(f"/v/{film.id}", headers=page).headers


def put(client: TestClient[Any], film: Film, visibility: str, partners: list[str] | None = None) -> Any:
    body = {"visibility": visibility, "partner_ids": partners}
    return client.put(f"/v1/videos/{film.id}/visibility", json=body)


def test_partners_are_named_by_their_numbers(services: Services, seller: Org, partner: Org, film: Film) -> None:
    owner = browser(services, seller.email)
    for partners, code in (
        (None, "partners_missing"),
        ([], "partners_missing"),
        ([str(seller.id)], "partners_missing"),
        ([str(uuid7())], "partner_unknown"),
    ):
        answer = put(owner, film, "partners", partners)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert put(owner, film, "partners", [str(uuid7())] * (MAX_PARTNERS + 1)).status_code == 422
    assert put(owner, film, "everybody").status_code == 422
    assert put(owner, film, "partners", [str(partner.id)] * 2).status_code == 204
    detail = owner.get(f"/v1/seller/videos/{film.id}").json()
    assert (detail["video"]["visibility"], [one["id"] for one in detail["partners"]]) == ("partners", [str(partner.id)])
    assert detail["partners"][0]["name"].startswith("测试企业")
    # Kept while others see it, for the next time.
    assert put(owner, film, "internal").status_code == 204
    assert put(owner, film, "partners").status_code == 204


def test_the_page_says_and_changes_it(services: Services, seller: Org, partner: Org, film: Film) -> None:
    owner = browser(services, seller.email)
    page, path = {"Accept": "text/html", "Accept-Language": "en"}, f"/seller/videos/{film.id}"

    def send(visibility: str, partners: str) -> Any:
        form = {"visibility": visibility, "partners": partners, "csrf": owner.headers["X-CSRF-Token"]}
        return owner.post(f"{path}/visibility", data=form, headers=page, follow_redirects=False)

    wrong = send("partners", f"{partner.id}\n12")
    assert wrong.status_code == 422
    assert "No organization 12 was found." in wrong.text
    assert f"{partner.id}\n12</textarea>" in wrong.text, "what was typed is still there"
    assert send("partners", f" {partner.id}\n\n").status_code == 303
    shown_page = owner.get(path, headers=page).text
    assert 'value="partners" checked' in shown_page
    assert str(partner.id) in shown_page
    assert str(partner.id) in browser(services, partner.email).get("/members", headers=page).text


def test_anothers_video_is_not_there(services: Services, partner: Org, film: Film) -> None:
    answer = put(browser(services, partner.email), film, "public")
    assert (answer.status_code, answer.json()["code"]) == (404, "video_not_found")
    with unit_of_work(services.db, SYSTEM) as uow:
        assert uow.session.get_one(Video, film.id).visibility == "internal"
