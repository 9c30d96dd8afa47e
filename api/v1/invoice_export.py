"""A month of invoices, or chosen ones, as one ZIP file: finance's one button."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import IO, Annotated, Any
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from litestar.response import Stream

from api.context import Services
from billing.invoices.queries import (
    InvoiceFilter,
    InvoiceRow,
    StoredFile,
    credited_of,
    find_file,
    get_invoice,
    list_invoices,
    standing,
)
from kernel import clock
from kernel.db.uow import UnitOfWork, unit_of_work
from kernel.errors import Invalid, NotFound
from kernel.paging import MAX_LIMIT
from kernel.principal import Principal

MOST = 500
"""Documents in one file."""
_MONTH = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])", re.ASCII)
_IN_MEMORY = 8 * 1024 * 1024
_CHUNK = 256 * 1024

MonthParameter = Annotated[
    str | None, QueryParameter(name="month", max_length=7, required=False, description="YYYY-MM")
]
SellerParameter = Annotated[str | None, QueryParameter(name="seller", max_length=36, required=False)]
StandingParameter = Annotated[str | None, QueryParameter(name="state", max_length=20, required=False)]
TextParameter = Annotated[str | None, QueryParameter(name="q", max_length=100, required=False)]
ChosenParameter = Annotated[list[UUID] | None, QueryParameter(name="id", required=False, max_items=MOST)]


def parse_month(text: str) -> date | None:
    """The first day of a month written YYYY-MM (years 1000 to 2999); None for anything else."""
    found = _MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found else None


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_filter(month: date, *, seller: UUID | None, text: str | None) -> InvoiceFilter:
    """What was issued to the organization in a month."""
    return InvoiceFilter(issued_from=month, issued_before=next_month(month), other_org_id=seller, text=text or None)


@get("/v1/invoices/export", permission="invoices.read", sync_to_thread=True, tags=["invoices"])
def export(
    services: Given[Services],
    principal: Given[Principal],
    month: MonthParameter = None,
    seller: SellerParameter = None,
    only: StandingParameter = None,
    q: TextParameter = None,
    chosen: ChosenParameter = None,
) -> Stream:
    """PDF and XML of a month (default: this one) or of the documents named by `id`, at most 500."""
    first = parse_month(month) if month else clock.today().replace(day=1)
    if first is None:
        raise Invalid("validation_failed", field="month")
    with unit_of_work(services.db, principal) as uow:
        if chosen:
            rows = [get_invoice(uow, invoice_id).row for invoice_id in chosen]
        else:
            wanted = month_filter(first, seller=_organization(seller), text=q)
            rows = _all(uow, wanted, only)
        files = [file for row in rows if row.has_pdf for file in _files(uow, row)]
    if not files:
        raise NotFound("invoices_none_to_export")
    packed = _pack(services, files)
    name = f"invoices-{first:%Y-%m}.zip" if not chosen else "invoices.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Stream(_chunks(packed), media_type="application/zip", headers=headers)


def _organization(text: str | None) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("validation_failed", field="seller") from None


def _all(uow: UnitOfWork, wanted: InvoiceFilter, only: str | None) -> list[InvoiceRow]:
    rows: list[InvoiceRow] = []
    cursor: str | None = None
    while len(rows) < MOST:
        page = list_invoices(uow, wanted, cursor=cursor, limit=MAX_LIMIT)
        credited = credited_of(uow, [row.id for row in page.items]) if only else {}
        rows += [row for row in page.items if not only or standing(row, credited.get(row.id, 0)) == only]
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows[:MOST]


def _files(uow: UnitOfWork, row: InvoiceRow) -> Iterator[StoredFile]:
    yield find_file(uow, row.id, "pdf")
    if row.has_xml:
        yield find_file(uow, row.id, "xml")


def _pack(services: Services, files: list[StoredFile]) -> IO[bytes]:
    """The files in one archive, on disk beyond a few megabytes. The transaction is over; the store is asked now."""
    made: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by whoever streams it
    now = clock.now().astimezone(UTC)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.file_name, _zip_time(now))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, services.storage.get_bytes(file.key))
    made.seek(0)
    return made


def _zip_time(at: datetime) -> Any:
    return at.timetuple()[:6]


def _chunks(packed: IO[bytes]) -> Iterator[bytes]:
    with packed:
        while chunk := packed.read(_CHUNK):
            yield chunk


routes = [export]
