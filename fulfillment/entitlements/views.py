"""What reads of entitlements return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fulfillment.entitlements.validity import is_in_force, state_now


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
    trial_days: int = 0
    """Length of the trial that it is in; 0 in none."""
    data_kept_days: int | None = None
    """For how long the seller keeps the data after the end; None where nothing was said of it."""
    data_kept_until: datetime | None = None
    """Since it ended: until when."""
    past_due_at: datetime | None = None
    """Since when it is used without being paid for."""
    seats_allocated: int = 0
    """Seats that subsidiaries of the buyer have, or its end customer; none of the buyer's own meanwhile."""
    end_customer: str | None = None
    """Who uses it, where a dealer ordered it for another organization."""

    @property
    def is_usable(self) -> bool:
        """Whether members may use it at this moment."""
        return is_in_force(self.state, self.valid_to)

    @property
    def state_now(self) -> str:
        """As `validity.state_now`."""
        return state_now(self.state, self.valid_to, self.trial_days, self.past_due_at)

    @property
    def paid_until(self) -> datetime | None:
        """The end of its term; of what is past due, of the last one that was paid."""
        return self.past_due_at or self.valid_to

    @property
    def is_trial(self) -> bool:
        """Whether it is used for nothing so far."""
        return self.state_now == "trial"


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
class EntitlementCheck:
    """What a seller's system asks about an entitlement. `etag` changes exactly when the answer does."""

    entitlement_id: UUID
    active: bool
    state: str
    plan_id: UUID
    plan_code: str
    seats: int
    seats_used: int
    seats_allocated: int
    external_id: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    data_kept_until: datetime | None
    trial: bool
    past_due: bool
    capped: tuple[str, ...]
    etag: str
