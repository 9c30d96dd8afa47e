"""What is bought anew ends together with another subscription: its first term is shorter, and costs as much less, to the cent."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.check import verify
from app.verify.orders import PRICED
from app.verify.rule import Outside
from app.verify.subscriptions import ALIGNED, DATED
from billing.invoices.models import InvoiceLine
from kernel import clock
from kernel.calendar import add_months
from kernel.db.uow import transact
from marketplace.pricing.components import MICRO, PerSeat, PlanPrice, Tier
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.first_term import part_of_term
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_models import Quote
from orders.order.models import OrderLine, Subscription
from orders.order.span import FirstTerm
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_amendments import quoted
from tests.loop.test_component_prices import FIRST, PRICE
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_instalments import rows
from tests.loop.test_offered_components import MIXED
from tests.loop.test_offers import refusal
from tests.loop.test_renewals import now, renewals, subscribed, switch, terms, until
from tests.loop_stage import Stage

ZONE = "Asia/Shanghai"
MOMENT = timedelta(microseconds=1)
SETUP = 50_000
YEAR = 199_000
QUARTERLY = PlanPrice(
    currency="CNY",
    interval="year",
    term_months=12,
    instalments=4,
    components=(PerSeat(kind="per_seat", maximum=500, tiers=(Tier(up_to=None, unit_micro=YEAR * MICRO),)),),
)


def other_of(stage: Stage, apart: timedelta = timedelta(days=10)) -> Subscription:
    """A subscription for a month that began so long ago."""
    _, other = subscribed(stage)
    clock.advance(apart)
    return now(stage, other)


def priced(stage: Stage, other: Subscription, *lines: QuoteItem, **changes: Any) -> UUID:
    asked = lines or (QuoteItem(stage.offer(interval="month")[0], 20),)
    command = CreateQuote(asked, align_with=other.id, **changes)
    return transact(stage.services.db, stage.purchaser, lambda uow: create_quote(uow, command).id)


def line_of(stage: Stage, quote_id: UUID, number: int = 0) -> PricedLine:
    return PricedLine.model_validate(stage.get(Quote, quote_id).lines[number])


def expected(amount_minor: int, first: FirstTerm, months: int = 1) -> int:
    whole = add_months(first.starts_at, months, time_zone=ZONE) - first.starts_at
    return int(amount_minor * Fraction((first.ends_at - first.starts_at) // MOMENT, whole // MOMENT) + Fraction(1, 2))


def _run(stage: Stage, order_id: UUID) -> UUID:
    stage.run()
    return order_id


def bought(stage: Stage, quote_id: UUID) -> tuple[UUID, Subscription]:
    order_id = stage.place(quote_id)
    stage.run()
    (subscription,) = subscriptions(stage, order_id)
    return order_id, subscription


class TestShorter:
    def test_it_ends_with_the_other_and_costs_its_part_to_the_cent(self, stage: Stage) -> None:
        other = other_of(stage)
        quote_id = priced(stage, other)
        line = line_of(stage, quote_id)
        assert line.first_term is not None
        assert (line.first_term.ends_at, line.first_term.anchor_day) == (other.ends_at, other.anchor_day)
        assert line.gross_minor == line.list_minor == expected(20 * 19_900, line.first_term) < 20 * 19_900
        assert sum(part.amount_minor for part in line.price_lines) == line.list_minor
        order_id, subscription = bought(stage, quote_id)
        order = stage.order(order_id)
        assert (order.state, order.gross_minor) == ("active", line.gross_minor)
        assert subscription.ends_at == other.ends_at == stage.entitlement(order_id).valid_to
        assert (subscription.anchor_day, stage.entitlement(order_id).seats) == (other.anchor_day, 20)
        report = verify(stage.services.db, Outside(), rules=(ALIGNED, DATED, PRICED), comparisons=())
        assert {one.name: one.found for one in report.outcomes if one.found.violations} == {}
        (invoice,) = stage.papers(order_id)
        (printed,) = stage.rows(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        assert (invoice.gross_minor, printed.gross_minor) == (line.gross_minor, line.gross_minor)
        assert "Shorter first term, until the end that was agreed on: -" in printed.description.replace("−", "-")

    def test_renewals_fall_together_and_cost_a_whole_term(self, stage: Stage) -> None:
        other = other_of(stage)
        _, subscription = bought(stage, priced(stage, other))
        for one in (other, subscription):
            if not now(stage, one).auto_renew:
                switch(stage, one, wanted=True)
        until(stage, other.ends_at - RENEWS_BEFORE)
        assert now(stage, subscription).ends_at == now(stage, other).ends_at > other.ends_at
        assert renewals(stage, subscription)[-1].gross_minor == 20 * 19_900

    def test_seats_that_are_added_cost_by_the_whole_terms_price(self, stage: Stage) -> None:
        _, subscription = bought(stage, priced(stage, other_of(stage)))
        (term,) = terms(stage, subscription)
        assert term.priced_until == add_months(term.starts_at, 1, time_zone=ZONE)
        quote = stage.get(Quote, quoted(stage, subscription, 21))
        part = Fraction((term.ends_at - quote.created_at) // MOMENT, (term.priced_until - term.starts_at) // MOMENT)
        assert quote.gross_minor == int(19_900 * part + Fraction(1, 2))

    def test_what_is_paid_once_is_paid_whole_and_a_short_term_meets_the_end_of_a_long_one(self, stage: Stage) -> None:
        yearly, _ = stage.offer(interval="year")
        (other,) = subscriptions(stage, _run(stage, stage.place(stage.quote(yearly))))
        clock.advance(timedelta(days=100))
        plan_id, _ = stage.offer(price=PlanPrice.model_validate(PRICE))
        quote_id = priced(stage, other, QuoteItem(plan_id, 90))
        line = line_of(stage, quote_id)
        assert line.first_term is not None
        assert line.first_term.ends_at <= add_months(line.first_term.starts_at, 1, time_zone=ZONE)
        assert line.list_minor == SETUP + expected(FIRST - SETUP, line.first_term)
        _, subscription = bought(stage, quote_id)
        switch(stage, subscription, wanted=True)
        until(stage, subscription.ends_at - timedelta(hours=1))
        second = terms(stage, subscription)[1].ends_at
        assert (second.day, second.timetz()) == (other.ends_at.day, other.ends_at.timetz())
        assert renewals(stage, subscription)[0].gross_minor == FIRST - SETUP

    def test_a_long_term_meets_the_next_end_of_a_short_one(self, stage: Stage) -> None:
        other = other_of(stage)
        yearly, _ = stage.offer(interval="year")
        line = line_of(stage, priced(stage, other, QuoteItem(yearly, 20)))
        assert line.first_term is not None
        assert line.first_term.ends_at == other.ends_at
        assert line.list_minor == expected(20 * 19_900, line.first_term, 12)

    def test_one_whose_day_passed_before_it_could_begin_is_as_long_as_was_paid_for(self, stage: Stage) -> None:
        other = other_of(stage, timedelta(days=29, hours=23, minutes=50))
        quote_id = priced(stage, other)
        first = line_of(stage, quote_id).first_term
        assert first is not None
        order_id = stage.place(quote_id)
        clock.advance(timedelta(minutes=11))
        stage.run()
        assert stage.order(order_id).state == "active"
        (subscription,) = subscriptions(stage, order_id)
        (term,) = terms(stage, subscription)
        assert term.ends_at - term.starts_at == first.ends_at - first.starts_at
        assert subscription.ends_at == stage.entitlement(order_id).valid_to

    def test_the_line_keeps_what_was_agreed(self, stage: Stage) -> None:
        order_id, _ = bought(stage, priced(stage, other_of(stage)))
        (sold,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
        assert sold.plan["first_term"]["anchor_day"] == clock.now().day or sold.plan["first_term"]["ends_at"]
        assert sum(part["amount_minor"] for part in sold.price_lines) == sold.list_minor


class TestInstalments:
    def test_it_is_paid_in_one_and_whole_terms_after_it_in_instalments(self, stage: Stage) -> None:
        other = other_of(stage)
        plan_id, _ = stage.offer(price=QUARTERLY)
        quote_id = priced(stage, other, QuoteItem(plan_id, 20))
        line = line_of(stage, quote_id)
        assert line.first_term is not None
        assert (line.instalments, line.first_term.ends_at) == ([], other.ends_at)
        assert line.gross_minor == expected(20 * YEAR, line.first_term, 12)
        _, subscription = bought(stage, quote_id)
        assert (rows(stage, subscription), subscription.term_months) == ([], 12)
        switch(stage, subscription, wanted=True)
        until(stage, other.ends_at - timedelta(hours=1))
        assert renewals(stage, subscription)[-1].gross_minor == 20 * YEAR // 4
        assert [one.gross_minor for one in rows(stage, subscription)] == [20 * YEAR // 4] * 3


class TestRefused:
    def test_what_has_no_shorter_first_term(self, stage: Stage) -> None:
        other = other_of(stage)
        metered, _ = stage.offer(price=MIXED)
        once, _ = stage.offer(pricing="one_off", interval="none", max_seats=1)
        tried, _ = stage.offer(trial_days=14)
        for line, changes in ((metered, {}), (once, {}), (tried, {"trial": True})):
            quantity = 1 if line == once else 20
            code = refusal(lambda: priced(stage, other, QuoteItem(line, quantity), **changes))  # noqa: B023 - at once
            assert code == "first_term_whole"

    def test_an_other_that_is_none(self, stage: Stage) -> None:
        other = other_of(stage)
        switch(stage, other, wanted=False)
        until(stage, other.ends_at + timedelta(days=1))
        assert refusal(lambda: priced(stage, now(stage, other))) == "alignment_unfit"
        strange = now(stage, other)
        stage.purchaser, mine = stage.promoter.owner, stage.purchaser
        try:
            assert refusal(lambda: priced(stage, strange)) == "not_found"
        finally:
            stage.purchaser = mine

    def test_what_is_bought_once_beside_it_stays(self, stage: Stage) -> None:
        other = other_of(stage)
        once, _ = stage.offer(pricing="one_off", interval="none", max_seats=1)
        quote_id = priced(stage, other, QuoteItem(stage.seat_plan, 20), QuoteItem(once, 1))
        assert line_of(stage, quote_id, 0).first_term is not None
        assert line_of(stage, quote_id, 1).first_term is None


@pytest.mark.parametrize("number", range(500))
def test_parts_are_exact_and_never_more_than_the_whole(number: int) -> None:
    chance = random.Random(number)
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**8))
    whole_until = start + timedelta(seconds=chance.randrange(1, 10**8))
    ends_at = start + (whole_until - start) * chance.random() + MOMENT
    amount = chance.randrange(10**10)
    first = FirstTerm(with_id=UUID(int=1), starts_at=start, ends_at=min(ends_at, whole_until), anchor_day=1)
    part = part_of_term(amount, first, whole_until)
    rest = FirstTerm(with_id=UUID(int=1), starts_at=first.ends_at, ends_at=whole_until, anchor_day=1)
    exact = amount * Fraction((first.ends_at - start) // MOMENT, (whole_until - start) // MOMENT)
    assert 0 <= part <= amount
    assert abs(part - exact) <= Fraction(1, 2)
    assert rest.starts_at <= rest.ends_at
