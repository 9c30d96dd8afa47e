"""One subscription is made to end with another: the time between is paid for to the cent, and later terms follow from there."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, select

from fulfillment.runs.models import Run
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.principal import SYSTEM
from marketplace.pricing.components import PlanPrice
from orders.amendments.amendment_price import Agreed, longer_term_minor, rest_of_term_minor
from orders.amendments.models import Amendment
from orders.checkout.quote_alignment import QuoteAlignment, quote_alignment
from orders.checkout.quote_models import Quote
from orders.order.models import Subscription
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.factories_marketplace import make_member
from tests.loop.test_amendments import amended, amendment_of, quoted
from tests.loop.test_renewals import now, renewals, subscribed, switch, terms, until
from tests.loop_stage import Stage
from tests.races.crowd import at_once

APART = timedelta(days=3)


def two(stage: Stage) -> tuple[UUID, Subscription, Subscription]:
    """The order of one subscription, it, and another that began three days later."""
    first, subscription = subscribed(stage)
    clock.advance(APART)
    _, other = subscribed(stage)
    return first, now(stage, subscription), other


def priced(stage: Stage, subscription: Subscription, other: Subscription) -> UUID:
    command = QuoteAlignment(subscription.id, other.id)
    return transact(stage.services.db, stage.purchaser, lambda uow: quote_alignment(uow, command).id)


def aligned(stage: Stage, subscription: Subscription, other: Subscription) -> UUID:
    order_id = stage.place(priced(stage, subscription, other))
    stage.run()
    return order_id


class TestAligned:
    def test_the_time_between_is_paid_for_at_the_frozen_price_to_the_cent(self, stage: Stage) -> None:
        first, subscription, other = two(stage)
        quote_id = priced(stage, subscription, other)
        (term,) = terms(stage, subscription)
        moment = timedelta(microseconds=1)
        part = Fraction((other.ends_at - term.ends_at) // moment, (term.ends_at - term.starts_at) // moment)
        order_id = stage.place(quote_id)
        stage.run()
        order = stage.order(order_id)
        assert order.state == "active"
        assert order.gross_minor == stage.get(Quote, quote_id).gross_minor == int(20 * 19_900 * part + Fraction(1, 2))
        after = now(stage, subscription)
        assert (
            after.ends_at == other.ends_at == stage.entitlement(first).valid_to == terms(stage, subscription)[0].ends_at
        )
        told = select(Run.state).where(Run.operation == "change", Run.entitlement_id == stage.entitlement(first).id)
        assert stage.rows(told) == ["succeeded"]
        (invoice,) = stage.papers(order_id)
        assert invoice.gross_minor == order.gross_minor

    def test_later_terms_end_on_the_same_day_and_cost_a_whole_term(self, stage: Stage) -> None:
        _, subscription, other = two(stage)
        aligned(stage, subscription, other)
        end = other.ends_at
        until(stage, end - RENEWS_BEFORE)
        assert now(stage, subscription).ends_at == now(stage, other).ends_at > end
        assert renewals(stage, subscription)[-1].gross_minor == 20 * 19_900

    def test_one_that_ends_earlier_is_met_at_a_later_end_of_it(self, stage: Stage) -> None:
        """Nothing that is paid for is ever shortened."""
        _, subscription, other = two(stage)
        aligned(stage, other, subscription)
        assert now(stage, other).ends_at > other.ends_at
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        assert now(stage, subscription).ends_at == now(stage, other).ends_at

    def test_seats_that_are_added_then_cost_by_the_term_that_the_price_is_for(self, stage: Stage) -> None:
        first, subscription, other = two(stage)
        aligned(stage, subscription, other)
        (term,) = terms(stage, subscription)
        assert term.priced_until is not None
        quote = stage.get(Quote, quoted(stage, subscription, 21))
        moment = timedelta(microseconds=1)
        part = Fraction((term.ends_at - quote.created_at) // moment, (term.priced_until - term.starts_at) // moment)
        assert quote.gross_minor == int(19_900 * part + Fraction(1, 2))
        amended(stage, subscription, 25)
        assert stage.entitlement(first).seats == 25

    def test_a_price_that_was_told_stays(self, stage: Stage) -> None:
        _, subscription, other = two(stage)
        until(stage, subscription.ends_at - timedelta(days=7))
        told = now(stage, subscription).renewal_quote_id
        assert told is not None
        aligned(stage, subscription, other)
        again = now(stage, subscription).renewal_quote_id
        assert again is not None
        assert stage.get(Quote, again).gross_minor == stage.get(Quote, told).gross_minor
        assert stage.get(Quote, again).expires_at > stage.get(Quote, told).expires_at


class TestMoneyBack:
    def test_the_end_is_where_it_was(self, stage: Stage) -> None:
        first, subscription, other = two(stage)
        order_id = aligned(stage, subscription, other)
        stage.refund(order_id)
        stage.run()
        after = now(stage, subscription)
        assert (after.ends_at, after.anchor_day) == (subscription.ends_at, subscription.anchor_day)
        assert stage.entitlement(first).valid_to == subscription.ends_at
        assert amendment_of(stage, order_id).state == "reversed"
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        assert [one.state for one in renewals(stage, subscription)] == ["refunded", "active"]

    def test_with_the_first_sale_it_goes_back_too(self, stage: Stage) -> None:
        first, subscription, other = two(stage)
        order_id = aligned(stage, subscription, other)
        stage.refund(first)
        stage.run()
        assert {stage.order(first).state, stage.order(order_id).state} == {"refunded"}
        assert now(stage, subscription).state == "ended"

    def test_after_a_renewal_so_much_time_is_taken_off_the_last_term(self, stage: Stage) -> None:
        _, subscription, other = two(stage)
        clock.advance(subscription.ends_at - timedelta(days=2) - clock.now())
        order_id = aligned(stage, subscription, other)
        until(stage, other.ends_at - RENEWS_BEFORE)
        renewed = now(stage, subscription).ends_at
        stage.refund(order_id)
        stage.run()
        assert now(stage, subscription).ends_at == renewed - (other.ends_at - subscription.ends_at)

    def test_time_that_was_used_already_ends_it(self, stage: Stage) -> None:
        _, subscription, other = two(stage)
        clock.advance(subscription.ends_at - timedelta(days=2) - clock.now())
        order_id = aligned(stage, subscription, other)
        clock.advance(subscription.ends_at + timedelta(days=1) - clock.now())
        stage.refund(order_id)
        stage.run()
        after = now(stage, subscription)
        assert (after.auto_renew, after.next_step_at) == (False, None)
        until(stage, clock.now() + timedelta(minutes=1))
        assert now(stage, subscription).state == "ended"


class TestRefused:
    def test_what_is_over_ends_first_or_at_the_same_instant(self, stage: Stage) -> None:
        _, subscription, other = two(stage)
        switch(stage, subscription, wanted=False)
        with pytest.raises(Conflict, match="alignment_unfit"):
            priced(stage, other, subscription)
        aligned(stage, subscription, other)
        with pytest.raises(Invalid, match="amendment_changes_nothing"):
            priced(stage, subscription, other)
        with pytest.raises(Invalid, match="amendment_changes_nothing"):
            priced(stage, subscription, subscription)

    def test_by_whoever_may_not_buy_or_is_somebody_else(self, stage: Stage) -> None:
        _, subscription, other = two(stage)
        with unit_of_work(stage.services.db, stage.seller.owner) as uow, pytest.raises((NotFound, Forbidden)):
            quote_alignment(uow, QuoteAlignment(subscription.id, other.id))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            viewer = make_member(uow, stage.buyer, "viewer")
        with unit_of_work(stage.services.db, viewer) as uow, pytest.raises(Forbidden):
            quote_alignment(uow, QuoteAlignment(subscription.id, other.id))
        with pytest.raises(NotFound):
            transact(
                stage.services.db,
                stage.purchaser,
                lambda uow: quote_alignment(uow, QuoteAlignment(subscription.id, stage.seat_plan)),
            )


def test_two_alignments_at_once_move_the_end_once(stage: Stage) -> None:
    _, subscription, other = two(stage)
    quotes = [priced(stage, subscription, other) for _ in range(2)]
    results = at_once([partial(stage.place, one) for one in quotes])
    assert sum(isinstance(one, str) for one in results) == 1
    stage.run()
    assert now(stage, subscription).ends_at == other.ends_at
    applied = select(func.count()).where(Amendment.subscription_id == subscription.id, Amendment.state == "applied")
    assert stage.rows(applied) == [1]


START = datetime(2026, 1, 31, tzinfo=UTC)


def test_the_end_is_moved_in_steps_or_at_once_for_the_same_within_a_unit_in_ten_thousand_cases() -> None:
    """A term that is made longer by its own length costs that once more; seats then cost the same for each instant."""
    chance = random.Random(7)
    for _ in range(10_000):
        unit, seats = chance.randrange(10**6), 1
        price = PlanPrice.model_validate(
            {
                "currency": "CNY",
                "interval": "month",
                "term_months": 1,
                "components": [{"kind": "flat", "amount_minor": unit}],
            }
        )
        agreed = Agreed(price, seats)
        ends_at = START + timedelta(seconds=chance.randrange(1, 10**8))
        length = ends_at - START
        assert longer_term_minor(agreed, START, ends_at, ends_at, ends_at + length) == unit
        first, second = sorted(ends_at + timedelta(microseconds=chance.randrange(1, 10**14)) for _ in range(2))
        at_once_minor = longer_term_minor(agreed, START, ends_at, ends_at, second)
        steps = longer_term_minor(agreed, START, ends_at, ends_at, first) + longer_term_minor(
            agreed, START, ends_at, first, second
        )
        assert abs(at_once_minor - steps) <= 1
        dearer = Agreed(price.model_copy(update={"components": ()}), seats)
        assert (
            abs(rest_of_term_minor(dearer, agreed, START, second, ends_at, priced_until=ends_at) - at_once_minor) <= 1
        )
