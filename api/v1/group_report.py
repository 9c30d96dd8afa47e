"""What a headquarters allocated to whom, and how much of it is used: for a page, and as files that say the same."""

from __future__ import annotations

import csv
from datetime import datetime
from io import BytesIO, StringIO

import xlsxwriter
from litestar import Response, get

from api.request import ApiRequest
from api.v1.seat_allocations import TAGS, AllocationOut
from api.v1.statement_workbook import XLSX
from fulfillment.seat_allocations.queries import AllocationRow, allocations_of_group
from kernel.spreadsheets import inert
from marketplace.groups.memberships import MANAGE

REPORT_NAMES = (
    *("member_org_id", "member_name", "entitlement_id", "title", "title_en", "seller_name"),
    *("state", "seats", "seats_used", "valid_to"),
)
"""The columns of the files, by the API's names."""


@get("/v1/group-report", permission=MANAGE, sync_to_thread=True, tags=TAGS)
def get_group_report(request: ApiRequest) -> list[AllocationOut]:
    """What one's subsidiaries have of what one bought, and use of it; by subsidiary, then product."""
    with request.transaction() as uow:
        return [AllocationOut.of_row(one) for one in allocations_of_group(uow)]


@get("/v1/group-report/csv", permission=MANAGE, sync_to_thread=True, media_type="text/csv", tags=TAGS)
def get_group_report_csv(request: ApiRequest) -> Response[bytes]:
    """The same as CSV (RFC 4180)."""
    with request.transaction() as uow:
        rows = allocations_of_group(uow)
    written = StringIO()
    table = csv.writer(written)
    table.writerow(REPORT_NAMES)
    table.writerows([inert(_cell(row, name)) for name in REPORT_NAMES] for row in rows)
    headers = {"Content-Disposition": 'attachment; filename="group.csv"', "Cache-Control": "private, no-store"}
    # With the mark by which a spreadsheet knows UTF-8.
    return Response(written.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=headers)


@get("/v1/group-report/xlsx", permission=MANAGE, sync_to_thread=True, media_type=XLSX, tags=TAGS)
def get_group_report_xlsx(request: ApiRequest) -> Response[bytes]:
    """The same as a workbook."""
    with request.transaction() as uow:
        rows = allocations_of_group(uow)
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet("group")
        sheet.write_row(0, 0, REPORT_NAMES)
        for number, row in enumerate(rows, 1):
            for column, name in enumerate(REPORT_NAMES):
                value = getattr(row, name)
                if isinstance(value, int):
                    sheet.write_number(number, column, value)
                else:
                    sheet.write_string(number, column, _cell(row, name))
    headers = {"Content-Disposition": 'attachment; filename="group.xlsx"', "Cache-Control": "private, no-store"}
    return Response(file.getvalue(), media_type=XLSX, headers=headers)


def _cell(row: AllocationRow, name: str) -> str:
    value = getattr(row, name)
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


routes = [get_group_report, get_group_report_csv, get_group_report_xlsx]
