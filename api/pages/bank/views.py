"""Bank transfers as the operator sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from billing.bank.ask_return import BankReturnView
from billing.bank.import_statement import ImportReport
from billing.bank.queries import AssignmentView, BankAccountView, BankLineView, OutgoingView
from kernel.money import Money

ACCOUNT_FIELDS = (
    "code", "currency", "holder", "bank_name", "account_number", "bank_code", "virtual_prefix", "term_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BankAccountItem:
    """An account, with what stands on it."""

    found: BankAccountView
    balance: Money


@dataclass(frozen=True, slots=True)
class BankLineItem:
    """A line in the list, with how long it waits."""

    found: BankLineView
    amount: Money
    open: Money
    waiting_s: int


@dataclass(frozen=True, slots=True)
class BankOutgoingItem:
    """Money to be sent, and what a person can say of it."""

    found: OutgoingView
    amount: Money
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BankReturnItem:
    """A return that waits for a second person; ``own``: the reader asked for it, and cannot be that person."""

    found: BankReturnView
    amount: Money
    own: bool


@dataclass(frozen=True, slots=True)
class BankView:
    """Accounts with their imports, lines that wait for a person, and money to be sent."""

    template: ClassVar[str] = "bank/bank.html"
    active: ClassVar[str] = "bank"

    accounts: tuple[BankAccountItem, ...]
    lines: tuple[BankLineItem, ...]
    shown: str
    """`open`, or empty for all lines."""
    next_address: str | None
    outgoing: tuple[BankOutgoingItem, ...]
    offered_here: bool
    """Whether this installation lets buyers pay by transfer at all."""
    may_write: bool
    currencies: tuple[str, ...]
    typed: dict[str, str] = field(default_factory=lambda: dict.fromkeys(ACCOUNT_FIELDS, ""))
    """What was typed for another account, by field."""
    error: str | None = None
    returns: tuple[BankReturnItem, ...] = ()
    """Returns above the limit that nobody has decided about."""


@dataclass(frozen=True, slots=True)
class BankReportLine:
    """One line of a file, or one fault."""

    line: int
    code: str
    amount: Money | None
    who: str
    remark: str


@dataclass(frozen=True, slots=True)
class BankReportView:
    """What a file says, line by line."""

    template: ClassVar[str] = "bank/report.html"
    active: ClassVar[str] = "bank"

    report: ImportReport
    opening: Money | None
    closing: Money | None
    faults: tuple[BankReportLine, ...]
    lines: tuple[BankReportLine, ...]
    hidden: int
    """Lines beyond those that are shown."""


@dataclass(frozen=True, slots=True)
class BankPart:
    """What a part of a line was for."""

    found: AssignmentView
    amount: Money


@dataclass(frozen=True, slots=True)
class BankLinePage:
    """One line with its parts, and what a person can say of the rest."""

    template: ClassVar[str] = "bank/line.html"
    active: ClassVar[str] = "bank"

    found: BankLineView
    amount: Money
    open: Money
    seems_missing: Money | None
    open_typed: str
    """The open amount as one would type it."""
    parts: tuple[BankPart, ...]
    may_write: bool
    act: str = ""
    typed: dict[str, str] = field(default_factory=dict)
    error: str | None = None
