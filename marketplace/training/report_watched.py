"""A member's player says what it played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_aggregate
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from marketplace.training.complete import settle_members
from marketplace.training.models import Training, TrainingMember, TrainingVideo, WatchedVideo
from marketplace.training.spans import FASTEST, SLACK_MS, add, is_complete, length
from marketplace.videos.access import watchable_by
from marketplace.videos.models import Video

MOST_SPANS = 200


@dataclass(frozen=True, slots=True)
class ReportWatched:
    """Spans of a training's video that were played since the last report: pairs of milliseconds, half-open."""

    training_id: UUID
    video_id: UUID
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class WatchedKept:
    """What of the video is known to be watched."""

    watched_ms: int
    duration_ms: int
    completed_at: datetime | None


def report_watched(uow: UnitOfWork, command: ReportWatched) -> WatchedKept:
    """Keep what the acting member played. The first report of a video begins it and counts at most its slack: more than time
    allows was not watched.

    Raises:
        Forbidden: `person_required`. NotFound: `training_not_found`: none of theirs that goes on, or not with this video;
            `video_not_found`: one that they may not watch any more. Invalid: `training_spans`.

    Locks: the member, in this organization. Idempotent by: what was played; reports may come in any order, and twice.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    if len(command.spans) > MOST_SPANS or any(start < 0 or end < start for start, end in command.spans):
        raise Invalid("training_spans", field="spans", most=MOST_SPANS)
    video = _video(uow, command, org_id, person_id)
    duration_ms = video.duration_ms or 0
    lock_aggregate(uow, person_id)
    row = uow.session.scalars(
        select(WatchedVideo)
        .where(WatchedVideo.org_id == org_id, WatchedVideo.person_id == person_id, WatchedVideo.video_id == video.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    now = clock.now()
    gone = timedelta() if row is None else max(now - row.reported_at, timedelta())
    most_ms = gone // timedelta(milliseconds=1) * FASTEST + SLACK_MS
    if row is None:
        row = WatchedVideo(
            id=uuid7(),
            org_id=org_id,
            person_id=person_id,
            video_id=video.id,
            spans=[],
            watched_ms=0,
            completed_at=None,
            reported_at=now,
            created_at=now,
        )
        uow.session.add(row)
    known = tuple((start, end) for start, end in row.spans)
    spans = add(known, command.spans, duration_ms, most_ms)
    row.spans, row.watched_ms, row.reported_at = [list(one) for one in spans], length(spans), now
    if row.completed_at is None and is_complete(row.watched_ms, duration_ms):
        row.completed_at = now
        uow.flush()
        settle_members(uow, org_id, [person_id], video_id=video.id)
    uow.flush()
    return WatchedKept(row.watched_ms, duration_ms, row.completed_at)


def _video(uow: UnitOfWork, command: ReportWatched, org_id: UUID, person_id: UUID) -> Video:
    mine = (
        select(TrainingVideo.id)
        .join(Training, Training.id == TrainingVideo.training_id)
        .join(TrainingMember, TrainingMember.training_id == Training.id)
        .where(
            Training.org_id == org_id,
            Training.id == command.training_id,
            Training.ended_at.is_(None),
            TrainingVideo.video_id == command.video_id,
            TrainingMember.person_id == person_id,
        )
    )
    if uow.session.scalar(mine) is None:
        raise NotFound("training_not_found")
    shown = select(Video).where(Video.id == command.video_id, watchable_by(uow.principal))
    video = uow.session.scalar(shown)
    if video is None:
        raise NotFound("video_not_found")
    return video
