"""Who is done with a training: everybody who has watched enough of each of its videos."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, exists, select, update

from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.training.models import TrainingMember, TrainingVideo, WatchedVideo


def settle_members(
    uow: UnitOfWork,
    org_id: UUID,
    people: Sequence[UUID],
    *,
    training_id: UUID | None = None,
    video_id: UUID | None = None,
) -> None:
    """Note who of these people has completed everything, of one training or of those that one video is in.

    Once completed, somebody stays so.
    """
    watched = exists().where(
        WatchedVideo.org_id == TrainingMember.org_id,
        WatchedVideo.person_id == TrainingMember.person_id,
        WatchedVideo.video_id == TrainingVideo.video_id,
        WatchedVideo.completed_at.is_not(None),
    )
    missing = exists().where(
        and_(
            TrainingVideo.org_id == TrainingMember.org_id,
            TrainingVideo.training_id == TrainingMember.training_id,
            ~watched,
        )
    )
    done = update(TrainingMember).where(
        TrainingMember.org_id == org_id,
        TrainingMember.person_id.in_(list(people)),
        TrainingMember.completed_at.is_(None),
        ~missing,
    )
    if training_id is not None:
        done = done.where(TrainingMember.training_id == training_id)
    if video_id is not None:
        of_it = select(TrainingVideo.training_id).where(
            TrainingVideo.org_id == org_id, TrainingVideo.video_id == video_id
        )
        done = done.where(TrainingMember.training_id.in_(of_it))
    uow.session.execute(done.values(completed_at=clock.now()).execution_options(synchronize_session=False))
    uow.session.expire_all()
