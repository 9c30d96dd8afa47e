"""What both sides read of a request's time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel.db.uow import UnitOfWork
from marketplace.demos.book_demo import find_booking


@dataclass(frozen=True, slots=True)
class BookingView:
    """The time of a request for a demo. `state` is `booked` or `cancelled`; `sequence` says how often it was changed.

    `meeting_url`: where it is held online.
    """

    state: str
    starts_at: datetime
    ends_at: datetime
    sequence: int
    meeting_url: str | None


def booking_of(uow: UnitOfWork, lead_id: UUID) -> BookingView | None:
    """That of a request which the caller has found to be the principal's; None while none was chosen."""
    found = find_booking(uow, lead_id)
    if found is None:
        return None
    return BookingView(found.state, found.starts_at, found.ends_at, found.sequence, found.meeting_url)
