"""Choices that forms offer."""

from __future__ import annotations

from dataclasses import dataclass

from api.language import Language
from api.pages.frame.translations import translations
from marketplace.parties.places import COUNTRIES


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a select: a billing profile or a payment method."""

    id: str
    label: str
    detail: str = ""


COMMON_CURRENCIES = ("CNY", "USD", "EUR", "GBP", "HKD", "JPY", "SGD")
"""What stands at the head of a choice of currencies."""


def country_choices(language: Language) -> tuple[Choice, ...]:
    """Countries by name in the reader's language, with China, where most come from, at the head."""
    names = translations(language).locale.territories
    found = sorted((names.get(code, code), code) for code in COUNTRIES)
    return tuple(Choice(code, name) for name, code in sorted(found, key=lambda one: one[1] != "CN"))
