"""A settlement statement as a workbook: its sums and every line, written row by row, so that its length takes no memory.

What comes from other people is text, never a formula, an address or a number: by the cells' type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Final, cast
from uuid import UUID

import xlsxwriter
from litestar import get
from litestar.params import FromPath
from litestar.response import Stream
from xlsxwriter.worksheet import Worksheet

from api.request import ApiRequest
from billing.statements.queries import StatementLineRow, StatementRow, get_statement_row, read_statement_lines
from billing.statements.supplies import SupplyToInvoice, supplies_to_invoice
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.parties.lookups import get_party
from orders.seller_queries import SoldLine, sold_lines

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUMS: Final = (
    "carried",
    "gross",
    "refunds",
    "commission",
    "promoter",
    "commission_tax",
    "adjustments",
    "net",
)
"""The names of the API's fields; signed from the party's side, they add up to the last."""
HEADER: Final = (
    "occurred_at",
    "kind",
    "order_number",
    "item",
    "gross",
    "refunds",
    "commission",
    "promoter",
    "net",
    "currency",
    "share_id",
)
SUPPLY_HEADER: Final = ("tax_category", "tax_percent", "net", "tax", "gross")
_IN_MEMORY_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16
_BATCH: Final = 500
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A line with what the reader may know of its order: a promoter nothing."""

    row: StatementLineRow
    order_number: str = ""
    item: str = ""


@get(
    "/v1/statements/{statement_id:uuid}/xlsx",
    permission="money.read",
    refuses=[404],
    sync_to_thread=True,
    media_type=XLSX,
    tags=["money"],
)
def download_statement(statement_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """One statement with all its lines as a workbook (XLSX)."""
    file = cast("IO[bytes]", SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # noqa: SIM115 - closed when it was sent
    with request.transaction() as uow:
        row = get_statement_row(uow, statement_id)
        party = get_party(uow, row.org_id).legal_name
        write_workbook(file, row, party, _lines(uow, row), supplies_to_invoice(uow, row))
    return Stream(
        _read(file),
        media_type=XLSX,
        headers={
            "Content-Disposition": f'attachment; filename="{row.number}.xlsx"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def write_workbook(
    file: IO[bytes],
    row: StatementRow,
    party: str,
    lines: Iterable[NamedLine],
    supplies: Sequence[SupplyToInvoice] = (),
) -> None:
    """Write a statement's sums and its lines into `file`, on a sheet each, and on a third what the seller has to invoice the
    platform for, where there is something. Amounts in major units.
    """
    with xlsxwriter.Workbook(cast("BytesIO", file), _OPTIONS) as book:
        sheet = book.add_worksheet("statement")
        facts = (
            ("number", row.number),
            ("party", party),
            ("from", row.starts_at.isoformat()),
            ("until", row.ends_at.isoformat()),
            ("currency", row.currency.strip()),
            ("state", row.state),
        )
        for place, (name, text) in enumerate(facts):
            sheet.write_string(place, 0, name)
            sheet.write_string(place, 1, text)
        for place, name in enumerate(SUMS, len(facts)):
            sheet.write_string(place, 0, name)
            sheet.write_number(place, 1, _amount(getattr(row, f"{name}_minor"), row.currency))
        sheet = book.add_worksheet("lines")
        for column, name in enumerate(HEADER):
            sheet.write_string(0, column, name)
        for place, line in enumerate(lines, 1):
            for column, cell in enumerate(_cells(line, row.currency)):
                if isinstance(cell, Decimal):
                    sheet.write_number(place, column, cell)
                else:
                    sheet.write_string(place, column, cell)
        if supplies:
            _write_supplies(book.add_worksheet("to_invoice"), supplies, row.currency)


def _write_supplies(sheet: Worksheet, supplies: Sequence[SupplyToInvoice], currency: str) -> None:
    for column, name in enumerate(SUPPLY_HEADER):
        sheet.write_string(0, column, name)
    for place, one in enumerate(supplies, 1):
        sheet.write_string(place, 0, one.tax_category)
        # Of parts per million, percent with four places.
        sheet.write_number(place, 1, Decimal(one.tax_rate_ppm).scaleb(-4))
        for column, minor in enumerate((one.net_minor, one.tax_minor, one.gross_minor), 2):
            sheet.write_number(place, column, _amount(minor, currency))


def _cells(line: NamedLine, currency: str) -> tuple[str | Decimal, ...]:
    row = line.row
    amounts = (row.gross_minor, row.refunds_minor, row.commission_minor, row.promoter_minor, row.net_minor)
    return (
        row.occurred_at.isoformat(),
        row.kind,
        line.order_number,
        line.item,
        *(_amount(minor, currency) for minor in amounts),
        currency.strip(),
        str(row.share_id),
    )


def _amount(minor: int, currency: str) -> Decimal:
    return Money(minor, currency.strip()).decimal()


def _lines(uow: UnitOfWork, row: StatementRow) -> Iterator[NamedLine]:
    for batch in _batches(read_statement_lines(uow, row)):
        known = sold_lines(uow, {line.reference for line in batch})
        yield from (_named(line, known) for line in batch)


def _named(line: StatementLineRow, known: Mapping[UUID, SoldLine]) -> NamedLine:
    sold = known.get(line.reference)
    if sold is None:
        return NamedLine(line)
    return NamedLine(line, sold.order_number, f"{sold.title} · {sold.plan_name}")


def _batches(rows: Iterator[StatementLineRow]) -> Iterator[list[StatementLineRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


routes = [download_statement]
