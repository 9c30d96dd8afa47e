"""How accounting programs want a journal: pure functions from entries to lines of a file.

- `csv`: our own words, one posting a line.
- `voucher`: what 用友 and 金蝶 import as 凭证: one posting a line, debit and credit in columns of their own.
- `datev`: EXTF Buchungsstapel, format 700, category 21 (developer.datev.de, "Buchungsstapel"): one amount between two accounts.
- `iif`: QuickBooks' TRNS/SPL/ENDTRNS of GENERAL JOURNAL (quickbooks.intuit.com, "IIF header help").
- `xero`: manual journal, one signed amount a line (central.xero.com, "Import a manual journal").

Every entry balances in its file as it does in the books, to the minor unit.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from typing import Final, Literal
from uuid import UUID

from kernel.money import to_decimal
from kernel.spreadsheets import inert

Format = Literal["csv", "voucher", "datev", "iif", "xero"]
ONE_CURRENCY: Final = frozenset({"datev", "iif", "xero"})
"""Formats whose file is of one currency."""
ENCODING: Final[Mapping[str, str]] = {"datev": "cp1252"}
"""Others are UTF-8, the tables for spreadsheets with its mark."""
END: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One side of an entry: debit positive. `code` and `name` are the accounting program's for this kind of account."""

    kind: str
    gateway: str
    owner: str
    amount_minor: int
    code: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A fact in one currency. `number` counts from 1 in the file."""

    number: int
    transaction_id: UUID
    on: date
    kind: str
    business_key: str
    reference: UUID
    currency: str
    lines: Sequence[JournalLine]


@dataclass(frozen=True, slots=True)
class FilePeriod:
    """What a file covers, first and last day, and when it is made."""

    first_on: date
    last_on: date
    currency: str
    made_at: datetime


def encoding_of(name: Format) -> str:
    """In which the file is written."""
    return ENCODING.get(name, "utf-8")


def head(name: Format, period: FilePeriod) -> str:
    """What stands before the first entry."""
    if name == "datev":
        return _datev_head(period)
    if name == "iif":
        names = ("TRNSID", "TRNSTYPE", "DATE", "ACCNT", "NAME", "AMOUNT", "DOCNUM", "MEMO")
        spl = ("SPLID", *names[1:])
        return "".join("\t".join(row) + END for row in (("!TRNS", *names), ("!SPL", *spl), ("!ENDTRNS",)))
    # With the mark by which a spreadsheet knows UTF-8.
    return "\ufeff" + _line(_HEADS[name])


def body(name: Format, entry: JournalEntry) -> str:
    """One entry's lines."""
    return "".join(_BODIES[name](entry))


_HEADS: Final[Mapping[str, Sequence[str]]] = {
    "csv": (
        *("date", "transaction_id", "business_key", "kind", "account", "gateway", "owner"),
        *("debit", "credit", "currency", "reference"),
    ),
    "voucher": ("日期", "凭证字", "凭证号", "摘要", "科目编码", "科目名称", "币别", "借方金额", "贷方金额", "往来单位"),
    "xero": ("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount", "Reference"),
}


def _csv(entry: JournalEntry) -> Iterator[str]:
    for line in entry.lines:
        yield _line(
            (
                *(entry.on.isoformat(), str(entry.transaction_id), entry.business_key, entry.kind),
                *(line.kind, line.gateway, inert(line.owner)),
                *_sides(line.amount_minor, entry.currency),
                *(entry.currency, str(entry.reference)),
            )
        )


def _voucher(entry: JournalEntry) -> Iterator[str]:
    for line in entry.lines:
        yield _line(
            (
                *(
                    entry.on.isoformat(),
                    "记",
                    str(entry.number),
                    entry.business_key,
                    inert(line.code),
                    inert(line.name),
                ),
                *(entry.currency, *_sides(line.amount_minor, entry.currency), inert(line.owner)),
            )
        )


def _xero(entry: JournalEntry) -> Iterator[str]:
    for line in entry.lines:
        amount = _amount(line.amount_minor, entry.currency)
        yield _line(
            (
                *(entry.business_key, f"{entry.on:%d/%m/%Y}", inert(line.owner), inert(line.code), "Tax Exempt"),
                *(amount, str(entry.reference)),
            )
        )


def _iif(entry: JournalEntry) -> Iterator[str]:
    for number, line in enumerate(entry.lines):
        cells = (
            *("SPL" if number else "TRNS", "", "GENERAL JOURNAL", f"{entry.on:%m/%d/%Y}", _cell(line.name)),
            *(_cell(line.owner), _amount(line.amount_minor, entry.currency), str(entry.number), entry.business_key),
        )
        yield "\t".join(cells) + END
    yield f"ENDTRNS{END}"


def _datev(entry: JournalEntry) -> Iterator[str]:
    for debit, credit, minor in pairs(entry.lines):
        amount = _amount(minor, entry.currency).replace(".", ",")
        text = f"{entry.kind} {debit.owner}"[:60]
        cells = (
            *(amount, _quoted("S"), _quoted(entry.currency), "", "", "", debit.code, credit.code, ""),
            *(f"{entry.on:%d%m}", _quoted(f"{entry.transaction_id.hex[:36]}"), "", "", _quoted(inert(text))),
        )
        yield ";".join(cells) + END


_BODIES: Final = {"csv": _csv, "voucher": _voucher, "xero": _xero, "iif": _iif, "datev": _datev}
_DATEV_COLUMNS: Final = (
    *(
        "Umsatz (ohne Soll/Haben-Kz)",
        "Soll/Haben-Kennzeichen",
        "WKZ Umsatz",
        "Kurs",
        "Basis-Umsatz",
        "WKZ Basis-Umsatz",
    ),
    *("Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto"),
    "Buchungstext",
)


def _datev_head(period: FilePeriod) -> str:
    """Two lines: what the file is, and its columns. Adviser 1001 and client 1 are DATEV's own examples, changed at the import."""
    made = f"{period.made_at:%Y%m%d%H%M%S}000"
    year = f"{period.first_on.replace(month=1, day=1):%Y%m%d}"
    cells = (
        *('"EXTF"', "700", "21", '"Buchungsstapel"', "13", made, "", '"RE"', '""', '""', "1001", "1", year, "4"),
        *(f"{period.first_on:%Y%m%d}", f"{period.last_on:%Y%m%d}", '"Journal"', '""', "1", "0", "0"),
        *(_quoted(period.currency), "", '""', "", "", '""', "", "", '""', '""'),
    )
    return ";".join(cells) + END + ";".join(_DATEV_COLUMNS) + END


def pairs(lines: Iterable[JournalLine]) -> Iterator[tuple[JournalLine, JournalLine, int]]:
    """An entry as amounts between a debited and a credited account, in the order of its lines; each side keeps its sum.

    Raises: ValueError: the lines do not balance.
    """
    sides = list(lines)
    left = [(line, line.amount_minor) for line in sides if line.amount_minor > 0]
    right = [(line, -line.amount_minor) for line in sides if line.amount_minor < 0]
    if sum(minor for _, minor in left) != sum(minor for _, minor in right):
        raise ValueError("the entry does not balance")
    at = 0
    for debit, minor in left:
        rest = minor
        while rest:
            credit, open_minor = right[at]
            part = min(rest, open_minor)
            yield debit, credit, part
            rest -= part
            right[at] = (credit, open_minor - part)
            at += open_minor == part


def _sides(minor: int, currency: str) -> tuple[str, str]:
    """Debit and credit, one of them empty."""
    amount = _amount(abs(minor), currency)
    return (amount, "") if minor > 0 else ("", amount)


def _amount(minor: int, currency: str) -> str:
    return f"{to_decimal(minor, currency):f}"


def _line(cells: Iterable[str]) -> str:
    written = StringIO()
    csv.writer(written, lineterminator=END).writerow(cells)
    return written.getvalue()


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _cell(text: str) -> str:
    """A cell of a table that knows no quotes."""
    return inert(text.replace("\t", " ").replace("\r", " ").replace("\n", " ").replace('"', "'"))
