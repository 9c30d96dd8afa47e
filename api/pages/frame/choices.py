"""Choices that forms offer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from api.language import Language
from api.pages.frame.translations import translations
from marketplace.departments.queries import DepartmentRow
from marketplace.parties.places import COUNTRIES


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a select: a billing profile or a payment method."""

    id: str
    label: str
    detail: str = ""
    leads: bool = False
    """Of a way to pay: the payer may be led to another's page."""
    refused: bool = False
    """Of a way to pay: shown with the reason why it cannot be chosen now."""


COMMON_CURRENCIES = ("CNY", "USD", "EUR", "GBP", "HKD", "JPY", "SGD")
"""What stands at the head of a choice of currencies."""


def country_choices(language: Language) -> tuple[Choice, ...]:
    """Countries by name in the reader's language, with China, where most come from, at the head."""
    names = translations(language).locale.territories
    found = sorted((names.get(code, code), code) for code in COUNTRIES)
    return tuple(Choice(code, name) for name, code in sorted(found, key=lambda one: one[1] != "CN"))


def department_name(row: DepartmentRow, language: Language) -> str:
    """A department as its readers know it: its code, and its name in their language where it has one."""
    return f"{row.code} · {row.name_en if language == 'en' and row.name_en else row.name}"


def department_choices(
    rows: Iterable[DepartmentRow], language: Language, chosen: UUID | None = None
) -> tuple[Choice, ...]:
    """Departments with their parts set in below them; of archived ones only what is chosen already."""
    return tuple(
        Choice(str(one.id), "\u2003" * one.level + department_name(one, language))
        for one in rows
        if not one.is_archived or one.id == chosen
    )
