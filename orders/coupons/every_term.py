"""What a coupon that holds for every term takes off a renewal. Pure."""

from __future__ import annotations

from kernel.money import apply_ppm
from orders.order.instalments import whole_minor
from orders.order.models import OrderLine


def off_renewal(first: OrderLine, plan_code: str, list_minor: int, currency: str) -> int:
    """In minor units, of a term at `list_minor`: never more than that. `first` began the subscription and says what was agreed.

    The share that it was, of one over an amount as much as it was; nothing once another plan is renewed, or in another currency.
    """
    agreed = first.plan
    if not agreed.get("coupon_every_term") or agreed["plan_code"] != plan_code:
        return 0
    if agreed["coupon_ppm"] is not None:
        return apply_ppm(list_minor, agreed["coupon_ppm"])
    return min(whole_minor(first, "discount"), list_minor) if first.currency.strip() == currency.strip() else 0
