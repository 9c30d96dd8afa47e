"""Payees and their tax years, as pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class TaxMonthItem:
    """A month, or a year, of a payee in one currency. ``withheld``: what would be, of labour income in China."""

    month: date
    transactions: int
    gross: Money
    tax: Money
    refunded: Money
    paid: Money
    returned: Money
    commissions: Money
    withheld: Money | None


@dataclass(frozen=True, slots=True)
class StatedItem:
    """What a payee stated."""

    payee_type: str
    country: str
    us_form: str
    us_classification: str
    tin_kind: str
    tin_last4: str
    vat_status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TaxYearView:
    """A payee's own page: what it stated, and the facts of a year."""

    template: ClassVar[str] = "payee_tax/own.html"
    active: ClassVar[str] = "seller_money"

    year: int
    years: tuple[int, ...]
    time_zone: str
    stated: StatedItem | None
    totals: tuple[TaxMonthItem, ...]
    months: tuple[TaxMonthItem, ...]
    countries: tuple[Choice, ...]
    typed: Mapping[str, str]
    may_change: bool
    is_seller: bool
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class PromoterTaxYearView(TaxYearView):
    """The same of whoever promotes and does not sell."""

    active: ClassVar[str] = "promoter"


@dataclass(frozen=True, slots=True)
class PayeeItem:
    """A payee in the operator's list."""

    org_id: str
    name: str
    country: str
    stated: StatedItem | None
    totals: tuple[TaxMonthItem, ...]


@dataclass(frozen=True, slots=True)
class PayeeYearsView:
    """Whoever sold something or was paid in a year."""

    template: ClassVar[str] = "payee_tax/payees.html"
    active: ClassVar[str] = "payee_tax"

    year: int
    years: tuple[int, ...]
    rows: tuple[PayeeItem, ...]
    next_address: str | None


@dataclass(frozen=True, slots=True)
class PayeeYearView:
    """One payee's year, as the platform reads it. ``tin``: its identifier, whole, where it was asked for."""

    template: ClassVar[str] = "payee_tax/payee.html"
    active: ClassVar[str] = "payee_tax"

    org_id: str
    name: str
    year: int
    years: tuple[int, ...]
    time_zone: str
    stated: StatedItem | None
    totals: tuple[TaxMonthItem, ...]
    months: tuple[TaxMonthItem, ...]
    tin: str = ""
