"""The months of what a payer pays for others, as tables that a spreadsheet opens, with the figures of the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from api.v1.analytics_file import Cell, as_csv, as_xlsx
from kernel.money import Money
from kernel.spreadsheets import inert
from orders.payers.queries import PayerMonthRow

HEADER: Final = ("month", "organization", "purchases", "ordered", "refunded", "limit", "left", "currency")


def months_csv(rows: Iterable[PayerMonthRow]) -> bytes:
    """The months as CSV; a name that a spreadsheet would compute has an apostrophe before it."""
    return as_csv(HEADER, ((month, inert(str(name)), *rest) for month, name, *rest in _lines(rows)))


def months_xlsx(rows: Iterable[PayerMonthRow]) -> bytes:
    """The months as a workbook; every word is a cell of text."""
    return as_xlsx("payer-months", HEADER, _lines(rows))


def _lines(rows: Iterable[PayerMonthRow]) -> Iterator[tuple[Cell, ...]]:
    """Amounts in whole units of their currency; nothing where there is no limit."""
    for row in rows:
        amounts = (row.ordered_minor, row.refunded_minor, row.limit_minor, row.left_minor)
        figures = ("" if one is None else str(Money(one, row.currency).decimal()) for one in amounts)
        yield (f"{row.month:%Y-%m}", row.org_name, row.purchases, *figures, row.currency)
