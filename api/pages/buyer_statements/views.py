"""Signed monthly statements: the organization's own, one of them, and what anybody sees who checks a code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class StatementSums:
    """What a month comes to in one currency."""

    orders: Money
    payments: Money
    refunds: Money
    invoices: Money
    open: Money


@dataclass(frozen=True, slots=True)
class BuyerStatementItem:
    """A statement in the list."""

    id: str
    number: str
    month: date
    sums: tuple[StatementSums, ...]


@dataclass(frozen=True, slots=True)
class BuyerStatementsView:
    """``months`` are those that can be closed, the earliest first."""

    template: ClassVar[str] = "buyer_statements/statements.html"
    active: ClassVar[str] = "buyer_statements"

    rows: tuple[BuyerStatementItem, ...]
    months: tuple[date, ...]
    may_close: bool
    next_address: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class StatementFact:
    """One fact of a month."""

    number: str
    party: str
    at: datetime
    amount: Money


@dataclass(frozen=True, slots=True)
class BuyerStatementView:
    """One statement. ``sections``: the kind of facts, the facts shown, how many more there are, and what all come to."""

    template: ClassVar[str] = "buyer_statements/statement.html"
    active: ClassVar[str] = "buyer_statements"

    id: str
    number: str
    month: date
    sections: tuple[tuple[str, tuple[StatementFact, ...], int, Money], ...]
    content_sha256: str
    previous_hash: str
    hash: str
    code: str


@dataclass(frozen=True, slots=True)
class StatementCheckView:
    """What stands behind a code; ``number`` is empty where there is nothing."""

    template: ClassVar[str] = "buyer_statements/check.html"
    active: ClassVar[str] = "feed"

    number: str = ""
    legal_name: str = ""
    month: date | None = None
    sums: tuple[StatementSums, ...] = ()
    content_sha256: str = ""
    hash: str = ""
    genuine: bool = False
