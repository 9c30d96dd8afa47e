"""Who pays for whom, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class PayerAgreementItem:
    """An agreement in the list of either side; acts are addresses, empty where the reader has not that choice.

    `end_act`: what ending it is for the reader: `end`, `decline` or `withdraw`.
    """

    id: str
    name: str
    """Of the other side."""
    state: str
    is_payer: bool
    by_reader: bool
    invoice_to: str
    at: datetime
    currency: str
    monthly_limit: Money | None = None
    order_limit: Money | None = None
    monthly_typed: str = ""
    order_typed: str = ""
    accept: str = ""
    end: str = ""
    end_act: str = ""
    limits: str = ""
    method: str = ""
    """The standing method, as the form names it."""
    method_said: str = ""
    set_method: str = ""
    by_right: bool = False


@dataclass(frozen=True, slots=True)
class TypedPayer:
    """The form that proposes one, as it was typed."""

    partners: str = ""
    side: str = "payer"
    currency: str = "CNY"
    invoice_to: str = "payer"
    monthly_limit: str = ""
    order_limit: str = ""


@dataclass(frozen=True, slots=True)
class PayersView:
    """Who pays for the reader's organization, and for whom it pays; the form that proposes it."""

    template: ClassVar[str] = "payers/payers.html"
    active: ClassVar[str] = "payers"

    rows: tuple[PayerAgreementItem, ...]
    address: str
    currencies: tuple[Choice, ...]
    sides: tuple[Choice, ...]
    titles: tuple[Choice, ...]
    methods: tuple[Choice, ...] = ()
    charges: str = ""
    typed: TypedPayer = TypedPayer()
    next_address: str | None = None
    idempotency_key: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class PayerOrderItem:
    """An order that the payer pays."""

    number: str
    seller: str
    title: str
    state: str
    gross: Money


@dataclass(frozen=True, slots=True)
class PayerChargeItem:
    """A purchase that the reader's organization pays for another, or is asked to; acts are addresses, empty where over."""

    id: str
    name: str
    state: str
    at: datetime
    amount: Money
    refunded: Money | None
    orders: tuple[PayerOrderItem, ...]
    documents: tuple[tuple[str, str], ...] = ()
    """Numbers of its invoices and credit notes, and where their files are: empty while they are drawn."""
    failed: bool = False
    reason: str = ""
    approve: str = ""
    decline: str = ""


@dataclass(frozen=True, slots=True)
class PayerMonthItem:
    """A month of an organization that is paid for."""

    month: date
    name: str
    purchases: int
    ordered: Money
    refunded: Money
    limit: Money | None
    left: Money | None
    documents: str
    """Where its invoices are, as one file."""


@dataclass(frozen=True, slots=True)
class PayerChargesView:
    """What the reader's organization pays for others: what waits for it, and what each month came to."""

    template: ClassVar[str] = "payers/charges.html"
    active: ClassVar[str] = "payer_charges"

    rows: tuple[PayerChargeItem, ...]
    months: tuple[PayerMonthItem, ...]
    methods: tuple[Choice, ...]
    export: str
    back: str
    next_address: str | None = None
    error: str = ""
