"""Reads of training: what a member is to watch, and how far everybody came for whoever manages members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.access.models import Member, Person
from marketplace.departments.models import Department
from marketplace.parties.models import Organization
from marketplace.training.assign_training import TRAIN
from marketplace.training.models import Training, TrainingMember, TrainingVideo, WatchedVideo
from marketplace.training.spans import COMPLETE_PERCENT
from marketplace.videos.access import is_public, watchable_by
from marketplace.videos.models import Video, media_version


@dataclass(frozen=True, slots=True)
class TrainingVideoView:
    """One of its videos as its reader meets it. `is_open`: they may watch it now; else its title is not told."""

    video_id: UUID
    number: int
    is_open: bool
    title: str
    title_en: str
    duration_ms: int
    media_version: str
    is_public: bool
    watched_ms: int
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnTraining:
    """A training in the list of whoever is to do it. `is_late`: its last day is over, and they are not done."""

    id: UUID
    title: str
    title_en: str
    due_on: date
    videos: int
    videos_completed: int
    completed_at: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class OwnTrainingDetail:
    """A training with its videos. `complete_percent`: so much of each is to be watched."""

    training: OwnTraining
    complete_percent: int
    videos: tuple[TrainingVideoView, ...]


@dataclass(frozen=True, slots=True)
class ManagedTraining:
    """A training for whoever manages members: how many are to do it, and how many are done."""

    id: UUID
    title: str
    title_en: str
    due_on: date
    people: int
    completed: int
    ended_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReportRow:
    """How far one member came: `watched_ms` of all videos together, `percent` of their length."""

    person_id: UUID
    name: str
    email: str
    department: str
    videos_completed: int
    watched_ms: int
    percent: int
    completed_at: datetime | None
    is_late: bool
    is_member: bool


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """A training, and how far everybody came, those who are not done first."""

    training: ManagedTraining
    videos: int
    duration_ms: int
    complete_percent: int
    rows: tuple[ReportRow, ...]


def list_own_trainings(uow: UnitOfWork) -> tuple[OwnTraining, ...]:
    """What the acting member is to watch and has watched, what is open and due first; without what has ended undone."""
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    rows = uow.session.execute(
        select(Training, TrainingMember.completed_at)
        .join(TrainingMember, TrainingMember.training_id == Training.id)
        .where(Training.org_id == org_id, TrainingMember.person_id == person_id)
        .where(Training.ended_at.is_(None) | TrainingMember.completed_at.is_not(None))
        .order_by(TrainingMember.completed_at.is_not(None), Training.due_on, Training.id)
        .limit(200)
    ).all()
    done = _done(uow, [row[0].id for row in rows], person_id)
    today = _today(uow)
    return tuple(_own(training, completed_at, done[training.id], today) for training, completed_at in rows)


def get_own_training(uow: UnitOfWork, training_id: UUID) -> OwnTrainingDetail:
    """One of them. Raises NotFound(`training_not_found`)."""
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    row = uow.session.execute(
        select(Training, TrainingMember.completed_at)
        .join(TrainingMember, TrainingMember.training_id == Training.id)
        .where(Training.org_id == org_id, Training.id == training_id, TrainingMember.person_id == person_id)
        .where(Training.ended_at.is_(None) | TrainingMember.completed_at.is_not(None))
    ).one_or_none()
    if row is None:
        raise NotFound("training_not_found")
    found = uow.session.execute(
        select(TrainingVideo, WatchedVideo)
        .join(
            WatchedVideo,
            (WatchedVideo.video_id == TrainingVideo.video_id)
            & (WatchedVideo.org_id == org_id)
            & (WatchedVideo.person_id == person_id),
            isouter=True,
        )
        .where(TrainingVideo.org_id == org_id, TrainingVideo.training_id == training_id)
        .order_by(TrainingVideo.number)
    ).all()
    ids = [one.video_id for one, _ in found]
    shown = {
        video.id: video
        for video in uow.session.scalars(select(Video).where(Video.id.in_(ids), watchable_by(uow.principal)))
    }
    videos = tuple(_video(one, shown.get(one.video_id), watched) for one, watched in found)
    done = (len(videos), sum(one.completed_at is not None for one in videos))
    return OwnTrainingDetail(_own(row[0], row[1], done, _today(uow)), COMPLETE_PERCENT, videos)


def list_trainings(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[ManagedTraining]:
    """What the acting organization has its members watch, the newest first. Raises Invalid(`cursor_invalid`)."""
    uow.principal.require(TRAIN)
    statement = select(Training).where(Training.org_id == uow.principal.organization())
    statement = newest_first(statement, Training.created_at, Training.id, cursor, limit)
    page = cut(list(uow.session.scalars(statement)), limit, lambda row: (row.created_at, row.id))
    return Page(_managed(uow, page.items), page.next_cursor)


def get_report(uow: UnitOfWork, training_id: UUID) -> TrainingReport:
    """How far everybody came in one of them. Raises NotFound(`training_not_found`)."""
    uow.principal.require(TRAIN)
    org_id = uow.principal.organization()
    training = uow.session.get(Training, training_id)
    if training is None or training.org_id != org_id:
        raise NotFound("training_not_found")
    videos = uow.session.execute(
        select(TrainingVideo.video_id, Video.duration_ms)
        .join(Video, Video.id == TrainingVideo.video_id, isouter=True)
        .where(TrainingVideo.org_id == org_id, TrainingVideo.training_id == training_id)
    ).all()
    duration_ms = sum(row.duration_ms or 0 for row in videos)
    watched = {
        row.person_id: row
        for row in uow.session.execute(
            select(
                WatchedVideo.person_id,
                func.sum(WatchedVideo.watched_ms).label("watched_ms"),
                func.count(WatchedVideo.completed_at).label("completed"),
            )
            .where(WatchedVideo.org_id == org_id, WatchedVideo.video_id.in_([row.video_id for row in videos]))
            .group_by(WatchedVideo.person_id)
        )
    }
    people = uow.session.execute(
        select(TrainingMember, Person.name, Person.email, Member.state, Department.code)
        .join(Person, Person.id == TrainingMember.person_id)
        .join(Member, (Member.person_id == Person.id) & (Member.org_id == org_id), isouter=True)
        .join(Department, Department.id == Member.department_id, isouter=True)
        .where(TrainingMember.org_id == org_id, TrainingMember.training_id == training_id)
        .order_by(TrainingMember.completed_at.is_not(None), Person.name, Person.id)
    ).all()
    is_over = training.due_on < _today(uow)
    rows = []
    for one, name, email, state, code in people:
        seen = watched.get(one.person_id)
        watched_ms = int(seen.watched_ms) if seen else 0
        rows.append(
            ReportRow(
                person_id=one.person_id,
                name=name,
                email=email,
                department=code or "",
                videos_completed=seen.completed if seen else 0,
                watched_ms=watched_ms,
                percent=min(100, watched_ms * 100 // duration_ms) if duration_ms else 0,
                completed_at=one.completed_at,
                is_late=is_over and one.completed_at is None,
                is_member=state == "active",
            )
        )
    managed = _managed(uow, [training])[0]
    return TrainingReport(managed, len(videos), duration_ms, COMPLETE_PERCENT, tuple(rows))


def _own(training: Training, completed_at: datetime | None, done: tuple[int, int], today: date) -> OwnTraining:
    return OwnTraining(
        id=training.id,
        title=training.title,
        title_en=training.title_en,
        due_on=training.due_on,
        videos=done[0],
        videos_completed=done[1],
        completed_at=completed_at,
        is_late=completed_at is None and training.due_on < today,
    )


def _video(one: TrainingVideo, video: Video | None, watched: WatchedVideo | None) -> TrainingVideoView:
    return TrainingVideoView(
        video_id=one.video_id,
        number=one.number,
        is_open=video is not None,
        title=video.title if video else "",
        title_en=video.title_en if video else "",
        duration_ms=(video.duration_ms or 0) if video else 0,
        media_version=media_version(video) if video else "",
        is_public=is_public(video) if video else False,
        watched_ms=watched.watched_ms if watched else 0,
        completed_at=watched.completed_at if watched else None,
    )


def _done(uow: UnitOfWork, training_ids: Sequence[UUID], person_id: UUID) -> dict[UUID, tuple[int, int]]:
    rows = uow.session.execute(
        select(TrainingVideo.training_id, func.count(), func.count(WatchedVideo.completed_at))
        .join(
            WatchedVideo,
            (WatchedVideo.video_id == TrainingVideo.video_id)
            & (WatchedVideo.org_id == TrainingVideo.org_id)
            & (WatchedVideo.person_id == person_id),
            isouter=True,
        )
        .where(TrainingVideo.org_id == uow.principal.organization(), TrainingVideo.training_id.in_(list(training_ids)))
        .group_by(TrainingVideo.training_id)
    )
    found: dict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
    found.update({row[0]: (row[1], row[2]) for row in rows})
    return found


def _managed(uow: UnitOfWork, trainings: Sequence[Training]) -> list[ManagedTraining]:
    rows = uow.session.execute(
        select(TrainingMember.training_id, func.count(), func.count(TrainingMember.completed_at))
        .where(
            TrainingMember.org_id == uow.principal.organization(),
            TrainingMember.training_id.in_([one.id for one in trainings]),
        )
        .group_by(TrainingMember.training_id)
    )
    counted = {row[0]: (row[1], row[2]) for row in rows}
    return [
        ManagedTraining(
            one.id,
            one.title,
            one.title_en,
            one.due_on,
            *counted.get(one.id, (0, 0)),
            one.ended_at,
            one.created_at,
        )
        for one in trainings
    ]


def _today(uow: UnitOfWork) -> date:
    return clock.today(uow.session.get_one(Organization, uow.principal.organization()).time_zone)
