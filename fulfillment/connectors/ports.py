"""What a connector is: one call that asks a seller's system for one operation, and what may come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One operation for one entitlement. `message_id` stays the same over all tries: the seller's idempotency key."""

    run_id: UUID
    message_id: str
    operation: str
    body: dict[str, Any]
    url: str | None
    secrets: tuple[str, ...]
    """Signing secrets valid now, newest first."""
    connector: str = ""
    """Whose system is called: one that fails shares nothing with others at its address."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What went over the wire, for the attempt's row: redacted and cut short."""

    status: int | None = None
    elapsed_ms: int | None = None
    request_excerpt: str = ""
    response_excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The operation is done."""

    exchange: Exchange
    external_id: str | None = None
    launch_url: str | None = None
    words: tuple[str | None, str | None] = (None, None)
    """What the seller says to the buyer, in Chinese and in English."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The seller works on it and will call back."""

    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Refused:
    """The seller will not do it; trying again is no use."""

    exchange: Exchange
    reason: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It did not work out this time, or nobody knows whether it did: the same message may be sent again."""

    exchange: Exchange
    reason: str
    after_s: float | None = None
    """What the seller asked for by Retry-After."""


Answer = Succeeded | Accepted | Refused | TryAgain


class Connector(Protocol):
    """Reaches one kind of seller's system. Holds no lock and no session; never raises for what the other side does."""

    def call(self, request: RunRequest) -> Answer:
        """Ask for one operation."""
