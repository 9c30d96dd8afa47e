"""A time for a demo is booked, moved by either side, and given up; both sides have it in their calendars by mail."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from marketplace.access.models import Member, Person
from marketplace.access.permissions import holds
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.demos.calendar import find_calendar, free_slots
from marketplace.demos.meeting import meeting_for_booking
from marketplace.demos.models import DEMO, DemoBooking
from marketplace.leads.create_lead import CreateLead, create_lead
from marketplace.leads.messages import lock_lead, require_open
from marketplace.leads.models import Lead
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.parties.models import Organization

What = Literal["demo_booked", "demo_moved", "demo_cancelled", "demo_meeting"]


def ask_with_time(uow: UnitOfWork, command: CreateLead, starts_at: datetime | None) -> Lead:
    """Ask, and book a time at once where one was chosen. Raises as `create_lead` and `book_demo`."""
    lead = create_lead(uow, command)
    if starts_at is not None:
        book_demo(uow, lead.id, starts_at)
    return lead


def book_demo(uow: UnitOfWork, lead_id: UUID, starts_at: datetime) -> DemoBooking:
    """Take one of the seller's free times for a request, in place of the one it has. The same again changes nothing.

    It is held where the seller holds its demos at that time; moved, where it was to be held.

    Raises:
        Forbidden: `permission_missing` for a seller's member without leads.manage. NotFound: `lead_not_found`.
        Invalid: `slot_not_offered`. Conflict: `lead_closed`, `not_a_demo`, `slot_taken`.

    Locks: the lead. Idempotent by: the request and the time.
    """
    lead = _lock(uow, lead_id)
    require_open(lead)
    if lead.kind != "demo":
        raise Conflict("not_a_demo")
    booking = find_booking(uow, lead.id)
    if booking is not None and (booking.state, booking.starts_at) == ("booked", starts_at):
        return booking
    slot = next((one for one in free_slots(uow, lead.seller_org_id) if one.starts_at == starts_at), None)
    if slot is None:
        raise Invalid("slot_not_offered", field="slot")
    what: What = "demo_booked"
    if booking is None:
        booking = DemoBooking(
            id=uuid7(),
            lead_id=lead.id,
            buyer_org_id=lead.buyer_org_id,
            seller_org_id=lead.seller_org_id,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            sequence=0,
            created_at=clock.now(),
        )
        DEMO.begin(uow, booking, org_ids=booking.parties)
        uow.session.add(booking)
    else:
        what = "demo_moved" if booking.state == "booked" else "demo_booked"
        DEMO.move(uow, booking, "booked", org_ids=booking.parties)
        booking.starts_at, booking.ends_at = slot.starts_at, slot.ends_at
        booking.sequence += 1
    if what == "demo_booked":
        booking.meeting_url = meeting_for_booking(uow, lead.seller_org_id)
    uow.flush()
    tell_both(uow, lead, booking, what)
    return booking


def cancel_demo(uow: UnitOfWork, lead_id: UUID) -> None:
    """Give the time of a request up. There is none, or no more: nothing changes. Raises, Locks: as `book_demo`."""
    lead = _lock(uow, lead_id)
    booking = find_booking(uow, lead.id)
    if booking is None or booking.state != "booked":
        return
    DEMO.move(uow, booking, "cancelled", org_ids=booking.parties)
    booking.sequence += 1
    uow.flush()
    if booking.starts_at > clock.now():
        tell_both(uow, lead, booking, "demo_cancelled")


def find_booking(uow: UnitOfWork, lead_id: UUID) -> DemoBooking | None:
    """The time of a request that the caller has found to be the principal's, a cancelled one included."""
    return uow.session.scalars(select(DemoBooking).where(DemoBooking.lead_id == lead_id)).one_or_none()


def tell_both(uow: UnitOfWork, lead: Lead, booking: DemoBooking, what: What) -> None:
    """Who asked, and of the seller who takes care of it: neither learns the other's address."""
    with as_platform(uow):
        version = uow.session.scalars(
            select(ListingVersion)
            .join(Listing, Listing.current_version_id == ListingVersion.id)
            .where(Listing.id == lead.listing_id)
        ).one()
        seller_name = uow.session.get_one(Organization, lead.seller_org_id).display_name
        readers: list[tuple[UUID, UUID, str, str]] = []
        if lead.asked_by in _members(uow, lead.buyer_org_id):
            readers.append((lead.asked_by, lead.buyer_org_id, seller_name, f"/requests/{lead.id}"))
        if (care := _who_cares(uow, lead)) is not None:
            readers.append((care, lead.seller_org_id, lead.buyer_name, f"/seller/leads/{lead.id}"))
        people = {
            person.id: person
            for person in uow.session.scalars(select(Person).where(Person.id.in_([one[0] for one in readers])))
        }
        zones = {
            org.id: org.time_zone
            for org in uow.session.scalars(
                select(Organization).where(Organization.id.in_([lead.buyer_org_id, lead.seller_org_id]))
            )
        }
    for person_id, org_id, other, path in readers:
        person = people[person_id]
        title = version.title if person.locale != "en" else version.title_en
        params = {
            "other": other,
            "what": title or version.title_en or version.title,
            "path": path,
            "calendar_uid": str(booking.id),
            "calendar_sequence": str(booking.sequence),
            "calendar_starts_at": booking.starts_at.isoformat(),
            "calendar_ends_at": booking.ends_at.isoformat(),
            "calendar_time_zone": zones[org_id],
            **({"calendar_meeting_url": booking.meeting_url} if booking.meeting_url else {}),
            **({"calendar_cancelled": "yes"} if what == "demo_cancelled" else {}),
        }
        queue_mail(uow, NewMail(person.email, what, person.locale, params, person_id, org_id))


def _lock(uow: UnitOfWork, lead_id: UUID) -> Lead:
    lead = lock_lead(uow, lead_id)
    if lead.buyer_org_id != uow.principal.organization():
        uow.principal.require("leads.manage")
    return lead


def _members(uow: UnitOfWork, org_id: UUID) -> dict[UUID, list[str]]:
    """The active members of an organization with their roles, who came first first."""
    found = select(Member).where(Member.org_id == org_id, Member.state == "active")
    return {one.person_id: one.roles for one in uow.session.scalars(found.order_by(Member.created_at, Member.id))}


def _who_cares(uow: UnitOfWork, lead: Lead) -> UUID | None:
    """Of the seller's members who may: who takes care of the request, else who gave the hours, else who came first."""
    may = [person for person, roles in _members(uow, lead.seller_org_id).items() if holds(roles, "leads.manage")]
    calendar = find_calendar(uow, lead.seller_org_id)
    wanted = (lead.assigned_to, calendar.saved_by if calendar is not None else None, *may)
    return next((one for one in wanted if one in may), None)
