"""Partners, tiers and price lists, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.offers.views import OwnPriceForm


@dataclass(frozen=True, slots=True)
class PartnerLinkItem:
    """A link in the list of either side; acts are addresses, empty where the reader has not that choice."""

    id: str
    name: str
    state: str
    tier: str
    tier_id: str
    by_seller: bool
    at: datetime
    accept: str = ""
    decline: str = ""
    withdraw: str = ""
    end: str = ""
    move: str = ""
    territory: str = ""
    """Of a running one, where it may order for customers, in words."""
    territory_address: str = ""
    """Of the seller, where it is changed."""


@dataclass(frozen=True, slots=True)
class TypedTier:
    """A tier's form, as it was typed."""

    code: str = ""
    name: str = ""
    name_en: str = ""
    rank: str = ""


@dataclass(frozen=True, slots=True)
class TierItem:
    """A tier in the seller's list."""

    id: str
    code: str
    name: str
    rank: int
    prices: int
    address: str


@dataclass(frozen=True, slots=True)
class SellerPartnersView:
    """A seller's partners and tiers, with the forms that ask for one and add one."""

    template: ClassVar[str] = "partners/seller_partners.html"
    active: ClassVar[str] = "seller_partners"

    rows: tuple[PartnerLinkItem, ...]
    tiers: tuple[TierItem, ...]
    choices: tuple[Choice, ...]
    link: str
    typed: TypedTier = TypedTier()
    who: str = ""
    tier_id: str = ""
    next_address: str | None = None
    idempotency_key: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class TypedPrice:
    """The form of a tier's price, as it was typed."""

    product: str = ""
    percent: str = ""
    unit_price: str = ""
    min_quantity: str = "1"
    quantity_step: str = "1"
    own: OwnPriceForm | None = None
    """The plan's price editor in the place of both, once it was asked for."""


@dataclass(frozen=True, slots=True)
class TierPriceItem:
    """A price of a tier: what it is of, and what is paid."""

    what: str
    says: str
    parts: tuple[str, ...]
    since: datetime
    end: str


@dataclass(frozen=True, slots=True)
class TierView:
    """A tier with its price list, and the forms that change it."""

    template: ClassVar[str] = "partners/tier.html"
    active: ClassVar[str] = "seller_partners"

    id: str
    code: str
    name: str
    names: TypedTier
    rows: tuple[TierPriceItem, ...]
    products: tuple[Choice, ...]
    typed: TypedPrice = TypedPrice()
    idempotency_key: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class InvitedByItem:
    """An open invitation of a seller that names the organization."""

    name: str
    tier: str
    at: datetime
    address: str


@dataclass(frozen=True, slots=True)
class PartnersView:
    """The sellers whose partner an organization is, was or may be; the form that asks one. `seller` came by a link."""

    template: ClassVar[str] = "partners/partners.html"
    active: ClassVar[str] = "partners"

    rows: tuple[PartnerLinkItem, ...]
    invited: tuple[InvitedByItem, ...] = ()
    who: str = ""
    seller: str = ""
    next_address: str | None = None
    idempotency_key: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
