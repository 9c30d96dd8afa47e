"""A statement file as a pure value, and how a reader of a format says what it cannot read."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from kernel.money import exponent

FormatName = Literal["csv", "mt940", "camt053"]
_FIRST_DAY = date(2000, 1, 1)
MOST_MINOR = 10**15
"""Of one entry: more is no amount."""
_AMOUNT = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{2,3})*,\d{3})(?:\.\d*)?|[+-]?\.\d+", re.ASCII)
"""Grouped by commas or not at all (India groups by two before the last three). A comma anywhere else is a decimal one, and to
leave it out would make a hundred times the amount; an exponent is what a spreadsheet leaves of digits that are lost."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """What is wrong: `line` counts from 1 as the file does, 0 for the file as a whole; `shown` is what was read there."""

    line: int
    code: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class FileLine:
    """One entry, in minor units: positive came in. `line`: where in the file it stands."""

    line: int
    booked_on: date
    amount_minor: int
    currency: str
    counterparty_name: str = ""
    counterparty_account: str = ""
    remark: str = ""
    bank_reference: str = ""
    virtual_account: str = ""
    balance_minor: int | None = None
    """What stood on the account after it, where the file says."""


@dataclass(slots=True)
class StatementFile:
    """What a file says. Nothing of one with `faults` is imported."""

    format: FormatName
    account_number: str = ""
    currency: str = ""
    opening_minor: int | None = None
    closing_minor: int | None = None
    lines: list[FileLine] = field(default_factory=list)
    faults: list[FileFault] = field(default_factory=list)

    def require_days(self, today: date) -> None:
        """Add a fault for each entry of a day that no bank has booked: before 2000, or more than a year ahead."""
        for line in self.lines:
            if not _FIRST_DAY <= line.booked_on <= today + timedelta(days=366):
                self.faults.append(FileFault(line.line, "date_broken", line.booked_on.isoformat()))

    def require_sum(self) -> None:
        """Add a fault where opening balance and lines do not lead to the closing balance."""
        if self.opening_minor is None or self.closing_minor is None or self.faults:
            return
        expected = self.opening_minor + sum(line.amount_minor for line in self.lines)
        if expected != self.closing_minor:
            self.faults.append(FileFault(0, "sum_differs", f"{expected} ≠ {self.closing_minor}"))


def to_minor(written: str, currency: str) -> int:
    """`1,234.50` of a currency in minor units. Raises ValueError for what is no amount, or is finer than the currency."""
    plain = unicodedata.normalize("NFKC", written).strip().replace("¥", "")
    if _AMOUNT.fullmatch(plain) is None:
        raise ValueError(written)
    minor = Decimal(plain.replace(",", "")).scaleb(exponent(currency))
    if minor != minor.to_integral_value() or abs(minor) > MOST_MINOR:
        raise ValueError(written)
    return int(minor)


def is_currency(code: str) -> bool:
    """Whether this is a currency of which amounts are known."""
    try:
        exponent(code)
    except ValueError:
        return False
    return True


def fingerprints(lines: Sequence[FileLine]) -> list[str]:
    """What each line is recognised by when another file tells of it again.

    By what the bank says of it; lines that are alike in everything are counted within the file.
    """
    seen: Counter[str] = Counter()
    found = []
    for line in lines:
        said = [
            line.bank_reference,
            line.booked_on.isoformat(),
            str(line.amount_minor),
            line.currency,
            line.counterparty_account,
            line.remark,
            "" if line.bank_reference else str(line.balance_minor),
        ]
        digest = hashlib.sha256("\x1f".join(said).encode()).hexdigest()
        seen[digest] += 1
        found.append(digest if seen[digest] == 1 else f"{digest}:{seen[digest]}")
    return found
