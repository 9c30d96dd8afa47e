"""Addresses of credit with sellers, for both sides."""

CREDITS = "/store-credits"
SELLER_CREDITS = "/seller/store-credits"


def credit(side: str, credit_id: str, act: str = "") -> str:
    """One balance as a side sees it, or (`act`) where a form about it posts."""
    return f"{CREDITS if side == 'buyer' else SELLER_CREDITS}/{credit_id}{'/' if act else ''}{act}"
