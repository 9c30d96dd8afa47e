"""Lists of dealers: whatever a file is, its lines are read as they stand there or it is refused; each wrong line is named."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import DomainError, Invalid
from kernel.ids import uuid7
from marketplace.relations.check_dealers import (
    CheckedDealer,
    Known,
    check_dealers,
    read_contacts,
    tier_key,
    wrong_dealers,
)
from marketplace.relations.dealer_rows import MOST_ROWS, DealerRow, dealer_rows_of
from orders.order_sheets.parse_dealers import parse_dealers
from orders.order_sheets.read_dealers import read_dealers
from tests.unit.orders.test_order_sheets import workbook

GOLD, SILVER = uuid7(), uuid7()
TAX = ("91310000MA1FL8XQ30", "91330100799655058B")
TIERS: dict[str, UUID] = {tier_key(name): tier for name, tier in (("GOLD", GOLD), ("金牌", GOLD), ("SILVER", SILVER))}
KNOWN = Known("CN", None, TIERS)
LINES = "名称,税号,邮箱,等级\n北方,,north@dealer.example,金牌\n南方,91330100799655058B,,silver\n"
READ = [
    DealerRow(2, "北方", email="north@dealer.example", tier="金牌"),
    DealerRow(3, "南方", tax_id="91330100799655058B", tier="silver"),
]


def faults(rows: list[DealerRow], known: Known = KNOWN) -> dict[int, list[tuple[str, str]]]:
    found = check_dealers(rows, known)
    return {one.row.number: [(fault.column, fault.code) for fault in one.faults] for one in found if one.faults}


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.encode("gb18030"),
        LINES.replace(",", "\t").encode(),
        workbook([[*line.split(",")] for line in LINES.splitlines()]),
    ],
)
def test_the_same_lines_whatever_they_are_written_in(content: bytes) -> None:
    assert parse_dealers(content) == READ
    assert [(one.tax_id, one.email, one.tier_id) for one in check_dealers(READ, KNOWN)] == [
        (None, "north@dealer.example", GOLD),
        ("91330100799655058B", None, SILVER),
    ]


def test_pasted_lines_need_no_header() -> None:
    assert parse_dealers(b"North Trade,north@dealer.example,GOLD\nSouth,91330100799655058B,s@d.example,SILVER") == [
        DealerRow(1, "North Trade", email="north@dealer.example", tier="GOLD"),
        DealerRow(2, "South", "91330100799655058B", "s@d.example", "SILVER"),
    ]


@given(
    st.lists(
        st.tuples(*(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),) * 4),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_comes_back(rows: list[tuple[str, str, str, str]]) -> None:
    file = io.StringIO()
    csv.writer(file).writerows([("name", "tax id", "email", "tier"), *rows])
    found = parse_dealers(file.getvalue().encode())
    assert found == [DealerRow(at, *row) for at, row in enumerate(rows, 2)]
    assert dealer_rows_of([row.stored() for row in found]) == found


@given(st.binary(max_size=300))
def test_any_bytes_are_lines_or_a_refusal(content: bytes) -> None:
    try:
        rows, code = parse_dealers(content), ""
    except Invalid as refused:
        rows, code = [], refused.code
    assert bool(rows) != code.startswith(("order_sheet_", "dealer_list_"))
    check_dealers(rows, KNOWN)


CELL = st.sampled_from(
    ["", "x", "GOLD", "a@dealer.example", "A@DEALER.example", *TAX, "９１３３０１００７９９６５５０５８Ｂ"]
)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL, st.booleans()), max_size=12))
def test_of_what_is_right_each_has_a_tier_and_a_contact_that_no_other_has(
    cells: list[tuple[str, str, str, str, bool]],
) -> None:
    """Wrong or right, a line is checked as it is alone; of those that are right nobody is invited twice."""
    rows = [DealerRow(at, *cell) for at, cell in enumerate(cells, 1)]
    found = check_dealers(rows, KNOWN)
    right = [one for one in found if not one.faults and not one.row.left_out]
    contacts = [contact for one in right for contact in (one.tax_id, one.email) if contact]
    assert len(contacts) == len(set(contacts))
    assert all(one.tier_id and (one.tax_id or one.email) and one.row.name for one in right)
    assert wrong_dealers(found) + len(right) + sum(row.left_out for row in rows) == len(rows)
    out = [replace(one.row, left_out=True) if one.faults else one.row for one in found]
    assert wrong_dealers(check_dealers(out, KNOWN)) == 0
    assert all(isinstance(one, CheckedDealer) for one in found)


def test_of_three_thousand_lines_the_seven_wrong_ones_are_named_by_row_and_column() -> None:
    rows = [DealerRow(at, f"Dealer {at}", email=f"d{at}@dealer.example", tier="gold") for at in range(2, 3_002)]
    rows[10] = replace(rows[10], name="")
    rows[20] = replace(rows[20], email="nobody")
    rows[30] = replace(rows[30], email="", tax_id="91330100799655058X")
    rows[40] = replace(rows[40], tier="platinum")
    rows[50] = replace(rows[50], email="D40@dealer.example")
    rows[60] = replace(rows[60], email="")
    rows[70] = replace(rows[70], tax_id=TAX[1])
    known = replace(KNOWN, partners=frozenset({TAX[1]}))
    assert len(rows) == MOST_ROWS
    wrong = faults(rows, known)
    assert wrong == {
        12: [("name", "dealer_line_name")],
        22: [("email", "email_invalid")],
        32: [("tax_id", "tax_id_check_digit")],
        42: [("tier", "dealer_line_tier")],
        52: [("email", "dealer_line_twice")],
        62: [("tax_id", "dealer_line_contact")],
        72: [("tax_id", "dealer_line_partner")],
    }
    out = [replace(one, left_out=True) if one.number in wrong else one for one in rows]
    assert faults(out, known) == {}
    assert read_contacts(rows[70:71], "CN") == [(TAX[1], "d72@dealer.example")]


def test_whom_a_seller_knows_already_is_not_invited_again() -> None:
    known = replace(KNOWN, tax_id=TAX[1], invited=frozenset({"a@dealer.example"}))
    rows = [DealerRow(1, "A", email="A@dealer.example", tier="GOLD"), DealerRow(2, "B", TAX[1], tier="金 牌")]
    assert faults(rows, known) == {1: [("email", "dealer_line_invited")], 2: [("tax_id", "dealer_line_own")]}


def test_what_is_no_list_is_refused() -> None:
    for content, code in (
        (b"", "order_sheet_empty"),
        (b"name;price\nx;1", "dealer_list_columns"),
        (b"\xff\x00\x00", "order_sheet_encoding"),
        ("\n".join(f"x,y{n}@d.example,z" for n in range(MOST_ROWS + 1)).encode(), "dealer_list_too_many_lines"),
    ):
        with pytest.raises(DomainError) as refused:
            parse_dealers(content)
        assert refused.value.code == code


def test_its_reader_is_a_process_of_its_own() -> None:
    assert read_dealers(LINES.encode()) == READ
