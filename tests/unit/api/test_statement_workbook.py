"""A statement's workbook: read back by a spreadsheet's reader, it says what the statement says, and words are never formulas."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from api.v1.statement_workbook import HEADER, SUMS, SUPPLY_HEADER, NamedLine, write_workbook
from billing.statements.queries import StatementLineRow, StatementRow
from billing.statements.supplies import SupplyToInvoice

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
ROW = StatementRow(
    id=UUID(int=1),
    org_id=UUID(int=2),
    number="ST-2026-000001",
    currency="CNY",
    starts_at=AT,
    ends_at=datetime(2026, 12, 1, tzinfo=UTC),
    carried_minor=-1_000,
    gross_minor=106_000,
    refunds_minor=-5_000,
    commission_minor=-15_900,
    promoter_minor=-5_300,
    commission_tax_minor=0,
    adjustments_minor=0,
    net_minor=78_800,
    state="closed",
    commission_invoice_id=None,
    closed_at=AT,
    held_minor=0,
)
LINE = StatementLineRow(
    id=UUID(int=3),
    kind="sale",
    share_id=UUID(int=4),
    reference=UUID(int=5),
    group_reference=UUID(int=6),
    occurred_at=AT,
    gross_minor=106_000,
    refunds_minor=0,
    commission_minor=-15_900,
    promoter_minor=-5_300,
    net_minor=84_800,
)
TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="\x7f"), min_size=1, max_size=40
)


def written(row: StatementRow, party: str, lines: list[NamedLine]) -> tuple[dict[str, object], list[list[object]]]:
    file = io.BytesIO()
    write_workbook(file, row, party, lines)
    book = CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue()))
    facts: dict[str, object] = {str(name): value for name, value in book.get_sheet_by_name("statement").to_python()}
    return facts, [list(one) for one in book.get_sheet_by_name("lines").to_python()]


def test_it_says_what_the_statement_says() -> None:
    facts, lines = written(ROW, "卖方", [NamedLine(LINE, "O-1", "招聘"), NamedLine(replace(LINE, kind="refund"))])
    assert facts["number"] == "ST-2026-000001"
    sums = [facts[name] for name in SUMS]
    assert sums == [-10.0, 1060.0, -50.0, -159.0, -53.0, 0.0, 0.0, 788.0]
    assert tuple(lines[0]) == HEADER
    assert lines[1][2:9] == ["O-1", "招聘", 1060.0, 0.0, -159.0, -53.0, 848.0]
    assert lines[2][1:4] == ["refund", "", ""]


def test_a_currency_without_minor_units_keeps_its_amounts() -> None:
    facts, lines = written(replace(ROW, currency="JPY"), "卖方", [NamedLine(LINE)])
    assert (facts["net"], lines[1][8]) == (78_800.0, 84_800.0)


def test_what_is_to_be_invoiced_to_the_platform_has_a_sheet_of_its_own() -> None:
    file = io.BytesIO()
    write_workbook(file, ROW, "卖方", [], [SupplyToInvoice("S", 60_000, 106_000), SupplyToInvoice("AE", 0, -500)])
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_name("to_invoice").to_python()
    assert tuple(sheet[0]) == SUPPLY_HEADER
    assert sheet[1:] == [["S", 6.0, 1000.0, 60.0, 1060.0], ["AE", 0.0, -5.0, 0.0, -5.0]]


@given(TEXTS, st.sampled_from(["", "=", "+", "-", "@", "\t", "=HYPERLINK(", "https://"]))
def test_words_of_others_are_text(words: str, head: str) -> None:
    said = (head + words).strip() or "x"
    facts, lines = written(ROW, said, [NamedLine(LINE, said, said)])
    assert facts["party"] == said
    assert lines[1][2:4] == [said, said]
