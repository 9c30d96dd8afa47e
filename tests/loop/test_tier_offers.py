"""One offer for all partners in a tier: each has its own, accepts it once, and loses it with the link."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import Principal
from marketplace.relations.partner_links import AskPartner, accept_partner, ask_partner
from orders.checkout.quote_models import Quote
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.offers.floors import SetFloor, set_floor
from orders.offers.make_offer import MakeOffer
from orders.offers.make_tier_offer import (
    DecideTierOffer,
    decide_tier_offer,
    make_tier_offer,
    withdraw_tier_offer,
)
from orders.offers.models import Offer
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import get_offer, list_offers
from orders.offers.tier_offer_models import TierOffer
from orders.offers.tier_offer_queries import get_tier_offer
from orders.order.models import OrderLine
from orders.partners.end_partner import end_partner, move_partner
from tests.loop.test_offers import refusal
from tests.loop.test_partner_prices import as_buyer, as_seller, linked, tier
from tests.loop_stage import Stage

PRICE = 15_000


def command(stage: Stage, **changes: Any) -> MakeOffer:
    plans = (OfferedPlan(stage.seat_plan, 20, PRICE, instalments=changes.pop("instalments", None)),)
    return MakeOffer(None, plans, clock.today("UTC") + timedelta(days=30), **changes)


def offered(stage: Stage, tier_id: UUID, **changes: Any) -> UUID:
    made: UUID = as_seller(stage, lambda uow: make_tier_offer(uow, tier_id, command(stage, **changes)).id)
    return made


def theirs(stage: Stage, org_id: UUID | None = None) -> list[Offer]:
    """The offers to an organization of the seller's, the oldest first."""
    own = Offer.buyer_org_id == (org_id or stage.buyer.id)
    rows = stage.rows(select(Offer).where(own, Offer.tier_offer_id.is_not(None)).order_by(Offer.created_at, Offer.id))
    return list(rows)


def priced(stage: Stage, offer: Offer, quantities: tuple[tuple[int, int], ...] = ()) -> Quote:
    quote_id = as_buyer(stage, lambda uow: quote_offer(uow, QuoteOffer(offer.id, quantities=quantities)).id)
    return stage.get(Quote, quote_id)


def also_linked(stage: Stage, owner: Principal, tier_id: UUID) -> UUID:
    """The promoter's organization as a partner, too."""
    link_id: UUID = as_seller(stage, lambda uow: ask_partner(uow, AskPartner(owner.organization(), tier_id)).id)
    transact(stage.services.db, owner, lambda uow: accept_partner(uow, link_id).id)
    return link_id


@pytest.fixture
def gold(stage: Stage) -> UUID:
    return tier(stage)


def test_each_partner_has_its_own_accepts_it_once_and_sees_no_other(stage: Stage, gold: UUID) -> None:
    linked(stage, gold)
    offer_id = offered(stage, gold, terms="含培训。", takes_more=True, instalments=4)
    assert offered(stage, gold, terms="含培训。", takes_more=True, instalments=4) == offer_id
    stage.run(documents=True)
    (own,) = theirs(stage)
    assert (own.state, own.terms, own.buyer_name != "", bool(own.files)) == ("open", "含培训。", True, True)
    quote = priced(stage, own, ((1, 25),))
    assert (quote.lines[0]["unit_price_minor"], quote.lines[0]["quantity"]) == (PRICE, 25)
    stage.place(quote.id)
    stage.run()
    assert refusal(lambda: priced(stage, own)) == "offer_accepted"
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        seen = get_tier_offer(uow, offer_id)
        assert (seen.sent, seen.accepted, seen.tier_code) == (1, 1, "GOLD")
        (listed,) = list_offers(uow, sells=True, tier_offer_id=offer_id).items
        assert (listed.buyer_org_id, listed.state, listed.tier_offer_id) == (stage.buyer.id, "accepted", offer_id)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert get_offer(uow, own.id, sells=False).tier_offer_id is None
        assert uow.session.scalars(select(TierOffer)).all() == []
    with unit_of_work(stage.services.db, stage.promoter.owner) as uow:
        assert list_offers(uow, sells=False).items == []


def test_whoever_joins_gets_it_and_whoever_leaves_or_is_moved_loses_it(stage: Stage, gold: UUID) -> None:
    silver = tier(stage, "SILVER", 2)
    offered(stage, gold)
    assert theirs(stage) == []
    link_id = linked(stage, gold)
    stage.run()
    (own,) = theirs(stage)
    quote = priced(stage, own)
    moved = as_seller(stage, lambda uow: move_partner(uow, link_id, silver).id)
    stage.run()
    assert [one.state for one in theirs(stage)] == ["withdrawn"]
    assert refusal(lambda: stage.place(quote.id)) == "offer_withdrawn"
    back = as_seller(stage, lambda uow: move_partner(uow, moved, gold).id)
    stage.run()
    assert [one.state for one in theirs(stage)] == ["withdrawn", "open"]
    as_buyer(stage, lambda uow: end_partner(uow, back).id)
    assert [one.state for one in theirs(stage)] == ["withdrawn", "withdrawn"]


def test_withdrawn_it_is_over_for_all_and_for_whoever_joins(stage: Stage, gold: UUID) -> None:
    offer_id = offered(stage, gold)
    linked(stage, gold)
    stage.run()
    as_seller(stage, lambda uow: withdraw_tier_offer(uow, offer_id).id)
    also_linked(stage, stage.promoter.owner, gold)
    stage.run()
    assert ([one.state for one in theirs(stage)], theirs(stage, stage.promoter.id)) == (["withdrawn"], [])


def test_below_a_floor_nobody_gets_it_before_it_is_approved(stage: Stage, gold: UUID) -> None:
    as_seller(stage, lambda uow: set_floor(uow, SetFloor(None, 900_000)))
    linked(stage, gold)
    stage.run()
    offer_id = offered(stage, gold)
    assert (stage.get(TierOffer, offer_id).state, theirs(stage)) == ("awaiting_approval", [])
    say = DecideTierOffer(offer_id, "approved")
    as_seller(stage, lambda uow: decide_tier_offer(uow, say).id)
    as_seller(stage, lambda uow: decide_tier_offer(uow, say).id)
    assert [one.state for one in theirs(stage)] == ["open"]
    again = DecideTierOffer(offer_id, "rejected", "Too low.")
    assert refusal(lambda: as_seller(stage, lambda uow: decide_tier_offer(uow, again).id)) == "offer_not_waiting"


@pytest.mark.parametrize("first", ["end", "place"])
def test_an_end_and_an_acceptance_at_once_agree(stage: Stage, gold: UUID, first: str) -> None:
    """Whichever comes first: either it was accepted while its buyer was a partner, or it is withdrawn and nothing is bought."""
    link_id = linked(stage, gold)
    offered(stage, gold)
    (own,) = theirs(stage)
    quote = priced(stage, own)

    def end() -> str:
        return str(as_seller(stage, lambda uow: end_partner(uow, link_id).state))

    def place() -> str:
        try:
            stage.place(quote.id)
        except DomainError as refused:
            return refused.code
        return "placed"

    acts = [end, place] if first == "end" else [place, end]
    with ThreadPoolExecutor(2) as threads:
        outcomes = [future.result() for future in [threads.submit(act) for act in acts]]
    assert "ended" in outcomes
    bought = "placed" in outcomes
    assert bought or "offer_withdrawn" in outcomes
    assert theirs(stage)[0].state == ("accepted" if bought else "withdrawn")
    assert bool(stage.rows(select(OrderLine).where(OrderLine.buyer_org_id == stage.buyer.id))) == bought


def test_joining_while_it_is_offered_is_never_missed(stage: Stage, gold: UUID) -> None:
    """Offered in the moment in which a partner joins: it gets one offer, whichever comes first."""
    linked(stage, gold)
    stage.run()

    with ThreadPoolExecutor(2) as threads:
        joins = threads.submit(also_linked, stage, stage.promoter.owner, gold)
        sends = threads.submit(offered, stage, gold)
        joins.result(), sends.result()
    stage.run()
    for org_id in (stage.buyer.id, stage.promoter.id):
        assert [one.state for one in theirs(stage, org_id)] == ["open"]
