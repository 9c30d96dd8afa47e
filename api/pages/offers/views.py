"""Offers as pages show them: in the thread of their request, and each on a page of its own, to either side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class OfferLineItem:
    """A plan in an offer; `quantity` 0 where it is not sold by the seat."""

    what: str
    quantity: int
    price: str
    list_price: str
    total: Money
    tax_included: bool


@dataclass(frozen=True, slots=True)
class CounterItem:
    """What the buyer proposed instead: a sentence for each line, what it comes to, and what was said to it."""

    lines: tuple[str, ...]
    total: Money
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CounterLineTyped:
    """What stands in a line of the form of a counter-offer; no quantity where the plan is not sold by the seat."""

    number: int
    what: str
    unit_price: str
    quantity: str | None


@dataclass(frozen=True, slots=True)
class OfferForms:
    """What its buyer may say to an open offer, and what stands in the forms."""

    decline: str
    """Where they say no to it."""
    counter: str
    """Where they propose other figures."""
    reasons: tuple[str, ...]
    lines: tuple[CounterLineTyped, ...]
    reason: str = ""
    decline_text: str = ""
    counter_text: str = ""


@dataclass(frozen=True, slots=True)
class OfferItem:
    """An offer. `act`: where its buyer accepts it, or its seller takes it back; `order`: what came of it."""

    address: str
    what: str
    lines: tuple[OfferLineItem, ...]
    total: Money
    state: str
    until: datetime
    at: datetime
    act: str
    order: str
    replaces: bool = False
    """Whether it took the place of another."""
    counters: tuple[CounterItem, ...] = ()
    forms: OfferForms | None = None
    decline_reason: str = ""
    decline_text: str = ""
    """Why its buyer did, as far as it was said."""


@dataclass(frozen=True, slots=True)
class OfferPage:
    """One offer, as its buyer sees it."""

    template: ClassVar[str] = "offers/offer.html"
    active: ClassVar[str] = "requests"
    sells: ClassVar[bool] = False

    back: str
    item: OfferItem
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class SellerOfferPage(OfferPage):
    """One offer, as its seller sees it."""

    active: ClassVar[str] = "seller_leads"
    sells: ClassVar[bool] = True
