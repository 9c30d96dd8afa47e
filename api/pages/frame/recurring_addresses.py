"""Addresses of what an organization may use, and of what recurs, for each of its sides."""

SUBSCRIPTIONS = "/subscriptions"
SPENDING = "/spending"
SPENDING_CSV = "/v1/spend/export"
SELLER_SUBSCRIPTIONS = "/seller/subscriptions"
OPERATOR_SUBSCRIPTIONS = "/operator/subscriptions"


def entitlement(entitlement_id: str) -> str:
    """What the organization may use, and who of it."""
    return f"/entitlements/{entitlement_id}"


def entitlement_launch(entitlement_id: str) -> str:
    """Opens the bought software with a single-use token."""
    return f"/entitlements/{entitlement_id}/launch"


def entitlement_act(entitlement_id: str, act: str) -> str:
    """Where its renewal is switched (`auto-renew`), or its trial bought (`conversion`)."""
    return f"/entitlements/{entitlement_id}/{act}"


def entitlement_seats(entitlement_id: str) -> str:
    """Where seat forms post."""
    return f"/entitlements/{entitlement_id}/seats"


def subscription(subscription_id: str, act: str = "") -> str:
    """What recurs and what it will cost, or where a form of that page posts."""
    return f"{SUBSCRIPTIONS}/{subscription_id}/{act}" if act else f"{SUBSCRIPTIONS}/{subscription_id}"


def seller_subscription(subscription_id: str) -> str:
    """What a customer has subscribed to."""
    return f"{SELLER_SUBSCRIPTIONS}/{subscription_id}"


def operator_subscription(subscription_id: str) -> str:
    """Any subscription's line, for the platform."""
    return f"{OPERATOR_SUBSCRIPTIONS}/{subscription_id}"
