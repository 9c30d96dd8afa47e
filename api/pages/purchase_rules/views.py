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
    category: str = ""
    product: str = ""
    """The address of a product whose seller is meant."""


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule and how much of its month is used."""

    currency: str
    name: str
    key: str
    """Tells the rule's form from the others."""
    subject: str
    """Whose purchases alone it counts: a seller's name or a category's word; empty for everything."""
    seller_org_id: str
    category: str
    max_order: Money | None
    max_month: Money | None
    spent: Money
    self_approval: bool
    typed: RuleTyped


@dataclass(frozen=True, slots=True)
class RulesView:
    """The rules, of everything in each currency and of single sellers and categories, and the forms for another one."""

    template: ClassVar[str] = "purchase_rules/rules.html"
    active: ClassVar[str] = "purchase_rules"

    rules: tuple[RuleShown, ...]
    currencies: tuple[Choice, ...]
    """Those that have no rule yet."""
    may_change: bool
    typed: RuleTyped
    """Of the form for another currency."""
    categories: tuple[Choice, ...] = ()
    scoped_currencies: tuple[str, ...] = ()
    scoped: RuleTyped = RuleTyped()
    """Of the form for a rule of one seller or category."""
    wrong: str | None = None
    """The key of the rule whose form was refused; `new` or `scoped` of a new one's."""
    error: str | None = None
    error_field: str = ""
