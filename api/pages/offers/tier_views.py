"""Offers to tiers as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.offers.views import OfferItem
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class TierOfferRow:
    """An offer to a tier in the list: to how many partners it went, and how many accepted."""

    address: str
    what: str
    tier: str
    total: Money
    state: str
    sent: int
    accepted: int
    until: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class TierOffersView:
    """What the seller offered to tiers. `new`: where it makes one; empty without a tier."""

    template: ClassVar[str] = "offers/tier_offers.html"
    active: ClassVar[str] = "seller_offers"

    rows: tuple[TierOfferRow, ...]
    new: str
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class TierOfferPage:
    """An offer to a tier, and what became of each partner's."""

    template: ClassVar[str] = "offers/tier_offer.html"
    active: ClassVar[str] = "seller_offers"
    sells: ClassVar[bool] = True

    item: OfferItem
    sent: int
    accepted: int
    rows: tuple[OfferItem, ...]
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
    field_error: str = ""
