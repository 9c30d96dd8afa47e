"""Addresses of a seller's coupons and promotions."""

COUPONS = "/seller/coupons"


def coupon(coupon_id: str) -> str:
    """What a coupon says, and every use of it."""
    return f"{COUPONS}/{coupon_id}"


def coupon_end(coupon_id: str) -> str:
    """Where it is ended."""
    return f"{COUPONS}/{coupon_id}/end"
