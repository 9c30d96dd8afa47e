"""The address of the meeting of one demo is changed: both sides have it in their calendars by mail."""

from __future__ import annotations

from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.demos.book_demo import find_booking, tell_both
from marketplace.demos.meeting import checked_meeting_url
from marketplace.demos.models import DemoBooking
from marketplace.leads.messages import lock_lead


def set_meeting(uow: UnitOfWork, lead_id: UUID, url: str | None) -> DemoBooking:
    """Hold a demo of the acting seller there, None: nowhere in particular. The same again changes nothing.

    Raises:
        Forbidden: `permission_missing` without leads.manage. NotFound: `lead_not_found`, to its buyer too.
        Invalid: `meeting_url_invalid`. Conflict: `demo_not_ahead`: none is booked, or it has begun.

    Locks: the lead. Idempotent by: the content.
    """
    uow.principal.require("leads.manage")
    lead = lock_lead(uow, lead_id)
    if lead.seller_org_id != uow.principal.organization():
        raise NotFound("lead_not_found")
    checked = None if url is None else checked_meeting_url(url)
    booking = find_booking(uow, lead.id)
    if booking is None or booking.state != "booked" or booking.starts_at <= clock.now():
        raise Conflict("demo_not_ahead")
    if booking.meeting_url != checked:
        booking.meeting_url = checked
        booking.sequence += 1
        uow.flush()
        tell_both(uow, lead, booking, "demo_meeting")
    return booking
