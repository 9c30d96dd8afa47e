"""A subscription is changed within its term: more seats at once for what is left of it, fewer from the next term on."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.verify.orders import CHARGED
from billing.shares.models import Share
from fulfillment.entitlements.models import Seat
from fulfillment.entitlements.seats import assign_seat
from fulfillment.runs.models import Run
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from kernel.principal import SYSTEM
from marketplace.pricing.components import MICRO, PlanPrice
from marketplace.pricing.engine import price_term
from marketplace.pricing.proration import remaining
from orders.amendments.amendment_price import Agreed, rest_of_term_minor
from orders.amendments.models import Amendment
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import pay_again
from orders.order.models import Attribution, SaleTerms, Subscription
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.factories_marketplace import make_member
from tests.loop.test_renewals import line_of, now, renewals, subscribed, until
from tests.loop_stage import Stage
from tests.races.crowd import at_once


def quoted(stage: Stage, subscription: Subscription, quantity: int | None = None, plan_id: UUID | None = None) -> UUID:
    command = QuoteAmendment(subscription.id, quantity, plan_id)
    return transact(stage.services.db, stage.purchaser, lambda uow: quote_amendment(uow, command).id)


def amended(stage: Stage, subscription: Subscription, quantity: int, *, method: str = "sbx_ok") -> UUID:
    order_id = stage.place(quoted(stage, subscription, quantity), method=method)
    stage.run()
    return order_id


def next_term(stage: Stage, subscription: Subscription, quantity: int | None) -> Subscription:
    command = ChangeNextTerm(subscription.id, quantity)
    transact(stage.services.db, stage.purchaser, lambda uow: change_next_term(uow, command))
    return now(stage, subscription)


def amendment_of(stage: Stage, order_id: UUID) -> Amendment:
    found = stage.rows(select(Amendment).where(Amendment.order_line_id == line_of(stage, order_id).id))
    return found[0]  # type: ignore[no-any-return]  # rows are Any


class TestMoreSeats:
    def test_they_are_there_at_once_and_paid_for_until_the_end_of_the_term(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        started = stage.entitlement(first).valid_from
        assert started is not None
        clock.advance(timedelta(days=10))
        quote_id = quoted(stage, subscription, 25)
        whole_us, left_us = (
            (subscription.ends_at - since) // timedelta(microseconds=1)
            for since in (started, stage.get(Quote, quote_id).created_at)
        )
        order_id = stage.place(quote_id)
        stage.run()
        order, exact = stage.order(order_id), Fraction(5 * 19_900 * left_us, whole_us)
        assert (order.state, order.gross_minor) == ("active", int(exact + Fraction(1, 2)))
        assert stage.entitlement(first).seats == 25
        assert now(stage, subscription).quantity == 25
        told = stage.rows(
            select(Run).where(Run.operation == "change", Run.entitlement_id == stage.entitlement(first).id)
        )
        assert [run.state for run in told] == ["succeeded"]
        (invoice,) = stage.papers(order_id)
        assert invoice.gross_minor == order.gross_minor

    def test_whom_it_is_owed_to_is_as_in_the_first_sale(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        order_id = amended(stage, subscription, 30)
        for table in (Attribution, SaleTerms):
            sold, added = (
                stage.rows(select(table).where(table.order_line_id == line_of(stage, one).id))[0]
                for one in (first, order_id)
            )
            keep = {column.key for column in table.__table__.columns} - {"id", "order_line_id"}
            assert {key: getattr(added, key) for key in keep} == {key: getattr(sold, key) for key in keep}
        shares = stage.rows(select(Share).where(Share.reference == line_of(stage, order_id).id))
        assert sum(share.amount_minor for share in shares) == stage.order(order_id).gross_minor

    def test_the_next_term_costs_what_it_is_by_then(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        amended(stage, subscription, 25)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        pays = renewals(stage, subscription)[-1]
        assert (pays.state, pays.gross_minor) == ("active", 25 * 19_900)

    def test_a_price_that_was_told_is_told_anew_for_the_same_unit(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        until(stage, subscription.ends_at - timedelta(days=7))
        told = now(stage, subscription).renewal_quote_id
        assert stage.get(Quote, told).gross_minor == 20 * 19_900  # type: ignore[arg-type]  # it was told
        amended(stage, subscription, 21)
        again = now(stage, subscription).renewal_quote_id
        assert again != told
        assert stage.get(Quote, again).gross_minor == 21 * 19_900  # type: ignore[arg-type]  # it was told

    def test_money_that_goes_back_takes_the_seats_back(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        order_id = amended(stage, subscription, 25)
        stage.refund(order_id)
        stage.run()
        assert stage.order(order_id).state == "refunded"
        assert (stage.entitlement(first).seats, now(stage, subscription).quantity) == (20, 20)
        assert stage.order(first).state == "active"
        assert amendment_of(stage, order_id).state == "reversed"

    def test_with_the_first_sale_what_was_added_goes_back(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        order_id = amended(stage, subscription, 25)
        stage.refund(first)
        stage.run()
        assert {stage.order(first).state, stage.order(order_id).state} == {"refunded"}
        assert now(stage, subscription).state == "ended"

    def test_a_refused_payment_changes_nothing_and_another_change_may_follow(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        order_id = amended(stage, subscription, 25, method="sbx_insufficient")
        assert stage.order(order_id).state == "pending_payment"
        assert stage.entitlement(first).seats == 20
        with pytest.raises(Conflict, match="amendment_pending"):
            stage.place(quoted(stage, subscription, 26))
        clock.advance(timedelta(days=2))
        stage.tick("orders.checkout.sweep")
        assert amendment_of(stage, order_id).state == "void"
        amended(stage, subscription, 26)
        assert stage.entitlement(first).seats == 26

    def test_what_cannot_be_changed_so_any_more_is_paid_back(self, stage: Stage) -> None:
        """Delivered or refunded: the subscription became another one while the money was on its way."""
        first, subscription = subscribed(stage)
        order_id = stage.place(quoted(stage, subscription, 25))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.get_one(Subscription, subscription.id).quantity = 21
        stage.run()
        assert amendment_of(stage, order_id).state == "void"
        assert stage.order(order_id).state == "refunded"
        assert stage.entitlement(first).seats == 20

    def test_a_change_paid_after_what_it_builds_on_went_back_is_paid_back_and_breaks_no_rule(
        self, stage: Stage
    ) -> None:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            broken = CHARGED.find(uow).violations
        _, subscription = subscribed(stage)
        applied = amended(stage, subscription, 25)
        waiting = amended(stage, subscription, 26, method="sbx_insufficient")
        stage.refund(applied)
        stage.run()
        pay = partial(pay_again, purchase_id=stage.order(waiting).purchase_id, gateway="sandbox", method_token="sbx_ok")
        transact(stage.services.db, stage.purchaser, pay)
        stage.run()
        assert (amendment_of(stage, waiting).state, stage.order(waiting).state) == ("void", "refunded")
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert CHARGED.find(uow).violations == broken

    def test_with_a_renewal_that_goes_back_what_was_added_to_its_term_does(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        until(stage, subscription.ends_at + timedelta(hours=1))
        order_id = amended(stage, subscription, 25)
        stage.refund(renewal.id)
        stage.run()
        assert {stage.order(renewal.id).state, stage.order(order_id).state} == {"refunded"}
        assert stage.order(first).state != "refunded"


class TestRefused:
    def test_what_is_not_more(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        with pytest.raises(Conflict, match="amendment_costs_less"):
            quoted(stage, subscription, 19)
        with pytest.raises(Invalid, match="amendment_changes_nothing"):
            quoted(stage, subscription, 20)
        with pytest.raises(Invalid, match="quantity_out_of_range"):
            quoted(stage, subscription, 5_001)

    def test_what_is_over_or_being_renewed(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        quote_id = quoted(stage, subscription, 25)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        for act in (partial(quoted, stage, subscription, 25), partial(stage.place, quote_id)):
            with pytest.raises(DomainError) as refused:
                act()
            assert refused.value.code in {"renewal_in_progress", "quote_expired"}

    def test_by_whoever_may_not_buy_or_is_somebody_else(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        with unit_of_work(stage.services.db, stage.seller.owner) as uow, pytest.raises((NotFound, Forbidden)):
            quote_amendment(uow, QuoteAmendment(subscription.id, 25))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            viewer = make_member(uow, stage.buyer, "viewer")
        with unit_of_work(stage.services.db, viewer) as uow, pytest.raises(Forbidden):
            quote_amendment(uow, QuoteAmendment(subscription.id, 25))

    def test_a_quote_of_what_was_changed_meanwhile(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        first, second = (quoted(stage, subscription, quantity) for quantity in (25, 30))
        stage.place(first)
        stage.run()
        with pytest.raises(Conflict, match="subscription_changed"):
            stage.place(second)


class TestNextTerm:
    def test_fewer_seats_are_from_the_next_term_on(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        assert next_term(stage, subscription, 15).next_quantity == 15
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        assert (renewal.state, renewal.gross_minor) == ("active", 15 * 19_900)
        assert stage.entitlement(first).seats == 20
        until(stage, subscription.ends_at + timedelta(seconds=1))
        stage.run()
        assert (stage.entitlement(first).seats, now(stage, subscription).quantity) == (15, 15)
        assert now(stage, subscription).next_quantity is None

    def test_it_can_be_undone(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        next_term(stage, subscription, 15)
        assert next_term(stage, subscription, None).next_quantity is None
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        assert renewals(stage, subscription)[0].gross_minor == 20 * 19_900

    def test_seats_that_are_not_there_any_more_are_taken_from_who_got_them_last(self, stage: Stage) -> None:
        first, subscription = subscribed(stage, min_seats=1)
        entitlement = stage.entitlement(first)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            members = [make_member(uow, stage.buyer, "viewer") for _ in range(3)]
        for member in members:
            with unit_of_work(stage.services.db, stage.purchaser) as uow:
                assign_seat(uow, entitlement.id, member.person())
            clock.advance(timedelta(seconds=1))
        next_term(stage, subscription, 2)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        until(stage, subscription.ends_at + timedelta(seconds=1))
        stage.run()
        still = select(Seat.person_id).where(Seat.entitlement_id == entitlement.id, Seat.revoked_at.is_(None))
        held = stage.rows(still)
        assert set(held) == {member.person() for member in members[:2]}
        assert stage.entitlement(first).seats_used == 2


def test_two_changes_at_once_make_one(stage: Stage) -> None:
    first, subscription = subscribed(stage)
    quotes = [quoted(stage, subscription, quantity) for quantity in (25, 30)]
    results = at_once([partial(stage.place, one) for one in quotes])
    assert sum(isinstance(one, str) for one in results) == 1
    stage.run()
    assert stage.entitlement(first).seats in {25, 30}
    applied = select(func.count()).where(Amendment.subscription_id == subscription.id, Amendment.state == "applied")
    assert stage.rows(applied) == [1]


CASES = 10_000
START = datetime(2026, 1, 31, tzinfo=UTC)


def test_the_parts_of_a_term_add_up_in_ten_thousand_cases() -> None:
    """More seats cost the exact fraction of what is left; from the first instant the whole difference, at the end nothing."""
    chance = random.Random(4)
    for _ in range(CASES):
        unit, low = chance.randrange(10**6), chance.randint(1, 400)
        more = low + chance.randint(1, 400)
        price = PlanPrice.model_validate(_price(unit, chance))
        ends_at = START + timedelta(seconds=chance.randrange(1, 10**8))
        before, after = Agreed(price, low), Agreed(price, more)
        whole = price_term(price, more, "renewal").amount_minor - price_term(price, low, "renewal").amount_minor
        at = START + timedelta(microseconds=chance.randrange(10**14))
        assert rest_of_term_minor(before, after, START, ends_at, START) == whole
        assert rest_of_term_minor(before, after, START, ends_at, ends_at) == 0
        assert rest_of_term_minor(before, after, START, ends_at, at) == remaining(whole, START, ends_at, at)
        off = Fraction(chance.randrange(100), 100)
        cheaper = rest_of_term_minor(Agreed(price, low, off), Agreed(price, more, off), START, ends_at, at)
        assert 0 <= cheaper <= remaining(whole, START, ends_at, at)


def _price(unit_minor: int, chance: random.Random) -> dict[str, Any]:
    tiers = [
        {"up_to": chance.randint(1, 300), "unit_micro": unit_minor * MICRO},
        {"up_to": None, "unit_micro": unit_minor * MICRO * 8 // 10},
    ]
    return {
        "currency": "CNY",
        "interval": "month",
        "term_months": chance.choice((1, 12, 36)),
        "components": [
            {"kind": "setup", "amount_minor": 1000},
            {"kind": "per_seat", "mode": chance.choice(("graduated", "volume")), "tiers": tiers},
        ],
    }
