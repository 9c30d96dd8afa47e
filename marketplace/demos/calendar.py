"""A seller's hours for demos: saved, and read as the times that are free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_aggregate
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from marketplace.demos.models import DemoBooking, DemoCalendar, DemoDay
from marketplace.demos.slots import AHEAD_DAYS, NOTICE, Hours, Slot, slots_of
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization

MOST_AHEAD = 90
BEGINS, ENDS, LENGTH = 9 * 60, 17 * 60, 30
NOTICE_MINUTES = NOTICE // timedelta(minutes=1)
"""Of a calendar as it is before its seller says anything."""


@dataclass(frozen=True, slots=True)
class SaveHours:
    """Weekdays (Monday is 1; none gives only single times), minutes of the day in the seller's zone, and how long a demo is.

    `notice_minutes`: between booking and beginning at least; `ahead_days`: how far ahead a time can be booked.
    """

    weekdays: tuple[int, ...]
    from_minute: int
    to_minute: int
    length_minutes: int
    notice_minutes: int = NOTICE_MINUTES
    ahead_days: int = AHEAD_DAYS


def save_hours(uow: UnitOfWork, command: SaveHours) -> DemoCalendar:
    """Say when the acting seller gives demos. Times that are booked already stay.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`. Conflict: `not_a_seller`.
        Invalid: `demo_hours_invalid`: from before to, both within a day, 15 to 240 minutes which fit between them;
            a notice of at most 14 days, 1 to 90 days ahead.

    Locks: the seller's calendar.
    """
    days = sorted(set(command.weekdays))
    fits = command.from_minute + command.length_minutes <= command.to_minute
    if not (fits and command.from_minute >= 0 and command.to_minute <= 1440 and 15 <= command.length_minutes <= 240):
        raise Invalid("demo_hours_invalid", field="ends")
    if any(not 1 <= day <= 7 for day in days):
        raise Invalid("demo_hours_invalid", field="weekdays")
    if not 0 <= command.notice_minutes <= 14 * 1440:
        raise Invalid("demo_hours_invalid", field="notice_minutes")
    if not 1 <= command.ahead_days <= MOST_AHEAD:
        raise Invalid("demo_hours_invalid", field="ahead_days")
    found = lock_calendar(uow)
    found.weekdays, found.saved_by = days, uow.principal.person()
    found.from_minute, found.to_minute = command.from_minute, command.to_minute
    found.length_minutes = command.length_minutes
    found.notice_minutes, found.ahead_days = command.notice_minutes, command.ahead_days
    uow.flush()
    return found


def lock_calendar(uow: UnitOfWork) -> DemoCalendar:
    """The acting seller's calendar, begun where there is none yet: whoever changes it waits for the others.

    Raises: Forbidden `permission_missing` without leads.manage, `person_required`; Conflict `not_a_seller`.
    """
    org_id, person_id = lock_seller(uow)
    found = find_calendar(uow, org_id)
    if found is None:
        found = DemoCalendar(
            id=uuid7(),
            org_id=org_id,
            weekdays=[],
            from_minute=BEGINS,
            to_minute=ENDS,
            length_minutes=LENGTH,
            notice_minutes=NOTICE_MINUTES,
            ahead_days=AHEAD_DAYS,
            saved_by=person_id,
            created_at=clock.now(),
        )
        uow.session.add(found)
        uow.flush()
    return found


def lock_seller(uow: UnitOfWork) -> tuple[UUID, UUID]:
    """The acting seller, of whom others that say how it gives demos wait, and who acts for it. Raises as `lock_calendar`."""
    uow.principal.require("leads.manage")
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    if not uow.session.get_one(Organization, org_id).is_seller:
        raise Conflict("not_a_seller")
    lock_aggregate(uow, org_id)
    return org_id, person_id


def find_calendar(uow: UnitOfWork, seller_id: UUID) -> DemoCalendar | None:
    """A seller's hours."""
    return uow.session.scalars(select(DemoCalendar).where(DemoCalendar.org_id == seller_id)).one_or_none()


def free_slots(uow: UnitOfWork, seller_id: UUID) -> list[Slot]:
    """The times of a seller that nobody has booked: who has booked the others is not told."""
    now = clock.now()
    near = DemoDay.day.between(now.date() - timedelta(days=1), now.date() + timedelta(days=MOST_AHEAD + 1))
    found = uow.session.execute(
        select(DemoCalendar, DemoDay.day, DemoDay.from_minute)
        .join(DemoDay, (DemoDay.org_id == DemoCalendar.org_id) & near, isouter=True)
        .where(DemoCalendar.org_id == seller_id)
    ).all()
    if not found:
        return []
    calendar: DemoCalendar = found[0][0]
    exceptions = [(day, minute) for _, day, minute in found if day is not None]
    singles = [(day, minute) for day, minute in exceptions if minute is not None]
    if not calendar.weekdays and not singles:
        return []
    hours = Hours(
        calendar.weekdays,
        calendar.from_minute,
        calendar.to_minute,
        calendar.length_minutes,
        get_party(uow, seller_id).time_zone,
        timedelta(minutes=calendar.notice_minutes),
        calendar.ahead_days,
        frozenset(day for day, minute in exceptions if minute is None),
        singles,
    )
    with as_platform(uow):
        rows = uow.session.execute(
            select(DemoBooking.starts_at, DemoBooking.ends_at).where(
                DemoBooking.seller_org_id == seller_id, DemoBooking.state == "booked", DemoBooking.ends_at > now
            )
        ).all()
    return list(slots_of(hours, now, [Slot(*row) for row in rows]))
