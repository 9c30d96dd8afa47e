"""Numbers without gaps: taken from a counter row in the transaction that issues, so that a rollback gives them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from billing.invoices.models import NumberSeries
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.parties.models import Organization

SeriesKind = Literal["invoice", "credit_note", "commission_invoice", "statement"]
_PREFIX: dict[SeriesKind, str] = {
    "invoice": "INV",
    "credit_note": "CN",
    "commission_invoice": "COM",
    "statement": "ST",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A number and the instant that belongs to it; `on` is the issuer's calendar day."""

    series_id: UUID
    sequence: int
    number: str
    at: datetime
    on: date


_TAKE = """
    UPDATE billing.number_series
    SET next_number = next_number + 1, last_issued_at = greatest(coalesce(last_issued_at, $1), $2)
    WHERE org_id = $3 AND kind = $4 AND year = $5 AND clock_id IS NOT DISTINCT FROM $6::uuid
    RETURNING id, next_number - 1, last_issued_at
"""


def take_number(uow: UnitOfWork, org_id: UUID, kind: SeriesKind, *, time_zone: str = "") -> Taken:
    """Take the issuer's next number of this kind and year; call it as late in the transaction as possible.

    `time_zone`: where the issuer keeps its books, when the caller knows.

    Locks: the series, until the transaction ends. A later number never has an earlier instant, whatever the clocks of
    several machines say.
    """
    return ask_number(uow, org_id, kind, time_zone=time_zone)()


def ask_number(uow: UnitOfWork, org_id: UUID, kind: SeriesKind, *, time_zone: str = "") -> Callable[[], Taken]:
    """Ask for a number, as `take_number`, with whatever is asked next. What is returned waits for it."""
    zone = ZoneInfo(time_zone or _time_zone(uow, org_id))
    now = clock.now()
    year = now.astimezone(zone).year
    own = clock.own_time()
    clock_id = own.clock_id if own is not None else None
    prefix = _PREFIX[kind] if own is None else f"TEST{own.clock_id.hex[-8:].upper()}-{_PREFIX[kind]}"
    place = (now, now, org_id, kind, year, clock_id)
    asked = uow.cursor.queue_for(_TAKE, place)

    def taken() -> Taken:
        rows = uow.cursor.rows_of(asked)
        if not rows:
            series = NumberSeries(
                id=uuid7(), org_id=org_id, kind=kind, year=year, clock_id=clock_id, prefix=prefix, next_number=1
            )
            uow.add_if_absent(series, "org_id", "kind", "year", "clock_id")
            # It exists by now, and is never deleted.
            rows = uow.cursor.execute(_TAKE, place).fetchall()
        ((series_id, sequence, at),) = rows
        return Taken(series_id, sequence, f"{prefix}-{year}-{sequence:06d}", at, at.astimezone(zone).date())

    return taken


_TIME_ZONE = Read(select(Organization.time_zone).where(Organization.id == bindparam("org_id")))


def _time_zone(uow: UnitOfWork, org_id: UUID) -> str:
    found: str | None = uow.find(_TIME_ZONE, org_id=org_id)
    return found or "UTC"
