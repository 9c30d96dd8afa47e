"""The facts of payees' years as tables that a spreadsheet opens: a row for each payee, month and currency, as CSV or XLSX.

What comes from other people is text in both, never a formula: in the CSV by a leading apostrophe (OWASP, CSV injection), in the
workbook by its cells' type.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Final, Literal

import xlsxwriter
from litestar import Response, get

from api.request import ApiRequest
from api.v1.payee_tax import READ, YearParameter, this_year
from billing.payee_tax.facts import TaxMonth
from billing.payee_tax.queries import OPERATES, PayeeYear, own_payee_year, read_payee_years
from kernel.db.uow import UnitOfWork
from kernel.money import to_decimal

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER: Final = (
    "year",
    "month",
    "org_id",
    "legal_name",
    "payee_type",
    "residence_country",
    "us_form",
    "us_classification",
    "tin_kind",
    "tin_last4",
    "vat_status",
    "currency",
    "transactions",
    "gross",
    "tax",
    "refunded",
    "payouts",
    "paid",
    "returned",
    "commissions",
    "would_withhold",
)
"""The names of the API's fields; amounts in major units. The last is empty where it does not concern the payee."""
Cell = str | int | Decimal
_AMOUNTS: Final = ("gross", "tax", "refunded", "paid", "returned", "commissions")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@get("/v1/tax-year/csv", permission=READ, sync_to_thread=True, media_type=CSV, tags=["money"])
def download_tax_year_csv(request: ApiRequest, year: YearParameter = None) -> Response[bytes]:
    """The organization's year as CSV in UTF-8: a row for each month and currency, amounts in whole units."""
    return _file(request, year, "csv", lambda uow, wanted: [own_payee_year(uow, wanted)])


@get("/v1/tax-year/xlsx", permission=READ, sync_to_thread=True, media_type=XLSX, tags=["money"])
def download_tax_year_xlsx(request: ApiRequest, year: YearParameter = None) -> Response[bytes]:
    """The same as a workbook (XLSX)."""
    return _file(request, year, "xlsx", lambda uow, wanted: [own_payee_year(uow, wanted)])


@get("/v1/operator/tax-years/csv", permission=OPERATES, sync_to_thread=True, media_type=CSV, tags=["operator"])
def download_payee_years_csv(request: ApiRequest, year: YearParameter = None) -> Response[bytes]:
    """The year of every payee as CSV in UTF-8: a row for each payee, month and currency."""
    return _file(request, year, "csv", read_payee_years)


@get("/v1/operator/tax-years/xlsx", permission=OPERATES, sync_to_thread=True, media_type=XLSX, tags=["operator"])
def download_payee_years_xlsx(request: ApiRequest, year: YearParameter = None) -> Response[bytes]:
    """The same as a workbook (XLSX)."""
    return _file(request, year, "xlsx", read_payee_years)


def tax_year_csv(years: Iterable[PayeeYear]) -> bytes:
    """The table as CSV, with the mark by which a spreadsheet knows UTF-8."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(HEADER)
    for row in _rows(years):
        table.writerow([_plain(cell) if isinstance(cell, str) else cell for cell in row])
    return written.getvalue().encode("utf-8-sig")


def tax_year_xlsx(years: Iterable[PayeeYear]) -> bytes:
    """The table as a workbook."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        sheet = book.add_worksheet("tax_year")
        for column, name in enumerate(HEADER):
            sheet.write_string(0, column, name)
        for place, row in enumerate(_rows(years), 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(place, column, cell)
                else:
                    sheet.write_number(place, column, cell)
    return file.getvalue()


def _file(
    request: ApiRequest,
    year: int | None,
    kind: Literal["csv", "xlsx"],
    read: Callable[[UnitOfWork, int], Iterable[PayeeYear]],
) -> Response[bytes]:
    with request.transaction() as uow:
        wanted = year or this_year(uow)
        years = read(uow, wanted)
        body = tax_year_csv(years) if kind == "csv" else tax_year_xlsx(years)
    headers = {
        "Content-Disposition": f'attachment; filename="tax-year-{wanted}.{kind}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type=CSV if kind == "csv" else XLSX, headers=headers)


def _rows(years: Iterable[PayeeYear]) -> Iterator[tuple[Cell, ...]]:
    for year in years:
        for month in year.months:
            yield _cells(year, month)


def _cells(year: PayeeYear, month: TaxMonth) -> tuple[Cell, ...]:
    stated = year.profile
    withheld = year.withholding_of(month)
    amounts = {name: to_decimal(getattr(month, f"{name}_minor"), month.currency) for name in _AMOUNTS}
    return (
        year.year,
        f"{month.month:%Y-%m}",
        str(year.org_id),
        year.legal_name,
        stated.payee_type if stated else "",
        stated.residence_country if stated else year.country,
        (stated.us_form or "") if stated else "",
        (stated.us_classification or "") if stated else "",
        stated.tin_kind if stated else "",
        stated.tin_last4 if stated else "",
        stated.vat_status if stated else "",
        month.currency,
        month.transactions,
        amounts["gross"],
        amounts["tax"],
        amounts["refunded"],
        month.payouts,
        amounts["paid"],
        amounts["returned"],
        amounts["commissions"],
        to_decimal(withheld.tax_minor, month.currency) if withheld is not None else "",
    )


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


routes = [
    download_tax_year_csv,
    download_tax_year_xlsx,
    download_payee_years_csv,
    download_payee_years_xlsx,
]
