"""Addresses of the pages about announcements."""

RECEIVED = "/announcements"
OWN = "/seller/announcements"


def withdrawal(announcement_id: object) -> str:
    """Where a seller withdraws one."""
    return f"{OWN}/{announcement_id}/withdrawal"


def opt_out(seller_id: object) -> str:
    """Where an organization says whether it takes a seller's."""
    return f"{RECEIVED}/{seller_id}"
