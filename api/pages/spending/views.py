"""What was paid and what will be charged, as finance sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.charts import BarChart
from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class ChargeItem:
    """A term to be paid for. ``note``: how sure the amount is, in words."""

    at: datetime
    address: str
    listing_name: str
    seller_name: str
    amount: Money
    note: str


@dataclass(frozen=True, slots=True)
class ChargeMonth:
    """The charges of a calendar month, and what they come to in each currency."""

    month: date
    totals: tuple[Money, ...]
    charges: tuple[ChargeItem, ...]


@dataclass(frozen=True, slots=True)
class SpendItem:
    """Paid in a month to one seller for one department and member."""

    month: date
    seller_name: str
    department: str
    asked_by: str
    orders: int
    gross: Money


@dataclass(frozen=True, slots=True)
class SpendingView:
    """The next ninety days, then the last twelve months."""

    template: ClassVar[str] = "spending/spending.html"
    active: ClassVar[str] = "spending"

    ahead: tuple[ChargeMonth, ...]
    rows: tuple[SpendItem, ...]
    charts: tuple[BarChart, ...]
    departments: tuple[Choice, ...] = ()
    department_id: str = ""
    """The one that is looked at; empty: all of them, with what is no department's."""
    export: str = ""
