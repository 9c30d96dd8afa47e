"""A month of invoices, or chosen ones, as one ZIP file: finance's one button."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date
from io import RawIOBase
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream

from api.context import Services
from api.request import ApiRequest
from api.v1.invoice_index import index_csv, index_xlsx
from billing.fapiao.archive import with_fapiaos
from billing.invoices.files import FilesFound, files_of, files_of_documents
from billing.invoices.queries import (
    InvoiceFilter,
    Standing,
)
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from marketplace.parties.lookups import get_party

MOST = 500
"""Documents named one by one; a month has no such limit."""
PENDING = "NOT-YET-DRAWN.txt"
PENDING_SAYS = (
    "以下票据的文件尚在生成，未包含在本压缩包中，请稍后重新下载。",
    "The files of these documents are still being drawn and not in this archive. Download it again later.",
)
_MONTH = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])", re.ASCII)

MonthParameter = Annotated[
    str | None, QueryParameter(name="month", max_length=7, required=False, description="Month of issue, YYYY-MM")
]
SellerParameter = Annotated[
    UUID | None, QueryParameter(name="seller", required=False, description="Only this seller's")
]
StandingParameter = Annotated[
    Standing | None, QueryParameter(name="state", required=False, description="Only documents that stand so")
]
TextParameter = Annotated[
    str | None,
    QueryParameter(name="q", max_length=100, required=False, description="Part of a number or of the seller's name"),
]
ChosenParameter = Annotated[
    list[UUID] | None,
    QueryParameter(name="id", required=False, max_items=MOST, description="Documents, instead of a month"),
]


def parse_month(text: str) -> date | None:
    """The first day of a month written YYYY-MM (years 1000 to 2999); None for anything else."""
    found = _MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found else None


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_filter(month: date, *, seller: UUID | None, text: str | None, standing: Standing | None) -> InvoiceFilter:
    """What was issued to the organization in a month."""
    return InvoiceFilter(
        issued_from=month,
        issued_before=next_month(month),
        other_org_id=seller,
        text=text or None,
        standing=standing,
    )


@get(
    "/v1/invoices/export",
    permission="invoices.read",
    sync_to_thread=True,
    media_type="application/zip",
    refuses=[404],
    tags=["invoices"],
)
def export(
    request: ApiRequest,
    month: MonthParameter = None,
    seller: SellerParameter = None,
    only: StandingParameter = None,
    q: TextParameter = None,
    chosen: ChosenParameter = None,
) -> Stream:
    """PDF and XML of a month (default: this one), or of the at most 500 documents named by `id`, as one ZIP file.

    Beside a bill lie the face and data of its tax invoices (数电票), beside a credit note those of its red ones.
    In it they are listed, with their amounts and numbers, as `index.csv` and `index.xlsx`.
    Documents that are still being drawn are named in a text file in it, `NOT-YET-DRAWN.txt`.
    """
    with request.transaction() as uow:
        if chosen:
            found, name = files_of_documents(uow, chosen), "invoices.zip"
        else:
            first = parse_month(month) if month else _this_month(uow)
            if first is None:
                raise Invalid("validation_failed", field="month")
            found = files_of(uow, month_filter(first, seller=seller, text=q, standing=only))
            name = f"invoices-{first:%Y-%m}.zip"
        found = with_fapiaos(uow, found)
    if not found.files:
        raise NotFound("invoices_none_to_export")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Stream(archive_of(request.services, found), media_type="application/zip", headers=headers)


def _this_month(uow: UnitOfWork) -> date:
    return clock.today(get_party(uow, uow.principal.organization()).time_zone).replace(day=1)


class _Sent(RawIOBase):
    """What the archive writes, until it is sent; it cannot seek, so the archive never needs what has gone."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.waiting += data
        return len(data)

    def take(self) -> bytes:
        """Everything written since the last time."""
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def archive_of(services: Services, found: FilesFound) -> Iterator[bytes]:
    """The archive, made while it is sent: of ten thousand documents one is in memory. The transaction is over by then."""
    sent = _Sent()
    at = clock.now().astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED) as archive:
        if found.pending:
            missing = "\n".join((*PENDING_SAYS, "", *found.pending, ""))
            archive.writestr(zipfile.ZipInfo(PENDING, at), missing.encode("utf-8-sig"))
        for file in found.files:
            entry = zipfile.ZipInfo(file.file_name, at)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, services.storage.get_bytes(file.key))
            yield sent.take()
        for name, chunks in (("index.csv", index_csv(found.index)), ("index.xlsx", index_xlsx(found.index))):
            with archive.open(zipfile.ZipInfo(name, at), "w") as table:
                for chunk in chunks:
                    table.write(chunk)
            yield sent.take()
    yield sent.take()


routes = [export]
