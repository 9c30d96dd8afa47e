"""A video is to be published at a moment; until then it is where it was, seen by its own organization alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.jobs.outbox import emit
from marketplace.publishing.publish_video import publish_video, require_publishable
from marketplace.videos.access import lock_own_video
from marketplace.videos.events import VideoNotPublished
from marketplace.videos.models import Video

LONGEST = timedelta(days=366)
_BATCH = 100


@dataclass(frozen=True, slots=True)
class ScheduleVideo:
    """The moment at which a video is to be published."""

    video_id: UUID
    publish_at: datetime


def schedule_video(uow: UnitOfWork, command: ScheduleVideo) -> Video:
    """Let the video be published at a moment, in place of any that was set before.

    What stands in the way of a video whose file is still to come is asked when it is due.

    Raises:
        NotFound: `video_not_found`.
        Invalid: `schedule_past`, `schedule_too_far`.
        Conflict: `video_is_published`; the first of `publication_blockers`, as publishing it now would.

    Locks: the video.
    """
    video = lock_own_video(uow, command.video_id)
    if video.state == "published":
        raise Conflict("video_is_published")
    now = clock.now()
    if command.publish_at <= now:
        raise Invalid("schedule_past", field="publish_at")
    if command.publish_at > now + LONGEST:
        raise Invalid("schedule_too_far", field="publish_at", most_days=LONGEST.days)
    if video.state not in ("draft", "processing"):
        require_publishable(uow, video)
    video.publish_at = command.publish_at
    video.publish_refused_code = None
    uow.flush()
    return video


def unschedule_video(uow: UnitOfWork, video_id: UUID) -> None:
    """Let the video stay unpublished until somebody says otherwise. Not scheduled, nothing changes.

    Raises:
        NotFound: `video_not_found`.

    Locks: the video.
    """
    lock_own_video(uow, video_id).publish_at = None
    uow.flush()


def publish_due(transact: Transact) -> None:
    """Publish what is due, each in a transaction of its own, so that none stands in another's way."""
    for video_id in transact(_due):
        transact(partial(_publish_if_due, video_id=video_id))


def _due(uow: UnitOfWork) -> list[UUID]:
    due = select(Video.id).where(Video.publish_at <= clock.now()).order_by(Video.publish_at, Video.id).limit(_BATCH)
    return list(uow.session.scalars(due))


def _publish_if_due(uow: UnitOfWork, *, video_id: UUID) -> None:
    """Publish, or say why not. Changed or cancelled meanwhile, nothing happens.

    Emits: VideoPublished or VideoNotPublished. Locks: the video.
    """
    video = lock_row(uow.session, Video, video_id)
    if video is None or video.publish_at is None or video.publish_at > clock.now():
        return
    try:
        publish_video(uow, video_id)
    except Conflict as refused:
        video.publish_at = None
        video.publish_refused_code, video.publish_refused_params = refused.code, dict(refused.params)
        emit(uow, VideoNotPublished(video_id=video.id, org_id=video.org_id, code=refused.code))
        uow.flush()
