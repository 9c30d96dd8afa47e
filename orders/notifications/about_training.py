"""What members are told of trainings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.access.models import Member
from marketplace.notifications.notify import NewNotification
from marketplace.training.events import TrainingAssigned, TrainingNearDue
from marketplace.training.models import Training, TrainingMember
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(TrainingAssigned)
def training_assigned(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever is to watch something is told, unless they have watched it before."""
    trainings = _trainings(uow, events)
    for event in events:
        new = {UUID(one) for one in event.payload["person_ids"]}
        training = trainings[event.uuid("training_id")]
        for person_id in _undone(uow, training.id):
            if person_id in new:
                yield _notification(event, "training_assigned", training, person_id)


@notifies_of(TrainingNearDue)
def training_near_due(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who is not done is reminded before the last day."""
    trainings = _trainings(uow, events)
    for event in events:
        training = trainings[event.uuid("training_id")]
        for person_id in _undone(uow, training.id):
            yield _notification(event, "training_near_due", training, person_id)


def _notification(event: RecordedEvent, kind: str, training: Training, person_id: UUID) -> NewNotification:
    params = {"what": training.title, "what_en": training.title_en, "day": training.due_on.isoformat()}
    path = f"/training/{training.id}"
    return NewNotification(event.id, event.at, kind, path, params, org_id=training.org_id, person_id=person_id)


def _undone(uow: UnitOfWork, training_id: UUID) -> Sequence[UUID]:
    """Who is a member still and is not done."""
    found = (
        select(TrainingMember.person_id)
        .join(Training, Training.id == TrainingMember.training_id)
        .join(Member, (Member.person_id == TrainingMember.person_id) & (Member.org_id == Training.org_id))
        .where(TrainingMember.training_id == training_id, TrainingMember.completed_at.is_(None))
        .where(Training.ended_at.is_(None), Member.state == "active")
        .order_by(TrainingMember.person_id)
    )
    return uow.session.scalars(found).all()


def _trainings(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, Training]:
    wanted = [event.uuid("training_id") for event in events]
    return {row.id: row for row in uow.session.scalars(select(Training).where(Training.id.in_(wanted)))}
