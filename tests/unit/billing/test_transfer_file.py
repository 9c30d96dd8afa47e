"""The file for the bank is valid against the schema of its message, whatever names and amounts it holds; reports are read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import resources
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from billing.payout_batches.debtor import SANDBOX_DEBTORS, debtor_of
from billing.payout_batches.import_report import failure_code
from billing.payout_batches.read_report import MAX_BYTES, read_report
from billing.payout_batches.transfer_file import (
    NAMESPACE,
    BankParty,
    CreditTransfer,
    CreditTransferFile,
    write_transfer_file,
)
from billing.payouts.schedule import PayableStatement, PayoutScheduleRow, due_of, next_due
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.money import Money, to_decimal
from marketplace.onboarding.bank_details import same_holder
from tests.bank_reports import Told, camt, pain_002

SCHEMA = etree.XMLSchema(
    etree.fromstring((resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd").read_bytes())
)
PARTIES = st.sampled_from(
    [
        ("DE", "DE89370400440532013000", ""),
        ("FR", "FR1420041010050500013M02606", "BNPAFRPPXXX"),
        ("CN", "6222020200112233445", "102100099996"),
        ("US", "12345678", "021000021"),
        ("GB", "12345678", "200000"),
        ("JP", "1234567", "BOTKJPJT"),
    ]
)
NAMES = st.text(min_size=1, max_size=200)


@st.composite
def transfer_files(draw: st.DrawFn) -> CreditTransferFile:
    parties = st.builds(lambda name, where: BankParty(name, *where), NAMES, PARTIES)
    transfers = st.builds(
        lambda amount, party, text: CreditTransfer(uuid7().hex, amount, party, text),
        st.integers(1, 10**12),
        parties,
        NAMES,
    )
    return CreditTransferFile(
        uuid7().hex,
        datetime(2026, 11, 30, 1, 2, 3, tzinfo=UTC),
        date(2026, 12, 1),
        draw(st.sampled_from(["CNY", "EUR", "JPY", "KWD", "USD"])),
        draw(parties),
        draw(st.lists(transfers, min_size=1, max_size=4)),
    )


@given(transfer_files())
def test_every_file_is_valid_and_its_sums_are_those_of_its_transfers(file: CreditTransferFile) -> None:
    root = etree.fromstring(write_transfer_file(file))
    SCHEMA.assertValid(root)
    space = {"p": NAMESPACE}
    amounts = [Decimal(one.text or "") for one in root.findall(".//p:InstdAmt", space)]
    for sums in (*root.findall(".//p:GrpHdr", space), *root.findall(".//p:PmtInf", space)):
        assert Decimal(sums.findtext("p:CtrlSum", "", space)) == sum(amounts)
        assert sums.findtext("p:NbOfTxs", "", space) == str(len(amounts))
    assert amounts == [to_decimal(one.amount_minor, file.currency) for one in file.transfers]


def test_the_same_batch_is_the_same_bytes() -> None:
    party = BankParty("测试有限公司", "CN", "6222020200112233445", "102100099996")
    transfer = CreditTransfer("e2e", 1, party, "ST-1")
    file = CreditTransferFile("m", datetime(2026, 11, 30, tzinfo=UTC), date(2026, 12, 1), "CNY", party, [transfer])
    assert write_transfer_file(file) == write_transfer_file(file)
    with pytest.raises(ValueError, match="without a transfer"):
        write_transfer_file(CreditTransferFile("m", file.created_at, file.execution_on, "CNY", party, []))


def test_the_banks_words_are_read() -> None:
    payout_id, batch_id = uuid7(), uuid7()
    (refused,) = read_report(pain_002(batch_id, Told(payout_id, "RJCT", 86_000, "AC04"))).transfers
    assert (refused.end_to_end_id, refused.says, refused.reason) == (payout_id.hex, "failed", "AC04")
    assert (refused.amount, refused.message_id) == (Money(86_000, "CNY"), batch_id.hex)
    paid, back = read_report(
        camt("camt.053", Told(payout_id, "DBIT", 5, currency="JPY"), Told(payout_id, "CRDT", 7, "MS03"))
    ).transfers
    assert (paid.says, paid.amount, back.says, back.reason) == ("paid", Money(5, "JPY"), "returned", "MS03")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<Document/>",
        b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>&b;</Document>",
        b" " * (MAX_BYTES + 1),
        b"<?xml version='1.0' encoding='no-such'?><a/>",
    ],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid, match="bank_report_unreadable"):
        read_report(content)


@pytest.mark.parametrize("amount", ["860,00", "-1", "NaN", "1e3", "0.001", "", "999999999999999999"])
def test_an_amount_that_is_none_is_not_taken_for_one(amount: str) -> None:
    content = pain_002(uuid7(), Told(uuid7(), "ACSC", 12_345)).replace(b"123.45", amount.encode())
    (told,) = read_report(content).transfers
    assert (told.amount, told.has_amount) == (None, True)


def test_a_debtor_is_found_by_its_currency() -> None:
    accounts = "EUR DE DE89370400440532013000; * CN 6222000000000210 102100099996"
    assert debtor_of(accounts, "EUR").account == "DE89370400440532013000"
    assert debtor_of(accounts, "CNY") == debtor_of(SANDBOX_DEBTORS, "USD")
    for wrong in ("", "EUR DE DE00370400440532013000", "EUR DE"):
        with pytest.raises(Conflict, match="payout_debtor_missing"):
            debtor_of(wrong, "EUR")


@pytest.mark.parametrize(
    ("holder", "legal_name", "same"),
    [
        ("ACME, Inc.", "Acme Inc", True),
        ("测试（上海）有限公司", "测试(上海)有限公司", True),
        ("ACME", "Acme Inc", False),
        ("…", "…", False),
    ],
)
def test_a_holder_is_compared_by_letters_and_digits(holder: str, legal_name: str, *, same: bool) -> None:
    assert same_holder(holder, legal_name) is same


def test_reasons_become_codes() -> None:
    assert (failure_code("AC04"), failure_code("  "), failure_code("不符")) == (
        "bank_ac04",
        "bank_gave_no_reason",
        "bank_gave_no_reason",
    )


@given(
    st.sampled_from(["daily", "weekly", "monthly"]), st.integers(1, 28), st.dates(date(2020, 1, 1), date(2090, 1, 1))
)
def test_the_next_day_is_the_first_that_fits(every: str, day: int, since: date) -> None:
    day = min(day, 7) if every == "weekly" else day
    found = next_due(every, day, since)
    assert found is not None
    assert 0 <= (found - since).days <= {"daily": 0, "weekly": 6, "monthly": 30}[every]
    assert {"daily": True, "weekly": found.isoweekday() == day, "monthly": found.day == day}[every]
    assert next_due("manual", 1, since) is None


@given(
    st.lists(st.tuples(st.integers(1, 1_000), st.dates(date(2026, 1, 1), date(2026, 12, 31))), max_size=6),
    st.integers(0, 3_000),
)
def test_all_that_is_due_is_paid_or_nothing_is(waiting: list[tuple[int, date]], minimum_minor: int) -> None:
    rows = [PayableStatement(UUID(int=n), net, on) for n, (net, on) in enumerate(waiting)]
    today = date(2026, 7, 1)
    due = due_of(PayoutScheduleRow("CNY", "daily", 1, minimum_minor), rows, today)
    past = [row for row in rows if row.closed_on <= today]
    assert due == ([row.id for row in past] if sum(row.net_minor for row in past) >= minimum_minor else [])
