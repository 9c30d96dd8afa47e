"""What `market verify` reads of sales by the platform itself: delivered, refunded in parts before and after their statement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.save_billing_profile import SaveBillingProfile, save_billing_profile
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from tests.factories_marketplace import make_plans, per_seat_plan, words
from tests.platform_party import register_platform

if TYPE_CHECKING:
    from tests.verify_world import MarketStage


def sell_resold(stage: MarketStage) -> UUID:
    """Two orders of a plan that the platform sells, of one of which a part went back. Returns the other."""
    register_platform(stage.db)
    with unit_of_work(stage.db, SYSTEM) as uow:
        plan = per_seat_plan(connector_id=stage.seats.connector_id)
        (resold,) = make_plans(uow, stage.seller, plan, text=replace(words(), selling_model="reseller"))
    kept, partly = (stage.buy((resold.id, 7)) for _ in range(2))
    stage.refund(partly, 12_345)
    return kept


def sell_abroad(stage: MarketStage) -> None:
    """A sale by its seller that bears no tax: whoever were its issuer, the same money would be everybody's."""
    with unit_of_work(stage.db, SYSTEM) as uow:
        plan = per_seat_plan(connector_id=stage.seats.connector_id)
        (sold,) = make_plans(uow, stage.seller, plan, text=words("出口版"))
    with unit_of_work(stage.db, stage.buyer.owner) as uow:
        title = SaveBillingProfile("Contoso GmbH", "DE136695976", "DE", "Unter den Linden 1", "buch@contoso.example")
        profile = save_billing_profile(uow, title).id
    with unit_of_work(stage.db, stage.buyer.owner) as uow:
        quote_id = create_quote(uow, CreateQuote((QuoteItem(sold.id, 1),), billing_profile_id=profile)).id
    with unit_of_work(stage.db, stage.buyer.owner) as uow:
        place_purchase(uow, PlacePurchase(quote_id, profile, "sandbox", "sbx_ok"))
    stage.keep_running()
