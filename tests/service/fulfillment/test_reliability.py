"""How reliably a listing is delivered: what is counted and shown, and what failing does to its sale."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.verify.reliability import RULES
from fulfillment.connectors.models import ConnectorRow
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.reliability.count_deliveries import BEHIND, count_deliveries
from fulfillment.reliability.ended_deliveries import LEAST, WINDOW
from fulfillment.reliability.failing import IN_ROW
from fulfillment.reliability.models import ListingPause, ListingReliability
from fulfillment.reliability.pause import (
    close_pause,
    confirm_mended,
    failing_listings,
    mended_listings,
    pause_failing,
    release_mended,
)
from fulfillment.reliability.queries import get_record, list_records
from fulfillment.runs.conclude import Success, give_up, lock_run, succeed
from fulfillment.runs.replay_run import replay_run
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.review_listing import connect_plan, resume_listing, suspend_listing
from marketplace.catalog.sellable import get_sellable, require_still_sold
from marketplace.catalog.show_reliability import Reliability
from marketplace.discovery.feed import get_feed_item
from tests.factories_fulfillment import make_connector, make_delivery
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
)


class Shop:
    """A seller with one listing, and its deliveries."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow = uow
        self.seller, self.buyer = make_seller(uow), make_org(uow)
        (self.plan,) = make_plans(uow, self.seller)
        self.listing_id = self.plan.listing_id

    def begin(self) -> UUID:
        """One delivery, just begun; its run."""
        return make_delivery(self.uow, buyer=self.buyer, seller=self.seller, plan=self.plan).run_id

    def deliver(self, *, after: timedelta = timedelta(seconds=3), fails: bool = False) -> UUID:
        """One delivery that ends `after` so long."""
        run_id = self.begin()
        clock.advance(after)
        run = lock_run(self.uow, run_id)
        if fails:
            give_up(self.uow, *run, state="failed", reason="http_400")
        else:
            succeed(self.uow, *run, Success("t-1", "https://app.example/"))
        self.uow.flush()
        clock.advance(timedelta(seconds=1))
        return run_id

    def fail(self, number: int = IN_ROW) -> list[UUID]:
        """So many deliveries that fail."""
        return [self.deliver(fails=True) for _ in range(number)]

    def paused(self) -> ListingPause:
        """Failed until it is paused."""
        self.fail()
        assert self.listing_id in failing_listings(self.uow)
        assert pause_failing(self.uow, self.listing_id)
        return self.uow.session.query(ListingPause).filter_by(listing_id=self.listing_id, state="paused").one()

    def count(self) -> None:
        """Count what ended so far."""
        clock.advance(BEHIND)
        count_deliveries(self.uow)

    def state(self) -> str:
        """Of the listing."""
        self.uow.flush()
        return self.uow.session.get_one(Listing, self.listing_id, populate_existing=True).state

    def shown(self) -> Reliability | None:
        """What buyers see of it."""
        return Reliability.of(self.uow.session.get_one(Listing, self.listing_id, populate_existing=True).reliability)

    def kept(self) -> ListingReliability:
        """What is counted."""
        return self.uow.session.get_one(ListingReliability, self.listing_id, populate_existing=True)

    def nothing_is_wrong(self) -> None:
        """As `market verify` sees it."""
        for rule in RULES:
            of_it = [row for row in rule.find(self.uow).examples if row.get("listing_id") == str(self.listing_id)]
            assert not of_it, (rule.name, of_it)


@pytest.fixture
def shop(uow: UnitOfWork, noon: datetime) -> Shop:
    del noon
    return Shop(uow)


class TestCounting:
    def test_median_percentile_and_share_are_of_what_ended(self, shop: Shop) -> None:
        for seconds in (10, 1, 2, 3):
            shop.deliver(after=timedelta(seconds=seconds, milliseconds=-200))
        shop.fail(1)
        shop.begin()
        shop.count()
        assert shop.shown() == Reliability(5, 4, 2, 10)
        shop.nothing_is_wrong()

    def test_few_are_the_sellers_to_read_alone(self, shop: Shop) -> None:
        for _ in range(LEAST - 1):
            shop.deliver()
        shop.count()
        assert (shop.shown(), shop.kept().counted) == (None, LEAST - 1)
        with acting(shop.uow, shop.seller.owner):
            (record,) = list_records(shop.uow).items
            assert (record.reliability, record.is_shown) == (Reliability(4, 4, 3, 3), False)
        with acting(shop.uow, shop.buyer.owner), pytest.raises(NotFound):
            get_record(shop.uow, shop.listing_id)
        shop.nothing_is_wrong()

    def test_what_nobody_waited_for_says_nothing(self, shop: Shop) -> None:
        run_id = shop.begin()
        run, entitlement = lock_run(shop.uow, run_id)
        run.tries = 1
        end_entitlement(shop.uow, entitlement.id, reason="refunded")
        shop.uow.flush()
        shop.deliver()
        shop.count()
        assert shop.kept().counted == 1
        shop.nothing_is_wrong()

    def test_after_thirty_days_it_is_forgotten(self, shop: Shop) -> None:
        for _ in range(LEAST):
            shop.deliver()
        shop.count()
        assert shop.shown() is not None
        clock.advance(WINDOW)
        shop.count()
        assert (shop.shown(), shop.kept().counted, shop.kept().median_s) == (None, 0, None)
        shop.nothing_is_wrong()

    def test_the_same_again_writes_nothing_that_is_shown(self, shop: Shop) -> None:
        for _ in range(LEAST):
            shop.deliver()
        shop.count()
        before = shop.uow.session.scalar(
            text("SELECT xmin::text || ctid::text FROM marketplace.listing WHERE id = :id"), {"id": shop.listing_id}
        )
        shop.count()
        assert before == shop.uow.session.scalar(
            text("SELECT xmin::text || ctid::text FROM marketplace.listing WHERE id = :id"), {"id": shop.listing_id}
        )


class TestPausing:
    def test_it_is_on_no_card_and_not_sold_but_goes_on_for_its_customers(self, shop: Shop) -> None:
        video, _ = make_published_video(shop.uow, shop.seller, shop.plan)
        pause = shop.paused()
        assert (pause.rule, pause.failed, pause.counted, shop.state()) == ("in_row", 5, 5, "paused")
        with acting(shop.uow, shop.buyer.owner):
            assert get_feed_item(shop.uow, video.id).cards == ()
            for refused in (get_sellable, require_still_sold):
                with pytest.raises(Conflict, match="listing_paused"):
                    refused(shop.uow, shop.plan.id)
            assert get_sellable(shop.uow, shop.plan.id, goes_on=True).plan_id == shop.plan.id
            require_still_sold(shop.uow, shop.plan.id, goes_on=True)
        assert not pause_failing(shop.uow, shop.listing_id)
        shop.nothing_is_wrong()

    def test_a_success_among_the_latest_keeps_it(self, shop: Shop) -> None:
        shop.fail(IN_ROW - 1)
        shop.deliver()
        shop.fail(IN_ROW - 1)
        assert not pause_failing(shop.uow, shop.listing_id)
        shop.fail(1)
        assert pause_failing(shop.uow, shop.listing_id)

    def test_what_failed_a_week_ago_does_not_count(self, shop: Shop) -> None:
        shop.fail()
        clock.advance(timedelta(days=7))
        assert shop.listing_id not in failing_listings(shop.uow)
        assert not pause_failing(shop.uow, shop.listing_id)


class TestComingBack:
    def _connected(self, shop: Shop) -> ConnectorRow:
        made = make_connector(shop.uow, shop.seller, "http://127.0.0.1:9/")
        with acting(shop.uow, shop.seller.owner):
            connect_plan(shop.uow, shop.plan.id, made.id)
        return shop.uow.session.get_one(ConnectorRow, made.id)

    def test_a_passed_test_and_the_sellers_word(self, shop: Shop) -> None:
        connector = self._connected(shop)
        connector.test_asked_at = connector.tested_at = clock.now()
        pause = shop.paused()
        with acting(shop.uow, shop.seller.owner), pytest.raises(Conflict, match="connector_test_needed"):
            confirm_mended(shop.uow, shop.listing_id)
        connector.test_asked_at, connector.tested_at, connector.test_failure = clock.now(), clock.now(), "http_500"
        shop.uow.flush()
        with acting(shop.uow, shop.seller.owner):
            assert not get_record(shop.uow, shop.listing_id).is_tested
        connector.test_failure = None
        shop.uow.flush()
        clock.advance(timedelta(seconds=1))
        with acting(shop.uow, shop.buyer.owner), pytest.raises(NotFound):
            confirm_mended(shop.uow, shop.listing_id)
        with acting(shop.uow, shop.seller.owner):
            assert get_record(shop.uow, shop.listing_id).is_tested
            confirm_mended(shop.uow, shop.listing_id)
            (kept,) = get_record(shop.uow, shop.listing_id).pauses
            assert (kept.id, kept.released_by) == (pause.id, "confirmed")
            with pytest.raises(Conflict, match="listing_not_paused"):
                confirm_mended(shop.uow, shop.listing_id)
        with acting(shop.uow, shop.buyer.owner):
            assert get_sellable(shop.uow, shop.plan.id).seller_org_id == shop.seller.id
        # What failed before counts no more: it takes as many again.
        assert not pause_failing(shop.uow, shop.listing_id)
        shop.fail(IN_ROW)
        assert pause_failing(shop.uow, shop.listing_id)
        shop.nothing_is_wrong()

    def test_a_replayed_run_that_succeeds(self, shop: Shop) -> None:
        *_, last = shop.fail()
        assert pause_failing(shop.uow, shop.listing_id)
        shop.deliver()
        assert shop.listing_id not in mended_listings(shop.uow)
        with acting(shop.uow, shop.seller.owner):
            replay_run(shop.uow, last)
        shop.uow.flush()
        clock.advance(timedelta(minutes=1))
        succeed(shop.uow, *lock_run(shop.uow, last), Success("t-9", "https://app.example/"))
        shop.uow.flush()
        assert shop.listing_id in mended_listings(shop.uow)
        assert release_mended(shop.uow, shop.listing_id)
        assert not release_mended(shop.uow, shop.listing_id)
        assert shop.state() == "published"
        shop.nothing_is_wrong()

    def test_the_platform_resumes_it_suspended_meanwhile_or_not(self, shop: Shop) -> None:
        pause = shop.paused()
        with acting(shop.uow, OPERATOR_PRINCIPAL):
            suspend_listing(shop.uow, shop.listing_id, "looked into")
            assert shop.state() == "suspended"
            resume_listing(shop.uow, shop.listing_id)
            shop.uow.flush_outbox()
        close_pause(shop.uow, {"listing_id": str(shop.listing_id)})
        shop.uow.session.refresh(pause)
        assert (pause.state, pause.released_by, shop.state()) == ("released", "operator", "published")
        shop.nothing_is_wrong()


def test_plans_of_others_are_nobodys_business(shop: Shop) -> None:
    shop.paused()
    other: Org = make_seller(shop.uow)
    with acting(shop.uow, other.owner):
        assert list_records(shop.uow).items == []
        with pytest.raises(NotFound):
            confirm_mended(shop.uow, shop.listing_id)
    assert shop.uow.session.get_one(Plan, shop.plan.id).state == "active"
