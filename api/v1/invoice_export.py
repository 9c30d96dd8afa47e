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
from api.v1.invoice_parameters import (
    BeforeParameter,
    CostCentreParameter,
    CurrencyParameter,
    FromParameter,
    KindParameter,
    LeastParameter,
    MostParameter,
    PoParameter,
    TaxIdParameter,
    TextParameter,
)
from billing.fapiao.archive import with_fapiaos
from billing.invoices.files import FilesFound, files_of, files_of_documents
from billing.invoices.queries import (
    InvoiceFilter,
    Side,
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
SideParameter = Annotated[
    Side,
    QueryParameter(
        name="side", required=False, description="What the organization received, or what it issued (needs money.read)"
    ),
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


def period_filter(month: date, issued_from: date | None, issued_before: date | None, **more: Any) -> InvoiceFilter:
    """What was issued to the organization in a month, or, where days are given, from the one and before the other.

    `more`: further fields of the filter. Raises Invalid(`amount_limits_swapped`).
    """
    if issued_from is None and issued_before is None:
        issued_from, issued_before = month, next_month(month)
    wanted = InvoiceFilter(issued_from=issued_from, issued_before=issued_before, **more)
    if wanted.least_minor is not None and wanted.most_minor is not None and wanted.least_minor > wanted.most_minor:
        raise Invalid("amount_limits_swapped", field="most_minor")
    return wanted


@get(
    "/v1/invoices/export",
    permission="invoices.read",
    sync_to_thread=True,
    media_type="application/zip",
    refuses=[404],
    tags=["invoices"],
)
def export(  # noqa: PLR0913, PLR0917 - one parameter per filter
    request: ApiRequest,
    month: MonthParameter = None,
    seller: SellerParameter = None,
    only: StandingParameter = None,
    issued_from: FromParameter = None,
    issued_before: BeforeParameter = None,
    least_minor: LeastParameter = None,
    most_minor: MostParameter = None,
    currency: CurrencyParameter = None,
    tax_id: TaxIdParameter = None,
    po_number: PoParameter = None,
    cost_centre: CostCentreParameter = None,
    q: TextParameter = None,
    kind: KindParameter = None,
    side: SideParameter = "received",
    chosen: ChosenParameter = None,
) -> Stream:
    """PDF and XML of a month (default: this one), of days of issue or of the at most 500 documents named by `id`, as one ZIP.

    The other filters narrow a month or days.

    Beside a bill lie the face and data of its tax invoices (数电票), beside a credit note those of its red ones.
    In it they are listed, with their amounts and numbers, as `index.csv` and `index.xlsx`.
    With `side=issued` it is what the organization issued; then `seller` names the buyer.
    Documents that are still being drawn are named in a text file in it, `NOT-YET-DRAWN.txt`.
    """
    with request.transaction() as uow:
        if side == "issued":
            uow.principal.require("money.read")
        if chosen:
            found, name = files_of_documents(uow, chosen), "invoices.zip"
        else:
            first = parse_month(month) if month else _this_month(uow)
            if first is None:
                raise Invalid("validation_failed", field="month")
            wanted = period_filter(
                first,
                issued_from,
                issued_before,
                other_org_id=seller,
                standing=only,
                least_minor=least_minor,
                most_minor=most_minor,
                currency=currency,
                tax_id=tax_id,
                po_number=po_number,
                cost_centre=cost_centre,
                text=q or None,
                kind=kind,
                side=side,
            )
            found = files_of(uow, wanted)
            name = f"invoices-{first:%Y-%m}.zip" if wanted.issued_from == first else "invoices.zip"
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
