"""The catalogue and a product's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from api.media_addresses import Thumbnail
from api.pages.courses.views import EpisodeItem
from api.pages.feedback.views import ShownReview
from api.pages.frame.choices import Choice
from api.pages.frame.link_preview import LinkPreview
from api.pages.frame.partner_prices import OwnPrice
from api.pages.frame.prices import Per
from api.pages.listings.shown import ShownListing
from fulfillment.reliability.ended_deliveries import WINDOW
from kernel.money import Money
from marketplace.catalog.show_reliability import Reliability
from marketplace.questions.queries import QuestionView
from marketplace.service_windows.response_time import ResponseTime


@dataclass(frozen=True, slots=True)
class ProductItem:
    """A product in a list, priced by its cheapest plan; `picture` is the cover of the latest video that shows it."""

    id: str
    name: str
    summary: str
    seller_name: str
    kind: str
    category: str
    plans: int
    from_price: Money | None
    per: Per
    picture: Thumbnail | None
    rating_tenths: int | None = None
    rating_count: int = 0


@dataclass(frozen=True, slots=True)
class ProductVideo:
    """A video that shows the product from `second` on."""

    id: str
    title: str
    channel_name: str
    second: int
    duration_s: int
    picture: Thumbnail


@dataclass(frozen=True, slots=True)
class Delivered:
    """Of the latest `ended` orders whose delivery ended, how many were delivered. No share where they are too few."""

    ended: int
    delivered: int
    share_ppm: int | None


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product as anybody meets it, with its latest reviews and questions. `own`: to its seller."""

    template: ClassVar[str] = "products/product.html"
    active: ClassVar[str] = "products"
    reliability_days: ClassVar[int] = WINDOW.days

    id: str
    seller_id: str
    shown: ShownListing
    picture: Thumbnail | None
    videos: tuple[ProductVideo, ...]
    delivered: Delivered
    tried: bool = False
    """Whether the reader's organization has had its trial."""
    rating_tenths: int | None = None
    rating_count: int = 0
    reliability: Reliability | None = None
    response_time: ResponseTime | None = None
    reviews: tuple[ShownReview, ...] = ()
    questions: tuple[QuestionView, ...] = ()
    own_prices: Mapping[str, OwnPrice] = field(default_factory=dict)
    """What the reader's organization pays as a partner, by the plan."""
    promotions: Mapping[str, str] = field(default_factory=dict)
    """By plan: what is off it at the moment, and until when."""
    episodes: tuple[EpisodeItem, ...] = ()
    """Of a course."""
    own: bool = False
    on_sale: bool = True
    may_edit: bool = False
    may_allow: bool = False
    """Whether the reader says what their organization may buy."""
    preview: LinkPreview | None = None


@dataclass(frozen=True, slots=True)
class TermsView:
    """The terms of one version of a product; texts by language, as HTML."""

    template: ClassVar[str] = "products/terms.html"
    active: ClassVar[str] = "products"

    listing_id: str
    version_id: str
    name: str
    version: str
    texts: tuple[tuple[str, str], ...]
    pdf_name: str | None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Facets:
    """What the catalogue may be narrowed by."""

    categories: tuple[Choice, ...]
    pricings: tuple[Choice, ...]
    currencies: tuple[Choice, ...]
    sellers: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ProductsView:
    """The catalogue under what was `chosen`, by the names of the fields; `wrong` is what is said at one of them."""

    template: ClassVar[str] = "products/products.html"
    active: ClassVar[str] = "products"

    rows: tuple[ProductItem, ...]
    facets: Facets
    chosen: Mapping[str, str]
    wrong: Mapping[str, str] = field(default_factory=dict)
    next_address: str | None = None
    may_sell: bool = False
