"""How an event is written: CloudEvents 1.0 in JSON, for the API and for endpoints alike (`docs/protocols/events.md`)."""

from __future__ import annotations

import json
from typing import Any

from marketplace.webhooks.models import OutgoingEvent

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def envelope(event: OutgoingEvent, public_url: str) -> dict[str, Any]:
    """The event with its context attributes; `position` is ours (CloudEvents §3.1 allows it)."""
    return {
        "specversion": "1.0",
        "id": message_id(event),
        "source": public_url,
        "type": event.type,
        "subject": str(event.subject_id),
        "time": event.occurred_at.isoformat(),
        "position": event.position,
        "datacontenttype": "application/json",
        "dataschema": f"{public_url}/v1/event-types/{event.type}",
        "data": event.data,
    }


def message_id(event: OutgoingEvent) -> str:
    """The same over all tries and replays: who has it already does nothing twice."""
    return f"evt_{event.id}"


def encoded(event: OutgoingEvent, public_url: str) -> bytes:
    """The body as it is signed and sent."""
    return json.dumps(envelope(event, public_url), ensure_ascii=False, separators=(",", ":")).encode()
