"""Addresses of the pages about endpoints and events."""

WEBHOOKS = "/webhooks"
WEBHOOK_EVENTS = "/webhooks/events"
WEBHOOK_TYPES = "/webhooks/types"


def webhook(endpoint_id: str) -> str:
    """The page of one endpoint: address, types, secret, what was sent."""
    return f"{WEBHOOKS}/{endpoint_id}"


def webhook_delivery(endpoint_id: str, delivery_id: str) -> str:
    """One event that was sent there, with its calls."""
    return f"{WEBHOOKS}/{endpoint_id}/deliveries/{delivery_id}"
