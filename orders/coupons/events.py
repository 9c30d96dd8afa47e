"""Facts about coupons and promotions, for their seller."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class CouponUsedUp(Event):
    """An order took the last use of a coupon; recorded in its buyer's transaction."""

    topic: ClassVar[str] = "orders.coupon_used_up.v1"
    coupon_id: UUID
    seller_org_id: UUID
    buyer_org_id: UUID


class CouponEndsSoon(Event):
    """The last day of a coupon or promotion is near."""

    topic: ClassVar[str] = "orders.coupon_ends_soon.v1"
    coupon_id: UUID
    seller_org_id: UUID
