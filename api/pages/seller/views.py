"""The seller's home, orders and listings as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.prices import Per
from api.pages.money.views import MoneyFigures
from api.pages.orders.views import OrderItem
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class TroubledRun:
    """A run that needs a hand: dead, or failing for a while. ``error`` is the last answer, redacted."""

    id: str
    order_id: str
    order_number: str
    buyer_name: str
    listing_name: str
    operation: str
    state: str
    attempts: int
    waiting_s: int
    deadline_at: datetime
    error: str
    may_replay: bool
    #: Whether its deadline is still to come, and what follows then is that the buyer's money goes back.
    refunds: bool = False


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step of a funnel; its name is ``funnel.<key>``. ``ppm_of_first`` scales the bar."""

    key: str
    count: int
    ppm_of_first: int


@dataclass(frozen=True, slots=True)
class SellerHomeView:
    """The seller's first screen: what the reader's role may see of it. One set of figures per currency."""

    template: ClassVar[str] = "seller/seller_home.html"
    active: ClassVar[str] = "seller"

    figures: tuple[MoneyFigures, ...]
    runs: tuple[TroubledRun, ...] | None
    funnel: tuple[FunnelStep, ...] | None
    funnel_video_id: str | None = None
    funnel_video_title: str = ""
    funnel_money: Money | None = None
    #: Onboarding steps not done yet, keys under ``start.``; selling is closed until it is empty.
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SellerOrdersView:
    """Orders the seller received, those needing a hand first."""

    template: ClassVar[str] = "seller/seller_orders.html"
    active: ClassVar[str] = "seller_orders"

    rows: tuple[OrderItem, ...]
    runs: tuple[TroubledRun, ...]
    states: tuple[str, ...]
    state: str = ""
    query: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ListingItem:
    """One listing in the seller's list."""

    id: str
    name: str
    kind: str
    state: str
    version: int
    plans: int
    from_price: Money | None
    per: Per
    active_customers: int
    updated_at: datetime
    #: Of a newer version than the one on sale; empty where there is none.
    next_state: str = ""


@dataclass(frozen=True, slots=True)
class ListingPlan:
    """A plan as a buyer will see it."""

    id: str
    name: str
    price: Money
    per: Per
    term: str
    connector: str
    features: tuple[str, ...]
    limits: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    """What each component of the price costs, where it has several."""


@dataclass(frozen=True, slots=True)
class ListingPanel:
    """The published version of a listing, to read."""

    row: ListingItem
    summary: str
    plans: tuple[ListingPlan, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SellerListingsView:
    """The seller's listings; ``opened`` shows in the side panel."""

    template: ClassVar[str] = "seller/seller_listings.html"
    active: ClassVar[str] = "seller_listings"

    rows: tuple[ListingItem, ...]
    opened: ListingPanel | None = None
    next_address: str | None = None
    may_edit: bool = False
