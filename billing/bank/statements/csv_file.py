"""Statements as CSV: what Chinese banks let one download (ICBC, CMB and alike), and a plain one of any other.

A bank writes some rows about the account, one row of column names, then one row for each entry. Each profile lists the
names that its bank gives to a column; the first row that has all the needed ones is where the entries begin.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from billing.bank.statements.model import FileFault, FileLine, StatementFile, is_currency, to_minor


@dataclass(frozen=True, slots=True)
class CsvProfile:
    """A bank's column names by what they hold. `needed`: without all of these a row is no head."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]


PROFILES: Final = (
    CsvProfile(
        "icbc",
        {
            "date": ("交易时间", "交易日期", "入账日期"),
            "credit": ("贷方发生额",),
            "debit": ("借方发生额",),
            "name": ("对方单位名称", "对方单位", "对方户名"),
            "account": ("对方账号", "对方帐号"),
            "remark": ("用途", "摘要", "个性化信息", "附言"),
            "reference": ("凭证号", "交易流水号", "流水号"),
            "balance": ("余额",),
            "currency": ("币种",),
            "virtual": ("收款子账号",),
        },
        ("date", "credit", "debit", "name"),
    ),
    CsvProfile(
        "cmb",
        {
            "date": ("交易日", "交易日期"),
            "credit": ("贷方金额", "收入金额"),
            "debit": ("借方金额", "支出金额"),
            "name": ("收/付方名称", "收(付)方名称", "收(付)方户名"),
            "account": ("收/付方帐号", "收/付方账号", "收(付)方账号"),
            "remark": ("摘要", "用途", "业务摘要", "其它摘要"),
            "reference": ("流水号", "业务参考号"),
            "balance": ("余额",),
            "currency": ("币种",),
            "virtual": ("记账子单元编号", "虚拟账号"),
        },
        ("date", "credit", "debit", "name"),
    ),
    CsvProfile(
        "generic",
        {
            "date": ("date", "booking date", "日期"),
            "amount": ("amount", "金额"),
            "name": ("name", "payer", "counterparty", "对方名称"),
            "account": ("account", "counterparty account", "对方账号"),
            "remark": ("remark", "reference text", "details", "附言"),
            "reference": ("bank reference", "transaction id", "流水号"),
            "balance": ("balance", "余额"),
            "currency": ("currency", "币种"),
            "virtual": ("virtual account", "虚拟账号"),
        },
        ("date", "amount"),
    ),
)
_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})|(\d{2})(\d{2}))(?:\D.*|\d{6})?", re.ASCII)
"""Without signs between them month and day have two digits each: 2026111 is no day."""
_OF_BANK = re.compile(r"#|合计|总计|总笔数|借方笔数|贷方笔数|total\b", re.IGNORECASE)
"""How rows begin that tell of all the others."""
_WORDS: Final = {"人民币": "CNY", "RMB": "CNY", "美元": "USD", "欧元": "EUR", "港币": "HKD", "港元": "HKD"}
MOST_ROWS = 100_000


def decode(content: bytes) -> str | None:
    """The text of a file in UTF-8 or in one of China's own encodings (GBK is a part of GB 18030); None: it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text if "\x00" not in text else None
    return None


def read_csv(content: bytes, currency: str) -> StatementFile:
    """Read a CSV of the account's `currency`. Whatever is wrong is a fault of its line; never raises."""
    found = StatementFile("csv", currency=currency)
    text = decode(content)
    if text is None:
        found.faults.append(FileFault(0, "encoding_unknown"))
        return found
    head = text[:4096]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, [cell.strip().strip("\t") for cell in row]))
            if len(rows) > MOST_ROWS:
                found.faults.append(FileFault(reader.line_num, "too_many_lines"))
                return found
    except csv.Error as error:
        found.faults.append(FileFault(reader.line_num, "line_broken", str(error)))
        return found
    place = _find_head(rows)
    if place is None:
        found.faults.append(FileFault(0, "columns_unknown"))
        return found
    at, profile, columns = place
    _find_account(found, rows[:at])
    width = len(rows[at][1])
    for number, row in rows[at + 1 :]:
        if not any(row) or _OF_BANK.match(next(cell for cell in row if cell)):
            continue
        if any(row[width:]):
            # An amount that was not quoted, cut at its comma, or a name: what stands where is not known.
            found.faults.append(FileFault(number, "line_broken", ",".join(row)[:40]))
            continue
        _read_row(found, number, row, profile, columns)
    _order(found)
    return found


Columns = Mapping[str, Sequence[int]]


def _find_head(rows: Sequence[tuple[int, list[str]]]) -> tuple[int, CsvProfile, Columns] | None:
    for at, (_, row) in enumerate(rows[:60]):
        names = [re.sub(r"\s+", " ", cell).replace("（", "(").replace("）", ")").lower() for cell in row]
        for profile in PROFILES:
            columns = {
                what: [names.index(one) for one in known if one in names] for what, known in profile.columns.items()
            }
            if all(columns[what] for what in profile.needed):
                return at, profile, columns
    return None


def _find_account(found: StatementFile, rows: Sequence[tuple[int, list[str]]]) -> None:
    """The number of the account, where the rows before the head name it."""
    for _, row in rows:
        match = re.search(
            r"(?:账号|帐号|account(?: number)?)\W*([A-Z]{0,2}\d[\d ]{7,33})", " ".join(row), re.IGNORECASE
        )
        if match:
            found.account_number = match[1].replace(" ", "")
            return


def _read_row(found: StatementFile, number: int, row: list[str], profile: CsvProfile, columns: Columns) -> None:
    def cell(what: str) -> str:
        return next((row[at] for at in columns.get(what, ()) if at < len(row) and row[at]), "")

    currency = cell("currency").upper()
    currency = _WORDS.get(currency, currency) or found.currency
    if not is_currency(currency) or currency != found.currency:
        found.faults.append(FileFault(number, "currency_unknown", currency[:20]))
        return
    day = to_day(cell("date"))
    if day is None:
        found.faults.append(FileFault(number, "date_broken", cell("date")[:40]))
        return
    try:
        amount_minor = _amount(cell, currency, split="credit" in profile.needed)
        balance_minor = to_minor(cell("balance"), currency) if cell("balance") else None
    except ValueError as error:
        found.faults.append(FileFault(number, "amount_broken", str(error)[:40]))
        return
    if amount_minor == 0:
        found.faults.append(FileFault(number, "amount_broken", "0"))
        return
    remark = " ".join(dict.fromkeys(row[at] for at in columns.get("remark", ()) if at < len(row) and row[at]))
    found.lines.append(
        FileLine(
            line=number,
            booked_on=day,
            amount_minor=amount_minor,
            currency=currency,
            counterparty_name=cell("name")[:200],
            counterparty_account=cell("account")[:64],
            remark=remark[:500],
            bank_reference=cell("reference")[:100],
            virtual_account=cell("virtual")[:64],
            balance_minor=balance_minor,
        )
    )


def _amount(cell: object, currency: str, *, split: bool) -> int:
    """Signed. Raises ValueError for no amount, and for one on both sides."""
    assert callable(cell)  # noqa: S101 - of this module
    if not split:
        return to_minor(cell("amount"), currency)
    credit = to_minor(cell("credit") or "0", currency)
    debit = to_minor(cell("debit") or "0", currency)
    if credit and debit:
        raise ValueError(f"{cell('credit')} / {cell('debit')}")
    return credit - debit


def to_day(written: str) -> date | None:
    """A day as banks write it, whatever time follows; None for none."""
    match = _DAY.fullmatch(written.strip())
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2] or match[4]), int(match[3] or match[5]))
    except ValueError:
        return None


def _order(found: StatementFile) -> None:
    """Bring the entries into the order in which they were booked, and hold each balance against the one before."""
    lines = found.lines
    if not lines or found.faults or any(line.balance_minor is None for line in lines):
        return
    if _first_gap(lines) is not None and _first_gap(lines[::-1]) is None:
        lines.reverse()
    gap = _first_gap(lines)
    if gap is not None:
        found.faults.append(FileFault(gap.line, "sum_differs", str(gap.balance_minor)))
        return
    found.opening_minor = (lines[0].balance_minor or 0) - lines[0].amount_minor
    found.closing_minor = lines[-1].balance_minor


def _first_gap(lines: Sequence[FileLine]) -> FileLine | None:
    before: int | None = None
    for line in lines:
        if before is not None and line.balance_minor != before + line.amount_minor:
            return line
        before = line.balance_minor
    return None
