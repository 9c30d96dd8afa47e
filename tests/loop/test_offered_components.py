"""An offer of own figures for a price of several parts: explained from the offer to the invoice, frozen for renewals, floored."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.invoices.models import InvoiceLine
from fulfillment.usage.terms import get_usage_terms
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.pricing.components import MICRO, PlanPrice
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.offers.counter_offer import MakeCounterOffer, ProposedLine, make_counter_offer
from orders.offers.models import Offer, OfferApproval
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import OfferView, get_offer
from orders.order.models import OrderLine
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from orders.subscriptions.queries import get_subscription
from tests.loop.test_component_prices import FIRST, PRICE
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_offer_approvals import decide, floor
from tests.loop.test_offers import quoted, refusal
from tests.loop.test_private_offers import offered as private
from tests.loop.test_private_offers import verify
from tests.loop.test_renewals import now, renewals, switch, until
from tests.loop_stage import Stage

SEATS = 90
USAGE = {"kind": "metered", "dimension": "calls", "included": 100, "tiers": [{"up_to": None, "unit_micro": 5_000}]}
MIXED = PlanPrice.model_validate(PRICE | {"components": [*PRICE["components"], USAGE]})
OWN = PlanPrice.model_validate(
    PRICE
    | {
        "components": [
            {"kind": "flat", "amount_minor": 300_000},
            {"kind": "per_seat", "included": 20, "tiers": [{"up_to": None, "unit_micro": 12_000 * MICRO}]},
            USAGE,
        ]
    }
)
OWN_FIRST = 300_000 + 70 * 12_000


@pytest.fixture(autouse=True)
def findable(stage: Stage) -> None:
    verify(stage, stage.buyer.id)


@pytest.fixture
def plan_id(stage: Stage) -> UUID:
    return stage.offer(price=MIXED)[0]


def offered(stage: Stage, plan_id: UUID, quantity: int = SEATS, **changes: Any) -> UUID:
    figures = {name: changes.pop(name) for name in ("discount_ppm", "price", "unit_price_minor") if name in changes}
    return private(stage, plans=(OfferedPlan(plan_id, quantity, **figures),), **changes)


def shown(stage: Stage, offer_id: UUID) -> OfferView:
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        return get_offer(uow, offer_id, sells=False)


def taken(stage: Stage, offer_id: UUID, quantity: int) -> UUID:
    command = QuoteOffer(offer_id, quantities=((1, quantity),))
    return transact(stage.services.db, stage.purchaser, lambda uow: quote_offer(uow, command).id)


class TestOwnFigures:
    def test_they_are_bought_and_explained_part_by_part(self, stage: Stage, plan_id: UUID) -> None:
        offer_id = offered(stage, plan_id, price=OWN)
        (line,) = shown(stage, offer_id).lines
        assert (line.total_minor, line.list_price_minor, line.times) == (OWN_FIRST, FIRST, 1)
        assert sum(part.amount_minor for part in line.price_lines) == OWN_FIRST
        quote = stage.get(Quote, quoted(stage, offer_id))
        assert quote.gross_minor == OWN_FIRST
        order_id = stage.place(quote.id)
        stage.run()
        order = stage.order(order_id)
        (sold,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
        assert (order.state, order.gross_minor, sold.list_minor) == ("active", OWN_FIRST, OWN_FIRST)
        assert PlanPrice.model_validate(sold.price).metered == OWN.metered
        assert sum(part["amount_minor"] for part in sold.price_lines) == OWN_FIRST
        (invoice,) = stage.papers(order_id)
        (printed,) = stage.rows(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        assert printed.gross_minor == OWN_FIRST
        assert "70 × ¥120.00 = ¥8,400.00" in printed.description
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert get_usage_terms(uow, stage.entitlement(order_id).id).now.price.metered == OWN.metered

    def test_a_renewal_and_added_seats_are_at_the_offered_price(self, stage: Stage, plan_id: UUID) -> None:
        order_id = stage.place(quoted(stage, offered(stage, plan_id, price=OWN)))
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        switch(stage, subscription, wanted=True)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert get_subscription(uow, subscription.id).expected_minor == OWN_FIRST
        until(stage, subscription.ends_at - timedelta(hours=1))
        (renewal,) = renewals(stage, subscription)
        assert (renewal.state, renewal.gross_minor) == ("active", OWN_FIRST)
        assert now(stage, subscription).quantity == SEATS

    def test_the_seats_that_were_offered_are_the_least_of_later_terms_too(self, stage: Stage, plan_id: UUID) -> None:
        order_id = stage.place(quoted(stage, offered(stage, plan_id, price=OWN)))
        stage.run()
        (subscription,) = subscriptions(stage, order_id)

        def change(quantity: int) -> UUID:
            command = ChangeNextTerm(subscription.id, quantity)
            return transact(stage.services.db, stage.purchaser, lambda uow: change_next_term(uow, command).id)

        assert refusal(lambda: change(SEATS - 1)) == "quantity_out_of_range"
        change(SEATS + 1)

    def test_more_seats_are_taken_at_the_same_figures_where_it_says_so(self, stage: Stage, plan_id: UUID) -> None:
        fixed, open_ = offered(stage, plan_id, price=OWN), offered(stage, plan_id, price=OWN, takes_more=True)
        assert refusal(lambda: taken(stage, fixed, SEATS + 10)) == "quantity_out_of_range"
        assert refusal(lambda: taken(stage, open_, SEATS - 1)) == "quantity_out_of_range"
        assert stage.get(Quote, taken(stage, open_, SEATS + 10)).gross_minor == OWN_FIRST + 10 * 12_000

    def test_the_same_again_is_the_same_offer(self, stage: Stage, plan_id: UUID) -> None:
        first = offered(stage, plan_id, price=OWN)
        assert offered(stage, plan_id, price=OWN) == first
        assert offered(stage, plan_id, discount_ppm=150_000) != first

    def test_a_discount_is_off_every_figure_but_what_is_included(self, stage: Stage, plan_id: UUID) -> None:
        (line,) = shown(stage, offered(stage, plan_id, discount_ppm=150_000)).lines
        assert line.total_minor * 100 == FIRST * 85
        assert line.own_price is not None
        assert line.own_price.metered["calls"].included == 100
        assert line.own_price.metered["calls"].tiers[0].unit_micro == 4_250

    @pytest.mark.parametrize(
        ("figures", "code"),
        [
            ({"price": OWN, "discount_ppm": 1}, "offer_price"),
            ({"unit_price_minor": 1}, "offer_price"),
            ({"price": OWN, "quantity": 2_000_000}, "quantity_out_of_range"),
            ({"price": PlanPrice.model_validate(OWN.model_dump() | {"currency": "USD"})}, "offer_price_unfit"),
            ({"price": PlanPrice.model_validate(PRICE)}, "offer_price_unfit"),
            ({"price": MIXED, "quantity": 19}, "quantity_out_of_range"),
        ],
    )
    def test_what_does_not_fit_is_refused(
        self, stage: Stage, plan_id: UUID, figures: dict[str, Any], code: str
    ) -> None:
        assert refusal(lambda: offered(stage, plan_id, **figures)) == code

    def test_above_the_plans_price_is_refused(self, stage: Stage, plan_id: UUID) -> None:
        above = {"components": [{"kind": "flat", "amount_minor": FIRST * 2}, *OWN.model_dump()["components"][1:]]}
        price = PlanPrice.model_validate(OWN.model_dump() | above)
        assert refusal(lambda: offered(stage, plan_id, price=price)) == "offer_price"

    def test_a_plan_of_one_figure_takes_a_unit_price(self, stage: Stage) -> None:
        simple = PlanPrice.model_validate(PRICE | {"interval": "year", "term_months": 12})
        assert refusal(lambda: offered(stage, stage.seat_plan, price=simple)) == "offer_price_unfit"

    def test_a_buyer_counters_with_what_the_first_term_shall_cost(self, stage: Stage, plan_id: UUID) -> None:
        offer_id = offered(stage, plan_id, price=OWN)
        command = MakeCounterOffer(offer_id, (ProposedLine(1, SEATS, 1_000_000),), "?")
        transact(stage.services.db, stage.purchaser, lambda uow: make_counter_offer(uow, command).id)
        (counter,) = shown(stage, offer_id).counter_offers
        assert (counter.total_minor, counter.lines[0].total_minor) == (1_000_000, 1_000_000)


class TestFloors:
    def test_usage_below_the_floor_waits_though_the_first_term_is_not(self, stage: Stage, plan_id: UUID) -> None:
        floor(stage)
        cheap = MIXED.model_dump()
        cheap["components"][3]["included"] = 1_000_000
        offer_id = offered(stage, plan_id, price=PlanPrice.model_validate(cheap))
        assert stage.get(Offer, offer_id).state == "awaiting_approval"
        (asked,) = stage.rows(select(OfferApproval).where(OfferApproval.offer_id == offer_id))
        assert asked.lines == [{"number": 1, "floor_ppm": 850_000, "least_ppm": 0}]
        decide(stage, offer_id)
        assert shown(stage, offer_id).lines[0].total_minor == FIRST

    @pytest.mark.parametrize(("ppm", "state"), [(150_000, "open"), (151_000, "awaiting_approval")])
    def test_a_discount_is_held_against_it(self, stage: Stage, plan_id: UUID, ppm: int, state: str) -> None:
        floor(stage)
        assert stage.get(Offer, offered(stage, plan_id, discount_ppm=ppm)).state == state


class TestOfOneFigure:
    def test_its_renewal_keeps_the_offered_price_too(self, stage: Stage) -> None:
        offer_id = private(stage)
        order_id = stage.place(quoted(stage, offer_id))
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        switch(stage, subscription, wanted=True)
        until(stage, subscription.ends_at - timedelta(hours=1))
        (renewal,) = renewals(stage, subscription)
        assert (renewal.state, renewal.gross_minor) == ("active", stage.order(order_id).gross_minor)


class TestContract:
    def test_it_ends_for_good_after_the_terms_that_were_agreed(self, stage: Stage, plan_id: UUID) -> None:
        offer_id = offered(stage, plan_id, price=OWN, contract_terms=2)
        assert shown(stage, offer_id).contract_terms == 2
        order_id = stage.place(quoted(stage, offer_id))
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        assert subscription.contract_terms_left == 1
        switch(stage, subscription, wanted=True)
        until(stage, subscription.ends_at - timedelta(hours=1))
        after = now(stage, subscription)
        assert (after.contract_terms_left, after.goes_on) == (0, False)
        until(stage, after.ends_at + timedelta(days=1))
        assert (now(stage, subscription).state, len(renewals(stage, subscription))) == ("ended", 1)

    @pytest.mark.parametrize("terms", [0, 61])
    def test_a_number_that_is_none_is_refused(self, stage: Stage, plan_id: UUID, terms: int) -> None:
        assert refusal(lambda: offered(stage, plan_id, price=OWN, contract_terms=terms)) == "contract_terms_invalid"

    def test_what_is_paid_once_has_none(self, stage: Stage) -> None:
        once = stage.offer(price=PlanPrice(currency="CNY", interval="none", term_months=0, components=()))[0]
        assert refusal(lambda: offered(stage, once, 1, discount_ppm=0, contract_terms=1)) == "contract_terms_invalid"

    def test_it_ends_on_the_day_that_was_agreed_after_a_shorter_first_term(self, stage: Stage) -> None:
        day = clock.today("Asia/Shanghai") + timedelta(days=75)
        flat = stage.offer(price=PlanPrice.model_validate(PRICE))[0]
        offer_id = offered(stage, flat, discount_ppm=100_000, contract_ends_on=day)
        ends_at = shown(stage, offer_id).contract_ends_at
        assert ends_at is not None
        quote = stage.get(Quote, quoted(stage, offer_id))
        (line,) = (PricedLine.model_validate(one) for one in quote.lines)
        assert line.first_term is not None
        assert (line.contract_terms, line.gross_minor) == (3, quote.gross_minor)
        assert quote.gross_minor < shown(stage, offer_id).total_minor
        order_id = stage.place(quote.id)
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        assert (subscription.ends_at, subscription.contract_terms_left) == (line.first_term.ends_at, 2)
        switch(stage, subscription, wanted=True)
        for _ in range(2):
            until(stage, now(stage, subscription).ends_at - timedelta(hours=1))
        after = now(stage, subscription)
        assert (after.ends_at, after.contract_terms_left, len(renewals(stage, subscription))) == (ends_at, 0, 2)
        until(stage, ends_at + timedelta(days=1))
        assert now(stage, subscription).state == "ended"

    @pytest.mark.parametrize("days", [-1, 30, 3_000])
    def test_a_day_before_the_offer_ends_or_far_away_is_refused(self, stage: Stage, days: int) -> None:
        flat = stage.offer(price=PlanPrice.model_validate(PRICE))[0]
        day = clock.today("Asia/Shanghai") + timedelta(days=days)
        assert refusal(lambda: offered(stage, flat, discount_ppm=1, contract_ends_on=day)) == "contract_end_unfit"

    def test_a_day_is_not_agreed_on_with_a_number_nor_of_usage(self, stage: Stage, plan_id: UUID) -> None:
        day = clock.today("Asia/Shanghai") + timedelta(days=75)
        flat = stage.offer(price=PlanPrice.model_validate(PRICE))[0]
        for plan, terms in ((flat, 2), (plan_id, None)):
            changes: dict[str, Any] = {"discount_ppm": 1, "contract_ends_on": day, "contract_terms": terms}
            assert refusal(partial(offered, stage, plan, **changes)) == "contract_end_unfit"
