"""Partners order in the numbers of their tier, which are frozen with the line: changes go on in them, renewals as they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kernel.db.uow import unit_of_work
from kernel.errors import Invalid
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.relations.save_tier import SetTierPrice, set_tier_price
from marketplace.relations.tier_prices import shown_prices
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.partners.end_partner import end_partner
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_offers import refusal
from tests.loop.test_partner_prices import as_buyer, as_seller, linked, priced, quoted, tier
from tests.loop_stage import Stage


def listing(stage: Stage) -> UUID:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return uow.session.get_one(Plan, stage.seat_plan).listing_id


def refused(work: Any) -> Invalid:
    with pytest.raises(Invalid) as found:
        work()
    return found.value


def test_a_partner_orders_in_the_numbers_of_its_tier_and_goes_on_in_them(stage: Stage) -> None:
    tier_id = tier(stage)
    priced(stage, tier_id, min_quantity=25, quantity_step=10)
    link_id = linked(stage, tier_id)
    for quantity, code, nearest in ((20, "partner_minimum", "25"), (30, "partner_step", "25 / 35")):
        said = refused(lambda quantity=quantity: quoted(stage, quantity=quantity))
        assert (said.code, said.field, said.params["nearest"]) == (code, "quantity", nearest)
    quote = quoted(stage, quantity=35)
    assert (quote.lines[0]["tier"]["min_quantity"], quote.lines[0]["tier"]["quantity_step"]) == (25, 10)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        (shown,) = (one for one in shown_prices(uow, [listing(stage)]).values() if one.plan_id == stage.seat_plan)
    assert (shown.min_quantity, shown.quantity_step, shown.amount_minor) == (25, 10, 25 * 13_930)

    order_id = stage.place(quote.id)
    stage.run()
    (subscription,) = subscriptions(stage, order_id)
    as_buyer(stage, lambda uow: end_partner(uow, link_id).id)

    def added(quantity: int) -> Any:
        return as_buyer(stage, lambda uow: quote_amendment(uow, QuoteAmendment(subscription.id, quantity)).gross_minor)

    def next_term(quantity: int) -> Any:
        return as_buyer(stage, lambda uow: change_next_term(uow, ChangeNextTerm(subscription.id, quantity)).id)

    assert refusal(lambda: added(40)) == "partner_step"
    assert added(45) > 0
    assert refusal(lambda: next_term(24)) == "partner_minimum"
    next_term(25)
    # Whoever is no partner any more orders as everybody does.
    assert quoted(stage, quantity=30).lines[0]["tier"] is None


def test_terms_fit_the_plans_they_are_for(stage: Stage) -> None:
    tier_id = tier(stage)
    assert refusal(lambda: priced(stage, tier_id, min_quantity=0)) == "tier_quantity"
    assert refusal(lambda: priced(stage, tier_id, min_quantity=1_000_000)) == "tier_quantity_unfit"
    first = priced(stage, tier_id, min_quantity=25)
    assert first == priced(stage, tier_id, min_quantity=25)
    assert first != priced(stage, tier_id, min_quantity=30)


def test_terms_of_a_product_leave_what_is_bought_once_alone(stage: Stage) -> None:
    """A line that is not counted is ordered as ever beside one that is."""
    tier_id = tier(stage)
    command = SetTierPrice(tier_id, listing(stage), discount_ppm=100_000, min_quantity=25)
    as_seller(stage, lambda uow: set_tier_price(uow, command).id)
    linked(stage, tier_id)
    assert refusal(lambda: quoted(stage)) == "partner_minimum"
    once = stage.service_plan
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        of_service = SetTierPrice(
            tier_id, uow.session.get_one(Plan, once).listing_id, discount_ppm=100_000, min_quantity=2
        )
    assert refusal(lambda: as_seller(stage, lambda uow: set_tier_price(uow, of_service).id)) == "tier_quantity_unfit"
    items = (QuoteItem(stage.seat_plan, 25), QuoteItem(once, 1))
    lines = as_buyer(stage, lambda uow: create_quote(uow, CreateQuote(items)).lines)
    assert lines[0]["tier"]["min_quantity"] == 25
