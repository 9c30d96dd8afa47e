"""The journal of some days as a file for an accounting program, read and written a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text, tuple_

from billing.journal_export.formats import (
    ONE_CURRENCY,
    FilePeriod,
    Format,
    JournalEntry,
    JournalLine,
    body,
    encoding_of,
    head,
)
from billing.journal_export.models import AccountCode
from billing.ledger.models import LedgerAccount, LedgerTransaction, Posting
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.errors import Invalid
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID, Organization

BATCH = 1_000
LONGEST = timedelta(days=366)
Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class ExportJournal:
    """`first_on` to `last_on`, both of them, by the platform's calendar; `currency` "" stands for all."""

    format: Format
    first_on: date
    last_on: date
    currency: str = ""


@dataclass(frozen=True, slots=True)
class _Range:
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    codes: dict[str, tuple[str, str]]


def export_journal(transact: Transact, command: ExportJournal) -> Iterator[bytes]:
    """The file's parts. What is asked for is checked at once; then each batch is a transaction of its own.

    Facts of a closed month do not change, so that its file is the same whenever it is made. A month that is open may get more
    facts meanwhile.

    Raises:
        Forbidden: `permission_missing` without operator.read.
        Invalid: `books_range_invalid`; `export_currency_required`, the format is of one currency.
    """
    found = transact(partial(_range, command=command))
    return _parts(transact, command, found)


def _range(uow: UnitOfWork, command: ExportJournal) -> _Range:
    uow.principal.require("operator.read")
    if not timedelta() <= command.last_on - command.first_on <= LONGEST:
        raise Invalid("books_range_invalid", field="last_on")
    if command.format in ONE_CURRENCY and not command.currency:
        raise Invalid("export_currency_required", field="currency")
    zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
    starts_at = datetime.combine(command.first_on, time(), zone)
    ends_at = datetime.combine(command.last_on + timedelta(days=1), time(), zone)
    rows = uow.session.execute(
        select(AccountCode.kind, AccountCode.code, AccountCode.name).where(AccountCode.format == command.format)
    )
    return _Range(starts_at, ends_at, zone, {kind: (code, name) for kind, code, name in rows})


def _parts(transact: Transact, command: ExportJournal, found: _Range) -> Iterator[bytes]:
    encoding = encoding_of(command.format)
    period = FilePeriod(command.first_on, command.last_on, command.currency, clock.now().astimezone(found.zone))
    yield head(command.format, period).encode(encoding, "replace")
    place: Place | None = None
    number = 0
    while True:
        entries, place = transact(partial(_batch, command=command, found=found, place=place, number=number))
        yield "".join(body(command.format, entry) for entry in entries).encode(encoding, "replace")
        number += len(entries)
        if place is None:
            return


def _batch(
    uow: UnitOfWork, *, command: ExportJournal, found: _Range, place: Place | None, number: int
) -> tuple[list[JournalEntry], Place | None]:
    """The entries after a place, and the place after them; None at the end."""
    at = LedgerTransaction.effective_at
    statement = select(LedgerTransaction).where(at >= found.starts_at, at < found.ends_at)
    if place is not None:
        statement = statement.where(tuple_(at, LedgerTransaction.id) > place)
    facts = uow.session.scalars(statement.order_by(at, LedgerTransaction.id).limit(BATCH)).all()
    sides: dict[tuple[UUID, str], list[JournalLine]] = {}
    rows = uow.session.execute(
        select(Posting, LedgerAccount, Organization.display_name)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .outerjoin(Organization, Organization.id == Posting.org_id)
        .where(Posting.transaction_id.in_([fact.id for fact in facts]))
        .order_by(Posting.amount_minor.desc(), Posting.id)
    )
    for posting, account, owner in rows:
        code, name = found.codes.get(account.kind, ("", ""))
        line = JournalLine(account.kind, account.gateway, owner or "", posting.amount_minor, code, name)
        sides.setdefault((posting.transaction_id, posting.currency.strip()), []).append(line)
    entries = []
    by_id = {fact.id: fact for fact in facts}
    order = {fact.id: index for index, fact in enumerate(facts)}
    for (fact_id, currency), lines in sorted(sides.items(), key=lambda side: (order[side[0][0]], side[0][1])):
        if command.currency in {"", currency}:
            number += 1
            fact = by_id[fact_id]
            on = fact.effective_at.astimezone(found.zone).date()
            key = (fact.kind, fact.business_key, fact.reference)
            entries.append(JournalEntry(number, fact.id, on, *key, currency, lines))
    last = facts[-1] if len(facts) == BATCH else None
    return entries, (last.effective_at, last.id) if last is not None else None


def uncoded_kinds(uow: UnitOfWork, name: Format) -> list[str]:
    """Kinds of accounts in use that the format has no number for."""
    return list(
        uow.session.scalars(
            text("""
                SELECT DISTINCT a.kind FROM billing.ledger_account a
                WHERE NOT EXISTS (SELECT 1 FROM billing.account_code c WHERE c.kind = a.kind AND c.format = :format)
                ORDER BY 1
            """),
            {"format": name},
        )
    )
