"""Statement files: every format says the same, and whatever is wrong is told by its line, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank.statements.model import StatementFile, fingerprints, to_minor
from billing.bank.statements.read_file import read_statement_file
from tests.bank_files import ACCOUNT, OPENING, Entry, camt053, cmb, generic, icbc, mt940

ENTRIES = [
    Entry(50_050, "货款 BT7KQ2M9XW", reference="R1"),
    Entry(-1_000, "fee", name="Bank", reference="R2"),
    Entry(7, "x", reference="R3"),
]
LATIN = [one._replace(remark=one.remark.replace("货款 ", "")) for one in ENTRIES]


def read(content: bytes) -> StatementFile:
    return read_statement_file(content, account_number=ACCOUNT, currency="CNY")


def faults(content: bytes) -> list[tuple[int, str]]:
    return [(fault.line, fault.code) for fault in read(content).faults]


@pytest.mark.parametrize("write", [icbc, cmb, generic, mt940, camt053])
def test_every_format_says_the_same(write: Callable[..., bytes]) -> None:
    found = read(write(LATIN))
    assert found.faults == []
    assert [line.amount_minor for line in found.lines] == [50_050, -1_000, 7]
    assert {line.booked_on for line in found.lines} == {date(2026, 1, 2)}
    assert "BT7KQ2M9XW" in found.lines[0].remark
    assert [line.bank_reference for line in found.lines] == ["R1", "R2", "R3"]
    assert (found.lines[0].counterparty_name, found.lines[0].counterparty_account) == ("Acme Co", "6222020200001234567")
    if write is not generic:
        assert (found.opening_minor, found.closing_minor) == (OPENING, OPENING + 49_057)
        assert found.account_number == ACCOUNT


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "utf-8-sig"])
def test_chinese_csv_is_read_in_whatever_encoding_its_bank_writes(encoding: str) -> None:
    found = read(icbc(ENTRIES, encoding=encoding))
    assert found.faults == []
    assert "货款 BT7KQ2M9XW" in found.lines[0].remark


class TestWhatIsWrong:
    def test_another_encoding_is_told(self) -> None:
        assert faults(icbc(ENTRIES).decode("gbk").encode("utf-16")) in (
            [(0, "encoding_unknown")],
            [(0, "columns_unknown")],
        )
        assert faults(b"\xff\xfe\x00\x81\xff") == [(0, "encoding_unknown")]

    def test_each_broken_line_of_a_csv_is_told_by_its_number(self) -> None:
        rows = icbc(ENTRIES).decode("gbk").split("\r\n")
        rows[3] = rows[3].replace("2026-01-02", "2026-02-31")
        rows[4] = rows[4].replace("10.00", "10.001")
        rows[5] = rows[5].replace("0.07", "abc")
        assert faults("\r\n".join(rows).encode("gbk")) == [
            (4, "date_broken"),
            (5, "amount_broken"),
            (6, "amount_broken"),
        ]

    def test_a_day_that_no_bank_has_booked_is_none(self) -> None:
        rows = icbc(ENTRIES).decode("gbk").split("\r\n")
        rows[3] = rows[3].replace("2026-01-02", "0001-01-02")
        rows[5] = rows[5].replace("2026-01-02", "9999-01-02")
        found = read("\r\n".join(rows).encode("gbk"))
        assert found.faults == []
        found.require_days(date(2026, 1, 3))
        assert [(fault.line, fault.code) for fault in found.faults] == [(4, "date_broken"), (6, "date_broken")]

    def test_an_amount_on_both_sides_is_none(self) -> None:
        rows = icbc(ENTRIES).decode("gbk").replace(",,500.50,", ",1.00,500.50,")
        assert faults(rows.encode("gbk")) == [(4, "amount_broken")]

    def test_a_balance_that_does_not_follow_is_told_at_its_line(self) -> None:
        rows = icbc(ENTRIES).decode("gbk").replace('"1,490.50"', '"1,490.51"')
        assert faults(rows.encode("gbk")) == [(5, "sum_differs")]

    @pytest.mark.parametrize("write", [mt940, camt053])
    def test_a_sum_that_does_not_add_up_is_told(self, write: Callable[..., bytes]) -> None:
        assert faults(write(LATIN, closing=1)) == [(0, "sum_differs")]

    @pytest.mark.parametrize("write", [mt940, camt053])
    def test_an_unknown_or_other_currency_is_told(self, write: Callable[..., bytes]) -> None:
        assert "currency_unknown" in {code for _, code in faults(write(LATIN, currency="XXQ"))}
        assert faults(write(LATIN, currency="EUR")) == [(0, "currency_unknown")]

    def test_a_csv_line_of_another_currency_is_told(self) -> None:
        content = b"date,amount,currency\n2026-01-02,1.00,CNY\n2026-01-02,1.00,USD\n2026-01-02,1.00,XXQ"
        assert faults(content) == [(3, "currency_unknown"), (4, "currency_unknown")]

    def test_a_broken_line_of_mt940_is_told_by_its_number(self) -> None:
        lines = mt940(LATIN).decode().split("\n")
        lines[4] = ":61:not a line"
        assert faults("\n".join(lines).encode()) == [(5, "line_broken")]

    def test_broken_xml_and_parts_that_are_not_the_whole_are_told(self) -> None:
        assert [code for _, code in faults(camt053(LATIN)[:-30])] == ["line_broken"]
        half = "<TxDtls><Amt Ccy='CNY'>1.00</Amt></TxDtls>"
        content = camt053([Entry(500)]).decode().replace("<TxDtls>", f"{half}<TxDtls><Amt Ccy='CNY'>3.00</Amt>")
        assert [code for _, code in faults(content.encode())] == ["sum_differs"]

    def test_one_entry_of_several_transfers_is_several_lines(self) -> None:
        half = "<TxDtls><Amt Ccy='CNY'>1.00</Amt></TxDtls>"
        content = camt053([Entry(500)]).decode().replace("<TxDtls>", f"{half}<TxDtls><Amt Ccy='CNY'>4.00</Amt>")
        assert [line.amount_minor for line in read(content.encode()).lines] == [100, 400]

    def test_no_entity_of_an_xml_file_is_expanded(self) -> None:
        content = b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + camt053([Entry(5, "&x;")]).split(b"?>")[1]
        assert "root:" not in str(read(content))

    def test_another_account_is_refused(self) -> None:
        found = read_statement_file(mt940(LATIN), account_number="11112222", currency="CNY")
        assert [fault.code for fault in found.faults] == ["account_differs"]

    def test_nothing_at_all_is_refused(self) -> None:
        assert faults(b"") == [(0, "file_empty")]
        assert faults(b"hello, world") == [(0, "columns_unknown")]
        assert faults(b"date,amount\n") == [(0, "file_empty")]

    @pytest.mark.parametrize(
        "written",
        [
            "-",
            "1.234",
            "NaN",
            "Infinity",
            "1e5000",
            "1.23E+5",
            "1_000",
            "--1",
            "１x",
            "1" * 40,
            "1234,56",
            "12,5",
            "1,2,345",
        ],
    )
    def test_what_is_no_amount_is_refused(self, written: str) -> None:
        with pytest.raises(ValueError, match=re.escape(written[:10])):
            to_minor(written, "CNY")

    def test_a_decimal_comma_never_makes_a_hundred_times_the_amount(self) -> None:
        head = "Date;Amount;Payer;Account;Remark;Bank reference\n"
        written = f"{head}2026-01-02;1234,56;Acme;1;x;r1\n2026-01-02;1,234.56;Acme;1;x;r2\n"
        assert faults(written.encode()) == [(2, "amount_broken")]
        assert faults(camt053([Entry(1250)]).replace(b">12.50<", b">12,50<", 1)) == [(1, "amount_broken")]

    def test_a_row_that_is_longer_than_its_head_is_refused(self) -> None:
        written = "Date,Amount,Payer,Account,Remark\n2026-01-02,1,234.56,Acme,1,x\n2026-01-02,1,Acme,1,x,,\n"
        assert faults(written.encode()) == [(2, "line_broken")]

    def test_digits_of_which_nobody_knows_the_day_are_refused(self) -> None:
        days = "\n".join(f"{day};1;Acme;1;x" for day in ("2026111", "2026-1-11", "20260111", "2026年1月11日"))
        assert faults(f"Date;Amount;Payer;Account;Remark\n{days}".encode()) == [(2, "date_broken")]

    def test_the_last_signs_of_a_number_are_no_account(self) -> None:
        assert faults(camt053([Entry(5)]).replace(ACCOUNT.encode(), b"00")) == [(0, "account_differs")]
        assert faults(camt053([Entry(5)]).replace(ACCOUNT.encode(), ACCOUNT[-10:].encode())) == []


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_report_and_never_a_crash(content: bytes) -> None:
    for written in (content, b"<a>" + content, b":60F:" + content, "日期,金额\n".encode() + content):
        read(written)


@given(st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=8))
def test_every_format_keeps_every_cent(amounts: list[int]) -> None:
    entries = [Entry(minor, f"r{at}", reference=f"R{at}") for at, minor in enumerate(amounts)]
    opening = 10**10
    for write in (icbc, cmb, mt940, camt053):
        found = read(write(entries, opening=opening))
        assert found.faults == []
        assert [line.amount_minor for line in found.lines] == amounts
        assert found.closing_minor == opening + sum(amounts)


def test_lines_that_are_alike_in_everything_are_two() -> None:
    entries = [Entry(500, "same"), Entry(500, "same")]
    prints = fingerprints(read(generic(entries)).lines)
    assert len(set(prints)) == 2
    assert prints == fingerprints(read(generic(entries)).lines)
