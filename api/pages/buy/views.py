"""The purchase sheet as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.feed.views import FeedClaim
from api.pages.frame.choices import Choice
from api.pages.frame.partner_prices import OwnPrice
from api.pages.frame.prices import Per
from kernel.money import Money
from marketplace.catalog.show_reliability import Reliability
from marketplace.service_windows.response_time import ResponseTime


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """A plan the sheet may switch to; term is part of the plan, so choosing the term chooses the plan."""

    id: str
    name: str
    term: str
    price: Money
    per: Per
    min_quantity: int = 1
    max_quantity: int = 10_000
    sold_by_seat: bool = True
    step: int = 1
    own: OwnPrice | None = None
    """What the buyer pays as a partner."""
    sentences: tuple[str, ...] = ()
    """What each component of the price costs, where it has several."""


@dataclass(frozen=True, slots=True)
class QuotePanelLine:
    """One line of a quote: a ready description and what it comes to, with tax where the price contains it."""

    text: str
    amount: Money
    parts: tuple[str, ...] = ()
    """How the list price came about, where it has several parts."""
    discount: Money | None = None
    """What a coupon takes off; ``amount`` is then the list price."""
    discount_text: str = ""
    discount_until: str = ""
    """The last day on which it can be bought with."""
    untaxed: Money | None = None
    """The tax that is taken off a price with tax, because none applies; ``amount`` is then the list price."""
    untaxed_text: str = ""


@dataclass(frozen=True, slots=True)
class QuotePanel:
    """What the server priced. ``tax_ppms`` are the lines' rates, each once, ``tax_note`` what a buyer may not expect of it."""

    id: str
    lines: tuple[QuotePanelLine, ...]
    net: Money
    tax: Money
    tax_ppms: tuple[int, ...]
    gross: Money
    expires_at: datetime
    claims: tuple[FeedClaim, ...]
    needs_approval: bool = False
    approval_reasons: tuple[str, ...] = ()
    approval_steps: str = ""
    """Who decides, as a sentence."""
    tax_note: str | None = None
    issuers: tuple[str, ...] = ()
    """Who will invoice it, each once: sellers, or the platform where that sells it."""
    trial: str = ""
    """Of a trial, a sentence: how long, and what follows."""


@dataclass(frozen=True, slots=True)
class OwnProductView:
    """Why one's own product is neither bought nor asked about; as a page, and (part ``own``) in the sheet of its card."""

    template: ClassVar[str] = "buy/own.html"
    active: ClassVar[str] = "feed"

    listing_id: str
    listing_name: str
    seller_name: str
    may_edit: bool
    in_sheet: bool = False


@dataclass(frozen=True, slots=True)
class BuySource:
    """The card in a video, at a second of it, that the sheet was opened from."""

    placement_id: str
    video_id: str
    video_title: str
    second: int
    share: str | None = None


@dataclass(frozen=True, slots=True)
class BuyView:
    """The purchase sheet, as a page of its own and (part ``sheet``) inside the player and the product page.

    ``address`` is where its form posts. Without a ``source`` it is bought from the product page, which no video sold.
    ``idempotency_key`` is made per rendering, so that the form without script is safe to send twice.
    ``error`` is a ready sentence shown at the top, ``error_field`` the name of the field it is about.
    """

    template: ClassVar[str] = "buy/buy.html"
    active: ClassVar[str] = "feed"

    address: str
    listing_id: str
    listing_name: str
    seller_name: str
    plans: tuple[PlanChoice, ...]
    plan_id: str
    quantity: int
    quote: QuotePanel
    billing_profiles: tuple[Choice, ...]
    billing_profile_id: str
    payment_methods: tuple[Choice, ...]
    payment_method_id: str
    idempotency_key: str
    source: BuySource | None
    category: str = ""
    """Of the product, as a word."""
    trial: bool = False
    """Whether it is tried first; then only plans that have a trial are offered."""
    pays: bool = True
    """Whether a payment method is asked for."""
    offer_id: str = ""
    """The offer that is accepted: its plan and quantity are chosen already. ``back`` leads to it."""
    back: str = ""
    offer_terms: str = ""
    offer_contract: str = ""
    """When what recurs ends for good, where the offer says so."""
    taken: tuple[tuple[int, int], ...] = ()
    """Of an offer that leaves it open: of which line how many seats are taken."""
    others: tuple[Choice, ...] = ()
    """The buyer's subscriptions that it may be made to end with."""
    align_with: str = ""
    end_customers: tuple[Choice, ...] = ()
    """For whom a dealer may order it."""
    end_customer_id: str = ""
    po_number: str = ""
    departments: tuple[Choice, ...] = ()
    department_id: str = ""
    """Whose spending it is; empty: of the member's own department."""
    coupon: str = ""
    """The code as it was typed."""
    terms_version: str = ""
    live: tuple[str, int] | None = None
    """The live session, and the second of it, in whose room it is bought."""
    circle: str = ""
    """The circle through which its member buys."""
    reliability: Reliability | None = None
    response_time: ResponseTime | None = None
    error: str | None = None
    error_field: str | None = None
    payers_address: str = ""
    """Where a circle that nobody pays for yet finds a company that does."""
