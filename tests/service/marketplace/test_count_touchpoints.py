"""Touchpoints are counted once each, whenever they come, and the same when they are counted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.models import EventCursor
from marketplace.attribution.count_touchpoints import READER, count_next, recount
from marketplace.attribution.models import Touchpoint, TouchpointDay
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.sharing.share_links import share_video
from marketplace.test_clocks.models import TestClock
from tests.factories_marketplace import Org, acting, make_org, make_plans, make_published_video, make_seller

AT = datetime(2031, 5, 10, 23, 59, 50, tzinfo=UTC)
Key = tuple[date, int, UUID | None, UUID | None]


class Shown:
    """A published video with a card, from an instant on that nobody else's touchpoints are of."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow = uow
        self.seller, self.buyer = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, self.seller)
        self.video, self.card = make_published_video(uow, self.seller, plan)
        uow.session.execute(delete(EventCursor).where(EventCursor.reader == READER))
        uow.session.execute(insert(EventCursor).values(reader=READER, read_until=AT - timedelta(minutes=1)))

    def event(self, kind: str, at: datetime, second: int = 0, *, watched_ms: int = 0) -> TouchpointIn:
        card = self.card.id if kind == "card_click" else None
        return TouchpointIn(uuid7(), kind, at, self.video.id, card, second * 1000, watched_ms)

    def take(self, events: Sequence[TouchpointIn], who: Org | None = None) -> None:
        with acting(self.uow, (who or self.buyer).owner):
            assert record_touchpoints(self.uow, events).accepted == len(events)

    def count(self, until: datetime, most: int = 500_000) -> int:
        """How many steps it took."""
        steps = 1
        while count_next(self.uow, until, most):
            steps += 1
        return steps

    def days(self) -> dict[Key, Counter[str]]:
        self.uow.session.flush()
        rows = self.uow.session.scalars(select(TouchpointDay).where(TouchpointDay.video_id == self.video.id))
        return {
            (one.day, one.second, one.placement_id, one.share_link_id): Counter(
                {name: value for name in FIGURES if (value := getattr(one, name))}
            )
            for one in rows
        }


FIGURES = ("impressions", "views", "card_clicks", "shares", "leads", "watched_ms")


@pytest.fixture
def shown(uow: UnitOfWork) -> Shown:
    return Shown(uow)


def test_each_is_counted_once_by_its_day_card_and_five_seconds(shown: Shown) -> None:
    with clock.frozen(AT):
        events = [shown.event("impression", AT) for _ in range(3)]
        events += [
            shown.event("view", AT, 9, watched_ms=9_000),
            shown.event("card_click", AT + timedelta(seconds=10), 9),
        ]
        shown.take(events)
        # A player that was offline for days.
        shown.take([shown.event("view", AT - timedelta(days=3), 4, watched_ms=4_999)])
    expected: dict[Key, Counter[str]] = {
        (date(2031, 5, 10), 0, None, None): Counter(impressions=3),
        (date(2031, 5, 10), 5, None, None): Counter(views=1, watched_ms=9_000),
        (date(2031, 5, 11), 5, shown.card.id, None): Counter(card_clicks=1),
        (date(2031, 5, 7), 0, None, None): Counter(views=1, watched_ms=4_999),
    }
    shown.count(AT)
    assert shown.days() == {}, "what is received at the mark is counted next time"
    shown.count(AT + timedelta(minutes=1))
    assert shown.days() == expected
    shown.count(AT + timedelta(minutes=1))
    shown.count(AT)
    assert shown.days() == expected
    recount(shown.uow)
    assert shown.days() == expected


def test_steps_of_any_size_come_to_the_same(shown: Shown) -> None:
    for number in range(7):
        with clock.frozen(AT + timedelta(seconds=number // 3)):
            shown.take([shown.event("view", AT, 11, watched_ms=1_000)])
    until = AT + timedelta(minutes=5)
    assert shown.count(until, most=2) > 1
    assert shown.days() == {(date(2031, 5, 10), 10, None, None): Counter(views=7, watched_ms=7_000)}
    with clock.frozen(until):
        shown.take([shown.event("view", until, 11)])
    shown.count(until + timedelta(seconds=1), most=1)
    assert sum((one for one in shown.days().values()), Counter[str]())["views"] == 8


def test_a_step_that_fails_has_counted_nothing(shown: Shown) -> None:
    with clock.frozen(AT):
        shown.take([shown.event("impression", AT)])
    until = AT + timedelta(minutes=1)

    def stopped() -> None:
        with shown.uow.session.begin_nested():
            count_next(shown.uow, until)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert shown.days() == {}
    shown.count(until)
    assert list(shown.days().values()) == [Counter(impressions=1)]


def test_who_sent_it_on_is_told_apart(shown: Shown) -> None:
    friend = make_org(shown.uow)
    with acting(shown.uow, friend.owner):
        code = share_video(shown.uow, shown.video.id)
    with clock.frozen(AT):
        shown.take([replace(shown.event("view", AT), share_code=code), shown.event("view", AT)])
    shown.count(AT + timedelta(minutes=1))
    (shared,) = [key for key in shown.days() if key[3] is not None]
    sharer = select(TouchpointDay.sharer_org_id).where(TouchpointDay.share_link_id == shared[3])
    assert shown.uow.session.scalar(sharer) == friend.id


def test_what_test_organizations_see_counts_nothing(shown: Shown) -> None:
    tester = make_org(shown.uow)
    values: dict[str, Any] = {"name": "T", "state": "ready", "started_at": AT, "present_at": AT}
    made = TestClock(
        id=uuid7(),
        org_id=shown.seller.id,
        test_org_id=tester.id,
        made_by=shown.seller.owner.person(),
        created_at=AT,
        **values,
    )
    shown.uow.session.add(made)
    with clock.frozen(AT):
        shown.take([shown.event("view", AT)], tester)
        shown.take([shown.event("view", AT)])
    shown.count(AT + timedelta(minutes=1))
    assert [one["views"] for one in shown.days().values()] == [1]


def test_days_whose_touchpoints_are_gone_stay(shown: Shown) -> None:
    oldest = shown.uow.session.scalar(select(Touchpoint.occurred_at).order_by(Touchpoint.occurred_at).limit(1))
    with clock.frozen(AT):
        shown.take([shown.event("view", AT)])
    shown.count(AT + timedelta(minutes=1))
    before = date(2001, 1, 1)
    assert oldest is None or oldest.date() > before
    kept = TouchpointDay(
        id=uuid7(), channel_org_id=shown.seller.id, day=before, video_id=shown.video.id, second=0, placement_id=None,
        seller_org_id=None, share_link_id=None, sharer_org_id=None, **dict.fromkeys(FIGURES, 4),
    )  # fmt: skip
    shown.uow.session.add(kept)
    recount(shown.uow)
    assert sorted(one["views"] for one in shown.days().values()) == [1, 4]
