"""Order sheets: whatever a file is, its lines are read as they stand there or it is refused; each wrong line is named."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from uuid import UUID

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from api.v1.order_sheet_template import template_workbook
from kernel.errors import DomainError, Invalid, TooLarge
from kernel.ids import uuid7
from marketplace.pricing.order_quantities import Quantities
from marketplace.pricing.shapes import simple_price
from orders.order_sheets.check_rows import CheckedSheet, check_rows
from orders.order_sheets.orderable import OrderablePlan, by_key
from orders.order_sheets.parse_sheet import parse_sheet
from orders.order_sheets.read_sheet import read_sheet
from orders.order_sheets.sheet_rows import MOST_BYTES, MOST_ROWS, SheetRow, rows_of

BUYER = uuid7()
LINES = "编号,数量,备注\ndesk/team,20,武汉\ndesk/pro,5,\n"
READ = [SheetRow(2, "desk/team", "20", "武汉"), SheetRow(3, "desk/pro", "5")]


def plan(code: str = "desk/team", ordered: Quantities | None = None, seller: UUID | None = None) -> OrderablePlan:
    ordered = ordered or Quantities(1, 1, 10_000)
    listed = simple_price("per_seat", "month", "CNY", 1_000, 1, 10_000)
    names = {"title": "=Desk", "title_en": "Desk", "plan_name": "团队", "plan_name_en": "Team"}
    return OrderablePlan(
        uuid7(), code, code.partition("/")[2], uuid7(), "saas", seller or uuid7(), "Seller", **names, currency="CNY",
        unit_price_minor=900, list_unit_price_minor=1_000, ordered=ordered, listed=listed, named=None,
    )  # fmt: skip


def checked(rows: list[SheetRow], *plans: OrderablePlan) -> CheckedSheet:
    return check_rows(rows, by_key(plans), BUYER)


def faults(found: CheckedSheet) -> dict[int, list[tuple[str, str]]]:
    return {one.row.number: [(fault.column, fault.code) for fault in one.faults] for one in found.rows if one.faults}


def refusal(content: bytes) -> str:
    with pytest.raises(DomainError) as refused:
        read_sheet(content)
    return refused.value.code


def workbook(rows: list[list[object]]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.encode("utf-8-sig"),
        LINES.encode("gb18030"),
        LINES.encode("utf-16"),
        LINES.replace(",", ";").encode(),
        LINES.replace(",", "\t").encode(),
        LINES.replace("\n", "\r\n").encode(),
        LINES.replace(",", "，").encode(),
        workbook([["编号", "数量", "备注"], ["desk/team", 20, "武汉"], ["desk/pro", 5.0]]),
    ],
)
def test_the_same_lines_whatever_they_are_written_in(content: bytes) -> None:
    assert parse_sheet(content) == READ


def test_pasted_lines_need_no_header_and_no_comma() -> None:
    assert parse_sheet("desk/team  20  武汉 分公司\n\ndesk/pro 5".encode()) == [
        SheetRow(1, "desk/team", "20", "武汉 分公司"),
        SheetRow(3, "desk/pro", "5"),
    ]


@given(
    st.lists(
        st.tuples(*(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),) * 3),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_comes_back(rows: list[tuple[str, str, str]]) -> None:
    file = io.StringIO()
    csv.writer(file).writerows([("code", "quantity", "note"), *rows])
    assert parse_sheet(file.getvalue().encode()) == [SheetRow(at, *row) for at, row in enumerate(rows, 2)]


@given(st.binary(max_size=300))
def test_any_bytes_are_lines_or_a_refusal(content: bytes) -> None:
    try:
        rows = parse_sheet(content)
    except Invalid as refused:
        rows, code = [], refused.code
    else:
        code = ""
    assert bool(rows) != code.startswith("order_sheet_")
    assert rows_of([row.stored() for row in rows]) == rows
    checked(rows, plan())


def test_the_template_is_filled_in_and_what_stays_empty_orders_nothing() -> None:
    content = template_workbook([plan(), plan("desk/pro")], "zh-CN")
    assert refusal(content) == "order_sheet_empty"
    head, line = ["Code", "Product", "From", "Step", "Quantity", "Note"], ["desk/team", "=Desk", 25, 10]
    assert read_sheet(workbook([[*head], [*line, 35], ["desk/pro", "Desk", 1, 1]])) == [SheetRow(2, "desk/team", "35")]


def test_what_is_no_sheet_is_refused_by_its_reader() -> None:
    assert refusal(b"") == "order_sheet_empty"
    assert refusal(b"\n , ,\n") == "order_sheet_empty"
    assert refusal(b"code;price\nx;1") == "order_sheet_columns"
    assert refusal(b"\xff\x00\x00") == "order_sheet_encoding"
    assert refusal(b"PK\x03\x04 nothing") == "order_sheet_unreadable"
    assert refusal("\n".join(f"x {n}" for n in range(MOST_ROWS + 1)).encode()) == "order_sheet_too_many_lines"
    with pytest.raises(TooLarge):
        read_sheet(b"x" * (MOST_BYTES + 1))


def test_a_workbook_that_unpacks_to_much_more_is_refused() -> None:
    file = io.BytesIO(workbook([["code", "quantity"], ["x", 1]]))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet9.xml", b"0" * (80 << 20))
    assert len(file.getvalue()) < MOST_BYTES
    assert refusal(file.getvalue()) == "order_sheet_unreadable"


def test_of_three_thousand_lines_the_seven_wrong_ones_are_named_by_line_and_column() -> None:
    team, own, twin = plan(), plan("own/team", seller=BUYER), plan("other/pro")
    rows = [SheetRow(at, "desk/team", "2", f"Branch {at}") for at in range(2, 3_002)]
    rows[10] = SheetRow(12, "desk/tean", "2")
    rows[20] = SheetRow(22, "", "2", "x")
    rows[30] = SheetRow(32, "ＤＥＳＫ／ｔｅａｍ", "0")
    rows[40] = SheetRow(42, "desk/team", "2.5", "x")
    rows[50] = SheetRow(52, "desk/team", "2", "branch 40")
    rows[60] = SheetRow(62, "own/team", "2")
    rows[70] = SheetRow(72, "pro", "9")
    found = checked(rows, team, own, twin, plan("desk/pro"))
    assert faults(found) == {
        12: [("code", "order_line_code_unknown")],
        22: [("code", "order_line_code_missing")],
        32: [("quantity", "order_line_quantity")],
        42: [("quantity", "order_line_quantity")],
        52: [("code", "order_line_twice")],
        62: [("code", "own_listing")],
        72: [("code", "order_line_code_ambiguous")],
    }
    assert (found.wrong, dict(found.totals)) == (7, {(team.plan_id, None): 2 * 2_993})
    out = [replace(one, left_out=True) if one.number in faults(found) else one for one in rows]
    assert checked(out, team, own, twin, plan("desk/pro")).wrong == 0


def test_in_what_numbers_a_plan_is_ordered_holds_for_all_its_lines_together() -> None:
    team = plan(ordered=Quantities(25, 10, 500))
    rows = [SheetRow(1, "team", "20", "a"), SheetRow(2, str(team.plan_id), "15", "b")]
    assert (faults(checked(rows, team)), dict(checked(rows, team).totals)) == ({}, {(team.plan_id, None): 35})
    assert faults(checked(rows[:1], team)) == {1: [("quantity", "partner_minimum")]}
    found = checked([*rows, SheetRow(3, "team", "1", "c")], team)
    assert faults(found) == {3: [("quantity", "partner_step")]}
    assert found.rows[2].faults[0].params | {"step": 10} == found.rows[2].faults[0].params
    assert found.rows[2].faults[0].params["total"] == 36


def test_a_dealers_lines_name_end_customers_and_each_is_counted_for_itself() -> None:
    content = "编号,数量,终端客户\ndesk/team,20,蓝海贸易\ndesk/team,5, Ｂlue　ocean \ndesk/team,7,\n".encode()
    rows = parse_sheet(content)
    assert [row.end_customer for row in rows] == ["蓝海贸易", "Ｂlue　ocean", ""]
    assert rows_of([row.stored() for row in rows]) == rows
    team, ocean, hill = plan(ordered=Quantities(5, 1, 500)), uuid7(), uuid7()
    known = {"蓝海贸易": [ocean], "blue ocean": [ocean], "hill": [hill, uuid7()], str(hill): [hill]}
    found = check_rows(rows, by_key([team]), BUYER, known)
    assert (faults(found), dict(found.totals)) == ({}, {(team.plan_id, ocean): 25, (team.plan_id, None): 7})
    wrong = [
        replace(rows[0], end_customer="Hill"),
        replace(rows[1], end_customer="nobody"),
        replace(rows[2], quantity="4"),
    ]
    assert faults(check_rows(wrong, by_key([team]), BUYER, known)) == {
        2: [("end_customer", "order_line_end_customer_ambiguous")],
        3: [("end_customer", "order_line_end_customer_unknown")],
        4: [("quantity", "partner_minimum")],
    }
    assert check_rows([replace(rows[0], end_customer=str(hill))], by_key([team]), BUYER, known).wrong == 0
