"""The feed as its readers meet it: ordered as `ranking` says, page by page without a gap, and explained."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.principal import ANONYMOUS, Principal
from marketplace.catalog.models import Plan
from marketplace.channels.open_channel import follow_channel
from marketplace.discovery.feed import FeedItem, list_feed
from marketplace.discovery.place_video import MOST_INTERESTS, set_interests, set_outcomes
from marketplace.discovery.ranking import NEWCOMER_H, NEWCOMER_VIDEOS, Taste
from marketplace.discovery.viewer import find_catalogue_viewers
from marketplace.parties.models import Organization
from marketplace.publishing.publish_video import publish_video, withdraw_video
from marketplace.videos.models import Video
from tests.factories_marketplace import (
    Org,
    acting,
    make_channel,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
)

KINDS = (None, "hr", "crm", "legal")


@pytest.fixture
def seller(uow: UnitOfWork) -> Org:
    return make_seller(uow)


@pytest.fixture
def plan(uow: UnitOfWork, seller: Org) -> Plan:
    return make_plans(uow, seller)[0]


def walk(uow: UnitOfWork, who: Principal, limit: int) -> list[FeedItem]:
    """Every page."""
    found: list[FeedItem] = []
    cursor: str | None = None
    with acting(uow, who):
        while True:
            page = list_feed(uow, cursor=cursor, limit=limit)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found


def moved(uow: UnitOfWork, videos: Sequence[Video], seed: int) -> None:
    """Give the videos other times and reasons, some of them the same."""
    chance = random.Random(seed)
    for video in videos:
        values = {
            "published_at": clock.now() - timedelta(hours=chance.randrange(0, 120, 6)),
            "outcome_h": chance.choice((0, 6, 24, 72)),
            "newcomer_h": chance.choice((0, 0, 72)),
            "crowding_h": chance.choice((0, 6, 48)),
            "category": chance.choice(KINDS),
        }
        uow.session.execute(update(Video).where(Video.id == video.id).values(values))
    uow.session.expire_all()


def expected(videos: Sequence[Video], taste: Taste) -> list[UUID]:
    def place(video: Video) -> tuple[datetime, UUID]:
        assert video.published_at is not None
        hours = video.outcome_h + video.newcomer_h - video.crowding_h + taste.hours(video.channel_id, video.category)
        return video.published_at + timedelta(hours=hours), video.id

    return [video.id for video in sorted(videos, key=place, reverse=True)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_every_page_of_everybodys_feed_is_in_the_order_of_its_reasons(
    uow: UnitOfWork, seller: Org, plan: Plan, seed: int, limit: int
) -> None:
    uow.session.execute(update(Video).where(Video.state == "published").values(state="withdrawn"))
    others = [make_seller(uow) for _ in range(2)]
    videos = [make_published_video(uow, org, plan)[0] for org in (seller, *others) for _ in range(4)]
    moved(uow, videos, seed)
    reader = make_org(uow)
    channels = sorted({video.channel_id for video in videos})
    with acting(uow, reader.owner):
        follow_channel(uow, channels[0])
    set_interests(uow, reader.id, ["hr", "legal"])
    fan = Taste(frozenset({channels[0]}), frozenset({"hr", "legal"}))
    for who, taste in ((ANONYMOUS, Taste()), (reader.owner, fan)):
        found = walk(uow, who, limit)
        assert [item.id for item in found] == expected(videos, taste)
        for item in found:
            video = uow.session.get_one(Video, item.id)
            ranked = video.outcome_h + video.newcomer_h - video.crowding_h
            assert sum(one.hours for one in item.why) == ranked + taste.hours(video.channel_id, video.category)


def test_a_video_that_is_published_meanwhile_makes_no_page_repeat(uow: UnitOfWork, seller: Org, plan: Plan) -> None:
    for _ in range(4):
        make_published_video(uow, seller, plan)
    reader = make_org(uow)
    set_interests(uow, reader.id, ["hr"])
    with acting(uow, reader.owner):
        first = list_feed(uow, limit=2)
    make_published_video(uow, seller, plan)
    with acting(uow, reader.owner):
        second = list_feed(uow, limit=100, cursor=first.next_cursor)
    assert not {item.id for item in first.items} & {item.id for item in second.items}


def test_what_is_not_everybodys_stays_out_of_every_stream(uow: UnitOfWork, seller: Org, plan: Plan) -> None:
    inside, _ = make_published_video(uow, seller, plan, visibility="internal")
    reader = make_org(uow)
    with acting(uow, reader.owner):
        follow_channel(uow, inside.channel_id)
    set_interests(uow, reader.id, ["hr", inside.category or ""])
    assert inside.id not in {item.id for item in walk(uow, reader.owner, 50)}
    with acting(uow, seller.owner):
        follow_channel(uow, inside.channel_id)
    assert inside.id in {item.id for item in walk(uow, seller.owner, 50)}


def test_a_new_channels_first_videos_are_taken_for_newer_and_a_flood_for_older(
    uow: UnitOfWork, seller: Org, plan: Plan
) -> None:
    with acting(uow, seller.owner):
        channel = make_channel(uow, seller)
    videos = [make_published_video(uow, seller, plan, channel=channel)[0] for _ in range(NEWCOMER_VIDEOS + 1)]
    assert [video.newcomer_h for video in videos] == [NEWCOMER_H] * NEWCOMER_VIDEOS + [0]
    assert [video.crowding_h for video in videos] == [0, 6, 12, 18]
    assert {video.category for video in videos} == {"hr"}


def test_what_is_written_down_is_bounded_and_told_apart_by_the_viewer(uow: UnitOfWork, seller: Org, plan: Plan) -> None:
    video, _ = make_published_video(uow, seller, plan)
    set_outcomes(uow, {video.id: (8, 0)})
    uow.session.refresh(video)
    assert video.outcome_h == 36
    assert video.ranked_at is not None
    assert video.published_at is not None
    assert video.ranked_at - video.published_at == timedelta(hours=36 + video.newcomer_h - video.crowding_h)
    reader = make_org(uow)
    before = find_catalogue_viewers(uow, [reader.owner])[reader.owner]
    set_interests(uow, reader.id, ["crm", "hr", "legal", "design"])
    assert len(uow.session.get_one(Organization, reader.id).interests) == MOST_INTERESTS
    after = find_catalogue_viewers(uow, [reader.owner])[reader.owner]
    # Another feed is kept for them; what others are kept stays theirs.
    assert (after.version, after.interests) == (before.version, frozenset({"crm", "hr", "legal"}))


@pytest.mark.parametrize("seed", range(5))
def test_withdrawing_and_publishing_again_renews_no_place(uow: UnitOfWork, seller: Org, plan: Plan, seed: int) -> None:
    chance, begun = random.Random(seed), clock.now()
    uow.session.execute(update(Video).where(Video.state == "published").values(state="withdrawn"))
    videos = []
    for hours in range(5):
        with clock.frozen(begun + timedelta(hours=hours)):
            videos.append(make_published_video(uow, seller, plan)[0])
    uow.session.expire_all()
    places = {video.id: (video.published_at, video.ranked_at) for video in videos}
    before = [item.id for item in walk(uow, ANONYMOUS, 100)]
    for hours in range(6, 26):
        video = chance.choice(videos)
        with clock.frozen(begun + timedelta(hours=hours)), acting(uow, seller.owner):
            (withdraw_video if video.state == "published" else publish_video)(uow, video.id)
    with clock.frozen(begun + timedelta(days=2)), acting(uow, seller.owner):
        for video in videos:
            publish_video(uow, video.id)
    uow.session.expire_all()
    assert {video.id: (video.published_at, video.ranked_at) for video in videos} == places
    assert [item.id for item in walk(uow, ANONYMOUS, 100)] == before
