"""What happens in a live room at the moment in which it ends: it is kept whole, or refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.live.explain import position_of
from marketplace.live.models import LiveSession
from marketplace.live.question_models import LiveQuestion
from marketplace.live.questions import ask_in_room
from marketplace.live.run_session import end_session, settle_over
from tests.factories_live import make_live
from tests.factories_marketplace import Org, make_org, make_seller
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import (
    FIRST_THEN_SECOND,
    WHILE_FIRST_HAS_READ,
    WHILE_FIRST_HAS_WRITTEN,
    every_order,
    interleaved,
)

pytestmark = pytest.mark.races
ASKERS = 5


@pytest.fixture
def seller(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture
def asker(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_org(uow)


def go_live(db: Database, seller: Org) -> UUID:
    with unit_of_work(db, SYSTEM) as uow:
        return make_live(uow, seller)[0].id


def ask(db: Database, asker: Org, session_id: UUID) -> object:
    return transact(db, asker.owner, lambda uow: ask_in_room(uow, session_id, "能试用吗？").id)


def end(db: Database, seller: Org, session_id: UUID) -> object:
    return transact(db, seller.owner, lambda uow: end_session(uow, session_id).state)


def kept(db: Database, session_id: UUID) -> list[UUID]:
    """The questions of a session that ended: each was asked before its end, and its room was told of each."""
    with unit_of_work(db, SYSTEM) as uow:
        session = uow.session.get_one(LiveSession, session_id)
        assert session.ended_at is not None
        rows = uow.session.scalars(select(LiveQuestion).where(LiveQuestion.session_id == session_id)).all()
        for row in rows:
            assert row.created_at <= session.ended_at
            assert row.asked_ms <= position_of(session)
            assert row.state == "waiting"
        assert session.questions_sequence == len(rows)
        return [row.id for row in rows]


@every_order
def test_a_question_while_its_session_ends(db: Database, seller: Org, asker: Org, order: str) -> None:
    session_id = go_live(db, seller)
    asked, ended = interleaved(
        db,
        order,
        lambda: ask(db, asker, session_id),
        lambda: end(db, seller, session_id),
        table="marketplace.live_session",
    )
    assert ended == "ended"
    if asked == "live_session_over":
        assert kept(db, session_id) == []
    else:
        assert kept(db, session_id) == [asked]
    # Whoever came first is the one who was heard: what is asked holds the session from its first write on.
    if order in (FIRST_THEN_SECOND, WHILE_FIRST_HAS_WRITTEN):
        assert isinstance(asked, UUID)
    elif order != WHILE_FIRST_HAS_READ:
        assert asked == "live_session_over"


@in_rounds
def test_a_crowd_asks_while_its_session_ends(db: Database, seller: Org) -> None:
    session_id = go_live(db, seller)
    with unit_of_work(db, SYSTEM) as uow:
        askers = [make_org(uow) for _ in range(ASKERS)]
    works = [lambda one=one: ask(db, one, session_id) for one in askers]
    *asked, ended = at_once([*works, lambda: end(db, seller, session_id)])
    assert ended == "ended"
    heard = {one for one in asked if isinstance(one, UUID)}
    assert {one for one in asked if not isinstance(one, UUID)} <= {"live_session_over"}
    assert set(kept(db, session_id)) == heard


def test_nothing_is_asked_after_the_last_second_though_nobody_has_ended_it(
    db: Database, seller: Org, asker: Org
) -> None:
    session_id = go_live(db, seller)
    with unit_of_work(db, SYSTEM) as uow:
        ends_at = uow.session.get_one(LiveSession, session_id).ends_at
    assert ends_at is not None
    with clock.frozen(ends_at + timedelta(seconds=1)):
        asked, _ = interleaved(
            db,
            FIRST_THEN_SECOND,
            lambda: ask(db, asker, session_id),
            lambda: transact(db, SYSTEM, lambda uow: settle_over(uow, session_id)),
        )
        assert asked == "live_session_over"
        assert kept(db, session_id) == []
