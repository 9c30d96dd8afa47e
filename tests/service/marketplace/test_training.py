"""Training: who is to watch what, what counts as watched, who is reminded, and what the report says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from kernel.principal import SYSTEM, Principal
from marketplace.access.models import Member
from marketplace.departments.save_department import SaveDepartment, save_department
from marketplace.training.assign_training import (
    AssignTraining,
    ChangeTraining,
    assign_training,
    change_training,
    end_training,
    remind,
    trainings_near_due,
)
from marketplace.training.models import TrainingMember
from marketplace.training.queries import get_own_training, get_report, list_own_trainings
from marketplace.training.report_watched import ReportWatched, report_watched
from marketplace.training.trainable import trainable_videos
from marketplace.videos.models import VIDEO, Video
from tests.conftest import NOON
from tests.factories_marketplace import Org, acting, make_member, make_org, make_ready_video

TODAY = NOON.date()


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def org(uow: UnitOfWork) -> Org:
    return make_org(uow, seller=True)


@pytest.fixture
def reader(uow: UnitOfWork, org: Org) -> Principal:
    return make_member(uow, org, "viewer")


def film(uow: UnitOfWork, org: Org, visibility: str = "internal") -> Video:
    video = make_ready_video(uow, org, visibility=visibility, duration_ms=20_000)
    with acting(uow, org.owner):
        VIDEO.move(uow, video, "published", org_ids=[org.id])
        video.published_at = clock.now()
        uow.flush()
    return video


def assign(uow: UnitOfWork, org: Org, *videos: Video, people: tuple[UUID, ...] = (), days: int = 9) -> UUID:
    command = AssignTraining("数据安全", TODAY + timedelta(days=days), tuple(one.id for one in videos), people)
    with acting(uow, org.owner):
        return assign_training(uow, command).id


def watch(uow: UnitOfWork, who: Principal, training_id: UUID, video: Video, *spans: tuple[int, int]) -> int:
    with acting(uow, who):
        return report_watched(uow, ReportWatched(training_id, video.id, spans)).watched_ms


def code_of(uow: UnitOfWork, who: Principal, training_id: UUID, video_id: UUID) -> str:
    with acting(uow, who), pytest.raises(DomainError) as error:
        report_watched(uow, ReportWatched(training_id, video_id, ((0, 1),)))
    return error.value.code


def test_only_what_was_played_in_the_time_that_went_by_counts(uow: UnitOfWork, org: Org, reader: Principal) -> None:
    video, other = film(uow, org), film(uow, org)
    training_id = assign(uow, org, video, other, people=(reader.person(),))
    # The first report knows of no time that went by.
    assert watch(uow, reader, training_id, video, (0, 20_000)) == 5_000
    with clock.frozen(NOON + timedelta(seconds=5)):
        # Skipped from 6 to 18: that was not played.
        assert watch(uow, reader, training_id, video, (5_000, 6_000), (18_000, 20_000)) == 8_000
        assert watch(uow, reader, training_id, video, (5_000, 6_000), (18_000, 20_000)) == 8_000
    with clock.frozen(NOON + timedelta(seconds=15)):
        assert watch(uow, reader, training_id, video, (6_000, 17_000)) == 19_000
        with acting(uow, reader):
            (row,) = list_own_trainings(uow)
            shown = get_own_training(uow, training_id)
    assert (row.videos, row.videos_completed, row.completed_at) == (2, 1, None)
    assert [one.completed_at is not None for one in shown.videos] == [True, False]
    for seconds in (0, 60):
        with clock.frozen(NOON + timedelta(seconds=20 + seconds)):
            watch(uow, reader, training_id, other, (0, 20_000))
    with acting(uow, org.owner):
        report = get_report(uow, training_id)
        assert [(one.percent, one.videos_completed, one.is_late) for one in report.rows] == [(97, 2, False)]
        assert report.rows[0].completed_at == NOON + timedelta(seconds=80)
        assert report.training.completed == 1
        # What was watched counts for a training that comes later, too.
        again = assign(uow, org, video, people=(reader.person(),))
        assert get_report(uow, again).rows[0].completed_at is not None


def test_departments_are_those_who_are_in_them(uow: UnitOfWork, org: Org, reader: Principal) -> None:
    video, joins = film(uow, org), make_member(uow, org, "viewer")
    with acting(uow, org.owner):
        department = save_department(uow, SaveDepartment(f"D{uuid7().hex[-6:]}", "销售部")).id
    for one in (reader, joins):
        found = select(Member).where(Member.org_id == org.id, Member.person_id == one.person())
        uow.session.scalars(found).one().department_id = department if one is reader else None
    uow.flush()
    with acting(uow, org.owner):
        made = assign_training(uow, AssignTraining("x", TODAY, (video.id,), department_ids=(department,)))
        change_training(uow, ChangeTraining(made.id, "x", TODAY, person_ids=(joins.person(), reader.person())))
    people = set(uow.session.scalars(select(TrainingMember.person_id).where(TrainingMember.training_id == made.id)))
    assert people == {reader.person(), joins.person()}


def test_what_cannot_be_assigned_or_watched(uow: UnitOfWork, org: Org, reader: Principal) -> None:
    video, foreign = film(uow, org), film(uow, make_org(uow))
    stranger = make_org(uow)
    me = (reader.person(),)
    cases = [
        (AssignTraining("x", TODAY, (), me), "training_videos"),
        (AssignTraining("x", TODAY, (foreign.id,), me), "video_not_found"),
        (AssignTraining("x", TODAY, (video.id,)), "training_people"),
        (AssignTraining("x", TODAY, (video.id,), (stranger.owner.person(),)), "member_not_found"),
        (AssignTraining("x", TODAY, (video.id,), (), (uuid7(),)), "department_not_found"),
        (AssignTraining("x", TODAY - timedelta(days=1), (video.id,), me), "training_due"),
        (AssignTraining(" ", TODAY, (video.id,), me), "text_required"),
    ]
    for command, code in cases:
        with acting(uow, org.owner), pytest.raises(DomainError, match=code):
            assign_training(uow, command)
    with acting(uow, reader), pytest.raises(DomainError, match="permission_missing"):
        assign_training(uow, AssignTraining("x", TODAY, (video.id,), me))
    training_id = assign(uow, org, video, people=me)
    assert code_of(uow, org.owner, training_id, video.id) == "training_not_found"
    assert code_of(uow, stranger.owner, training_id, video.id) == "training_not_found"
    assert code_of(uow, reader, training_id, foreign.id) == "training_not_found"
    with acting(uow, org.owner):
        VIDEO.move(uow, video, "withdrawn", org_ids=[org.id])
        uow.flush()
    with acting(uow, reader):
        (gone,) = get_own_training(uow, training_id).videos
    assert (gone.is_open, gone.title) == (False, "")
    with acting(uow, org.owner):
        end_training(uow, training_id)
    assert code_of(uow, reader, training_id, video.id) == "training_not_found"
    with acting(uow, stranger.owner), pytest.raises(DomainError, match="training_not_found"):
        get_report(uow, training_id)
    shared = film(uow, stranger, "partners")
    shared.partner_ids = [org.id]
    uow.flush()
    with acting(uow, org.owner):
        assert [one.id for one in trainable_videos(uow)] == [shared.id]


def test_who_is_not_done_is_reminded_once_for_each_day(uow: UnitOfWork, org: Org, reader: Principal) -> None:
    training_id = assign(uow, org, film(uow, org), people=(reader.person(),), days=9)
    told = []
    for day in range(12):
        with acting(uow, SYSTEM), clock.frozen(NOON + timedelta(days=day)):
            times = [training_id in trainings_near_due(uow) and remind(uow, training_id) for _ in range(2)]
            told += [day] * sum(times)
    assert told == [6, 8]
    found = select(EventRow.topic).where(EventRow.payload["training_id"].astext == str(training_id))
    assert sorted(uow.session.scalars(found)) == [
        "marketplace.training_assigned.v1",
        *["marketplace.training_near_due.v1"] * 2,
    ]
