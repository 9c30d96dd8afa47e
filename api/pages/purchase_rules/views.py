"""An organization's purchase rules, as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class RuleTyped:
    """What a rule's form holds, as it was typed; empty for no limit."""

    currency: str = ""
    max_order: str = ""
    max_month: str = ""
    self_approval: bool = False


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule and how much of its month is used."""

    currency: str
    name: str
    max_order: Money | None
    max_month: Money | None
    spent: Money
    self_approval: bool
    typed: RuleTyped


@dataclass(frozen=True, slots=True)
class RulesView:
    """The rules, one for each currency, and the form for another one."""

    template: ClassVar[str] = "purchase_rules/rules.html"
    active: ClassVar[str] = "purchase_rules"

    rules: tuple[RuleShown, ...]
    currencies: tuple[Choice, ...]
    """Those that have no rule yet."""
    may_change: bool
    typed: RuleTyped
    """Of the form for another currency."""
    wrong_currency: str | None = None
    """Whose form was refused; empty for the new one's."""
    error: str | None = None
    error_field: str = ""
