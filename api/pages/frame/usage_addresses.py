"""Addresses of usage: the buyer's under its entitlement, the seller's under its own dashboard."""

SELLER_USAGE = "/seller/usage"


def of_entitlement(entitlement_id: str) -> str:
    """What the organization has used of an entitlement."""
    return f"/entitlements/{entitlement_id}/usage"


def caps(entitlement_id: str) -> str:
    """Where forms of caps post."""
    return f"{of_entitlement(entitlement_id)}/caps"


def challenges(entitlement_id: str) -> str:
    """Where lines are questioned."""
    return f"{of_entitlement(entitlement_id)}/challenges"


def of_customer(entitlement_id: str) -> str:
    """What a customer has used, for its seller."""
    return f"{SELLER_USAGE}/{entitlement_id}"


def answer(challenge_id: str) -> str:
    """Where a challenge is answered."""
    return f"{SELLER_USAGE}/challenges/{challenge_id}"
