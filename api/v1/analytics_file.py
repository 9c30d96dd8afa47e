"""A funnel, and cohorts, as tables that a spreadsheet opens, with the figures of the API.

What people wrote is text in both, never a formula: in the CSV by a leading apostrophe (OWASP, CSV injection), in the workbook by
its cells' type.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO, StringIO
from typing import Final

import xlsxwriter

from kernel.money import Money
from orders.analytics.cohorts import Cohort
from orders.analytics.funnel import Funnel, FunnelRow

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SEEN: Final = ("impressions", "views", "card_clicks", "leads")
_COUNTS: Final = ("orders", "trials", "activated", "retained", "renewed", "refunded", "renewals")
HEADER: Final = (
    "part",
    "key",
    "name",
    "name_en",
    *_SEEN,
    *_COUNTS,
    "time_to_active_s",
    "currency",
    "gross",
    "net",
    "refunded_amount",
)
"""The names of the API's fields; amounts in whole units of their currency."""
Cell = str | int
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


COHORT_HEADER: Final = ("month", "customers", "activated", "median_time_to_active_s", "later", "in_use", "renewed")


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table as CSV, with the mark by which a spreadsheet knows UTF-8."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(header)
    for row in rows:
        table.writerow([f"'{one}" if isinstance(one, str) and one.startswith(_FORMULA) else one for one in row])
    return written.getvalue().encode("utf-8-sig")


def as_xlsx(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table as a workbook."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        sheet = book.add_worksheet(name)
        for place, row in enumerate((header, *rows)):
            for column, cell in enumerate(row):
                write = sheet.write_string if isinstance(cell, str) else sheet.write_number
                write(place, column, cell)
    return file.getvalue()


def cohort_rows(cohorts: Iterable[Cohort]) -> Iterator[tuple[Cell, ...]]:
    """A line a cohort and month."""
    for one in cohorts:
        head = (str(one.month), one.customers, one.activated, "" if one.median_s is None else one.median_s)
        for month in one.months:
            yield (*head, month.later, month.in_use, month.renewed)


def table_rows(funnel: Funnel) -> Iterator[tuple[Cell, ...]]:
    """The total, then the parts; each currency has a line of its own, and what was seen stands in the first of them."""
    for part, row in (("total", funnel.total), *((funnel.by, row) for row in funnel.rows)):
        yield from _lines(part, row)


def _lines(part: str, row: FunnelRow) -> Iterator[tuple[Cell, ...]]:
    seen: tuple[Cell, ...] = tuple(getattr(row.seen, name) for name in _SEEN)
    active: Cell = "" if row.time_to_active_s is None else row.time_to_active_s
    head = (part, row.key, row.name, row.name_en)
    if not row.sold:
        yield (*head, *seen, *(0 for _ in _COUNTS), active, "", "", "", "")
    for number, one in enumerate(row.sold):
        amounts = (one.gross_minor, one.net_minor, one.refunded_minor)
        yield (
            *head,
            *(("",) * len(seen) if number else seen),
            *(getattr(one, name) for name in _COUNTS),
            "" if number else active,
            one.currency,
            *(str(Money(minor, one.currency).decimal()) for minor in amounts),
        )
