"""Reads of closed months, for operators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.accounting_periods.models import AccountingPeriod
from billing.ledger.models import LedgerTransaction
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.access.models import Person
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A month that is closed, or was opened again."""

    id: UUID
    month: date
    starts_at: datetime
    ends_at: datetime
    state: str
    transactions: int | None
    closed_at: datetime
    closed_by: str
    """Whose id, or the name of what acted."""
    closed_by_name: str
    reopened_at: datetime | None
    reopened_by: str | None
    reopened_by_name: str | None
    reason: str | None


def list_periods(uow: UnitOfWork) -> list[PeriodRow]:
    """The latest first. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    rows = uow.session.scalars(select(AccountingPeriod).order_by(AccountingPeriod.month.desc())).all()
    return _named(uow, rows)


def get_period(uow: UnitOfWork, period_id: UUID) -> PeriodRow:
    """One of them. Raises: Forbidden as `list_periods`, NotFound `period_not_found`."""
    uow.principal.require("operator.read")
    row = uow.session.get(AccountingPeriod, period_id)
    if row is None:
        raise NotFound("period_not_found")
    return _named(uow, [row])[0]


def next_month_to_close(uow: UnitOfWork) -> date | None:
    """The first open month that is over; None when there is none, or no fact at all."""
    zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
    last = uow.session.scalar(
        select(AccountingPeriod.ends_at)
        .where(AccountingPeriod.state == "closed")
        .order_by(AccountingPeriod.ends_at.desc())
        .limit(1)
    )
    begun = last or uow.session.scalar(
        select(LedgerTransaction.effective_at).order_by(LedgerTransaction.effective_at).limit(1)
    )
    if begun is None:
        return None
    month = begun.astimezone(zone).date().replace(day=1)
    return month if month < clock.now().astimezone(zone).date().replace(day=1) else None


def _named(uow: UnitOfWork, rows: Sequence[AccountingPeriod]) -> list[PeriodRow]:
    names = names_of(uow, {who for row in rows for who in (row.closed_by, row.reopened_by) if who})
    plain = [name for name in PeriodRow.__dataclass_fields__ if not name.endswith("_name")]
    return [
        PeriodRow(
            **{name: getattr(row, name) for name in plain},
            closed_by_name=names.get(row.closed_by, row.closed_by),
            reopened_by_name=names.get(row.reopened_by, row.reopened_by) if row.reopened_by else None,
        )
        for row in rows
    ]


def names_of(uow: UnitOfWork, actors: Collection[str]) -> dict[str, str]:
    """Names of those of the recorded actors that are people, by what is recorded."""
    people = {actor: UUID(actor) for actor in actors if len(actor) == len(str(UUID(int=0)))}
    found = {
        str(person_id): name
        for person_id, name in uow.session.execute(select(Person.id, Person.name).where(Person.id.in_(people.values())))
    }
    return {actor: found[actor] for actor in people if actor in found}
