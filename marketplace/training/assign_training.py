"""An organization wants members to watch videos by a day: assigned, changed, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Member
from marketplace.departments.models import Department
from marketplace.input_text import optional_line
from marketplace.parties.models import Organization
from marketplace.training.complete import settle_members
from marketplace.training.events import TrainingAssigned, TrainingNearDue
from marketplace.training.models import Training, TrainingMember, TrainingVideo
from marketplace.videos.access import watchable_by
from marketplace.videos.models import Video

TRAIN = "members.manage"
MOST_VIDEOS, MOST_PEOPLE = 20, 5_000
LONGEST = timedelta(days=730)
REMINDED = (3, 1)
"""So many days before the last one who is not done is reminded."""
BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class AssignTraining:
    """Which videos, in their order, by when, and who: members by themselves and those of departments as they are today."""

    title: str
    due_on: date
    video_ids: tuple[UUID, ...]
    person_ids: tuple[UUID, ...] = ()
    department_ids: tuple[UUID, ...] = ()
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class ChangeTraining:
    """Another title or day, and more people; nobody is left out again."""

    training_id: UUID
    title: str
    due_on: date
    title_en: str = ""
    person_ids: tuple[UUID, ...] = ()
    department_ids: tuple[UUID, ...] = ()


def assign_training(uow: UnitOfWork, command: AssignTraining) -> Training:
    """Have members watch videos: the organization's own, internal ones too, and any that it may watch.

    Raises:
        Forbidden: `permission_missing` without members.manage, `person_required`.
        Invalid: `training_videos`, `training_people`, `training_due`, `text_required`, `text_too_long`.
        NotFound: `video_not_found`, `member_not_found`, `department_not_found`.

    Emits: TrainingAssigned.
    """
    uow.principal.require(TRAIN)
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    videos = list(dict.fromkeys(command.video_ids))
    if not 1 <= len(videos) <= MOST_VIDEOS:
        raise Invalid("training_videos", field="video_ids", most=MOST_VIDEOS)
    shown = set(uow.session.scalars(select(Video.id).where(Video.id.in_(videos), watchable_by(uow.principal))))
    if shown != set(videos):
        raise NotFound("video_not_found")
    title, title_en = _titles(command.title, command.title_en)
    people = _people(uow, command.person_ids, command.department_ids)
    if not people:
        raise Invalid("training_people", field="person_ids", most=MOST_PEOPLE)
    training = Training(
        id=uuid7(),
        org_id=org_id,
        title=title,
        title_en=title_en,
        due_on=_checked_day(uow, command.due_on),
        created_by=person_id,
        reminded_days=None,
        ended_at=None,
        created_at=clock.now(),
    )
    uow.session.add(training)
    uow.flush()
    for number, video_id in enumerate(videos, 1):
        row = TrainingVideo(id=uuid7(), org_id=org_id, training_id=training.id, video_id=video_id, number=number)
        uow.session.add(row)
    uow.flush()
    _add_people(uow, training, people)
    audit.record(uow, "training.assigned", subject_id=training.id)
    return training


def change_training(uow: UnitOfWork, command: ChangeTraining) -> Training:
    """Say otherwise until when, and add people. Another day is reminded of anew.

    Raises: as `assign_training`; NotFound `training_not_found`; Conflict `training_ended`.
    Emits: TrainingAssigned for whom is new. Locks: the training.
    """
    training = lock_training(uow, command.training_id)
    if training.ended_at is not None:
        raise Conflict("training_ended")
    training.title, training.title_en = _titles(command.title, command.title_en)
    if command.due_on != training.due_on:
        training.due_on, training.reminded_days = _checked_day(uow, command.due_on), None
    people = _people(uow, command.person_ids, command.department_ids)
    known = set(uow.session.scalars(select(TrainingMember.person_id).where(TrainingMember.training_id == training.id)))
    _add_people(uow, training, [one for one in people if one not in known])
    uow.flush()
    return training


def end_training(uow: UnitOfWork, training_id: UUID) -> None:
    """Nobody is to watch it any more; what was watched stays in the report. Done already, nothing changes.

    Raises: Forbidden `permission_missing`; NotFound `training_not_found`. Locks: the training.
    """
    training = lock_training(uow, training_id)
    if training.ended_at is None:
        training.ended_at = clock.now()
        audit.record(uow, "training.ended", subject_id=training.id)
    uow.flush()


def lock_training(uow: UnitOfWork, training_id: UUID) -> Training:
    """A training of the acting organization, for its managers. Raises Forbidden, NotFound(`training_not_found`)."""
    uow.principal.require(TRAIN)
    found = lock_row(uow.session, Training, training_id)
    if found is None or found.org_id != uow.principal.organization():
        raise NotFound("training_not_found")
    return found


def trainings_near_due(uow: UnitOfWork) -> Sequence[UUID]:
    """Open trainings whose last day is near enough for a reminder that was not given. For the platform."""
    today, far = clock.now().date(), max(REMINDED) + 1
    near = Training.due_on.between(today - timedelta(days=1), today + timedelta(days=far))
    not_all = or_(Training.reminded_days.is_(None), Training.reminded_days > min(REMINDED))
    found = select(Training.id).where(Training.ended_at.is_(None), near, not_all).order_by(Training.due_on, Training.id)
    return uow.session.scalars(found.limit(BATCH_SIZE)).all()


def remind(uow: UnitOfWork, training_id: UUID) -> bool:
    """Remind of a training when it is time by the calendar of its organization, once for each of `REMINDED`.

    Emits: TrainingNearDue. Locks: the training.
    """
    training = lock_row(uow.session, Training, training_id)
    if training is None or training.ended_at is not None:
        return False
    zone = uow.session.get_one(Organization, training.org_id).time_zone
    days = (training.due_on - clock.today(zone)).days
    due = min((one for one in REMINDED if days <= one), default=None)
    if due is None or days < 0 or (training.reminded_days is not None and training.reminded_days <= due):
        return False
    training.reminded_days = due
    uow.flush()
    emit(uow, TrainingNearDue(training_id=training.id, org_id=training.org_id, days=days))
    return True


def _titles(title: str, title_en: str) -> tuple[str, str]:
    own, english = optional_line("title", title, 100), optional_line("title_en", title_en, 100)
    if not (own or english):
        raise Invalid("text_required", field="title")
    return own or english, english or own


def _checked_day(uow: UnitOfWork, due_on: date) -> date:
    zone = uow.session.get_one(Organization, uow.principal.organization()).time_zone
    today = clock.today(zone)
    if not today <= due_on <= today + LONGEST:
        raise Invalid("training_due", field="due_on", days=LONGEST.days)
    return due_on


def _people(uow: UnitOfWork, person_ids: Sequence[UUID], department_ids: Sequence[UUID]) -> list[UUID]:
    """Active members among them and of the departments. What was named and is none of one's own is refused."""
    org_id = uow.principal.organization()
    active = select(Member.person_id).where(Member.org_id == org_id, Member.state == "active")
    named = set(uow.session.scalars(active.where(Member.person_id.in_(list(person_ids)))))
    if named != set(person_ids):
        raise NotFound("member_not_found")
    own = select(Department.id).where(Department.org_id == org_id, Department.id.in_(list(department_ids)))
    if set(uow.session.scalars(own)) != set(department_ids):
        raise NotFound("department_not_found")
    within = set(uow.session.scalars(active.where(Member.department_id.in_(list(department_ids)))))
    people = sorted(named | within)
    if len(people) > MOST_PEOPLE:
        raise Invalid("training_people", field="person_ids", most=MOST_PEOPLE)
    return people


def _add_people(uow: UnitOfWork, training: Training, people: Sequence[UUID]) -> None:
    if not people:
        return
    now = clock.now()
    for person_id in people:
        uow.session.add(
            TrainingMember(
                id=uuid7(),
                org_id=training.org_id,
                training_id=training.id,
                person_id=person_id,
                completed_at=None,
                created_at=now,
            )
        )
    uow.flush()
    # What somebody watched before for another training counts here, too.
    settle_members(uow, training.org_id, people, training_id=training.id)
    emit(uow, TrainingAssigned(training_id=training.id, org_id=training.org_id, person_ids=list(people)))
