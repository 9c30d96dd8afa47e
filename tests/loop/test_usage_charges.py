"""What was used is charged: once for each closed period, by an order of its own, as a renewal is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.usage import RETURNED
from billing.charges.models import Charge
from billing.invoices.models import InvoiceLine
from billing.refunds.models import Refund
from fulfillment.jobs import SWEEP_USAGE
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.usage.challenges import AnswerChallenge, answer_challenge, challenge_line
from fulfillment.usage.models import UsageChallenge, UsageLine, UsagePeriod
from fulfillment.usage.queries import get_usage
from fulfillment.usage.record_usage import UsageIn, record_usage
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.draft_listing import ReviseListing, revise_listing
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import ReviewListing, review_listing
from marketplace.catalog.submit_listing import submit_listing
from marketplace.notifications.models import Notification
from marketplace.parties.models import BillingProfile
from marketplace.pricing.components import Commitment, Flat, Metered, PlanPrice, Tier
from marketplace.pricing.engine import PriceLine
from orders.checkout.models import Purchase
from orders.checkout.priced_line import Context
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.checkout.request_payment import pay_again
from orders.loop import SWEEP_PURCHASES
from orders.notifications.notify_of_events import NOTIFY
from orders.order.locking import find_locked_order
from orders.order.models import Attribution, Order, OrderLine, SaleTerms, Subscription
from orders.refunds.refund_order import refund_remaining
from orders.subscriptions.queries import get_subscription
from orders.subscriptions.schedule import RENEWS_BEFORE, SUSPENDED_AFTER, TERMINATED_AFTER
from orders.subscriptions.stuck import list_stuck
from orders.subscriptions.timeline import subscription_timeline
from orders.subscriptions.upcoming import upcoming_charges
from orders.usage.charge_usage import charge_usage
from orders.usage.jobs import SWEEP_UNPAID_USAGE, SWEEP_USAGE_CREDITS
from orders.usage.return_credits import return_credit
from tests.factories_marketplace import OPERATOR_PRINCIPAL, make_plans, per_seat_plan, words
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_renewals import now, switch, until
from tests.loop.test_trials import quote_trial
from tests.loop_stage import Stage

CALLS = Metered(
    kind="metered",
    dimension="calls",
    included=1_000,
    tiers=(Tier(up_to=500, unit_micro=25_000_000), Tier(up_to=None, unit_micro=10_000_000)),
)
PRICE = PlanPrice(
    currency="CNY", interval="month", term_months=12, components=(Flat(kind="flat", amount_minor=9_900), CALLS)
)


def metered(
    stage: Stage, price: PlanPrice = PRICE, *, method: str = "sbx_ok", **plan: Any
) -> tuple[UUID, Subscription]:
    """A plan with usage that is in use, and its subscription."""
    plan_id, context = stage.offer(price=price, **plan)
    order_id = stage.place(stage.quote(plan_id, 1, context=context), method=method)
    stage.run()
    (subscription,) = subscriptions(stage, order_id)
    return order_id, subscription


def use(stage: Stage, order_id: UUID, quantity: int, dimension: str = "calls", **when: Any) -> None:
    item = UsageIn(
        str(uuid7()),
        when.get("at") or clock.now(),
        stage.entitlement(order_id).id,
        dimension,
        Decimal(quantity),
    )
    (result,) = transact(stage.services.db, stage.seller.owner, lambda uow: record_usage(uow, [item]))
    assert result.outcome == "accepted", result


def periods(stage: Stage, order_id: UUID) -> Sequence[UsagePeriod]:
    found = select(UsagePeriod).where(UsagePeriod.entitlement_id == stage.entitlement(order_id).id)
    return stage.rows(found.order_by(UsagePeriod.starts_at))


def over(stage: Stage, order_id: UUID) -> None:
    """Let the last of its periods end and be closed."""
    last = periods(stage, order_id)[-1]
    clock.advance(last.closes_at - clock.now())
    stage.tick(SWEEP_USAGE)


def charged(stage: Stage, subscription: Subscription) -> Sequence[Order]:
    mine = select(Order).where(Order.subscription_id == subscription.id, Order.usage_period_id.is_not(None))
    return stage.rows(mine.order_by(Order.created_at))


def test_what_has_ended_has_no_period_that_goes_on(stage: Stage) -> None:
    order_id, _ = metered(stage)
    use(stage, order_id, 1_400)
    entitlement = stage.entitlement(order_id)
    assert not transact(stage.services.db, stage.purchaser, lambda uow: get_usage(uow, entitlement.id)).is_ended
    clock.advance(timedelta(days=1))
    transact(stage.services.db, SYSTEM, lambda uow: end_entitlement(uow, entitlement.id, reason="term_over"))
    stage.run()
    found = transact(stage.services.db, stage.purchaser, lambda uow: get_usage(uow, entitlement.id))
    assert found.is_ended
    assert found.ends_at is None or found.ends_at <= clock.now()


def line_of(stage: Stage, order_id: UUID) -> OrderLine:
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    return line  # type: ignore[no-any-return]  # the one line there is


def unpaid(stage: Stage, days: float) -> None:
    """So long after it was asked for."""
    clock.advance(timedelta(days=days))
    stage.tick(SWEEP_UNPAID_USAGE)


def decline(stage: Stage, order_id: UUID) -> None:
    """From now on the stored method is declined."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        purchase = uow.session.get_one(Purchase, stage.order(order_id).purchase_id)
        purchase.method_token = "sbx_decline"


class TestCharged:
    def test_a_closed_period_is_an_order_paid_by_the_stored_method(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        (period,) = periods(stage, order_id)
        assert (period.state, period.amount_minor) == ("invoiced", 500 * 25 + 500 * 10)
        assert (order.state, order.gross_minor, order.usage_period_id) == ("active", 17_500, period.id)
        line, began = line_of(stage, order.id), line_of(stage, order_id)
        assert (line.plan_id, line.quantity, line.list_minor, line.tax_included) == (
            began.plan_id,
            1,
            17_500,
            began.tax_included,
        )
        assert line.tax_rate_ppm == began.tax_rate_ppm > 0
        assert line.refund_window_days == 0
        (part,) = [PriceLine.model_validate(one) for one in line.price_lines]
        assert (part.code, part.quantity, part.charged, part.amount_minor) == ("calls", "2000", "1000", 17_500)
        (charge,) = stage.rows(select(Charge).where(Charge.group_reference == order.id))
        assert charge.gross_minor == 17_500
        for table, names in (
            (SaleTerms, ("commission_ppm", "promoter_org_id", "promoter_ppm", "policy_version")),
            (Attribution, ("promoter_org_id", "video_id", "placement_id", "second_ms")),
        ):
            old, new = (stage.rows(select(table).where(table.order_line_id == one.id))[0] for one in (began, line))
            assert [getattr(old, name) for name in names] == [getattr(new, name) for name in names]
        assert {share.state for share in stage.shares(order.id).values()} == {"pending"}
        assert all(share.releasable_at is not None for share in stage.shares(order.id).values())

    def test_the_invoice_says_how_it_came_about_in_both_languages(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        (invoice,) = stage.papers(order.id)
        assert invoice.gross_minor == 17_500
        (printed,) = stage.rows(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        assert "用量 calls 2,000（含 1,000）：500 × ¥0.25 + 500 × ¥0.10 = ¥175.00" in printed.description
        assert "Usage calls 2,000 (1,000 included): 500 × ¥0.25 + 500 × ¥0.10 = ¥175.00" in printed.description

    def test_nothing_is_placed_for_nothing(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 1_000)
        over(stage, order_id)
        (period,) = periods(stage, order_id)
        assert (period.state, period.amount_minor) == ("closed", 0)
        assert charged(stage, subscription) == []

    def test_it_is_charged_once_however_often_it_is_asked_for(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        over(stage, order_id)
        (period,) = periods(stage, order_id)
        assert transact(stage.services.db, SYSTEM, lambda uow: charge_usage(uow, period.id)) is None
        stage.tick(SWEEP_USAGE)
        assert len(charged(stage, subscription)) == 1

    def test_each_period_has_its_own_and_late_usage_is_on_the_next(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        began = clock.now()
        use(stage, order_id, 1_100)
        over(stage, order_id)
        use(stage, order_id, 1_200, at=began + timedelta(days=2))
        over(stage, order_id)
        assert [order.gross_minor for order in charged(stage, subscription)] == [2_500, 5_000]

    def test_only_what_exceeds_the_commitment_is_charged(self, stage: Stage) -> None:
        committed = Commitment(kind="commitment", amount_minor=10_000, overage_ppm=800_000)
        order_id, subscription = metered(stage, PRICE.model_copy(update={"components": (CALLS, committed)}))
        use(stage, order_id, 1_300)
        over(stage, order_id)
        assert charged(stage, subscription) == []
        use(stage, order_id, 2_000)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        assert order.gross_minor == 6_000
        parts = [PriceLine.model_validate(one) for one in line_of(stage, order.id).price_lines]
        assert [(part.kind, part.amount_minor) for part in parts] == [("metered", 17_500), ("drawn", -11_500)]

    def test_usage_does_not_keep_the_subscription_from_being_changed_or_renewed(self, stage: Stage) -> None:
        order_id, subscription = metered(stage, PRICE.model_copy(update={"term_months": 1}))
        switch(stage, subscription, wanted=True)
        use(stage, order_id, 2_000)
        until(stage, subscription.ends_at + timedelta(days=2))
        stage.tick(SWEEP_USAGE)
        assert [order.gross_minor for order in charged(stage, subscription)] == [17_500]
        assert now(stage, subscription).state == "active"
        assert now(stage, subscription).ends_at > subscription.ends_at

    def test_a_title_that_is_not_in_use_any_more_is_invoiced_all_the_same(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            for row in uow.session.scalars(select(BillingProfile).where(BillingProfile.org_id == stage.buyer.id)):
                row.is_default, row.retired_at = False, clock.now()
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        (invoice,), (first,) = stage.papers(order.id), stage.papers(order_id)
        assert invoice.buyer == first.buyer


class TestCredits:
    def _credited(self, stage: Stage, order_id: UUID, credit_minor: int) -> UUID:
        (period,) = [one for one in periods(stage, order_id) if one.state == "invoiced"]
        (line,) = stage.rows(select(UsageLine).where(UsageLine.period_id == period.id, UsageLine.kind == "metered"))
        challenge_id: UUID = transact(
            stage.services.db, stage.purchaser, lambda uow: challenge_line(uow, line.id, "half of it was not ours")
        )
        answer = AnswerChallenge(challenge_id, credit_minor, "taken back")
        transact(stage.services.db, stage.seller.owner, lambda uow: answer_challenge(uow, answer))
        return challenge_id

    def test_what_was_taken_back_is_drawn_from_the_next_and_never_more_than_that(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        over(stage, order_id)
        challenge_id = self._credited(stage, order_id, 12_000)
        use(stage, order_id, 1_400)
        over(stage, order_id)
        # 10,000 of 12,000 pay the second period whole: nothing is asked for.
        assert [order.gross_minor for order in charged(stage, subscription)] == [17_500]
        second = periods(stage, order_id)[1]
        assert (second.state, second.amount_minor, second.credited_minor) == ("closed", 10_000, 10_000)
        assert stage.get(UsageChallenge, challenge_id).drawn_minor == 10_000
        assert transact(stage.services.db, SYSTEM, lambda uow: charge_usage(uow, second.id)) is None
        assert stage.get(UsageChallenge, challenge_id).drawn_minor == 10_000
        use(stage, order_id, 1_400)
        over(stage, order_id)
        third = charged(stage, subscription)[1]
        assert third.gross_minor == 8_000
        parts = [PriceLine.model_validate(one) for one in line_of(stage, third.id).price_lines]
        assert [(part.kind, part.amount_minor) for part in parts] == [("metered", 10_000), ("credited", -2_000)]
        (invoice,) = stage.papers(third.id)
        (printed,) = stage.rows(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        assert "减免抵扣：-¥20.00" in printed.description
        assert "Taken back before: -¥20.00" in printed.description

    @pytest.mark.parametrize("drawn", [0, 7_000])
    def test_what_is_left_when_it_has_ended_goes_back_once(self, stage: Stage, drawn: int) -> None:
        order_id, subscription = metered(stage, PRICE.model_copy(update={"term_months": 2}))
        use(stage, order_id, 2_000)
        over(stage, order_id)
        challenge_id = self._credited(stage, order_id, 12_000)
        stage.tick(SWEEP_USAGE_CREDITS)
        assert stage.get(UsageChallenge, challenge_id).refund_id is None
        if drawn:
            use(stage, order_id, 1_280)
        until(stage, subscription.ends_at + timedelta(days=2))
        assert now(stage, subscription).state == "ended"
        stage.tick(SWEEP_USAGE)
        stage.tick(SWEEP_USAGE_CREDITS)
        stage.tick(SWEEP_USAGE_CREDITS)
        challenge = stage.get(UsageChallenge, challenge_id)
        assert challenge.drawn_minor == drawn
        (order,) = charged(stage, subscription)
        (refund,) = stage.rows(select(Refund).where(Refund.reference == order.id))
        assert (refund.id, refund.state, refund.amount_minor) == (challenge.refund_id, "succeeded", 12_000 - drawn)
        (credit,) = stage.papers(order.id, "credit_note")
        assert credit.gross_minor == 12_000 - drawn
        assert transact(stage.services.db, SYSTEM, lambda uow: return_credit(uow, challenge_id)) is None
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert RETURNED.find(uow).violations == 0

    def test_one_that_the_gateway_refused_is_asked_for_again_a_day_later(self, stage: Stage) -> None:
        price = PRICE.model_copy(update={"term_months": 1})
        order_id, subscription = metered(stage, price, method="sbx_refund_fails")
        use(stage, order_id, 2_000)
        until(stage, subscription.ends_at + timedelta(days=2))
        stage.tick(SWEEP_USAGE)
        challenge_id = self._credited(stage, order_id, 12_000)
        stage.tick(SWEEP_USAGE_CREDITS)
        first_id = stage.get(UsageChallenge, challenge_id).refund_id
        assert first_id is not None
        assert stage.get(Refund, first_id).state == "failed"
        stage.tick(SWEEP_USAGE_CREDITS)
        assert stage.get(UsageChallenge, challenge_id).refund_id == first_id
        clock.advance(timedelta(days=1, seconds=1))
        stage.tick(SWEEP_USAGE_CREDITS)
        (order,) = charged(stage, subscription)
        refunds = stage.rows(select(Refund).where(Refund.reference == order.id).order_by(Refund.created_at))
        assert [(one.state, one.amount_minor) for one in refunds] == [("failed", 12_000), ("failed", 12_000)]


class TestEnd:
    def test_what_is_refunded_is_charged_until_its_end(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        clock.advance(timedelta(days=3))
        use(stage, order_id, 2_000)
        stage.refund(order_id)
        stage.run()
        ended_at = clock.now()
        assert now(stage, subscription).state == "ended"
        (period,) = periods(stage, order_id)
        assert abs(period.ends_at - ended_at) < timedelta(minutes=5)
        over(stage, order_id)
        assert [(order.state, order.gross_minor) for order in charged(stage, subscription)] == [("completed", 17_500)]

    def test_the_last_period_of_a_term_is_charged(self, stage: Stage) -> None:
        order_id, subscription = metered(stage, PRICE.model_copy(update={"term_months": 1}))
        use(stage, order_id, 2_000)
        until(stage, subscription.ends_at + timedelta(days=2))
        stage.tick(SWEEP_USAGE)
        assert now(stage, subscription).state == "ended"
        assert [(order.state, order.gross_minor) for order in charged(stage, subscription)] == [("completed", 17_500)]


class TestTrial:
    def test_what_is_used_in_a_trial_costs_nothing_and_afterwards_it_does(self, stage: Stage) -> None:
        plan_id, _ = stage.offer(price=PRICE, trial_days=14, trial_needs_method=True)
        order_id = stage.place(quote_trial(stage, plan_id, 1))
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        use(stage, order_id, 50_000)
        until(stage, subscription.ends_at - timedelta(seconds=60))
        until(stage, subscription.ends_at + timedelta(hours=1))
        use(stage, order_id, 2_000)
        use(stage, order_id, 700, at=subscription.ends_at - timedelta(hours=1))
        tried, paid = periods(stage, order_id)
        assert tried.ends_at == paid.starts_at == subscription.ends_at
        clock.advance(timedelta(days=2))
        stage.tick(SWEEP_USAGE)
        over(stage, order_id)
        assert [(one.is_trial, one.amount_minor) for one in periods(stage, order_id)] == [(True, 0), (False, 17_500)]
        assert [order.gross_minor for order in charged(stage, subscription)] == [17_500]


class TestPrice:
    def test_a_term_renewed_at_another_price_is_charged_at_that(self, stage: Stage) -> None:
        monthly = PRICE.model_copy(update={"term_months": 1})
        order_id, subscription = metered(stage, monthly)
        switch(stage, subscription, wanted=True)
        dearer = CALLS.model_copy(update={"tiers": (Tier(up_to=None, unit_micro=50_000_000),)})
        _republish(stage, subscription, monthly.model_copy(update={"components": (monthly.components[0], dearer)}))
        use(stage, order_id, 1_100)
        until(stage, subscription.ends_at + timedelta(hours=2))
        use(stage, order_id, 1_100)
        use(stage, order_id, 100, at=subscription.ends_at - timedelta(hours=1))
        clock.advance(timedelta(days=2))
        stage.tick(SWEEP_USAGE)
        over(stage, order_id)
        assert [order.gross_minor for order in charged(stage, subscription)] == [5_000, 5_000]

    def test_a_changed_plan_counts_from_the_next_period_on_and_taken_back_no_more(self, stage: Stage) -> None:
        larger = PRICE.model_copy(
            update={
                "components": (Flat(kind="flat", amount_minor=99_000), CALLS.model_copy(update={"included": 1_500}))
            }
        )
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            small, large = make_plans(
                uow,
                stage.seller,
                per_seat_plan(connector_id=stage.connector, price=PRICE, code="small"),
                per_seat_plan(connector_id=stage.connector, price=larger, code="large"),
                text=replace(words(), refund_window_days=60),
            )
            small_id, large_id = small.id, large.id
        order_id = stage.place(stage.quote(small_id, 1, context=Context()))
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        use(stage, order_id, 1_100)
        command = QuoteAmendment(subscription.id, None, large_id)
        quote_id = transact(stage.services.db, stage.purchaser, lambda uow: quote_amendment(uow, command).id)
        changed_id = stage.place(quote_id)
        stage.run()
        use(stage, order_id, 400)
        over(stage, order_id)
        use(stage, order_id, 1_600)
        stage.refund(changed_id)
        stage.run()
        over(stage, order_id)
        use(stage, order_id, 1_600)
        over(stage, order_id)
        # 500 beyond the small plan's, 100 beyond the large one's, 600 beyond the small one's again.
        assert [order.gross_minor for order in charged(stage, subscription)] == [12_500, 2_500, 500 * 25 + 100 * 10]


class TestTakenBack:
    def test_money_of_usage_that_goes_back_leaves_the_subscription_as_it_is(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        clock.advance(timedelta(seconds=1))
        with pytest.raises(Conflict, match="refund_window_over"):
            stage.refund(order.id)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            locked = find_locked_order(uow, order.id)
            assert locked is not None
            assert locked.payment_id is not None
            refund_remaining(uow, locked, locked.payment_id, reason="payment_reversed")
        stage.run()
        assert stage.order(order.id).state == "refunded"
        (credit,) = stage.papers(order.id, "credit_note")
        assert credit.gross_minor == 17_500
        assert now(stage, subscription).state == "active"
        assert now(stage, subscription).ends_at == subscription.ends_at
        assert stage.entitlement(order_id).state == "active"
        (period,) = periods(stage, order_id)
        assert transact(stage.services.db, SYSTEM, lambda uow: charge_usage(uow, period.id)) is None
        assert len(charged(stage, subscription)) == 1


class TestUnpaid:
    def test_it_is_asked_for_again_suspended_and_goes_on_once_paid(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        decline(stage, order_id)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        assert order.state == "pending_payment"
        stage.tick(NOTIFY)
        for tries, days in ((2, 1), (3, 2), (4, 4)):
            unpaid(stage, days)
            stage.tick(NOTIFY)
            assert len(stage.payments(order.purchase_id)) == tries
        mine = select(Notification.kind).where(Notification.person_id == stage.purchaser.person())
        told = mine.where(Notification.kind.in_(("usage_charged", "usage_unpaid"))).order_by(Notification.kind)
        assert stage.rows(told) == [
            "usage_charged",
            "usage_unpaid",
        ]
        unpaid(stage, 7)
        unpaid(stage, 1)
        assert stage.entitlement(order_id).state == "suspended"
        assert len(stage.payments(order.purchase_id)) == 6
        transact(
            stage.services.db,
            stage.purchaser,
            lambda uow: pay_again(uow, order.purchase_id, gateway="sandbox", method_token="sbx_ok"),
        )
        stage.run()
        assert stage.order(order.id).state == "active"
        assert stage.entitlement(order_id).state == "active"
        unpaid(stage, 40)
        assert now(stage, subscription).state == "active"
        assert len(stage.papers(order.id)) == 1

    @pytest.mark.parametrize("ends_first", [True, False])
    def test_it_ends_when_nobody_pays(self, stage: Stage, *, ends_first: bool) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        decline(stage, order_id)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        unpaid(stage, 15)
        assert stage.entitlement(order_id).state == "suspended"
        clock.advance(order.created_at + RENEWS_BEFORE + TERMINATED_AFTER - clock.now())
        # Whichever of the two comes first.
        for sweep in (SWEEP_PURCHASES, SWEEP_UNPAID_USAGE)[:: -1 if ends_first else 1]:
            stage.tick(sweep)
        assert stage.order(order.id).state == "expired"
        assert now(stage, subscription).state == "ended"
        assert stage.entitlement(order_id).state == "ended"
        with pytest.raises(Conflict, match="purchase_not_payable"):
            transact(
                stage.services.db,
                stage.purchaser,
                lambda uow: pay_again(uow, order.purchase_id, gateway="sandbox", method_token="sbx_ok"),
            )

    def test_a_renewal_does_not_lift_what_usage_suspended(self, stage: Stage) -> None:
        order_id, subscription = metered(stage, PRICE.model_copy(update={"term_months": 3}))
        switch(stage, subscription, wanted=True)
        use(stage, order_id, 100)
        until(stage, subscription.ends_at - timedelta(days=19))
        use(stage, order_id, 2_000)
        decline(stage, order_id)
        # Closed by hand a little before the end of the term, so that its suspension and the renewal meet.
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            period = uow.session.get_one(UsagePeriod, periods(stage, order_id)[-1].id)
            period.ends_at = clock.now()
            period.closes_at = clock.now() + timedelta(seconds=1)
        clock.advance(timedelta(seconds=1))
        stage.tick(SWEEP_USAGE)
        (order,) = charged(stage, subscription)
        unpaid(stage, 15)
        assert stage.entitlement(order_id).state == "suspended"
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.get_one(Purchase, stage.order(order_id).purchase_id).method_token = "sbx_ok"
        until(stage, subscription.ends_at + timedelta(hours=1))
        assert now(stage, subscription).ends_at > subscription.ends_at
        assert stage.order(order.id).state == "pending_payment"
        assert stage.entitlement(order_id).state == "suspended"
        assert SUSPENDED_AFTER < TERMINATED_AFTER


class TestShown:
    def test_what_is_used_by_now_is_ahead_and_what_was_is_in_the_life_of_the_subscription(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 1_100)

        def ahead() -> list[tuple[int, bool]]:
            with unit_of_work(stage.services.db, stage.purchaser) as uow:
                return [(one.amount_minor, one.is_usage) for one in upcoming_charges(uow)]

        assert ahead() == [(2_500, True)]
        over(stage, order_id)
        assert ahead() == []
        for side, who in (("buyer", stage.purchaser), ("seller", stage.seller.owner)):
            with unit_of_work(stage.services.db, who) as uow:
                line = subscription_timeline(uow, subscription.id, side)  # type: ignore[arg-type]  # the two sides
            assert [(one.state, one.amount_minor) for one in line if one.kind == "usage"] == [("active", 2_500)]
            assert [one.state for one in line if one.kind == "try"] == ["succeeded"]
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert get_subscription(uow, subscription.id).renewal_order_id is None

    def test_what_follows_unpaid_usage_is_ahead(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 1_100)
        decline(stage, order_id)
        over(stage, order_id)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            line = subscription_timeline(uow, subscription.id, "buyer")
            assert get_subscription(uow, subscription.id).renewal_order_id is None
        with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
            assert subscription.id in {one.subscription_id for one in list_stuck(uow, "usage_unpaid")}
        due = [(one.kind, one.days) for one in line if one.is_due and one.order_id]
        assert due == [("retry", 1), ("retry", 3), ("retry", 7), ("retry", 14), ("suspend", None), ("terminate", None)]

    @pytest.mark.parametrize("side", ["buyer", "seller"])
    def test_it_is_traced_from_the_period_to_the_invoice(self, stage: Stage, side: str) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 1_100)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        (period,) = periods(stage, order_id)
        found = stage.trace(stage.purchaser if side == "buyer" else stage.seller.owner, period.id)
        kinds = {node.kind for node in found.nodes}
        assert {"usage", "order", "order_line", "invoice", "charge"} <= kinds
        assert order.id in {node.id for node in found.nodes}


def _republish(stage: Stage, subscription: Subscription, price: PlanPrice) -> None:
    """Publish the plan of a subscription at another price."""
    listing_id = stage.get(Plan, now(stage, subscription).plan_id).listing_id
    plan = per_seat_plan(connector_id=stage.connector, price=price)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        revise_listing(uow, ReviseListing(listing_id, words(), (plan,)))
        submit_listing(uow, listing_id)
    with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
        review_listing(uow, ReviewListing(listing_id, approve=True))
