"""Reads of reference rates: what was published, and which rates an invoice of a day goes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_

from billing.reference_rates.conversion import MOST_AGE, PIVOT, PublishedRate, choose_rates
from billing.reference_rates.models import ReferenceRate
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first


@dataclass(frozen=True, slots=True)
class ReferenceRateRow:
    """A published rate, and when it came in here."""

    id: UUID
    source: str
    base: str
    quote: str
    rate: str
    rate_on: date
    imported_by: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RateSource:
    """How much of a source is known, and until which day."""

    source: str
    rates: int
    latest_on: date


def find_rates(uow: UnitOfWork, currency: str, into: str, on: date) -> tuple[PublishedRate, ...] | None:
    """The rates by which an amount of the day is converted, or None when the table has none that are recent enough."""
    named = {currency, into, PIVOT}
    pairs = [(one, other) for one in named for other in named if one != other]
    rows = uow.session.scalars(
        select(ReferenceRate).where(
            tuple_(ReferenceRate.base, ReferenceRate.quote).in_(pairs),
            ReferenceRate.rate_on.between(on - MOST_AGE, on),
        )
    )
    return choose_rates(map(published, rows), currency, into, on)


def published(row: ReferenceRate) -> PublishedRate:
    """A row as a frozen value."""
    return PublishedRate(row.base.strip(), row.quote.strip(), row.rate.normalize(), row.rate_on, row.source)


def list_rates(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 50) -> Page[ReferenceRateRow]:
    """Published rates, those that came in last first. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    statement = newest_first(select(ReferenceRate), ReferenceRate.created_at, ReferenceRate.id, cursor, limit)
    page = cut(uow.session.scalars(statement).all(), limit, lambda row: (row.created_at, row.id))
    return Page([_row(row) for row in page.items], page.next_cursor)


def rate_sources(uow: UnitOfWork) -> list[RateSource]:
    """What is known of each source. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    rows = uow.session.execute(
        select(ReferenceRate.source, func.count(), func.max(ReferenceRate.rate_on))
        .group_by(ReferenceRate.source)
        .order_by(ReferenceRate.source)
    )
    return [RateSource(*row) for row in rows]


def _row(row: ReferenceRate) -> ReferenceRateRow:
    one = published(row)
    return ReferenceRateRow(
        row.id, one.source, one.base, one.quote, f"{one.rate:f}", one.on, row.imported_by, row.created_at
    )
