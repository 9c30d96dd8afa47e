"""The end of a partner's link meets a quote or a purchase at its price, in every order: the price with its link, or a refusal."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import transact
from marketplace.relations.partner_models import PartnerLink
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.order.models import Order, OrderLine
from orders.partners.end_partner import end_partner, move_partner
from tests.loop.test_offers import refusal
from tests.loop.test_partner_prices import GOLD, LIST, linked, priced, quoted, tier
from tests.loop_stage import Stage
from tests.races.forced import OF_TWINS, WHILE_SECOND_HAS_READ, Side, every_order, interleaved

pytestmark = pytest.mark.races
BOUGHT_FIRST = (*OF_TWINS, WHILE_SECOND_HAS_READ)
"""Orders in which the purchase is committed first. An end that has only read waits for no quote yet: a purchase overtakes it, and
the instant of the end is taken after that.
"""


@pytest.fixture
def gold(stage: Stage) -> UUID:
    """The buyer is a partner in Gold, at 30 % off the seat plan. The link."""
    tier_id = tier(stage)
    priced(stage, tier_id)
    return linked(stage, tier_id)


def placing(stage: Stage, quote_id: UUID) -> Side:
    command = PlacePurchase(quote_id, stage.profile, "sandbox", method_token="sbx_ok")
    return lambda: bool(
        transact(stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id)
    )


def ending(stage: Stage, link_id: UUID) -> Side:
    return lambda: transact(stage.services.db, stage.seller.owner, lambda uow: end_partner(uow, link_id).state)


def links_of(stage: Stage) -> list[UUID | None]:
    """By line of the buyer's, the link whose price it is at."""
    lines = stage.rows(select(OrderLine).where(OrderLine.buyer_org_id == stage.buyer.id))
    return [UUID(line.plan["tier"]["link_id"]) if line.plan.get("tier") else None for line in lines]


@every_order
def test_a_purchase_against_the_end_of_its_link(stage: Stage, gold: UUID, order: str) -> None:
    quote = quoted(stage)
    placed, ended = interleaved(stage.services.db, order, placing(stage, quote.id), ending(stage, gold))
    assert ended == "ended"
    assert placed == (True if order in BOUGHT_FIRST else "quote_expired")
    assert links_of(stage) == ([gold] if placed is True else [])
    orders = stage.rows(select(Order).where(Order.buyer_org_id == stage.buyer.id))
    assert [one.gross_minor for one in orders] == ([GOLD] if placed is True else [])
    if orders:
        assert orders[0].created_at <= stage.get(PartnerLink, gold).ended_at, "the link stood when it was bought"


@every_order
def test_a_quote_against_the_end_of_the_link(stage: Stage, gold: UUID, order: str) -> None:
    """Whatever was quoted while the link ended: its price is bought by nobody afterwards."""

    def quote() -> UUID:
        # Of its own transaction alone: what reads it back has nothing to do with the race.
        return quoted(stage).id

    quote_id, ended = interleaved(stage.services.db, order, quote, ending(stage, gold))
    assert ended == "ended"
    assert isinstance(quote_id, UUID)
    if order in OF_TWINS:
        assert refusal(lambda: stage.place(quote_id)) == "quote_expired"
        assert links_of(stage) == []
    else:
        (one,) = stage.orders_of(stage.purchase(quote_id))
        assert (one.gross_minor, links_of(stage)) == (LIST, [None])


@every_order
def test_a_purchase_against_a_move_to_another_tier(stage: Stage, gold: UUID, order: str) -> None:
    silver = tier(stage, "SILVER", 2)
    priced(stage, silver, 100_000)
    quote = quoted(stage)

    def move() -> str:
        return transact(stage.services.db, stage.seller.owner, lambda uow: move_partner(uow, gold, silver).state)

    placed, moved = interleaved(stage.services.db, order, placing(stage, quote.id), move)
    assert (placed, moved) == (True if order in BOUGHT_FIRST else "quote_expired", "accepted")
    orders = stage.rows(select(Order).where(Order.buyer_org_id == stage.buyer.id))
    assert [one.gross_minor for one in orders] == ([GOLD] if placed is True else [])
