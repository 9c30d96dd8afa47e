"""Where a partner may order for customers, as its seller sets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class TerritoryTick:
    """Something that can be ticked: its field, what it is, and whether it is."""

    field: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class TerritoryView:
    """The form of a partner's territory; `says`: what holds now, in words."""

    template: ClassVar[str] = "partners/territory.html"
    active: ClassVar[str] = "seller_partners"

    id: str
    partner: str
    says: str
    is_set: bool
    china: TerritoryTick
    provinces: tuple[TerritoryTick, ...]
    products: tuple[TerritoryTick, ...]
    countries: str = ""
    is_exclusive: bool = False
    error_field: str = ""
    field_error: str = ""
