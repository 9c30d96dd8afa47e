"""The writes of coupons: one is made, named in a quote, and ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kernel import clock

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def coupons(world: World) -> None:
    ask, today = world.walk.ask, clock.today("Asia/Shanghai")
    asked = {"name": "Launch", "code": "LAUNCH-20", "percent_ppm": 200_000, "starts_on": today.isoformat()}
    asked["ends_on"] = (today + timedelta(days=9)).isoformat()
    made = ask("POST /v1/seller/coupons", world.seller, asked)
    named = {"plan_id": str(world.stage.seat_plan), "quantity": 20, "coupon": "launch-20"}
    quote = ask("POST /v1/quotes", world.purchaser, named)
    assert (quote["lines"][0]["coupon"], quote["lines"][0]["discount"]["amount"]) == ("LAUNCH-20", 79_600)
    ask("POST /v1/seller/coupons/{coupon_id}/end", world.seller, coupon_id=made["id"])
