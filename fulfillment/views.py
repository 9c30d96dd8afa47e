"""What reads of deliveries return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from kernel import clock


@dataclass(frozen=True, slots=True)
class EntitlementRow:
    """One entitlement in a list, of the buyer or of the seller."""

    id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    seller_name: str
    reference: UUID
    listing_id: UUID
    title: str
    title_en: str
    plan_id: UUID
    plan_code: str
    plan_name: str
    plan_name_en: str
    state: str
    seats: int
    seats_used: int
    valid_from: datetime | None
    valid_to: datetime | None
    external_id: str | None
    launch_url: str | None
    order_id: str | None
    """As the caller of `open_entitlement` gave it along."""
    created_at: datetime

    @property
    def is_usable(self) -> bool:
        """Whether members may use it at this moment."""
        return self.state == "active" and (self.valid_to is None or self.valid_to > clock.now())


@dataclass(frozen=True, slots=True)
class SeatRow:
    """A member's place."""

    id: UUID
    person_id: UUID
    name: str
    email: str
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class EntitlementDetail:
    """An entitlement with its taken seats, the first given first."""

    row: EntitlementRow
    seats: tuple[SeatRow, ...]


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
    run_id: UUID
    run_state: str
    percent: int
    message: str | None
    message_en: str | None
    tries: int
    failure: str | None
    deadline_at: datetime
    valid_from: datetime | None
    external_id: str | None
    launch_url: str | None
    attempts: tuple[AttemptRow, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What a seller's system asks about an entitlement. `etag` changes exactly when the answer does."""

    entitlement_id: UUID
    active: bool
    state: str
    plan_id: UUID
    plan_code: str
    seats: int
    seats_used: int
    external_id: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    etag: str


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """A seller's connector, without its secrets."""

    id: UUID
    kind: str
    name: str
    url: str | None
    overlap_until: datetime | None
    """Until when the former secret signs too."""
    test: Literal["untested", "running", "passed", "failed"]
    tested_at: datetime | None
    test_failure: str | None
    created_at: datetime
