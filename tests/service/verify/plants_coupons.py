"""One corruption for every rule of coupons and offers."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def coupons_limits(p: Planter, _: World) -> None:
    p.change("UPDATE orders.coupon SET most_uses = 1")


def coupons_lines(p: Planter, _: World) -> None:
    p.change("UPDATE orders.coupon SET percent_ppm = percent_ppm + 10000")
    p.change(
        """UPDATE orders.order_line SET plan = jsonb_set(plan, '{coupon_ppm}', to_jsonb(160001))
           WHERE plan->>'coupon_id' IS NOT NULL"""
    )


def coupons_taken(p: Planter, _: World) -> None:
    p.change("UPDATE orders.coupon_use SET discount_minor = discount_minor - 1")


def coupons_given_back(p: Planter, _: World) -> None:
    p.change("UPDATE orders.coupon_use SET released_at = NULL WHERE released_at IS NOT NULL")


def offers_approved(p: Planter, _: World) -> None:
    p.change("UPDATE orders.offer_approval SET decision = 'approved' WHERE decision = 'rejected'")
