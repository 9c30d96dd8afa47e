"""In which steps purchases are decided and what may be bought, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class StepTyped:
    """What the form holds of one step, as it was typed."""

    number: int
    who: str = ""
    persons: tuple[str, ...] = ("", "", "")
    above: str = ""
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Allowed:
    """An entry of the allow-list. `kind` is `listing` or `seller`."""

    kind: str
    id: str
    name: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyView:
    """The steps and the allow-list."""

    template: ClassVar[str] = "purchase_policy/policy.html"
    active: ClassVar[str] = "purchase_rules"

    steps: tuple[str, ...]
    """As sentences, in order."""
    typed: tuple[StepTyped, ...]
    """The form's slots: those that are set, and an empty one."""
    colleagues: tuple[Choice, ...]
    currencies: tuple[str, ...]
    mode: str
    allowed: tuple[Allowed, ...]
    may_change: bool
    product: str = ""
    """As it was typed, or the address of the product that the reader came from."""
    error: str = ""
    error_field: str = ""
