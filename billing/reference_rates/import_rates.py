"""Take a file of published rates in: all of it, or, where anything is wrong with it, nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from billing.reference_rates.models import ReferenceRate
from billing.reference_rates.read_file import RateFault, RateFile, RateFormat, RateLine, read_rate_file
from kernel import audit, clock
from kernel.db.dry_run import dry_run
from kernel.db.locks import advisory_xact_lock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.parties.models import PLATFORM_ORG_ID

MANAGE = "operator.payouts"
_BATCH = 1_000
_ONE_AT_A_TIME: Final = 77
"""Of the locks on what has no row yet: an import of rates."""


@dataclass(frozen=True, slots=True)
class ImportRates:
    """A file, whose rates they are where its rows do not say, and whether it may say otherwise than what is known."""

    content: bytes
    source: str = ""
    replaces: bool = False


@dataclass(slots=True)
class RateReport:
    """What a file says. With `faults` nothing of it was imported."""

    format: RateFormat
    new: int = 0
    changed: int = 0
    known: int = 0
    past: int = 0
    """Of currencies that exist no more: left out."""
    first_on: date | None = None
    last_on: date | None = None
    faults: list[RateFault] = field(default_factory=list)
    is_dry_run: bool = False


def try_rates(run: Callable[[Callable[[UnitOfWork], None]], None], command: ImportRates) -> RateReport:
    """What an import would do: it is done, and taken back as a whole. `run` does a work in a transaction.

    Raises as `import_rates`.
    """
    report = dry_run(run, lambda uow: import_rates(uow, command))
    report.is_dry_run = True
    return report


def import_rates(uow: UnitOfWork, command: ImportRates) -> RateReport:
    """Import a file. What it says as it is known is left; what it says otherwise is a fault, unless it replaces.

    Documents that were issued by a rate keep it as it was.

    Raises: Forbidden `permission_missing` without operator.payouts.
    Locks: the rates as a whole, so that of two imports the second sees what the first has brought.
    Idempotent by: source, pair and day.
    """
    uow.principal.require(MANAGE)
    found = read_rate_file(command.content, source=command.source, today=clock.today())
    report = RateReport(found.format, past=found.past, faults=found.faults)
    if report.faults:
        return report
    advisory_xact_lock(uow.session, _ONE_AT_A_TIME, PLATFORM_ORG_ID)
    by_key = {_key(one): one for one in found.rates}
    known = _known(uow, found)
    changed = {key: one for key, one in by_key.items() if key in known and known[key] != one.rate.rate}
    if changed and not command.replaces:
        report.faults = [
            RateFault(one.line, "rates_differ_from_known", f"{one.rate.in_words()} ≠ {known[key]:f}")
            for key, one in changed.items()
        ]
        return report
    new = [one for key, one in by_key.items() if key not in known]
    _write(uow, [*new, *changed.values()])
    days = [one.rate.on for one in found.rates]
    report.new, report.changed = len(new), len(changed)
    report.known = len(by_key) - len(new) - len(changed)
    report.first_on, report.last_on = min(days), max(days)
    audit.record(uow, "reference_rates.imported", new=report.new, changed=report.changed, last=str(report.last_on))
    return report


_Key = tuple[str, str, str, date]


def _key(one: RateLine) -> _Key:
    return one.rate.source, one.rate.base, one.rate.quote, one.rate.on


def _known(uow: UnitOfWork, found: RateFile) -> dict[_Key, Decimal]:
    days = [one.rate.on for one in found.rates]
    rows = uow.session.scalars(
        select(ReferenceRate).where(
            ReferenceRate.source.in_({one.rate.source for one in found.rates}),
            ReferenceRate.rate_on.between(min(days), max(days)),
        )
    )
    return {(row.source, row.base.strip(), row.quote.strip(), row.rate_on): row.rate.normalize() for row in rows}


def _write(uow: UnitOfWork, lines: list[RateLine]) -> None:
    person = uow.principal.accountable_id
    values = [
        {
            "id": uuid7(),
            "source": one.rate.source,
            "base": one.rate.base,
            "quote": one.rate.quote,
            "rate_on": one.rate.on,
            "rate": one.rate.rate,
            "imported_by": person,
            "created_at": clock.now(),
        }
        for one in lines
    ]
    for start in range(0, len(values), _BATCH):
        statement = insert(ReferenceRate).values(values[start : start + _BATCH])
        again = {name: statement.excluded[name] for name in ("rate", "imported_by", "created_at")}
        uow.session.execute(
            statement.on_conflict_do_update(index_elements=["source", "base", "quote", "rate_on"], set_=again)
        )
