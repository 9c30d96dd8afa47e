"""Order sheets, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.buy.views import QuotePanel
from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class SheetRowItem:
    """A sheet in the list."""

    name: str
    state: str
    lines: int
    wrong: int
    at: datetime
    address: str


@dataclass(frozen=True, slots=True)
class OrderSheetsView:
    """The organization's sheets, and the form that makes one. `offered`: whether a template has anything to list."""

    template: ClassVar[str] = "order_sheets/order_sheets.html"
    active: ClassVar[str] = "order_sheets"

    rows: tuple[SheetRowItem, ...]
    offered: bool
    lines: str = ""
    name: str = ""
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class FaultItem:
    """What is wrong in a column of a line, in words."""

    column: str
    text: str


@dataclass(frozen=True, slots=True)
class SheetLineItem:
    """A line as it was written, and what it means where that is clear."""

    number: int
    code: str
    quantity: str
    note: str
    left_out: bool
    what: str
    seller: str
    faults: tuple[FaultItem, ...] = ()
    end_customer: str = ""

    def is_wrong(self, column: str) -> bool:
        """Whether what is wrong is in this column."""
        return any(one.column == column for one in self.faults)


@dataclass(frozen=True, slots=True)
class SheetOrderItem:
    """An order of an ordered sheet."""

    number: str
    seller: str
    state: str
    gross: Money
    address: str


@dataclass(frozen=True, slots=True)
class OrderSheetView:
    """One sheet: its wrong lines to correct, then its price, then its orders. Long ones show their first lines alone."""

    template: ClassVar[str] = "order_sheets/order_sheet.html"
    active: ClassVar[str] = "order_sheets"

    id: str
    name: str
    state: str
    total: int
    wrong: int
    left_out: int
    at: datetime
    wrong_lines: tuple[SheetLineItem, ...] = ()
    lines: tuple[SheetLineItem, ...] = ()
    quotes: tuple[QuotePanel, ...] = ()
    orders: tuple[SheetOrderItem, ...] = ()
    billing_profiles: tuple[Choice, ...] = ()
    billing_profile_id: str = ""
    payment_methods: tuple[Choice, ...] = ()
    payment_method_id: str = ""
    departments: tuple[Choice, ...] = ()
    department_id: str = ""
    po_number: str = ""
    idempotency_key: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
