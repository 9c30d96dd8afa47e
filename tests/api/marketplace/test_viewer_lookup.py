"""Viewers are looked up for many requests at once, each of them not before it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.viewer_lookup import ViewerLookup
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.authenticate import hash_token
from marketplace.access.models import SignInSession
from marketplace.channels.open_channel import follow_channel
from marketplace.discovery.viewer import CatalogueViewer
from marketplace.publishing.publish_video import publish_video
from tests.event_loop import run_async
from tests.factories_marketplace import (
    Org,
    acting,
    make_channel,
    make_org,
    make_plans,
    make_ready_video,
    make_seller,
)
from tests.statement_counter import counting
from tests.witness import without_witness


@pytest.fixture
def lookup(db: Database) -> Iterator[ViewerLookup]:
    with without_witness():
        yield ViewerLookup(db)


def sign_in(db: Database, org: Org, *, days: int = 1) -> str:
    token = str(uuid7())
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.add(
            SignInSession(
                token_hash=hash_token(token),
                person_id=org.owner.person(),
                org_id=org.id,
                expires_at=clock.now() + timedelta(days=days),
            )
        )
    return token


def find(lookup: ViewerLookup, *tokens: str | None) -> list[CatalogueViewer | None]:
    async def run() -> list[CatalogueViewer | None]:
        return await asyncio.gather(*(lookup.find(token) for token in tokens))

    return run_async(run())


def test_a_partner_is_told_apart_from_everybody(db: Database, lookup: ViewerLookup) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller, partner, buyer = make_seller(uow), make_org(uow), make_org(uow)
    tokens = (None, sign_in(db, partner), sign_in(db, buyer))
    assert [viewer and viewer.org_id for viewer in find(lookup, *tokens)] == [None, None, None]
    with unit_of_work(db, SYSTEM) as uow:
        video = make_ready_video(uow, seller, visibility="partners")
        video.partner_ids = [partner.id]
        uow.flush()
    assert [viewer and viewer.org_id for viewer in find(lookup, *tokens)] == [None, None, None], "not published yet"
    with unit_of_work(db, SYSTEM) as uow, acting(uow, seller.owner):
        publish_video(uow, video.id)
    assert [viewer and viewer.org_id for viewer in find(lookup, *tokens)] == [None, partner.id, None]


def test_each_is_who_they_are(db: Database, lookup: ViewerLookup) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller, buyer, fan = make_seller(uow), make_org(uow), make_org(uow)
        make_plans(uow, seller)
        channel = make_channel(uow, seller)
        uow.flush()
        with acting(uow, fan.owner):
            follow_channel(uow, channel.id)
        channel_id = channel.id
    tokens = [sign_in(db, seller), sign_in(db, buyer), sign_in(db, fan)]
    anybody, owner, visitor, follower, over, unknown = find(
        lookup, None, *tokens, sign_in(db, seller, days=-1), "\udc00unknown"
    )
    assert anybody is not None
    assert (anybody.org_id, anybody.is_platform, anybody.followed) == (None, False, frozenset())
    assert owner == CatalogueViewer(anybody.version, is_platform=False, org_id=seller.id, followed=frozenset())
    assert visitor == over == unknown == anybody
    assert follower == CatalogueViewer(
        anybody.version, is_platform=False, org_id=None, followed=frozenset({channel_id})
    )


def test_an_ended_session_and_a_lost_membership_are_nobodys_at_once(db: Database, lookup: ViewerLookup) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        sellers = [make_seller(uow), make_seller(uow)]
        for seller in sellers:
            make_plans(uow, seller)
    tokens = [sign_in(db, seller) for seller in sellers]
    before = find(lookup, *tokens)
    assert [viewer.org_id for viewer in before if viewer] == [seller.id for seller in sellers]
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(
            text("UPDATE marketplace.session SET revoked_at = now() WHERE org_id = :id"), {"id": sellers[0].id}
        )
        uow.session.execute(
            text("UPDATE marketplace.member SET state = 'removed' WHERE org_id = :id"), {"id": sellers[1].id}
        )
    assert find(lookup, *tokens) == find(lookup, None, None)


def test_many_share_two_look_ups(db: Database, lookup: ViewerLookup, monkeypatch: pytest.MonkeyPatch) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        buyer = make_org(uow)
    tokens = [sign_in(db, buyer) for _ in range(5)]

    async def run() -> None:
        first = asyncio.create_task(lookup.find(tokens[0]))
        # The look-up for the first is under way; it began before the others came, and is not theirs.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.gather(first, *(lookup.find(token) for token in [*tokens, None, None]))

    with counting(monkeypatch) as asked:
        run_async(run())
    assert asked.figures[:2] == (2, 4), asked.statements


def test_one_that_gives_up_leaves_the_others_theirs(lookup: ViewerLookup) -> None:
    async def run() -> CatalogueViewer | None:
        impatient, patient = (asyncio.create_task(lookup.find(None)) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert run_async(run()) is not None
    assert find(lookup, None) != [None]


def test_all_hear_of_a_failure_and_the_next_try_again(db: Database) -> None:
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    lookup = ViewerLookup(nowhere)

    async def run() -> list[BaseException | CatalogueViewer | None]:
        return list(await asyncio.gather(lookup.find(None), lookup.find("x"), return_exceptions=True))

    assert [isinstance(found, (OperationalError, psycopg.OperationalError)) for found in run_async(run())] == [
        True,
        True,
    ]
    lookup._db = db
    assert find(lookup, None) != [None]
    nowhere.dispose()
