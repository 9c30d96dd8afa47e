"""Addresses of how reliably a seller delivers, and of the formula by which the feed is ordered."""

SELLER = "/seller/reliability"
RANKING = "/ranking"


def record(listing_id: object) -> str:
    """One listing's deliveries and pauses, and where its seller says that it can be delivered again."""
    return f"{SELLER}/{listing_id}"
