"""One corruption for every rule of partners."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def partners_linked(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.partner_link SET ended_at = accepted_at - interval '1 day' WHERE ended_at IS NOT NULL")


def partners_rated(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.tier_price SET discount_ppm = discount_ppm + 10000")


def offers_of_tier(p: Planter, _: World) -> None:
    p.change("UPDATE orders.offer SET terms = 'For this one alone.' WHERE tier_offer_id IS NOT NULL")
