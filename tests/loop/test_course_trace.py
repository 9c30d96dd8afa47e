"""What became of a course, where it is traced: seats that were given, episodes that were watched; nobody's but the buyer's."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from fulfillment.courses.report_progress import ReportProgress, report_progress
from fulfillment.entitlements.seats import assign_seat, revoke_seat
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import NotFound
from kernel.principal import SYSTEM, Principal
from orders.subscriptions.timeline import subscription_timeline
from orders.tracing.model import Node
from orders.tracing.trace import trace
from tests.factories_courses import LONG, make_course
from tests.factories_marketplace import OPERATOR_PRINCIPAL, make_member
from tests.loop.test_end_of_term import subscriptions
from tests.loop_stage import Stage


def nodes(stage: Stage, who: Principal, any_id: UUID) -> list[Node]:
    with unit_of_work(stage.services.db, who) as uow:
        return [one for one in trace(uow, any_id).nodes if one.kind in ("seat", "episode")]


def test_seats_and_episodes_are_traced_and_stand_in_the_subscriptions_line(stage: Stage) -> None:
    db = stage.services.db
    with unit_of_work(db, SYSTEM) as uow:
        course = make_course(uow, stage.seller, connector_id=stage.connector)
        member, other = (make_member(uow, stage.buyer, "viewer") for _ in range(2))
    order_id = stage.place(stage.quote(course.plan.id, 20))
    stage.run()
    entitlement = stage.entitlement(order_id).id
    give = partial(assign_seat, entitlement_id=entitlement)
    seat_id, left_id = (transact(db, stage.purchaser, partial(give, person_id=who.person())) for who in (member, other))
    clock.advance(timedelta(minutes=5))
    for video_id, position_ms in ((course.paid, LONG), (course.videos[2], 30_000)):
        reported = ReportProgress(course.id, video_id, position_ms)
        transact(db, member, partial(report_progress, command=reported))
    transact(db, stage.purchaser, lambda uow: revoke_seat(uow, entitlement, left_id))
    for who in (stage.purchaser, OPERATOR_PRINCIPAL):
        for start in (order_id, seat_id, entitlement):
            found = nodes(stage, who, start)
            assert sorted((one.kind, one.state) for one in found) == [
                ("episode", "begun"),
                ("episode", "completed"),
                ("seat", "given"),
                ("seat", "revoked"),
            ]
            watched = next(one for one in found if one.state == "completed")
            assert (watched.title_en, watched.facts["watched_ms"], watched.after) == ("Lesson 2", LONG, (seat_id,))
            assert [one.kind for one in nodes(stage, who, watched.id)].count("episode") == 2
    assert nodes(stage, stage.seller.owner, order_id) == []
    for stranger in (stage.seller.owner, stage.promoter.owner):
        with pytest.raises(NotFound):
            nodes(stage, stranger, seat_id)
    (subscription,) = subscriptions(stage, order_id)
    for who, side in ((stage.purchaser, "buyer"), (OPERATOR_PRINCIPAL, "operator"), (stage.seller.owner, "seller")):
        with unit_of_work(db, who) as uow:
            kinds = [one.kind for one in subscription_timeline(uow, subscription.id, side)]  # type: ignore[arg-type]  # one of them
        assert [kinds.count(one) for one in ("seat_given", "seat_revoked", "episode_completed")] == (
            [0, 0, 0] if side == "seller" else [2, 1, 1]
        )


def test_seats_of_what_is_no_course_are_not_listed(stage: Stage) -> None:
    order_id = stage.buy()
    stage.run()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        member = make_member(uow, stage.buyer, "viewer")
    entitlement = stage.entitlement(order_id).id
    transact(stage.services.db, stage.purchaser, lambda uow: assign_seat(uow, entitlement, member.person()))
    assert nodes(stage, stage.purchaser, order_id) == []
