"""Addresses of the pages about endpoints and events."""

WEBHOOKS = "/webhooks"
WEBHOOK_EVENTS = "/webhooks/events"
WEBHOOK_TYPES = "/webhooks/types"


def webhook(endpoint_id: object, delivery_id: object = None) -> str:
    """The page of one endpoint, or of one event that was sent there."""
    return f"{WEBHOOKS}/{endpoint_id}" if delivery_id is None else f"{WEBHOOKS}/{endpoint_id}/deliveries/{delivery_id}"
