"""Purchases on account as buyers and the operator see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from billing.credit_lines.queries import CreditLineView
from billing.on_account.queries import NoticeView, OwedView
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class CreditLineItem:
    """A line with its amounts. ``asked_typed`` and ``limit_typed``: as a form holds them."""

    found: CreditLineView
    limit: Money
    used: Money
    held: Money
    available: Money
    asked: Money | None
    limit_typed: str


@dataclass(frozen=True, slots=True)
class OwedItem:
    """A purchase that is not paid."""

    found: OwedView
    owed: Money


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """What a buyer was told. ``address``: its letter, where it has one that is drawn."""

    found: NoticeView
    owed: Money
    address: str | None


@dataclass(frozen=True, slots=True)
class AgeItem:
    """What is owed of one age."""

    age: str
    owed: Money
    purchases: int


@dataclass(frozen=True, slots=True)
class OnAccountPage:
    """A buyer's lines and what it owes."""

    template: ClassVar[str] = "on_account/own.html"
    active: ClassVar[str] = "on_account"

    lines: tuple[CreditLineItem, ...]
    owed: tuple[OwedItem, ...]
    ages: tuple[AgeItem, ...]
    reminders: tuple[NoticeItem, ...]
    """The latest."""
    next_address: str | None
    offered_here: bool
    may_ask: bool
    currencies: tuple[str, ...]
    typed: dict[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CreditLinesPage:
    """All buyers' lines and what they owe."""

    template: ClassVar[str] = "on_account/desk.html"
    active: ClassVar[str] = "operator_on_account"

    lines: tuple[CreditLineItem, ...]
    shown: str
    """`asked`, or empty for all lines."""
    next_lines: str | None
    owed: tuple[OwedItem, ...]
    ages: tuple[AgeItem, ...]
    reminders: tuple[NoticeItem, ...]
    """The latest."""
    next_owed: str | None
    offered_here: bool
    may_write: bool
    currencies: tuple[str, ...]
    typed: dict[str, str] = field(default_factory=dict)
    error: str | None = None
