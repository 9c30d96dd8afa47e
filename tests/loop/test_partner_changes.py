"""A plan that is changed within a term, or for the next one, is at the price of the buyer's tier while it is a partner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.amendments import CHANGE_PRICED
from app.verify.partners import LINKED, RATED
from billing.invoices.models import InvoiceLine
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.shapes import headline
from marketplace.relations.save_tier import SetTierPrice, set_tier_price
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.checkout.quote_models import Quote
from orders.order.models import OrderLine, Subscription
from orders.partners.end_partner import end_partner, move_partner
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term, preview_next_term
from orders.subscriptions.queries import get_subscription
from orders.subscriptions.schedule import RENEWS_BEFORE
from orders.tracing.trace import trace
from tests.factories_marketplace import make_plans, per_seat_plan
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_offers import refusal
from tests.loop.test_partner_prices import as_buyer, as_seller, linked, tier
from tests.loop.test_renewals import line_of, now, renewals, until
from tests.loop_stage import Stage

SEATS = 20
TEAM, PRO = 10_000, 30_000


class Bought(NamedTuple):
    """A month of Team, bought by a partner in Gold at 30 % off every plan of the listing; Pro is beside it."""

    link_id: UUID
    tier_id: UUID
    order_id: UUID
    subscription: Subscription
    team: UUID
    pro: UUID
    listing_id: UUID


def bought(stage: Stage, *, at_tier: bool = True) -> Bought:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        of = {"interval": "month", "connector_id": stage.connector}
        team, pro = make_plans(
            uow,
            stage.seller,
            per_seat_plan(code="team", unit_price_minor=TEAM, **of),
            per_seat_plan(code="pro", unit_price_minor=PRO, **of),
        )
        listing_id, plans = team.listing_id, (team.id, pro.id)
    tier_id = tier(stage)
    as_seller(stage, lambda uow: set_tier_price(uow, SetTierPrice(tier_id, listing_id, discount_ppm=300_000)).id)
    link_id = linked(stage, tier_id) if at_tier else UUID(int=0)
    command = CreateQuote((QuoteItem(plans[0], SEATS),))
    order_id = stage.place(as_buyer(stage, lambda uow: create_quote(uow, command).id))
    stage.run()
    (subscription,) = subscriptions(stage, order_id)
    as_buyer(stage, lambda uow: set_auto_renew(uow, subscription.id, wanted=True))
    return Bought(link_id, tier_id, order_id, now(stage, subscription), *plans, listing_id)


@pytest.fixture
def gold(stage: Stage) -> Bought:
    return bought(stage)


def changed(stage: Stage, one: Bought, **change: Any) -> Quote:
    command = QuoteAmendment(one.subscription.id, **change)
    return stage.get(Quote, as_buyer(stage, lambda uow: quote_amendment(uow, command).id))


def unit(line: OrderLine) -> int:
    """What a seat costs in a month by the price that is kept with the line."""
    assert line.price is not None
    return headline(PlanPrice.model_validate(line.price)).unit_price_minor


def broken(stage: Stage) -> list[Any]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return [rule.name for rule in (LINKED, RATED, CHANGE_PRICED) if rule.find(uow).violations]


def test_a_larger_plan_costs_the_difference_at_the_tier_and_says_whose(stage: Stage, gold: Bought) -> None:
    clock.advance(timedelta(days=10))
    quote = changed(stage, gold, plan_id=gold.pro)
    (line,) = quote.lines
    assert (line["tier"]["code"], line["tier"]["link_id"]) == ("GOLD", str(gold.link_id))
    # Both at 70 %, beside what it would be to Pro at its own price.
    part = line["tier"]["list_minor"] / (SEATS * (PRO - TEAM * 7 // 10))
    assert line["list_minor"] == pytest.approx(part * SEATS * (PRO - TEAM) * 7 // 10, abs=1)
    order_id = stage.place(quote.id)
    stage.run()
    order, sold = stage.order(order_id), line_of(stage, order_id)
    assert (order.state, order.gross_minor, unit(sold)) == ("active", quote.gross_minor, PRO * 7 // 10)
    (billed,) = stage.rows(select(InvoiceLine.description).where(InvoiceLine.reference == sold.id))
    assert "Partner price (金牌 Gold)" in billed
    assert broken(stage) == []


def test_what_was_changed_to_is_renewed_at_that_price_after_the_link_has_ended(stage: Stage, gold: Bought) -> None:
    stage.place(changed(stage, gold, plan_id=gold.pro).id)
    stage.run()
    as_buyer(stage, lambda uow: end_partner(uow, gold.link_id).id)
    expected = as_buyer(stage, lambda uow: get_subscription(uow, gold.subscription.id).expected_minor)
    until(stage, gold.subscription.ends_at - RENEWS_BEFORE)
    pays = renewals(stage, gold.subscription)[-1]
    assert (pays.gross_minor, expected) == (SEATS * PRO * 7 // 10,) * 2
    assert line_of(stage, pays.id).plan["tier"]["list_minor"] is None


def test_once_the_link_has_ended_another_plan_is_at_its_own_price(stage: Stage, gold: Bought) -> None:
    before = changed(stage, gold, plan_id=gold.pro)
    as_seller(stage, lambda uow: end_partner(uow, gold.link_id).id)
    assert refusal(lambda: stage.place(before.id)) == "quote_expired"
    quote = changed(stage, gold, plan_id=gold.pro)
    assert quote.lines[0]["tier"] is None
    assert quote.gross_minor > before.gross_minor
    order_id = stage.place(quote.id)
    stage.run()
    assert unit(line_of(stage, order_id)) == PRO
    until(stage, gold.subscription.ends_at - RENEWS_BEFORE)
    assert renewals(stage, gold.subscription)[-1].gross_minor == SEATS * PRO
    assert broken(stage) == []


def test_whoever_was_moved_pays_what_the_tier_says_that_it_is_in(stage: Stage, gold: Bought) -> None:
    silver = tier(stage, "SILVER", 2)
    price = SetTierPrice(silver, gold.listing_id, discount_ppm=100_000)
    as_seller(stage, lambda uow: set_tier_price(uow, price).id)
    as_seller(stage, lambda uow: move_partner(uow, gold.link_id, silver).id)
    order_id = stage.place(changed(stage, gold, plan_id=gold.pro).id)
    stage.run()
    sold = line_of(stage, order_id)
    assert (sold.plan["tier"]["code"], unit(sold)) == ("SILVER", PRO * 9 // 10)


def test_what_was_bought_at_the_plans_own_price_is_changed_at_it(stage: Stage) -> None:
    one = bought(stage, at_tier=False)
    linked(stage, one.tier_id)
    order_id = stage.place(changed(stage, one, plan_id=one.pro).id)
    stage.run()
    sold = line_of(stage, order_id)
    assert (unit(sold), sold.plan.get("tier")) == (PRO, None)


def test_more_seats_go_on_at_the_tier_and_name_it(stage: Stage, gold: Bought) -> None:
    """Also by a quote that was given before the link ended: nothing of their price hangs on it."""
    quote = changed(stage, gold, quantity=SEATS + 5)
    as_buyer(stage, lambda uow: end_partner(uow, gold.link_id).id)
    assert changed(stage, gold, quantity=SEATS + 5).gross_minor == quote.gross_minor
    (line,) = quote.lines
    assert (line["tier"]["code"], line["tier"]["list_minor"]) == ("GOLD", None)
    order_id = stage.place(quote.id)
    stage.run()
    assert stage.order(order_id).gross_minor == pytest.approx(5 * TEAM * 7 // 10, rel=0.01)
    assert broken(stage) == []


@pytest.mark.parametrize("stands", [True, False])
def test_another_plan_for_the_next_term_is_charged_as_it_was_shown(
    stage: Stage,
    gold: Bought,
    stands: bool,  # noqa: FBT001 - a case
) -> None:
    if not stands:
        as_buyer(stage, lambda uow: end_partner(uow, gold.link_id).id)
    command = ChangeNextTerm(gold.subscription.id, plan_id=gold.pro)
    shown = as_buyer(stage, lambda uow: preview_next_term(uow, command).expected_minor)
    as_buyer(stage, lambda uow: change_next_term(uow, command).id)
    until(stage, gold.subscription.ends_at - RENEWS_BEFORE)
    pays = renewals(stage, gold.subscription)[-1]
    cost = SEATS * (PRO * 7 // 10 if stands else PRO)
    assert (shown, pays.gross_minor) == (cost, cost)
    named = line_of(stage, pays.id).plan.get("tier")
    assert (named and named["list_minor"]) == (SEATS * PRO if stands else None)
    assert broken(stage) == []


def test_money_for_the_change_that_goes_back_leaves_what_was_bought(stage: Stage, gold: Bought) -> None:
    order_id = stage.place(changed(stage, gold, plan_id=gold.pro).id)
    stage.run()
    stage.refund(order_id)
    stage.run()
    view = as_buyer(stage, lambda uow: get_subscription(uow, gold.subscription.id))
    assert (view.plan_code, view.expected_minor) == ("team", SEATS * TEAM * 7 // 10)


def test_the_trace_names_the_tier_of_a_change(stage: Stage, gold: Bought) -> None:
    order_id = stage.place(changed(stage, gold, plan_id=gold.pro).id)
    stage.run()
    found = transact(stage.services.db, SYSTEM, lambda uow: trace(uow, order_id))
    assert any(node.facts.get("tier") == "GOLD" for node in found.nodes if node.kind == "order_line")
