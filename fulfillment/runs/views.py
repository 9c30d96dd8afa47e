"""What reads of runs return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run, as seller and operator see it."""

    id: UUID
    entitlement_id: UUID
    reference: UUID
    buyer_org_id: UUID
    buyer_name: str
    """The legal name that the seller was told with the order."""
    seller_org_id: UUID
    title: str
    title_en: str
    order_id: str | None
    order_number: str | None
    operation: str
    state: str
    percent: int
    message: str | None
    message_en: str | None
    tries: int
    failure: str | None
    deadline_at: datetime
    created_at: datetime
    finished_at: datetime | None
    may_replay: bool


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try. Excerpts are redacted; buyers do not get them."""

    id: UUID
    number: int
    started_at: datetime
    outcome: str
    status: int | None
    elapsed_ms: int | None
    reason: str | None
    request_excerpt: str | None
    response_excerpt: str | None


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with its tries, the first first."""

    row: RunRow
    attempts: tuple[AttemptRow, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the delivery of a reference is: for the order page and the trace."""

    reference: UUID
    entitlement_id: UUID
    entitlement_state: str
    """At this moment: `ended` once its time has passed."""
    run_id: UUID
    run_state: str
    percent: int
    message: str | None
    message_en: str | None
    tries: int
    failure: str | None
    deadline_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    external_id: str | None
    launch_url: str | None
    attempts: tuple[AttemptRow, ...]
