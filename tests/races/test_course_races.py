"""A report of progress against what closes the course, and two reports at once: the furthest stays, and nothing is kept after."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.courses import RULES
from fulfillment.courses.models import EpisodeProgress
from fulfillment.courses.report_progress import ReportProgress, report_progress
from fulfillment.entitlements.seats import revoke_seat
from fulfillment.provisioning.end_entitlement import end_entitlement
from kernel.db.uow import Database, transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM, Principal
from marketplace.courses.save_course import EpisodeDraft, SaveCourse, save_course
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from tests.factories_courses import LONG, Taught, make_course, seat, sell
from tests.factories_fulfillment import Delivery, register
from tests.factories_marketplace import make_member
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@pytest.fixture
def sold(db: Database) -> tuple[Taught, Delivery, Principal, UUID]:
    register()
    with unit_of_work(db, SYSTEM) as uow:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        return course, made, member, seat(uow, made, member)


def report(db: Database, member: Principal, course: Taught, position_ms: int) -> None:
    transact(
        db, member, lambda uow: report_progress(uow, ReportProgress(course.id, course.paid, position_ms)).furthest_ms
    )


def kept(db: Database, course: Taught) -> list[EpisodeProgress]:
    with unit_of_work(db, SYSTEM) as uow:
        assert [rule.find(uow).violations for rule in RULES] == [0, 0]
        return list(uow.session.scalars(select(EpisodeProgress).where(EpisodeProgress.listing_id == course.id)))


@every_order
@pytest.mark.parametrize("closing", ["seat", "entitlement"])
def test_nothing_is_kept_after_what_closes_it(
    db: Database, sold: tuple[Taught, Delivery, Principal, UUID], order: str, closing: str
) -> None:
    course, made, member, seat_id = sold

    def close() -> None:
        if closing == "seat":
            transact(db, made.buyer.owner, lambda uow: revoke_seat(uow, made.id, seat_id))
        else:
            transact(db, SYSTEM, lambda uow: end_entitlement(uow, made.id, reason="refunded"))

    answered, _ = interleaved(db, order, lambda: report(db, member, course, 50_000), close)
    assert [one.furthest_ms for one in kept(db, course)] == ([50_000] if answered is None else [])
    with pytest.raises(DomainError, match="episode_not_open"):
        report(db, member, course, LONG)


@every_order_of_twins
def test_two_windows_keep_the_furthest_once(
    db: Database, sold: tuple[Taught, Delivery, Principal, UUID], order: str
) -> None:
    course, _, member, _ = sold
    interleaved(
        db,
        order,
        lambda: report(db, member, course, 95_000),
        lambda: report(db, member, course, 10_000),
    )
    (one,) = kept(db, course)
    assert (one.furthest_ms, one.completed_at is not None) == (95_000, True)


@every_order
def test_an_episode_is_sold_or_shown_and_never_both(
    db: Database, sold: tuple[Taught, Delivery, Principal, UUID], order: str
) -> None:
    course = sold[0]
    owner = course.seller.owner
    every = [EpisodeDraft(one) for one in course.videos]
    interleaved(
        db,
        order,
        lambda: transact(db, owner, lambda uow: save_course(uow, SaveCourse(course.id, every))),
        lambda: transact(db, owner, lambda uow: change_visibility(uow, ChangeVisibility(course.preview, "public"))),
    )
    kept(db, course)
