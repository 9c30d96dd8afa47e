"""What an archive of documents holds, as tables that a spreadsheet opens: `index.csv` and `index.xlsx`.

What comes from other people is text in both, never a formula: in the CSV by a leading apostrophe (OWASP, CSV injection), in the
workbook by its cells' type.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal
from io import BytesIO, StringIO
from tempfile import SpooledTemporaryFile
from typing import IO, Final, cast

import xlsxwriter

from billing.invoices.files import IndexedDocument
from kernel.money import Money

HEADER: Final = (
    "number",
    "kind",
    "issued_on",
    "issuer",
    "issuer_tax_id",
    "order_number",
    "po_number",
    "cost_centre",
    "net",
    "tax",
    "gross",
    "currency",
    "accounting_tax",
    "accounting_currency",
    "state",
    "pdf",
    "xml",
    "fapiao",
)
"""The names of the API's fields; amounts in major units, those of credit notes negative."""
_AMOUNTS: Final = (8, 9, 10, 12)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_IN_MEMORY_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16
_ROWS: Final = 200


def index_csv(documents: Iterable[IndexedDocument]) -> Iterator[bytes]:
    """The table as CSV in UTF-8, with the mark by which a spreadsheet knows it, a few hundred rows at a time."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(HEADER)
    yield "\ufeff".encode()
    for place, one in enumerate(documents):
        cells = _cells(one)
        table.writerow([cell if n in _AMOUNTS else _plain(cell) for n, cell in enumerate(cells)])
        if place % _ROWS == _ROWS - 1:
            yield _taken(written)
    yield _taken(written)


def index_xlsx(documents: Iterable[IndexedDocument]) -> Iterator[bytes]:
    """The table as a workbook. Rows go to the disk as they are written, and so does the workbook beyond a mebibyte."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        # Text stays text: neither a formula nor an address nor a number is made of it.
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(cast("BytesIO", file), options) as book:
            sheet = book.add_worksheet("invoices")
            for column, name in enumerate(HEADER):
                sheet.write_string(0, column, name)
            for row, one in enumerate(documents, 1):
                for column, cell in enumerate(_cells(one)):
                    if column in _AMOUNTS and cell:
                        sheet.write_number(row, column, Decimal(cell))
                    else:
                        sheet.write_string(row, column, cell)
        yield from _read(cast("IO[bytes]", file))


def _read(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _cells(one: IndexedDocument) -> tuple[str, ...]:
    sign = -1 if one.kind == "credit_note" else 1
    net, tax, gross = (
        str(Money(sign * minor, one.currency).decimal()) for minor in (one.net_minor, one.tax_minor, one.gross_minor)
    )
    accounting = ""
    if one.accounting_currency:
        accounting = str(Money(sign * one.accounting_tax_minor, one.accounting_currency).decimal())
    return (
        one.number,
        one.kind,
        one.issued_on.isoformat() if one.issued_on else "",
        one.issuer,
        one.issuer_tax_id,
        one.order_number,
        one.po_number,
        one.cost_centre,
        net,
        tax,
        gross,
        one.currency,
        accounting,
        one.accounting_currency,
        one.state,
        one.pdf_name,
        one.xml_name,
        one.fapiao_numbers,
    )


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _taken(written: StringIO) -> bytes:
    text = written.getvalue()
    written.seek(0)
    written.truncate()
    return text.encode()
