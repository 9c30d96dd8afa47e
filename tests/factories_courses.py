"""Courses for tests: on sale with a free preview and two episodes, sold, and with a seat given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fulfillment.courses.edit_course import edit_course
from fulfillment.entitlements.seats import assign_seat
from fulfillment.runs.conclude import Success, lock_run, succeed
from kernel.db.uow import UnitOfWork
from kernel.principal import Principal
from marketplace.catalog.models import Plan
from marketplace.courses.save_course import EpisodeDraft, SaveCourse
from tests.factories_fulfillment import Delivery, make_delivery
from tests.factories_marketplace import (
    Org,
    acting,
    make_channel,
    make_plans,
    make_ready_video,
    make_seller,
    per_seat_plan,
)

LONG = 100_000


@dataclass(frozen=True)
class Taught:
    """A course on sale with a preview and two episodes, and its seller."""

    seller: Org
    plan: Plan
    videos: tuple[UUID, UUID, UUID]

    @property
    def id(self) -> UUID:
        """The product."""
        return self.plan.listing_id

    @property
    def preview(self) -> UUID:
        """The episode that is free."""
        return self.videos[0]

    @property
    def paid(self) -> UUID:
        """One that is not."""
        return self.videos[1]


def make_course(uow: UnitOfWork, seller: Org | None = None, **plan_changes: Any) -> Taught:
    """As `Taught` says; its files are nowhere (upload where bytes matter)."""
    seller = seller or make_seller(uow)
    (plan,) = make_plans(uow, seller, per_seat_plan(**plan_changes), kind="service")
    channel = make_channel(uow, seller)
    videos = [
        make_ready_video(uow, seller, visibility="internal", duration_ms=LONG, channel=channel).id for _ in range(3)
    ]
    drafts = [EpisodeDraft(one, f"第 {n} 课", f"Lesson {n}", is_preview=n == 1) for n, one in enumerate(videos, 1)]
    with acting(uow, seller.owner):
        edit_course(uow, SaveCourse(plan.listing_id, drafts))
    return Taught(seller, plan, (videos[0], videos[1], videos[2]))


def sell(uow: UnitOfWork, course: Taught, *, buyer: Org | None = None, seats: int = 2) -> Delivery:
    """An entitlement in force of the course; without seats, for everybody in the organization, where there are 0."""
    made = make_delivery(
        uow, buyer=buyer, seller=course.seller, listing_id=course.id, plan_id=course.plan.id, seats=seats
    )
    succeed(uow, *lock_run(uow, made.run_id), Success("t-1", None))
    uow.flush()
    return made


def seat(uow: UnitOfWork, made: Delivery, member: Principal) -> UUID:
    """The buyer's owner gives the member a seat."""
    with acting(uow, made.buyer.owner):
        return assign_seat(uow, made.id, member.person())
