"""What a dealer earns of a line at the plan's price: in its own trace alone, of what was compared with that price."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import unit_of_work
from kernel.errors import NotFound
from kernel.principal import Principal
from marketplace.relations.partner_models import PartnerTier
from orders.order.models import OrderLine
from orders.queries import get_order
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_coupons import made
from tests.loop.test_end_customers import Resale
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_partner_prices import GOLD, LIST, priced
from tests.loop.test_renewals import renewals, switch, until
from tests.loop_stage import Stage

MARGIN = {"dealer_margin", "dealer_margin_ppm"}


def in_gold(stage: Stage) -> Resale:
    """A dealer in Gold, at 30 % off the seat plan, and its end customer."""
    resale = Resale(stage)
    resale.confirm()
    (tier_id,) = stage.rows(select(PartnerTier.id).where(PartnerTier.seller_org_id == stage.seller.id))
    priced(stage, tier_id)
    return resale


@pytest.fixture
def resale(stage: Stage) -> Resale:
    return in_gold(stage)


def line_facts(stage: Stage, reader: Principal, order_id: UUID) -> dict[str, Any]:
    (line,) = stage.rows(select(OrderLine.id).where(OrderLine.order_id == order_id))
    return next(node.facts for node in stage.trace(reader, order_id).nodes if node.id == line)


def test_it_is_the_difference_of_both_prices_and_the_dealers_alone(stage: Stage, resale: Resale) -> None:
    order_id = resale.buy()
    facts = line_facts(stage, stage.purchaser, order_id)
    assert facts["dealer_margin"] == {"amount": LIST - GOLD, "currency": "CNY"}
    assert facts["dealer_margin_ppm"] == 300_000
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        (line,) = get_order(uow, order_id).lines
    assert line.margin_at_list is not None
    assert (line.margin_at_list.minor, line.margin_at_list.paid_minor) == (LIST - GOLD, line.list_minor)
    # Its seller reads the same line without it, and for whom it was ordered nothing at all.
    seen = line_facts(stage, stage.seller.owner, order_id)
    assert not MARGIN & seen.keys()
    assert seen["tier_list"] == facts["tier_list"]
    with pytest.raises(NotFound):
        stage.trace(resale.customer.owner, order_id)


def test_what_the_dealer_orders_for_itself_has_none(stage: Stage, resale: Resale) -> None:
    order_id = stage.place(resale.quote(None))
    stage.run()
    facts = line_facts(stage, stage.purchaser, order_id)
    assert facts["tier"] == "GOLD"
    assert not MARGIN & facts.keys()


def test_what_is_at_the_plans_own_price_has_none(stage: Stage) -> None:
    resale = Resale(stage)
    resale.confirm()
    assert not MARGIN & line_facts(stage, stage.purchaser, resale.buy()).keys()


def test_what_a_coupon_takes_off_besides_is_the_dealers_too(stage: Stage, resale: Resale) -> None:
    made(stage, code="", percent_ppm=100_000, with_offers=True)
    order_id = resale.buy()
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert (line.list_minor, line.discount_minor) == (GOLD, GOLD // 10)
    facts = line_facts(stage, stage.purchaser, order_id)
    assert (facts["dealer_margin"]["amount"], facts["dealer_margin_ppm"]) == (LIST - GOLD + GOLD // 10, 370_000)


def test_a_further_term_is_compared_with_no_price(stage: Stage, resale: Resale) -> None:
    order_id = resale.buy()
    (subscription,) = subscriptions(stage, order_id)
    switch(stage, subscription, wanted=True)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    stage.run()
    (renewal,) = renewals(stage, subscription)
    assert renewal.end_customer_org_id == resale.customer.id
    assert not MARGIN & line_facts(stage, stage.purchaser, renewal.id).keys()
