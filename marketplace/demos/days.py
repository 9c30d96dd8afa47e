"""Days on which a seller gives no demos, and single times beside its weekly hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Date, cast, delete, func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.demos.calendar import lock_calendar
from marketplace.demos.models import DemoDay
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization

LONGEST = timedelta(days=365)
MOST = 200
MINUTES_OF_DAY = 1440


@dataclass(frozen=True, slots=True)
class AddDemoDay:
    """A date by the seller's clocks. `from_minute`: a demo can begin then, whatever the weekly hours; None: the day is off."""

    day: date
    from_minute: int | None = None


def add_demo_day(uow: UnitOfWork, command: AddDemoDay) -> DemoDay:
    """A day off takes the weekly hours of its date away; single times on it stay, and what is booked too.

    There already, nothing changes. What is past is forgotten.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`. Conflict: `not_a_seller`, `demo_days_full`.
        Invalid: `demo_day_invalid`: from today on, within a year, at a minute of the day.

    Locks: the seller's calendar. Idempotent by: the content.
    """
    calendar = lock_calendar(uow)
    today = clock.today(get_party(uow, calendar.org_id).time_zone)
    if not today <= command.day <= today + LONGEST:
        raise Invalid("demo_day_invalid", field="day", days=LONGEST.days)
    if command.from_minute is not None and not 0 <= command.from_minute < MINUTES_OF_DAY:
        raise Invalid("demo_day_invalid", field="begins", days=LONGEST.days)
    uow.session.execute(delete(DemoDay).where(DemoDay.org_id == calendar.org_id, DemoDay.day < today))
    own = select(DemoDay).where(DemoDay.org_id == calendar.org_id)
    same = own.where(DemoDay.day == command.day, DemoDay.from_minute.is_not_distinct_from(command.from_minute))
    found = uow.session.scalars(same).one_or_none()
    if found is not None:
        return found
    if (uow.session.scalar(select(func.count()).select_from(own.subquery())) or 0) >= MOST:
        raise Conflict("demo_days_full", most=MOST)
    made = DemoDay(
        id=uuid7(),
        org_id=calendar.org_id,
        day=command.day,
        from_minute=command.from_minute,
        created_at=clock.now(),
    )
    uow.session.add(made)
    uow.flush()
    return made


def remove_demo_day(uow: UnitOfWork, day_id: UUID) -> None:
    """The weekly hours hold again, or the single time is offered no more; what is booked stays.

    Raises: Forbidden `permission_missing` without leads.manage; NotFound `demo_day_not_found`.
    """
    uow.principal.require("leads.manage")
    found = uow.session.get(DemoDay, day_id)
    if found is None or found.org_id != uow.principal.organization():
        raise NotFound("demo_day_not_found")
    uow.session.delete(found)
    uow.flush()


def list_demo_days(uow: UnitOfWork) -> Sequence[DemoDay]:
    """The acting seller's from today on, in order. Raises Forbidden(`permission_missing`) without leads.manage."""
    uow.principal.require("leads.manage")
    today = cast(func.timezone(Organization.time_zone, clock.now()), Date)
    own = (
        select(DemoDay)
        .join(Organization, Organization.id == DemoDay.org_id)
        .where(DemoDay.org_id == uow.principal.organization(), DemoDay.day >= today)
    )
    return uow.session.scalars(own.order_by(DemoDay.day, DemoDay.from_minute.nulls_first())).all()
