"""A seller's hours for demos: saved, and read as the times that are free."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from marketplace.demos.models import DemoBooking, DemoCalendar
from marketplace.demos.slots import Hours, Slot, slots_of
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization


@dataclass(frozen=True, slots=True)
class SaveHours:
    """Weekdays (Monday is 1; none gives no demos), minutes of the day in the seller's zone, and how long a demo is."""

    weekdays: tuple[int, ...]
    from_minute: int
    to_minute: int
    length_minutes: int


def save_hours(uow: UnitOfWork, command: SaveHours) -> DemoCalendar:
    """Say when the acting seller gives demos. Times that are booked already stay.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`. Conflict: `not_a_seller`.
        Invalid: `demo_hours_invalid`: from before to, both within a day, 15 to 240 minutes which fit between them.
    """
    uow.principal.require("leads.manage")
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    if not uow.session.get_one(Organization, org_id).is_seller:
        raise Conflict("not_a_seller")
    days = sorted(set(command.weekdays))
    fits = command.from_minute + command.length_minutes <= command.to_minute
    if not (fits and command.from_minute >= 0 and command.to_minute <= 1440 and 15 <= command.length_minutes <= 240):
        raise Invalid("demo_hours_invalid", field="to")
    if any(not 1 <= day <= 7 for day in days):
        raise Invalid("demo_hours_invalid", field="weekdays")
    found = uow.session.scalars(
        select(DemoCalendar).where(DemoCalendar.org_id == org_id).with_for_update()
    ).one_or_none()
    if found is None:
        found = DemoCalendar(id=uuid7(), org_id=org_id, created_at=clock.now())
        uow.session.add(found)
    found.weekdays, found.saved_by = days, person_id
    found.from_minute, found.to_minute = command.from_minute, command.to_minute
    found.length_minutes = command.length_minutes
    uow.flush()
    return found


def find_calendar(uow: UnitOfWork, seller_id: UUID) -> DemoCalendar | None:
    """A seller's hours."""
    return uow.session.scalars(select(DemoCalendar).where(DemoCalendar.org_id == seller_id)).one_or_none()


def free_slots(uow: UnitOfWork, seller_id: UUID) -> list[Slot]:
    """The times of a seller that nobody has booked: who has booked the others is not told."""
    calendar = find_calendar(uow, seller_id)
    if calendar is None or not calendar.weekdays:
        return []
    hours = Hours(
        calendar.weekdays,
        calendar.from_minute,
        calendar.to_minute,
        calendar.length_minutes,
        get_party(uow, seller_id).time_zone,
    )
    now = clock.now()
    with as_platform(uow):
        rows = uow.session.execute(
            select(DemoBooking.starts_at, DemoBooking.ends_at).where(
                DemoBooking.seller_org_id == seller_id, DemoBooking.state == "booked", DemoBooking.ends_at > now
            )
        ).all()
    return list(slots_of(hours, now, [Slot(*row) for row in rows]))
