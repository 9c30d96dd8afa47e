"""A seller says when its people answer, and what is answered by itself when nobody does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_aggregate
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from marketplace.input_text import paragraphs
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization
from marketplace.service_windows.hours import MINUTES_OF_DAY, USUAL_DAYS, USUAL_FROM, USUAL_TO, ServiceHours
from marketplace.service_windows.models import ServiceWindow

MANAGE = "leads.manage"
MOST_DAYS_OFF = 60
MAX_ANSWER = 1_000


@dataclass(frozen=True, slots=True)
class SaveServiceWindow:
    """Weekdays (Monday is 1), minutes of the day in the seller's zone, days off, and the automatic answer in each language."""

    weekdays: Sequence[int]
    from_minute: int
    to_minute: int
    days_off: Sequence[date] = ()
    answer: str = ""
    answer_en: str = ""


@dataclass(frozen=True, slots=True)
class ServiceWindowView:
    """A seller's hours of service as everybody reads them. `is_own`: the seller said them; else they are the usual ones."""

    org_id: UUID
    weekdays: tuple[int, ...]
    from_minute: int
    to_minute: int
    time_zone: str
    days_off: tuple[date, ...]
    answer: str
    answer_en: str
    is_own: bool

    @property
    def hours(self) -> ServiceHours:
        """For reckoning."""
        return ServiceHours(self.weekdays, self.from_minute, self.to_minute, self.time_zone, frozenset(self.days_off))


def save_service_window(uow: UnitOfWork, command: SaveServiceWindow) -> ServiceWindowView:
    """Say when the acting seller's people answer. Clocks that run already keep the end they were given.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`. Conflict: `not_a_seller`.
        Invalid: `service_hours_invalid`: one weekday at least, from before to, both within a day, 60 days off at most;
            `text_too_long`.

    Locks: the seller's window. Idempotent by: the content.
    """
    uow.principal.require(MANAGE)
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    if not uow.session.get_one(Organization, org_id).is_seller:
        raise Conflict("not_a_seller")
    days, off = sorted(set(command.weekdays)), sorted(set(command.days_off))
    if not days or any(not 1 <= day <= 7 for day in days):
        raise Invalid("service_hours_invalid", field="weekdays")
    if not 0 <= command.from_minute < command.to_minute <= MINUTES_OF_DAY:
        raise Invalid("service_hours_invalid", field="ends")
    if len(off) > MOST_DAYS_OFF:
        raise Invalid("service_hours_invalid", field="days_off")
    values = {
        "weekdays": days,
        "from_minute": command.from_minute,
        "to_minute": command.to_minute,
        "days_off": [day.isoformat() for day in off],
        "answer": paragraphs("answer", command.answer, MAX_ANSWER),
        "answer_en": paragraphs("answer_en", command.answer_en, MAX_ANSWER),
        "saved_by": person_id,
        "saved_at": clock.now(),
    }
    lock_aggregate(uow, org_id)
    found = _find(uow, org_id)
    if found is None:
        found = ServiceWindow(id=uuid7(), org_id=org_id, created_at=clock.now(), **values)
        uow.session.add(found)
    else:
        for name, value in values.items():
            setattr(found, name, value)
    uow.flush()
    return service_window_of(uow, org_id)


def service_window_of(uow: UnitOfWork, seller_id: UUID) -> ServiceWindowView:
    """A seller's hours, the usual ones where it has said none. Raises NotFound(`organization_not_found`)."""
    time_zone = get_party(uow, seller_id).time_zone
    found = _find(uow, seller_id)
    if found is None:
        return ServiceWindowView(seller_id, USUAL_DAYS, USUAL_FROM, USUAL_TO, time_zone, (), "", "", is_own=False)
    return ServiceWindowView(
        seller_id,
        tuple(found.weekdays),
        found.from_minute,
        found.to_minute,
        time_zone,
        tuple(date.fromisoformat(day) for day in found.days_off),
        found.answer,
        found.answer_en,
        is_own=True,
    )


def _find(uow: UnitOfWork, seller_id: UUID) -> ServiceWindow | None:
    return uow.session.scalars(select(ServiceWindow).where(ServiceWindow.org_id == seller_id)).one_or_none()
