"""The index of an archive: read back by a spreadsheet's reader, what others wrote is text, whatever it begins with."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from api.v1.invoice_index import HEADER, index_csv, index_xlsx
from billing.invoices.files import IndexedDocument

ONE = IndexedDocument(
    number="INV-2026-000001",
    kind="invoice",
    issued_on=date(2026, 11, 22),
    issuer="卖方软件有限公司",
    issuer_tax_id="91330106MA2CF9B3RJ",
    order_number="O-1",
    po_number="PO-7",
    cost_centre="",
    net_minor=100_000,
    tax_minor=6_000,
    gross_minor=106_000,
    currency="CNY",
    state="drawn",
    pdf_name="a.pdf",
    xml_name="a.xml",
)
TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="\x7f"), min_size=1, max_size=40
)


def sheet(documents: list[IndexedDocument]) -> list[list[object]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(index_xlsx(documents))))
    return [list(row) for row in book.get_sheet_by_name("invoices").to_python()]


def table(documents: list[IndexedDocument]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(index_csv(documents)).decode("utf-8-sig"))))


def test_both_say_the_same() -> None:
    note = replace(ONE, kind="credit_note", currency="JPY", issued_on=None)
    header, first, second = sheet([ONE, note])
    assert header == table([ONE, note])[0] == list(HEADER)
    assert first[8:12] == [1000.0, 60.0, 1060.0, "CNY"]
    assert second[8:12] == [-100_000.0, -6_000.0, -106_000.0, "JPY"]
    assert table([ONE, note])[1][8:12] == ["1000.00", "60.00", "1060.00", "CNY"]
    assert table([ONE, note])[2][8:12] == ["-100000", "-6000", "-106000", "JPY"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("https://x.example")', "https://x.example"]
)
def test_nothing_is_a_formula(text: str) -> None:
    one = replace(ONE, po_number=text, issuer=text)
    assert sheet([one])[1][6] == sheet([one])[1][3] == text
    assert table([one])[1][6].removeprefix("'") == text
    assert not table([one])[1][6].startswith(("=", "+", "-", "@"))


@given(TEXTS)
def test_what_is_written_is_read_back(text: str) -> None:
    one = replace(ONE, po_number=text)
    assert sheet([one])[1][6] == text
    assert table([one])[1][6].removeprefix("'") == text.removeprefix("'")


def test_many_rows_come_in_pieces() -> None:
    many = [replace(ONE, number=f"INV-{number}") for number in range(1_000)]
    assert len(list(index_csv(many))) > 4
    assert [row[0] for row in table(many)[1:]] == [one.number for one in many] == [row[0] for row in sheet(many)[1:]]
