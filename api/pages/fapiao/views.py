"""Chinese tax invoices (数电票), as the two sides see them, and the form that asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from billing.fapiao.queries import FapiaoSide
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class FapiaoItem:
    """A document of a request; a red one's amount is negative."""

    id: str
    number: str
    is_red: bool
    issued_on: date | None
    gross: Money
    is_used: bool
    may_be_used: bool


@dataclass(frozen=True, slots=True)
class FapiaoRequestItem:
    """A request with its trail; ``reason`` says why it failed. ``other``: the name of the other side."""

    id: str
    state: str
    kind: str
    other: str
    title: str
    """Whom the documents name, with the tax number."""
    gross: Money
    remarks: str
    bills: tuple[str, ...]
    sandbox: bool
    reason: str
    documents: tuple[FapiaoItem, ...]
    trail: tuple[tuple[str, datetime], ...]
    may_retry: bool


@dataclass(frozen=True, slots=True)
class RedLetterItem:
    """A red letter, and what the reader may say about it."""

    id: str
    state: str
    official: str
    other: str
    number: str
    fapiao_number: str
    red_number: str
    gross: Money
    reason: str
    expires_at: datetime | None
    acts: tuple[str, ...]
    note_address: str
    for_refund: bool = False


@dataclass(frozen=True, slots=True)
class HeldRefundItem:
    """A refund that waits for a red one. ``waits_for``: `issuer`, `buyer`, `seller` or `both`."""

    id: str
    amount: Money
    reason: str
    held_at: datetime
    waits_for: str
    until: datetime | None
    goes_at: datetime | None
    address: str
    may_be_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class OperatorHeldView:
    """Everybody's refunds that wait, for the operator."""

    template: ClassVar[str] = "fapiao/held.html"
    active: ClassVar[str] = "operator"

    rows: tuple[HeldRefundItem, ...]
    may_release: bool
    next_address: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class FapiaoPage:
    """A buyer's: red letters first, since they wait for words, then requests, newest first."""

    template: ClassVar[str] = "fapiao/fapiao.html"
    active: ClassVar[str] = "fapiao"
    side: ClassVar[FapiaoSide] = "buyer"

    letters: tuple[RedLetterItem, ...]
    requests: tuple[FapiaoRequestItem, ...]
    next_address: str | None = None
    error: str = ""
    held: tuple[HeldRefundItem, ...] = ()


@dataclass(frozen=True, slots=True)
class SellerFapiaoPage(FapiaoPage):
    """A seller's."""

    active: ClassVar[str] = "seller_fapiao"
    side: ClassVar[FapiaoSide] = "seller"


@dataclass(frozen=True, slots=True)
class BillItem:
    """A bill that is to stand on a tax invoice."""

    id: str
    number: str
    seller_name: str
    order_number: str
    gross: Money


@dataclass(frozen=True, slots=True)
class NewFapiaoView:
    """The form: which bills, which kind, what the remarks say."""

    template: ClassVar[str] = "fapiao/new.html"
    active: ClassVar[str] = "fapiao"

    bills: tuple[BillItem, ...]
    title: str = ""
    kind: str = "ordinary"
    remarks: str = ""
    sandbox: bool = True
    error: str = ""
