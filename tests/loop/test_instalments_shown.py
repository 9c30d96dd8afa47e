"""Whoever buys in instalments sees all of them before, is told of each, and finds them where money is looked for."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Invalid
from marketplace.catalog.models import Plan
from marketplace.notifications.models import Notification
from marketplace.pricing.components import PerSeat, PlanPrice, Tier
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.checkout.quote_models import Quote
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.instalments.jobs import SWEEP_INSTALMENTS
from orders.notifications.notify_of_events import NOTIFY
from orders.offers.make_offer import MakeOffer, make_offer
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import get_offer
from orders.order.instalments import NOTICED_BEFORE
from orders.subscriptions.queries import get_subscription
from orders.subscriptions.timeline import subscription_timeline
from orders.subscriptions.upcoming import upcoming_charges
from orders.usage.jobs import SWEEP_UNPAID_USAGE
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_instalments import at, charged, decline, rows, sold
from tests.loop.test_private_offers import verify
from tests.loop_stage import Stage

SEATS = PlanPrice(
    currency="CNY",
    interval="year",
    term_months=24,
    instalments=8,
    components=(PerSeat(kind="per_seat", maximum=500, tiers=(Tier(up_to=None, unit_micro=19_900_000_000),)),),
)


def shown(browser: TestClient[Any], path: str, language: str = "zh-CN") -> str:
    return html.unescape(browser.get(path, headers={"Accept-Language": language}).text)


def told(stage: Stage, kind: str) -> int:
    """How often whoever bought was told of it."""
    mine = Notification.person_id == stage.purchaser.person_id
    return len(stage.rows(select(Notification).where(mine, Notification.kind == kind)))


class TestTold:
    def test_a_week_before_once_and_when_it_is_not_paid(self, stage: Stage) -> None:
        order_id, subscription = sold(stage)
        second = rows(stage, subscription)[0]
        for _ in range(2):
            at(stage, second.due_at - NOTICED_BEFORE)
            stage.tick(NOTIFY)
        assert told(stage, "instalment_near") == 1
        at(stage, second.due_at)
        stage.tick(NOTIFY)
        assert told(stage, "instalment_paid") == 1
        assert told(stage, "renewal_paid") == 0
        decline(stage, order_id)
        at(stage, rows(stage, subscription)[1].due_at)
        clock.advance(timedelta(days=1))
        stage.tick(SWEEP_UNPAID_USAGE)
        stage.tick(NOTIFY)
        assert told(stage, "instalment_unpaid") == 1

    def test_upcoming_charges_and_timeline_know_all_of_them(self, stage: Stage) -> None:
        order_id, subscription = sold(stage)
        decline(stage, order_id)
        second, third, fourth = rows(stage, subscription)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            ahead = upcoming_charges(uow, ahead=timedelta(days=400))
            entries = subscription_timeline(uow, subscription.id, "buyer")
        assert [(one.at, one.amount_minor, one.instalment, one.is_told) for one in ahead] == [
            (one.due_at, one.gross_minor, one.number, True) for one in (second, third, fourth)
        ]
        assert [(one.at, one.number, one.is_due) for one in entries if one.kind == "instalment"] == [
            (one.due_at, one.number, True) for one in (second, third, fourth)
        ]
        at(stage, second.due_at)
        (order,) = charged(stage, subscription)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert upcoming_charges(uow)[0].at == clock.now()
            entries = subscription_timeline(uow, subscription.id, "buyer")
        asked = next(one for one in entries if one.kind == "instalment" and not one.is_due)
        assert (asked.number, asked.state, asked.order_id) == (2, "pending_payment", order.id)
        assert stage.trace(stage.purchaser, second.id).asked_id == second.id

    @pytest.mark.parametrize(("language", "words"), [("zh-CN", "第 2/4 期"), ("en", "Instalment 2 of 4")])
    def test_the_sheet_the_order_and_the_subscription_say_them(
        self, stage: Stage, browser: TestClient[Any], language: str, words: str
    ) -> None:
        order_id, subscription = sold(stage)
        line_plan = stage.get(Quote, stage.purchase_of(order_id).quote_id).lines[0]["plan_id"]
        listing = stage.get(Plan, UUID(line_plan)).listing_id
        assert words in shown(browser, f"/products/{listing}/buy?plan={line_plan}&quantity=1", language)
        assert words in shown(browser, f"/orders/{order_id}", language)
        life = shown(browser, f"/subscriptions/{subscription.id}", language)
        assert ("分期款，第 4 期" if language == "zh-CN" else "Instalment 4") in life
        at(stage, rows(stage, subscription)[0].due_at)
        (order,) = charged(stage, subscription)
        page = shown(browser, f"/orders/{order.id}", language)
        assert ("第 2 期分期款，共 4 期" if language == "zh-CN" else "Instalment 2 of 4") in page
        spending = shown(browser, "/spending", language)
        assert ("分期款第 3 期" if language == "zh-CN" else "instalment 3") in spending


class TestBought:
    def test_the_limit_of_an_order_is_measured_by_the_whole(self, stage: Stage) -> None:
        plan_id, _ = stage.offer(price=SEATS)
        rule = SetRule(currency="CNY", max_order_minor=100_000, max_month_minor=None, self_approval=False)
        transact(stage.services.db, stage.buyer.owner, lambda uow: set_rule(uow, rule))
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            quote = create_quote(uow, CreateQuote((QuoteItem(plan_id, 3),)))
            assert quote.gross_minor < 100_000
            assert quote.needs_approval

    def test_seats_are_added_at_the_whole_terms_price_and_paid_at_once(self, stage: Stage) -> None:
        _, subscription = sold(stage, SEATS, 10)
        later = rows(stage, subscription)
        clock.advance(later[3].due_at - clock.now())
        for _ in range(2):
            stage.tick(SWEEP_INSTALMENTS)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            quote = quote_amendment(uow, QuoteAmendment(subscription.id, quantity=12))
            quote_id, added_minor = quote.id, quote.lines[0]["list_minor"]
        # Half of two seats' two years is left.
        assert abs(added_minor - 2 * 19_900 * 2 // 2) < 200
        command = PlacePurchase(quote_id, stage.profile, "sandbox", "sbx_ok")
        transact(stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command))
        stage.run()
        assert [(one.due_at, one.gross_minor) for one in rows(stage, subscription)] == [
            (one.due_at, one.gross_minor) for one in later
        ]

    def test_a_private_offer_is_paid_as_it_says(self, stage: Stage) -> None:
        verify(stage, stage.buyer.id)
        valid_on = clock.today("Asia/Shanghai") + timedelta(days=30)

        def offer(parts: int) -> UUID:
            plans = (OfferedPlan(stage.seat_plan, 10, 15_000, instalments=parts),)
            command = MakeOffer(None, plans, valid_on, buyer_org_id=stage.buyer.id)
            return transact(stage.services.db, stage.seller.owner, lambda uow: make_offer(uow, command).id)

        with pytest.raises(Invalid, match="instalments_unfit"):
            offer(5)
        offer_id = offer(12)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            quote = quote_offer(uow, QuoteOffer(offer_id))
            quote_id, parts = quote.id, quote.lines[0]["instalments"]
        assert sum(one["list_minor"] for one in parts) == 150_000
        order_id = stage.place(quote_id)
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        later = rows(stage, subscription)
        assert len(later) == 11
        at(stage, later[0].due_at)
        assert [one.state for one in charged(stage, subscription)] == ["active"]

    @pytest.mark.parametrize(("parts", "count"), [(None, 8), (4, 4), (1, 1)])
    def test_an_offer_of_several_figures_and_a_contract_is_renewed_as_it_was_paid(
        self, stage: Stage, parts: int | None, count: int
    ) -> None:
        verify(stage, stage.buyer.id)
        plan_id, _ = stage.offer(price=SEATS)
        plans = (OfferedPlan(plan_id, 10, discount_ppm=100_000, instalments=parts),)
        valid_on = clock.today("Asia/Shanghai") + timedelta(days=30)
        command = MakeOffer(None, plans, valid_on, buyer_org_id=stage.buyer.id, contract_terms=3)
        offer_id = transact(stage.services.db, stage.seller.owner, lambda uow: make_offer(uow, command).id)
        whole = 10 * 2 * 17_910
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            (line,) = get_offer(uow, offer_id, sells=False).lines
            assert (line.instalments, line.total_minor) == (count, whole)
            quote = quote_offer(uow, QuoteOffer(offer_id))
            quote_id, gross_minor, later = quote.id, quote.gross_minor, quote.lines[0]["instalments"]
        assert (len(later) or 1, gross_minor) == (count, whole // count)
        order_id = stage.place(quote_id)
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        assert (len(rows(stage, subscription)), subscription.contract_terms_left) == (count - 1, 2)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert get_subscription(uow, subscription.id).expected_minor == whole // count
