"""Numbers without gaps: taken from a counter row in the transaction that issues, so that a rollback gives them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from billing.invoices.models import NumberSeries
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.organizations.models import Organization

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


def take_number(uow: UnitOfWork, org_id: UUID, kind: SeriesKind) -> Taken:
    """Take the issuer's next number of this kind and year; call it as late in the transaction as possible.

    Locks: the series, until the transaction ends. A later number never has an earlier instant, whatever the clocks of
    several machines say.
    """
    zone = ZoneInfo(_time_zone(uow, org_id))
    now = clock.now()
    year = now.astimezone(zone).year
    prefix = _PREFIX[kind]
    uow.session.execute(
        insert(NumberSeries)
        .values(id=uuid7(), org_id=org_id, kind=kind, year=year, prefix=prefix, next_number=1)
        .on_conflict_do_nothing(index_elements=["org_id", "kind", "year"])
    )
    row = uow.session.execute(
        update(NumberSeries)
        .where(NumberSeries.org_id == org_id, NumberSeries.kind == kind, NumberSeries.year == year)
        .values(
            next_number=NumberSeries.next_number + 1,
            last_issued_at=func.greatest(func.coalesce(NumberSeries.last_issued_at, now), now),
        )
        .returning(NumberSeries.id, NumberSeries.next_number, NumberSeries.last_issued_at)
        .execution_options(synchronize_session=False)
    ).one()
    sequence = row.next_number - 1
    on = row.last_issued_at.astimezone(zone).date()
    return Taken(row.id, sequence, f"{prefix}-{year}-{sequence:06d}", row.last_issued_at, on)


def _time_zone(uow: UnitOfWork, org_id: UUID) -> str:
    organization = uow.session.get(Organization, org_id)
    return organization.time_zone if organization is not None else "UTC"
