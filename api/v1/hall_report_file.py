"""The report of a hall as a table that a spreadsheet opens: the hall in the first row, then each booth.

What comes from other people is text in both, never a formula: in the CSV by a leading apostrophe (OWASP, CSV injection), in the
workbook by its cells' type.
"""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Final
from uuid import UUID

import xlsxwriter
from litestar import Response, get
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.request import ApiRequest
from orders.halls.hall_report import HallReport, hall_report

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER: Final = (
    "scope",
    "name",
    "id",
    "visitors",
    "organizations",
    "visits",
    "exchanges",
    "leads",
    "won",
    "orders",
)
"""The names of the API's fields; visitors and organizations are the hall's alone."""
Cell = str | int
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@get(
    "/v1/organizer/halls/{hall_id:uuid}/report/csv",
    permission=SIGNED_IN,
    sync_to_thread=True,
    media_type=CSV,
    tags=["halls"],
)
def download_hall_csv(hall_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The report as CSV in UTF-8."""
    with request.transaction() as uow:
        body = hall_csv(hall_report(uow, hall_id))
    return _file(body, hall_id, "csv", CSV)


@get(
    "/v1/organizer/halls/{hall_id:uuid}/report/xlsx",
    permission=SIGNED_IN,
    sync_to_thread=True,
    media_type=XLSX,
    tags=["halls"],
)
def download_hall_xlsx(hall_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The same as a workbook (XLSX)."""
    with request.transaction() as uow:
        body = hall_xlsx(hall_report(uow, hall_id))
    return _file(body, hall_id, "xlsx", XLSX)


def hall_csv(report: HallReport) -> bytes:
    """The table as CSV, with the mark by which a spreadsheet knows UTF-8."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(HEADER)
    for row in report_rows(report):
        table.writerow([f"'{one}" if isinstance(one, str) and one.startswith(_FORMULA) else one for one in row])
    return written.getvalue().encode("utf-8-sig")


def hall_xlsx(report: HallReport) -> bytes:
    """The table as a workbook."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        sheet = book.add_worksheet("hall")
        for place, row in enumerate((HEADER, *report_rows(report))):
            for column, cell in enumerate(row):
                write = sheet.write_string if isinstance(cell, str) else sheet.write_number
                write(place, column, cell)
    return file.getvalue()


def report_rows(report: HallReport) -> list[tuple[Cell, ...]]:
    """The hall, then its booths in their order."""
    hall = (
        *("hall", report.hall.title, str(report.hall.id), report.visitors, report.organizations),
        *(report.visits, report.exchanges, report.leads, report.won, report.orders),
    )
    booths = [
        (
            *("booth", one.count.exhibitor_name, str(one.count.booth_id), "", ""),
            *(one.count.visits, one.count.exchanges, one.count.leads, one.count.won, one.orders),
        )
        for one in report.booths
    ]
    return [hall, *booths]


def _file(body: bytes, hall_id: UUID, kind: str, media_type: str) -> Response[bytes]:
    headers = {
        "Content-Disposition": f'attachment; filename="hall-{hall_id}.{kind}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type=media_type, headers=headers)


routes = [download_hall_csv, download_hall_xlsx]
