"""What reads of endpoints, deliveries and events return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint, without its secrets."""

    id: UUID
    name: str
    url: str
    types: Sequence[str]
    state: Literal["active", "disabled"]
    disabled_for: Literal["owner", "failures", "gone"] | None
    disabled_at: datetime | None
    failures: int
    """Attempts in a row that failed."""
    failing_since: datetime | None
    rests_until: datetime | None
    overlap_until: datetime | None
    """Until when the former secret signs too."""
    pending: int
    """Deliveries that wait, 1,000 at most."""
    created_at: datetime
    secret_tag: str
    """Names the present secret without telling it, for whoever asks to replace it."""


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One event on its way to one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    message_id: str
    type: str
    position: int
    subject_id: UUID
    occurred_at: datetime
    state: Literal["pending", "delivered", "failed"]
    tries: int
    attempts: int
    next_attempt_at: datetime | None
    failure: Literal["exhausted", "endpoint_disabled", "endpoint_removed"] | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One call: `answered` is redacted and cut short."""

    number: int
    succeeded: bool
    status: int | None
    reason: str | None
    answered: str
    elapsed_ms: int | None
    started_at: datetime


@dataclass(frozen=True, slots=True)
class EventsRead:
    """Events in order of their positions. `after` goes on behind the last of them, whether or not there is more already."""

    items: Sequence[Mapping[str, Any]]
    """As `envelope` writes them."""
    after: int
    has_more: bool


def secret_tag(sealed: str) -> str:
    """Of a sealed secret: no two are sealed alike, even in the same moment."""
    return hashlib.sha256(sealed.encode()).hexdigest()[:16]
