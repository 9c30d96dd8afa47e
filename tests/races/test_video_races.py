"""A video's moment, its readers and its cover against each other: what is left is one of both, never half of each."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.publish_video import publish_video, withdraw_video
from marketplace.publishing.schedule_video import ScheduleVideo, publish_due, schedule_video, unschedule_video
from marketplace.search_index.models import SearchEntry
from marketplace.videos.models import Video
from marketplace.videos.set_chapters import Chapter, set_chapters
from tests.factories_marketplace import Org, make_ready_video, make_seller
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races
DAY = timedelta(days=1)


@pytest.fixture
def seller(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture
def video_id(db: Database, seller: Org) -> UUID:
    with unit_of_work(db, SYSTEM) as uow:
        return make_ready_video(uow, seller).id


def found(db: Database, video_id: UUID) -> Video:
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.get_one(Video, video_id)


def due(db: Database, seller: Org, video_id: UUID) -> None:
    """Scheduled, and its moment has come."""
    with unit_of_work(db, seller.owner) as uow:
        schedule_video(uow, ScheduleVideo(video_id, clock.now() + DAY))
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.get_one(Video, video_id).publish_at = clock.now()


def publish_what_is_due(db: Database) -> None:
    publish_due(lambda work: transact(db, SYSTEM, work))


@every_order_of_twins
def test_two_schedulers_publish_once(db: Database, seller: Org, video_id: UUID, order: str) -> None:
    due(db, seller, video_id)
    assert interleaved(db, order, lambda: publish_what_is_due(db), lambda: publish_what_is_due(db)) == (None, None)
    video = found(db, video_id)
    assert (video.state, video.publish_at, video.publish_refused_code) == ("published", None, None)


@every_order
def test_due_against_cancelled(db: Database, seller: Org, video_id: UUID, order: str) -> None:
    due(db, seller, video_id)
    interleaved(
        db,
        order,
        lambda: publish_what_is_due(db),
        lambda: transact(db, seller.owner, lambda uow: unschedule_video(uow, video_id)),
    )
    assert found(db, video_id).publish_at is None
    assert found(db, video_id).state in {"ready", "published"}


@every_order
def test_scheduled_against_published_by_hand(db: Database, seller: Org, video_id: UUID, order: str) -> None:
    moment = clock.now() + DAY
    interleaved(
        db,
        order,
        lambda: transact(db, seller.owner, lambda uow: schedule_video(uow, ScheduleVideo(video_id, moment)).state),
        lambda: transact(db, seller.owner, lambda uow: publish_video(uow, video_id).state),
    )
    video = found(db, video_id)
    assert (video.state, video.publish_at) == ("published", None)


@every_order
def test_other_readers_against_withdrawn(db: Database, seller: Org, video_id: UUID, order: str) -> None:
    with unit_of_work(db, seller.owner) as uow:
        publish_video(uow, video_id)
    interleaved(
        db,
        order,
        lambda: transact(db, seller.owner, lambda uow: change_visibility(uow, ChangeVisibility(video_id, "internal"))),
        lambda: transact(db, seller.owner, lambda uow: withdraw_video(uow, video_id).state),
    )
    with unit_of_work(db, SYSTEM) as uow:
        assert uow.session.get(SearchEntry, video_id) is None
    assert (found(db, video_id).state, found(db, video_id).visibility) == ("withdrawn", "internal")


@every_order
def test_chapters_of_two_tabs(db: Database, seller: Org, video_id: UUID, order: str) -> None:
    both = [[Chapter(0, "甲"), Chapter(1_000, "乙")], [Chapter(0, "丙")]]
    first, second = both
    interleaved(
        db,
        order,
        lambda: transact(db, seller.owner, lambda uow: set_chapters(uow, video_id, first)),
        lambda: transact(db, seller.owner, lambda uow: set_chapters(uow, video_id, second)),
    )
    titles = [one["title"] for one in found(db, video_id).chapters]
    assert titles in [["甲", "乙"], ["丙"]]
