"""The platform's books, as its operators read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class AccountingPeriodItem:
    """A closed month, or one that was opened again. ``reopen`` is where the last one is opened."""

    month: date
    state: str
    transactions: int | None
    by: str
    at: datetime
    reason: str = ""
    reopen: str | None = None


@dataclass(frozen=True, slots=True)
class TrialBalanceItem:
    """A kind of account in a currency: ``books.kind.<kind>``. ``address`` lists its accounts."""

    kind: str
    gateway: str
    opening: Money
    debit: Money
    credit: Money
    closing: Money
    address: str


@dataclass(frozen=True, slots=True)
class BooksView:
    """Months, the trial balance of one of them, and the journal as a file. ``error`` is a ready sentence."""

    template: ClassVar[str] = "books/books.html"
    active: ClassVar[str] = "operator_books"

    month: str
    first_on: date
    last_on: date
    rows: Sequence[TrialBalanceItem]
    totals: Sequence[tuple[Money, Money, Money, Money]]
    periods: Sequence[AccountingPeriodItem] = ()
    next_month: date | None = None
    may_close: bool = False
    currencies: Sequence[str] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AccountItem:
    """An account in a list."""

    address: str
    owner: str
    kind: str
    gateway: str
    balance: Money


@dataclass(frozen=True, slots=True)
class AccountsView:
    """Accounts under filters, with what stood on each at the end of ``on``."""

    template: ClassVar[str] = "books/accounts.html"
    active: ClassVar[str] = "operator_books"

    rows: Sequence[AccountItem]
    kinds: Sequence[str]
    kind: str = ""
    currency: str = ""
    on: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class PostingItem:
    """One side of a fact on an account."""

    address: str
    kind: str
    key: str
    amount: Money
    at: datetime
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class LedgerAccountView:
    """An account with its postings."""

    template: ClassVar[str] = "books/account.html"
    active: ClassVar[str] = "operator_books"

    account: AccountItem
    postings: Sequence[PostingItem]
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class LegItem:
    """One side of a fact, with its account."""

    address: str
    owner: str
    kind: str
    gateway: str
    amount: Money


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """A fact with all its sides. ``trace`` leads to the order and the video."""

    template: ClassVar[str] = "books/transaction.html"
    active: ClassVar[str] = "operator_books"

    kind: str
    key: str
    at: datetime
    recorded_at: datetime
    occurred_at: datetime | None
    trace: str
    legs: Sequence[LegItem]


@dataclass(frozen=True, slots=True)
class AccountCodeItem:
    """Number and name of a kind of account in a format."""

    format: str
    kind: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class AccountCodesView:
    """What accounting programs call the kinds of accounts."""

    template: ClassVar[str] = "books/account_codes.html"
    active: ClassVar[str] = "operator_books"

    format: str
    formats: Sequence[str]
    rows: Sequence[AccountCodeItem]
    may_change: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunItem:
    """The last comparison of a leg: ``reconciliation.leg.<leg>``."""

    leg: str
    compared: int
    differing: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DifferenceItem:
    """A difference: ``reconciliation.kind.<kind>``. None of an amount: it is not there at all."""

    id: str
    leg: str
    kind: str
    subject: str
    expected: Money | None
    found: Money | None
    difference: Money
    state: str
    age_s: int
    owner: str | None
    is_mine: bool
    reason: str
    trace: str


@dataclass(frozen=True, slots=True)
class ReconciliationView:
    """What was compared, and what differs."""

    template: ClassVar[str] = "books/reconciliation.html"
    active: ClassVar[str] = "operator_reconciliation"

    runs: Sequence[RunItem]
    rows: Sequence[DifferenceItem]
    state: str = "open"
    states: Sequence[str] = field(default=("open", "explained", "resolved"))
    may_decide: bool = False
    next_address: str | None = None
    error: str | None = None
