"""The feed learns what came of the orders that a video brought, and what their buyers work with."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from marketplace.catalog.models import Listing, Plan
from marketplace.discovery.ranking import outcome_hours
from marketplace.parties.models import Organization
from marketplace.videos.models import Video
from orders.feed_outcomes import BEHIND, COUNT_OUTCOMES
from tests.loop_stage import Stage


def count(stage: Stage) -> int:
    clock.advance(BEHIND + timedelta(seconds=1))
    stage.tick(COUNT_OUTCOMES)
    return stage.get(Video, stage.video).outcome_h


def test_what_was_delivered_counts_and_what_was_refunded_counts_against(stage: Stage) -> None:
    assert count(stage) == 0
    first, _ = stage.buy(), stage.buy()
    stage.run()
    assert count(stage) == outcome_hours(2, 0)
    kind = stage.get(Listing, stage.get(Plan, stage.seat_plan).listing_id).category
    assert stage.get(Organization, stage.buyer.id).interests == [kind]
    stage.refund(first)
    stage.run()
    assert count(stage) == outcome_hours(1, 1)


def test_who_had_everything_refunded_works_with_none_of_it(stage: Stage) -> None:
    order_id = stage.buy()
    stage.run()
    count(stage)
    stage.refund(order_id)
    stage.run()
    assert count(stage) == 0
    assert stage.get(Organization, stage.buyer.id).interests == []
