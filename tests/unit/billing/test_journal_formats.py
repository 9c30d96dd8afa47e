"""A journal balances in every accounting program's file as it does in the books, and no cell of it computes anything."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.journal_export.formats import (
    FilePeriod,
    Format,
    JournalEntry,
    JournalLine,
    body,
    encoding_of,
    head,
    pairs,
)
from kernel.ids import uuid7
from kernel.money import exponent
from kernel.spreadsheets import inert

ON = date(2026, 10, 31)
PERIOD = FilePeriod(date(2026, 10, 1), ON, "EUR", datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
KINDS = ("gateway_cash", "buyer_credit", "party_pending", "commission", "suspense")
LEDGER: tuple[Format, ...] = ("csv", "voucher", "datev", "iif", "xero")


def line(kind: str, minor: int, owner: str = "卖方软件") -> JournalLine:
    return JournalLine(kind, "", owner, minor, code=str(1000 + KINDS.index(kind)), name=kind)


def entry(lines: list[JournalLine], currency: str = "EUR") -> JournalEntry:
    return JournalEntry(7, uuid7(), ON, "charge", "charge:1", uuid7(), currency, lines)


@st.composite
def balanced(draw: st.DrawFn) -> list[JournalLine]:
    """Two to six sides that add up to zero, none of them zero."""
    amounts = draw(st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=5))
    rest = -sum(amounts)
    amounts = [*amounts, rest] if rest else [*amounts, 5, -5]
    return [line(draw(st.sampled_from(KINDS)), minor) for minor in amounts]


@given(balanced())
def test_pairs_keep_every_sides_sum(lines: list[JournalLine]) -> None:
    moved: dict[int, int] = defaultdict(int)
    for debit, credit, minor in pairs(lines):
        assert minor > 0
        assert debit.amount_minor > 0 > credit.amount_minor
        moved[id(debit)] += minor
        moved[id(credit)] -= minor
    assert [moved[id(one)] for one in lines] == [one.amount_minor for one in lines]


def test_pairs_refuse_what_does_not_balance() -> None:
    with pytest.raises(ValueError, match="balance"):
        list(pairs([line("suspense", 5), line("commission", -4)]))


def signed(name: Format, text: str) -> dict[str, Decimal]:
    """What the file says of each account, debit positive."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    if name == "datev":
        for row in csv.reader(StringIO(text), delimiter=";"):
            amount = Decimal(row[0].replace(",", "."))
            found[row[6]] += amount
            found[row[7]] -= amount
    elif name == "iif":
        rows = [row.split("\t") for row in text.splitlines()]
        assert [row[0] for row in rows] == ["TRNS", *["SPL"] * (len(rows) - 2), "ENDTRNS"]
        for row in rows[:-1]:
            found[row[4]] += Decimal(row[6])
    else:
        for row in csv.reader(StringIO(text)):
            match name:
                case "csv":
                    found[row[4]] += Decimal(row[7] or 0) - Decimal(row[8] or 0)
                case "voucher":
                    found[row[4]] += Decimal(row[7] or 0) - Decimal(row[8] or 0)
                case "xero":
                    found[row[3]] += Decimal(row[5])
    return {account: amount for account, amount in found.items() if amount}


@pytest.mark.parametrize("name", LEDGER)
@given(lines=balanced(), currency=st.sampled_from(["EUR", "CNY", "JPY", "KWD"]))
def test_an_entry_has_in_every_format_the_sums_of_its_accounts(
    name: Format, lines: list[JournalLine], currency: str
) -> None:
    key = {"csv": "kind", "iif": "name"}.get(name, "code")
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for one in lines:
        expected[getattr(one, key)] += Decimal(one.amount_minor).scaleb(-exponent(currency))
    found = signed(name, body(name, entry(lines, currency)))
    assert found == {account: amount for account, amount in expected.items() if amount}
    assert sum(found.values()) == 0


@pytest.mark.parametrize("name", LEDGER)
@pytest.mark.parametrize("bad", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=cmd|"/c calc"!A1', "a\r\nb\t;c"])
def test_no_owner_computes_or_breaks_a_line(name: Format, bad: str) -> None:
    said = body(name, entry([line("suspense", 5, bad), line("commission", -5, bad)]))
    if name == "iif":
        rows = [row.split("\t") for row in said.splitlines()]
        assert {len(row) for row in rows[:-1]} == {9}
    else:
        rows = list(csv.reader(StringIO(said), delimiter=";" if name == "datev" else ","))
        assert len({len(row) for row in rows}) == 1
    typed = [cell for row in rows for cell in row if "1" in cell or "calc" in cell or "SUM" in cell]
    numbers = ("0.05", "-0.05", "0,05")
    assert [cell for cell in typed if cell.startswith(("=", "+", "-", "@", "\t")) and cell not in numbers] == []


def test_what_computes_is_made_text_and_nothing_else() -> None:
    assert [inert(text) for text in ("=1", " =1", "卖方", "a=b", "")] == ["'=1", "' =1", "卖方", "a=b", ""]


def test_the_datev_head_says_what_and_when() -> None:
    first, columns = head("datev", PERIOD).splitlines()
    cells = first.split(";")
    assert (cells[0], cells[1], cells[2], cells[3], cells[4]) == ('"EXTF"', "700", "21", '"Buchungsstapel"', "13")
    assert (cells[5], cells[12], cells[14], cells[15], cells[21]) == (
        "20261102093000000",
        "20260101",
        "20261001",
        "20261031",
        '"EUR"',
    )
    assert len(cells) == 31
    row = body("datev", entry([line("suspense", 123), line("commission", -123)])).split(";")
    assert len(row) == len(columns.split(";"))
    assert (row[0], row[1], row[2], row[9]) == ("1,23", '"S"', '"EUR"', "3110")
    assert encoding_of("datev") == "cp1252"


def test_heads_fit_their_lines() -> None:
    two = entry([line("suspense", 5), line("commission", -5)])
    for name in ("csv", "voucher", "xero"):
        title = head(name, PERIOD).removeprefix("\ufeff").strip().split(",")
        assert len(title) == len(body(name, two).splitlines()[0].split(","))
    assert [row.split("\t")[0] for row in head("iif", PERIOD).splitlines()] == ["!TRNS", "!SPL", "!ENDTRNS"]
