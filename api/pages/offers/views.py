"""Offers as pages show them: in the thread of their request, in lists, and each on a page of its own, to either side."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.listings.views import PriceRows, SectionForm
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
    untaxed_price: str = "whole"
    sentences: tuple[str, ...] = ()
    """What each component of a price of several parts costs."""
    parts: tuple[str, ...] = ()
    """Then, how the first term's amount comes about."""
    instalments: int = 1


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
    whole: bool = False
    """Whether its price is that of the first term in all."""


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
class OfferApprovalItem:
    """Why its own side is asked, a sentence for each line; what was decided. `act`: where the reader decides.

    `is_own`: the reader made it, and a colleague has to decide.
    """

    lines: tuple[str, ...]
    decision: str
    text: str
    act: str = ""
    is_own: bool = False
    typed: str = ""


@dataclass(frozen=True, slots=True)
class OfferItem:
    """An offer. `other` is the other side. `act`: where its buyer accepts it, or its seller takes it back.

    `order`: what came of it.
    """

    address: str
    what: str
    other: str
    lines: tuple[OfferLineItem, ...]
    total: Money
    state: str
    until: datetime
    at: datetime
    act: str
    order: str
    pdf: str = ""
    """Empty as long as it is being drawn."""
    terms: str = ""
    takes_more: bool = False
    """Whether the quantities are the least."""
    contract: str = ""
    """When what recurs ends for good, where that is agreed on."""
    taken: tuple[tuple[int, str, int, str], ...] = ()
    """Where its buyer says how many it takes: the number, name and least quantity of each line of seats, and what was typed."""
    replaces: bool = False
    """Whether it took the place of another."""
    counters: tuple[CounterItem, ...] = ()
    forms: OfferForms | None = None
    decline_reason: str = ""
    decline_text: str = ""
    """Why its buyer did, as far as it was said."""
    is_shown: bool = True
    """Whether its buyer got it."""
    approval: OfferApprovalItem | None = None


@dataclass(frozen=True, slots=True)
class OwnPriceForm:
    """The plan's price editor within a line of the form, in place of a unit price or a discount."""

    form: SectionForm
    price: PriceRows
    intervals: tuple[Choice, ...] = ()
    modes: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferLineTyped:
    """What stands in a line of the form; `suffix` is that of its fields' names."""

    suffix: str = ""
    plan_id: str = ""
    quantity: str = ""
    unit_price: str = ""
    discount_ppm: str = ""
    own: OwnPriceForm | None = None
    instalments: str = ""


@dataclass(frozen=True, slots=True)
class OfferTyped:
    """What stands in the form of an offer: its first line, and further ones that may stay empty."""

    first: OfferLineTyped = field(default_factory=OfferLineTyped)
    more: tuple[OfferLineTyped, ...] = ()
    valid_on: str = ""
    terms: str = ""
    takes_more: bool = False
    contract_terms: str = ""
    contract_ends_on: str = ""
    organization: str = ""
    """Of a private offer whom it is for: a legal name, a tax identifier or an id."""
    tier_id: str = ""
    """Or the tier, all of whose partners it is for."""

    @property
    def has_more(self) -> bool:
        """Whether a further line is filled in."""
        return any(one.plan_id for one in self.more)


@dataclass(frozen=True, slots=True)
class OfferPage:
    """One offer, as its buyer sees it. `again`: where its seller makes another in its place."""

    template: ClassVar[str] = "offers/offer.html"
    active: ClassVar[str] = "offers"
    sells: ClassVar[bool] = False

    back: str
    to_request: bool
    """Whether `back` leads to the request that it answers."""
    item: OfferItem
    plans: tuple[Choice, ...] = ()
    offered: OfferTyped = field(default_factory=OfferTyped)
    again: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class SellerOfferPage(OfferPage):
    """One offer, as its seller sees it."""

    active: ClassVar[str] = "seller_offers"
    sells: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class OffersView:
    """What the organization was offered."""

    template: ClassVar[str] = "offers/offers.html"
    active: ClassVar[str] = "offers"
    sells: ClassVar[bool] = False

    path: str
    states: tuple[str, ...]
    current: str
    rows: tuple[OfferItem, ...]
    next_address: str | None = None
    floors: str = ""
    """Where whoever approves offers says below what they are asked."""


@dataclass(frozen=True, slots=True)
class SellerOffersView(OffersView):
    """What the organization offered."""

    active: ClassVar[str] = "seller_offers"
    sells: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class NewOfferView:
    """The form of a private offer."""

    template: ClassVar[str] = "offers/new.html"
    active: ClassVar[str] = "seller_offers"

    plans: tuple[Choice, ...]
    offered: OfferTyped
    tiers: tuple[Choice, ...] = ()
    """The seller's, any of which it may be to in the place of an organization; none where it has none."""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class FloorItem:
    """A floor: `listing` is the product's id, empty of all products."""

    listing: str
    what: str
    share: str


@dataclass(frozen=True, slots=True)
class OfferFloorsView:
    """A seller's discount floors, and the form of one."""

    template: ClassVar[str] = "offers/floors.html"
    active: ClassVar[str] = "seller_offers"

    rows: tuple[FloorItem, ...]
    products: tuple[Choice, ...]
    product: str = ""
    floor: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
