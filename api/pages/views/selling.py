"""The seller's desk: home, videos, orders, listings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.prices import Per
from api.pages.views.buying import OrderRow
from api.pages.views.channel import CallToAction
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


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step of a funnel; its name is ``funnel.<key>``. ``ppm_of_first`` scales the bar."""

    key: str
    count: int
    ppm_of_first: int


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """The three figures, and when the next payout comes."""

    pending: Money
    releasable: Money
    paid: Money
    next_payout: Money | None
    next_payout_on: date | None


@dataclass(frozen=True, slots=True)
class SellerHomeView:
    """The seller's first screen: what the reader's role may see of it. One set of figures per currency."""

    template: ClassVar[str] = "seller_home.html"
    active: ClassVar[str] = "seller"

    figures: tuple[MoneyFigures, ...]
    runs: tuple[TroubledRun, ...] | None
    funnel: tuple[FunnelStep, ...] | None
    funnel_video_id: str | None = None
    funnel_video_title: str = ""
    funnel_money: Money | None = None
    #: Onboarding steps not done yet, keys under ``onboarding.``; selling is closed until it is empty.
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoRow:
    """One video in the seller's list."""

    id: str
    title: str
    poster: str | None
    state: str
    duration_s: int
    placements: int
    views: int
    orders: int
    money: Money | None
    created_at: datetime
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class SellerVideosView:
    """The seller's videos."""

    template: ClassVar[str] = "seller_videos.html"
    active: ClassVar[str] = "seller_videos"

    rows: tuple[VideoRow, ...]
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class UploadView:
    """The upload form; works as a plain multipart form. ``max_bytes`` is the limit the server enforces.

    With a ``video_id`` the file goes to that video, whose words stay.
    """

    template: ClassVar[str] = "seller_upload.html"
    active: ClassVar[str] = "seller_videos"

    max_bytes: int
    title: str = ""
    description: str = ""
    video_id: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PlacementRow:
    """A placement on the timeline of the editor."""

    id: str
    from_s: int
    to_s: int
    cta: CallToAction
    plan_id: str
    listing_name: str
    plan_name: str


@dataclass(frozen=True, slots=True)
class EditableClaim:
    """A structured claim: kind is a key under ``claim.`` (see ``CLAIM_KINDS``)."""

    id: str
    second: int
    kind: str
    value: str
    text: str
    ok: bool
    contradiction: str = ""


@dataclass(frozen=True, slots=True)
class PlanOption:
    """A plan that may be placed in a video."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form that was refused, so that it is shown again. ``form`` names the form of the page."""

    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def into(self, form: str) -> Mapping[str, str]:
        """The values, when they were typed into this form."""
        return self.values if self.form == form else {}


@dataclass(frozen=True, slots=True)
class SellerVideoView:
    """One video of the seller: what it is, its cards and claims, and publishing.

    ``blockers`` are ready sentences saying why it cannot be published yet.
    """

    template: ClassVar[str] = "seller_video.html"
    active: ClassVar[str] = "seller_videos"

    id: str
    title: str
    state: str
    src: str
    poster: str
    width: int
    height: int
    duration_s: int
    codecs: str
    size_bytes: int
    visibility: str
    placements: tuple[PlacementRow, ...]
    claims: tuple[EditableClaim, ...]
    plans: tuple[PlanOption, ...]
    #: What a feature or service level may be named as, with its figure where it has one.
    features: tuple[PlanOption, ...] = ()
    may_replace: bool = False
    blockers: tuple[str, ...] = ()
    refusal: str = ""
    error: str | None = None
    #: Forms are ``placement``, ``claim``, and a placement's id.
    typed: Typed = field(default_factory=Typed)
    funnel: tuple[FunnelStep, ...] = ()


@dataclass(frozen=True, slots=True)
class SellerOrdersView:
    """Orders the seller received, those needing a hand first."""

    template: ClassVar[str] = "seller_orders.html"
    active: ClassVar[str] = "seller_orders"

    rows: tuple[OrderRow, ...]
    runs: tuple[TroubledRun, ...]
    states: tuple[str, ...]
    state: str = ""
    query: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ListingRow:
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


@dataclass(frozen=True, slots=True)
class ListingDetail:
    """The published version of a listing, to read."""

    row: ListingRow
    summary: str
    plans: tuple[ListingPlan, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SellerListingsView:
    """The seller's listings; ``opened`` shows in the side panel."""

    template: ClassVar[str] = "seller_listings.html"
    active: ClassVar[str] = "seller_listings"

    rows: tuple[ListingRow, ...]
    opened: ListingDetail | None = None
    next_address: str | None = None
