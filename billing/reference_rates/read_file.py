"""A file of rates, whatever form it has: our own columns, or the European Central Bank's history."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from billing.reference_rates.conversion import PublishedRate
from kernel.money import CURRENCIES

RateFormat = Literal["columns", "ecb"]
MOST_BYTES: Final = 2_000_000
MOST_RATES: Final = 50_000
COLUMNS: Final = ("date", "base", "quote", "rate", "source")
"""Of our own form; the source may be left out where it is named for the whole file."""
ECB: Final = "ECB"
_MOST_RATE: Final = Decimal(10) ** 9
_LEAST_RATE: Final = Decimal(10) ** -9
_DIGITS: Final = 12
_NOT_QUOTED: Final = {"", "N/A"}


@dataclass(frozen=True, slots=True)
class RateFault:
    """What is wrong: `line` counts from 1 as the file does, 0 for the file as a whole; `shown` is what was read there."""

    line: int
    code: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class RateLine:
    """A rate, and the line of the file on which it stands."""

    line: int
    rate: PublishedRate


@dataclass(slots=True)
class RateFile:
    """What a file says. Nothing of one with `faults` is imported."""

    format: RateFormat
    rates: list[RateLine] = field(default_factory=list)
    faults: list[RateFault] = field(default_factory=list)
    past: int = 0
    """Rates of currencies that exist no more, which the European Central Bank's history goes on listing."""


class _Wrong(ValueError):
    def __init__(self, code: str, shown: str) -> None:
        super().__init__(code)
        self.code, self.shown = code, shown[:80]


def read_rate_file(content: bytes, *, source: str, today: date) -> RateFile:
    """Read a file: rows of `date,base,quote,rate[,source]`, or `Date, USD, JPY, …` with units for one euro a day.

    Whatever is wrong with it is a fault; never raises. `source`: whose rates they are where rows do not say.
    """
    if len(content) > MOST_BYTES:
        return RateFile("columns", faults=[RateFault(0, "rates_too_many")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return RateFile("columns", faults=[RateFault(0, "rates_not_utf8")])
    if "\0" in text:
        return RateFile("columns", faults=[RateFault(0, "rates_not_utf8")])
    rows = csv.reader(text.splitlines())
    try:
        head = [cell.strip() for cell in next(rows, [])]
        names = tuple(cell.lower() for cell in head)
        if names[:4] == COLUMNS[:4] and names[4:] in ((), ("source",)):
            found = RateFile("columns")
            _read(found, rows, lambda row: iter([_own(row, len(names), source, today)]))
        elif names[:1] == ("date",) and len(names) > 1:
            found = RateFile("ecb")
            _read(found, rows, lambda row: _of_day(found, head, row, today))
        else:
            return RateFile("columns", faults=[RateFault(1, "rates_head_unknown", ",".join(head)[:80])])
    except csv.Error as error:
        return RateFile("columns", faults=[RateFault(0, "rates_head_unknown", str(error)[:80])])
    if not found.rates and not found.faults:
        found.faults.append(RateFault(0, "rates_empty"))
    _refuse_contradictions(found)
    return found


def _read(found: RateFile, rows: Iterator[list[str]], read: Callable[[list[str]], Iterator[PublishedRate]]) -> None:
    for number, row in enumerate(rows, start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        try:
            found.rates += (RateLine(number, rate) for rate in read(cells))
        except _Wrong as wrong:
            found.faults.append(RateFault(number, wrong.code, wrong.shown))
        if len(found.rates) > MOST_RATES or len(found.faults) > MOST_RATES:
            found.faults.append(RateFault(number, "rates_too_many"))
            return


def _own(row: list[str], columns: int, source: str, today: date) -> PublishedRate:
    if len(row) != columns:
        raise _Wrong("rates_columns_differ", ",".join(row))
    base, quote = _currency(row[1]), _currency(row[2])
    if base == quote:
        raise _Wrong("rates_same_currency", base)
    named = (row[4] if columns == len(COLUMNS) else "") or source
    return PublishedRate(base, quote, _rate(row[3]), _day(row[0], today), _source(named))


def _of_day(found: RateFile, head: list[str], row: list[str], today: date) -> Iterator[PublishedRate]:
    """A day of the European Central Bank's, which ends each line with a comma."""
    if len(row) != len(head):
        raise _Wrong("rates_columns_differ", ",".join(row))
    on = _day(row[0], today)
    for code, cell in zip(head[1:], row[1:], strict=True):
        if not code or cell.upper() in _NOT_QUOTED:
            continue
        if code not in CURRENCIES:
            found.past += 1
            continue
        yield PublishedRate("EUR", code, _rate(cell), on, ECB)


def _currency(cell: str) -> str:
    if cell.upper() not in CURRENCIES:
        raise _Wrong("rates_currency_unknown", cell)
    return cell.upper()


def _day(cell: str, today: date) -> date:
    try:
        on = date.fromisoformat(cell)
    except ValueError as error:
        raise _Wrong("rates_day_unreadable", cell) from error
    if on > today:
        raise _Wrong("rates_day_ahead", cell)
    return on


def _rate(cell: str) -> Decimal:
    try:
        # A comma would be a thousand here and a fraction there.
        rate = Decimal(cell) if cell.isascii() and "_" not in cell else Decimal("NaN")
    except InvalidOperation as error:
        raise _Wrong("rates_rate_unreadable", cell) from error
    if not rate.is_finite() or not _LEAST_RATE <= rate <= _MOST_RATE:
        raise _Wrong("rates_rate_unreadable", cell)
    if rate != rate.quantize(Decimal(1).scaleb(-_DIGITS)):
        raise _Wrong("rates_rate_too_fine", cell)
    return rate.normalize()


def _source(named: str) -> str:
    code = named.strip().upper()
    if not (2 <= len(code) <= 12 and code.isascii() and code.isalnum()):
        raise _Wrong("rates_source_unreadable", named)
    return code


def _refuse_contradictions(found: RateFile) -> None:
    """One day of one source has one rate of a pair: two that differ are a mistake, two that agree are one."""
    known: dict[tuple[str, str, str, date], Decimal] = {}
    for one in found.rates:
        rate = one.rate
        before = known.setdefault((rate.source, rate.base, rate.quote, rate.on), rate.rate)
        if before != rate.rate:
            found.faults.append(RateFault(one.line, "rates_said_twice", rate.in_words()))
