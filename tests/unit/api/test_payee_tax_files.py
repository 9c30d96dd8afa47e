"""A payee's year as CSV and as a workbook: its figures are numbers, and what people wrote is never a formula."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook

from api.v1.payee_tax_files import HEADER, tax_year_csv, tax_year_xlsx
from billing.payee_tax.facts import TaxMonth
from billing.payee_tax.queries import PayeeTaxProfileRow, PayeeYear

ORG = UUID(int=7)
MONTH = TaxMonth(ORG, date(2026, 3, 1), "CNY", 3, 106_000, 6_000, 500, 1, 2_500_000, 0, 2_500_000)
NEGATIVE = TaxMonth(ORG, date(2026, 4, 1), "JPY", 0, 0, 0, 0, 1, 1_200, 0, -300)
PERSON = PayeeTaxProfileRow(
    UUID(int=8),
    ORG,
    "person",
    "CN",
    None,
    None,
    "resident_id",
    "007X",
    "not_registered",
    datetime(2026, 1, 1, tzinfo=UTC),
)


def year(name: str, profile: PayeeTaxProfileRow | None = PERSON) -> PayeeYear:
    return PayeeYear(ORG, name, "CN", "Asia/Shanghai", 2026, profile, (MONTH, NEGATIVE))


@pytest.mark.parametrize("name", ["=1+1", "+86", "-cmd", "@SUM(A1)", "\tx"])
def test_names_are_no_formulas(name: str) -> None:
    rows = list(csv.DictReader(StringIO(tax_year_csv([year(name)]).decode("utf-8-sig"))))
    assert rows[0]["legal_name"] == f"'{name}"
    cells = CalamineWorkbook.from_filelike(BytesIO(tax_year_xlsx([year(name)]))).get_sheet_by_index(0).to_python()
    assert cells[1][HEADER.index("legal_name")] == name


def test_both_tables_say_the_same() -> None:
    found = [year("测试 | Test"), year("Other", None)]
    rows = list(csv.DictReader(StringIO(tax_year_csv(found).decode("utf-8-sig"))))
    cells = CalamineWorkbook.from_filelike(BytesIO(tax_year_xlsx(found))).get_sheet_by_index(0).to_python()
    assert tuple(cells[0]) == HEADER
    assert len(rows) == len(cells) - 1 == 4
    for row, written in zip(rows, cells[1:], strict=True):
        for name, cell in zip(HEADER, written, strict=True):
            assert (float(row[name]) if isinstance(cell, float) else row[name]) == cell
    assert [row["would_withhold"] for row in rows] == ["4000.00", "", "", ""]
    assert [row["commissions"] for row in rows[:2]] == ["25000.00", "-300"]
    assert (rows[0]["month"], rows[0]["tin_last4"], rows[2]["tin_last4"]) == ("2026-03", "007X", "")
