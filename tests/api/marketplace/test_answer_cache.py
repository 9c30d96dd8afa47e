"""Kept answers of the feed and the lists: every change shows in the next request, and nobody gets what is another's."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from sqlalchemy import create_engine, text

from api.answer_cache import AnswerCache, CachedAnswer
from api.context import Services
from app.embedded.engines import Addresses
from kernel import clock
from kernel.db.uow import UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import hash_token
from marketplace.access.models import SignInSession
from marketplace.catalog.draft_listing import ReviseListing, revise_listing
from marketplace.catalog.review_listing import (
    ReviewListing,
    retire_listing,
    review_listing,
    suspend_listing,
    withdraw_plan,
)
from marketplace.catalog.submit_listing import submit_listing
from marketplace.channels.open_channel import follow_channel
from marketplace.discovery.models import CatalogueVersion
from marketplace.publishing.edit_placements import (
    AddClaim,
    ChangePlacement,
    add_claim,
    change_placement,
    remove_claim,
    remove_placement,
)
from marketplace.publishing.publish_video import withdraw_video
from tests.api_server import application
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
    per_seat_plan,
    words,
)
from tests.statement_counter import counting
from tests.witness import without_witness

Client = TestClient[Any]
Write = Callable[[UnitOfWork, "Shop"], object]


@dataclass
class Shop:
    """A seller with one video that carries a card and a claim, and who looks at it."""

    seller: Org
    buyer: Org
    listing: UUID
    plan: UUID
    video: UUID
    channel: UUID
    placement: UUID
    claim: UUID
    tokens: dict[str, str]

    @property
    def paths(self) -> tuple[str, ...]:
        return (f"/v1/channels/{self.channel}/videos", "/v1/feed?limit=20", "/v1/listings?limit=20")


@pytest.fixture(scope="module")
def kept(services: Services) -> Iterator[Client]:
    """A process that keeps answers."""
    with TestClient(application(services), base_url="https://market.example") as client:
        yield client


@pytest.fixture(scope="module")
def anew(services: Services) -> Iterator[Client]:
    """Another process, which has no room to keep any."""
    other = replace(services, answers=AnswerCache(max_bytes=0))
    with TestClient(application(other), base_url="https://market.example") as client:
        yield client


@pytest.fixture
def shop(services: Services) -> Shop:
    return open_shop(services)


def open_shop(services: Services, visibility: str = "public") -> Shop:
    with unit_of_work(services.db, SYSTEM) as uow:
        seller, buyer = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video, placement = make_published_video(uow, seller, plan, visibility=visibility)
        with acting(uow, seller.owner):
            claim = add_claim(
                uow, AddClaim(placement.id, "included_seats", 7_000, "含席位", "Seats", value_int=plan.included_seats)
            )
        uow.flush()
        tokens = {"": "", "seller": sign_in(uow, seller), "buyer": sign_in(uow, buyer)}
        return Shop(seller, buyer, plan.listing_id, plan.id, video.id, video.channel_id, placement.id, claim.id, tokens)


def sign_in(uow: UnitOfWork, org: Org) -> str:
    token = str(uuid7())
    person_id = org.owner.person_id
    assert person_id is not None
    expires_at = clock.now() + timedelta(days=1)
    uow.session.add(
        SignInSession(token_hash=hash_token(token), person_id=person_id, org_id=org.id, expires_at=expires_at)
    )
    return token


def ask(client: Client, path: str, token: str) -> tuple[bytes, str]:
    client.cookies.clear()
    answer = client.get(path, headers={"cookie": f"session={token}"} if token else {})
    assert answer.status_code == 200, answer.text
    return answer.content, answer.headers.get("link", "")


def sql(statement: str, value: Callable[[Shop], UUID]) -> Write:
    return lambda uow, shop: uow.session.execute(text(statement), {"id": value(shop)})


def by(principal: Callable[[Shop], Principal], work: Write) -> Write:
    def write(uow: UnitOfWork, shop: Shop) -> None:
        with acting(uow, principal(shop)):
            work(uow, shop)

    return write


def by_seller(work: Write) -> Write:
    return by(lambda shop: shop.seller.owner, work)


def change_price(uow: UnitOfWork, shop: Shop) -> None:
    with acting(uow, shop.seller.owner):
        revise_listing(uow, ReviseListing(shop.listing, words(), (per_seat_plan(unit_price_minor=77_700),)))
        submit_listing(uow, shop.listing)
    with acting(uow, OPERATOR_PRINCIPAL):
        review_listing(uow, ReviewListing(shop.listing, approve=True))


def publish_another(uow: UnitOfWork, shop: Shop) -> None:
    (plan,) = make_plans(uow, shop.seller)
    video, _ = make_published_video(uow, shop.seller, plan)
    uow.session.execute(
        text("UPDATE marketplace.video SET channel_id = :channel WHERE id = :id"),
        {"channel": shop.channel, "id": video.id},
    )


WRITES: dict[str, Write] = {
    "card withdrawn": by_seller(lambda uow, shop: remove_placement(uow, shop.placement)),
    "card moved": by_seller(lambda uow, shop: change_placement(uow, ChangePlacement(shop.placement, start_ms=4_000))),
    "claim removed": by_seller(lambda uow, shop: remove_claim(uow, shop.claim)),
    "claim reworded": sql("UPDATE marketplace.claim SET text = 'x' WHERE id = :id", lambda shop: shop.claim),
    "price changed": change_price,
    "plan withdrawn": by_seller(lambda uow, shop: withdraw_plan(uow, shop.plan)),
    "listing retired": by_seller(lambda uow, shop: retire_listing(uow, shop.listing)),
    "listing suspended": by(lambda _: OPERATOR_PRINCIPAL, lambda uow, shop: suspend_listing(uow, shop.listing, "x")),
    "video withdrawn": by_seller(lambda uow, shop: withdraw_video(uow, shop.video)),
    "video made internal": sql(
        "UPDATE marketplace.video SET visibility = 'internal' WHERE id = :id", lambda shop: shop.video
    ),
    "video retitled": sql("UPDATE marketplace.video SET title = 'x' WHERE id = :id", lambda shop: shop.video),
    "channel renamed": sql("UPDATE marketplace.channel SET name = 'x' WHERE id = :id", lambda shop: shop.channel),
    "seller suspended": sql(
        "UPDATE marketplace.organization SET state = 'suspended' WHERE id = :id", lambda shop: shop.seller.id
    ),
    "seller renamed": sql(
        "UPDATE marketplace.organization SET display_name = 'x' WHERE id = :id", lambda shop: shop.seller.id
    ),
    "seller sells no more": sql(
        "UPDATE marketplace.organization SET is_seller = false WHERE id = :id", lambda shop: shop.seller.id
    ),
    "another video": publish_another,
    "followed": by(lambda shop: shop.buyer.owner, lambda uow, shop: follow_channel(uow, shop.channel)),
}
UNSEEN_BY_VISITORS = {"followed"}


@pytest.mark.parametrize("name", WRITES)
def test_a_change_shows_in_the_next_request(
    services: Services, kept: Client, anew: Client, shop: Shop, name: str
) -> None:
    viewers = ("buyer",) if name in UNSEEN_BY_VISITORS else ("", "buyer")
    before = {(who, path): ask(kept, path, shop.tokens[who]) for who in viewers for path in shop.paths}
    with unit_of_work(services.db, SYSTEM) as uow:
        WRITES[name](uow, shop)
    for (who, path), answer in before.items():
        found = ask(kept, path, shop.tokens[who])
        assert found == ask(anew, path, shop.tokens[who])
        if path == shop.paths[0]:
            assert found != answer, f"{name} is seen by {who or 'a visitor'}"


@pytest.mark.parametrize("path", range(3))
@pytest.mark.parametrize(("who", "statements"), [("", 1), ("buyer", 2)])
def test_what_did_not_change_is_not_read_again(
    kept: Client, shop: Shop, path: int, who: str, statements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(kept, shop.paths[path], shop.tokens[who])
    with without_witness(), counting(monkeypatch) as asked:
        assert ask(kept, shop.paths[path], shop.tokens[who]) == first
    assert asked.figures[:2] == (1, statements), asked.statements


def test_a_page_is_read_in_few_statements(anew: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many videos, cards and claims there are: the version, the videos, their cards, their claims."""
    with without_witness(), counting(monkeypatch) as asked:
        ask(anew, "/v1/feed?limit=20", shop.tokens[""])
    # The version is asked in a transaction that requests share, the rest in the caller's own.
    assert asked.transactions <= 2
    assert len(asked.statements) <= 4, asked.statements


@pytest.mark.parametrize("visibility", ["internal", "partners"])
def test_what_one_may_not_see_is_not_in_what_was_kept_for_the_one_who_may(
    services: Services, kept: Client, visibility: str
) -> None:
    shop = open_shop(services, visibility)
    for path in (shop.paths[0], shop.paths[1]):
        assert str(shop.video).encode() in ask(kept, path, shop.tokens["seller"])[0]
        for who in ("", "buyer"):
            assert str(shop.video).encode() not in ask(kept, path, shop.tokens[who])[0]


def test_a_signed_address_is_good_for_as_long_as_it_is_kept(services: Services, kept: Client) -> None:
    shop = open_shop(services, "internal")
    with clock.frozen(clock.now().replace(minute=30)):
        first = ask(kept, shop.paths[0], shop.tokens["seller"])
        assert b"token=" in first[0]
        clock.advance(timedelta(minutes=20))
        assert ask(kept, shop.paths[0], shop.tokens["seller"]) == first
        clock.advance(timedelta(minutes=20))
        assert ask(kept, shop.paths[0], shop.tokens["seller"]) != first


def test_a_change_that_was_rolled_back_leaves_the_version(services: Services, shop: Shop) -> None:
    before = version(services)
    with suppress(ZeroDivisionError), unit_of_work(services.db, SYSTEM) as uow:
        WRITES["video retitled"](uow, shop)
        uow.flush()
        raise ZeroDivisionError
    assert version(services) == before


def test_what_shows_nowhere_leaves_the_version(services: Services, shop: Shop) -> None:
    before = version(services)
    with unit_of_work(services.db, SYSTEM) as uow:
        WRITES["followed"](uow, shop)
        sign_in(uow, make_org(uow))
        uow.session.execute(text("UPDATE marketplace.organization SET industry = 'x'"))
    assert version(services) == before


def test_a_writer_holds_nobody_up_before_its_commit(services: Services, shop: Shop) -> None:
    before = version(services)
    with unit_of_work(services.db, SYSTEM) as slow:
        WRITES["video retitled"](slow, shop)
        slow.flush()
        with unit_of_work(services.db, SYSTEM) as fast:
            fast.session.execute(text("SET LOCAL lock_timeout = '1ms'"))
            WRITES["channel renamed"](fast, shop)
        between = version(services)
    assert len({before, between, version(services)}) == 3


def test_writers_that_commit_together_both_show(services: Services, kept: Client, anew: Client) -> None:
    shops, gate = [open_shop(services) for _ in range(4)], Barrier(4)

    def write(shop: Shop) -> None:
        with unit_of_work(services.db, SYSTEM) as uow:
            WRITES["video retitled"](uow, shop)
            gate.wait(10)

    threads = [Thread(target=write, args=(shop,)) for shop in shops]
    for shop in shops:
        ask(kept, shop.paths[0], "")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for shop in shops:
        found = ask(kept, shop.paths[0], "")
        assert b'"title":"x"' in found[0]
        assert found == ask(anew, shop.paths[0], "")


def test_without_a_version_nothing_is_kept_until_the_next_change(
    services: Services, addresses: Addresses, kept: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(kept, shop.paths[0], "")
    assert addresses.database_admin_url is not None
    engine = create_engine(addresses.database_admin_url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM marketplace.catalogue_version"))
    engine.dispose()
    for _ in range(2):
        with without_witness(), counting(monkeypatch) as asked:
            assert ask(kept, shop.paths[0], "") == first
        assert len(asked.statements) > 1
    with unit_of_work(services.db, SYSTEM) as uow:
        WRITES["video retitled"](uow, shop)
    assert version(services) is not None
    assert ask(kept, shop.paths[0], "") != first


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_kept_and_read_anew_are_the_same(services: Services, kept: Client, anew: Client, data: st.DataObject) -> None:
    """Random changes by random people, and whoever asks meanwhile, gets what a process without memory answers."""
    shops = [open_shop(services), open_shop(services, "internal")]
    repeatable = ["claim reworded", "video made internal", "video retitled", "seller renamed", "another video"]
    steps = st.tuples(st.sampled_from(["write", "ask", "ask"]), st.sampled_from(shops), st.sampled_from(repeatable))
    for step, shop, name in data.draw(st.lists(steps, min_size=4, max_size=8)):
        if step == "write":
            with unit_of_work(services.db, SYSTEM) as uow:
                WRITES[name](uow, shop)
        who = data.draw(st.sampled_from(["", "seller", "buyer"]))
        other = data.draw(st.sampled_from(shops))
        for path in shop.paths:
            assert ask(kept, path, other.tokens[who]) == ask(anew, path, other.tokens[who])


class TestAnswerCache:
    def test_the_answer_used_longest_ago_makes_room(self) -> None:
        cache = AnswerCache(max_bytes=30)
        for key in "abc":
            cache.put(key, CachedAnswer(b"x" * 10, {}))
        assert cache.get("a")
        cache.put("d", CachedAnswer(b"x" * 10, {}))
        assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]

    def test_what_is_put_again_counts_once(self) -> None:
        cache = AnswerCache(max_bytes=20)
        cache.put("a", CachedAnswer(b"x" * 10, {}))
        for _ in range(5):
            cache.put("b", CachedAnswer(b"x" * 10, {}))
        assert cache.get("a")

    def test_what_is_larger_than_the_whole_is_not_kept(self) -> None:
        cache = AnswerCache(max_bytes=5)
        cache.put("a", CachedAnswer(b"x" * 6, {}))
        assert cache.get("a") is None

    def test_a_body_is_encoded_once_and_both_count(self) -> None:
        cache = AnswerCache(max_bytes=2_100)
        cache.put("a", CachedAnswer(b"x" * 2_000, {}))
        for _ in range(2):
            answer = cache.get("a")
            assert answer
            assert gzip.decompress(cache.encoded("a", answer, "gzip")) == answer.body
        answer = cache.get("a")
        assert answer
        assert answer.size == 2_000 + len(answer.encoded["gzip"])
        cache.put("b", CachedAnswer(b"x" * 100, {}))
        assert cache.get("a") is None


def test_a_kept_answer_is_not_encoded_anew(kept: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/v1/channels/{shop.channel}/videos"
    first = kept.get(path, headers={"Accept-Encoding": "gzip"})
    monkeypatch.setattr("api.answer_cache.encode", lambda *_: pytest.fail("encoded anew"))
    monkeypatch.setattr("api.encoded_answers.encode", lambda *_: pytest.fail("encoded anew"))
    again = kept.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == again.headers["content-encoding"] == "gzip"
    plain = kept.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == again.json() == first.json()


def version(services: Services) -> UUID | None:
    with unit_of_work(services.db, SYSTEM) as uow:
        found = uow.session.get(CatalogueVersion, 1)
        return found.version if found else None
