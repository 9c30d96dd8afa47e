"""Trainings, through the product's own verbs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from marketplace.training.assign_training import AssignTraining, assign_training
from marketplace.training.report_watched import ReportWatched, report_watched
from tests.factories_marketplace import Org, make_member


def train(db: Database, org: Org, video_id: UUID) -> UUID:
    """A training of two members, one of whom has begun. Returns its id."""
    with unit_of_work(db, SYSTEM) as uow:
        begins, other = (make_member(uow, org, "viewer").person() for _ in range(2))
    with unit_of_work(db, org.owner) as uow:
        due = clock.today("Asia/Shanghai") + timedelta(days=30)
        people = (begins, other, org.owner.person())
        training_id = assign_training(uow, AssignTraining("数据安全", due, (video_id,), people)).id
    with unit_of_work(db, org.owner) as uow:
        report_watched(uow, ReportWatched(training_id, video_id, ((0, 1_000), (2_000, 3_000))))
    return training_id
