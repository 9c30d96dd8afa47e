"""Tiers on pages: own figures for each part of a plan's price, and one offer for all partners in a tier."""

from __future__ import annotations

import re
from html import unescape

from sqlalchemy import select

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.pricing.components import PlanPrice
from marketplace.relations.partner_models import TierPrice
from marketplace.relations.save_tier import SaveTier, SetTierPrice, save_tier, set_tier_price
from orders.offers.floors import SetFloor, set_floor
from orders.offers.models import Offer
from orders.partners.end_partner import end_partner
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_offer_pages import value
from tests.api.pages.dashboards.test_own_price_pages import fields
from tests.api.pages.dashboards.test_private_offer_pages import private
from tests.loop.test_offered_components import MIXED
from tests.loop.test_partner_prices import as_seller, linked, tier


def test_own_figures_are_edited_as_a_plans_are(dashboards: Dashboards) -> None:
    gold = tier(dashboards.stage)
    dashboards.stage.offer(price=MIXED)
    address = f"/seller/partner-tiers/{gold}"
    page = dashboards.seller.get(address).text
    products = re.findall(r'<option value="([0-9a-f-]{36}:[^"]+)"', page)
    opened = [dashboards.seller.post(address, product=one, percent="5", editor="own") for one in products]
    assert {one.status_code for one in opened} == {200, 422}, "one of one figure, one of several"
    at = next(at for at, one in enumerate(opened) if one.status_code == 200)
    own = fields(opened[at].text)
    key = {"idempotency_key": value(opened[at], "idempotency_key")}
    assert own["own_1-price_flat"] == "3980.00"
    assert 'name="percent"' not in opened[at].text
    wrong = dashboards.seller.post(address, product=products[at], **own | {"own_1-price_flat": "much"})
    assert wrong.status_code == 422
    assert re.search(r'name="own_1-price_flat"[^>]*value="much"[^>]*aria-invalid="true"', wrong.text)
    above = dashboards.seller.post(address, product=products[at], **own | key | {"own_1-price_flat": "398000"})
    assert above.status_code == 422
    assert "above the plan's own" in unescape(text_of(above))
    saved = dashboards.seller.post(address, product=products[at], **own | key | {"own_1-price_flat": "3000"})
    assert saved.status_code == 303, text_of(saved)
    (row,) = dashboards.stage.rows(select(TierPrice).where(TierPrice.tier_id == gold))
    assert PlanPrice.model_validate(row.price).components[0].model_dump() == {"kind": "flat", "amount_minor": 300_000}
    again = dashboards.seller.post(address, product=products[at], editor="own")
    assert fields(again.text)["own_1-price_flat"] == "3000.00", "the tier's own, not the plan's"
    closed = dashboards.seller.post(address, product=products[at], **own, editor="own")
    assert (closed.status_code, fields(closed.text)) == (200, {})


def test_a_partner_reads_its_own_figures_part_by_part_and_what_was_mistyped_is_said(dashboards: Dashboards) -> None:
    """Not the plan's parts below the tier's price; and no word of coupons where a discount is no number."""
    stage = dashboards.stage
    gold = as_seller(stage, lambda uow: save_tier(uow, SaveTier("BRONZE", "铜牌", "Bronze", 3)).id)
    plan_id, _ = stage.offer(price=MIXED)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Plan, plan_id).listing_id
    address = f"/seller/partner-tiers/{gold}"
    wrong = dashboards.seller.post(address, product=str(listing_id), percent="ten")
    assert (wrong.status_code, "No coupon was made" in text_of(wrong)) == (422, False)
    assert "It is either a discount or a price" in text_of(wrong)
    every = dashboards.seller.post(address, product=str(listing_id), editor="own")
    assert "for one plan whose price has several" in text_of(every)
    as_seller(stage, lambda uow: set_tier_price(uow, SetTierPrice(gold, listing_id, discount_ppm=500_000)).id)
    seen = f"/products/{listing_id}"
    assert "¥3,980.00 / month" in text_of(dashboards.buyer.get(seen))
    link_id = linked(stage, gold)
    text = text_of(dashboards.buyer.get(seen))
    assert "¥1,990.00 / month" in text
    assert "¥3,980.00 / month" not in text
    sheet = text_of(dashboards.buyer.get(f"/products/{listing_id}/buy?plan_id={plan_id}&quantity=20"))
    assert "¥1,990.00 / month" in sheet
    assert "¥3,980.00 / month" not in sheet
    as_seller(stage, lambda uow: end_partner(uow, link_id).id)
    assert "¥3,980.00 / month" in text_of(dashboards.buyer.get(seen))


def test_an_offer_to_a_tier_is_made_approved_and_taken_back(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    gold = tier(stage, "SILVER", 2)
    link_id = linked(stage, gold)
    stage.run()
    as_seller(stage, lambda uow: set_floor(uow, SetFloor(None, 900_000)))
    form = private(dashboards)
    both = dashboards.seller.post("/seller/offers", **form, organization="Somebody", tier_id=str(gold))
    assert both.status_code == 422
    made = dashboards.seller.post("/seller/offers", **form, tier_id=str(gold))
    assert made.status_code == 303, text_of(made)
    address = made.headers["Location"].split("?")[0]
    assert "Waits for approval" in text_of(dashboards.seller.get(address))
    mute = dashboards.seller.post(f"{address}/decision", decision="rejected")
    assert mute.status_code == 422
    decided = dashboards.seller.post(f"{address}/decision", decision="approved")
    assert decided.status_code == 303, text_of(decided)
    stage.run()
    (offer,) = stage.rows(select(Offer).where(Offer.buyer_org_id == stage.buyer.id, Offer.tier_offer_id.is_not(None)))
    assert offer.buyer_name in text_of(dashboards.seller.get(address))
    assert "0 of 1 accepted" in text_of(dashboards.seller.get("/seller/tier-offers"))
    assert dashboards.buyer.get(f"/offers/{offer.id}").status_code == 200
    assert dashboards.buyer.get(address).status_code in {403, 404}
    assert dashboards.seller.post(f"{address}/withdraw").status_code == 303
    assert stage.get(Offer, offer.id).state == "withdrawn"
    as_seller(stage, lambda uow: end_partner(uow, link_id).id)


def test_a_partner_is_told_its_numbers_and_the_sheet_opens_with_the_fewest(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    gold = as_seller(stage, lambda uow: save_tier(uow, SaveTier("IRON", "铁牌", "Iron", 4)).id)
    plan_id, _ = stage.offer()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        plan = uow.session.get_one(Plan, plan_id)
        listing_id, product = plan.listing_id, f"{plan.listing_id}:{plan.code}"
    address = f"/seller/partner-tiers/{gold}"
    typed = {"product": product, "percent": "10", "min_quantity": "25", "quantity_step": "ten"}
    typed["idempotency_key"] = str(plan_id)
    wrong = dashboards.seller.post(address, **typed)
    assert wrong.status_code == 422
    assert re.search(r'name="quantity_step"[^>]*aria-invalid="true"', wrong.text)
    assert dashboards.seller.post(address, **typed | {"quantity_step": "10"}).status_code == 303
    assert "Ordered from 25 on, in steps of 10" in text_of(dashboards.seller.get(address))
    link_id = linked(stage, gold)
    assert "Ordered from 25 on, in steps of 10" in text_of(dashboards.buyer.get(f"/products/{listing_id}"))
    sheet = dashboards.buyer.get(f"/products/{listing_id}/buy?plan_id={plan_id}")
    assert re.search(r'name="quantity"[^>]*min="25"[^>]*step="10" value="25"', sheet.text)
    as_seller(stage, lambda uow: end_partner(uow, link_id).id)
