"""A seller's funnel as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from api.pages.frame import analytics_addresses
from api.pages.frame.charts import BarChart
from api.pages.seller.views import FunnelStep
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class FunnelPart:
    """One part of the funnel. ``address``: the same by second, of a video; ``gross`` and ``refunded`` by currency."""

    name: str
    impressions: int
    views: int
    card_clicks: int
    leads: int
    orders: int
    activated: int
    retained: int
    renewed: int
    gross: tuple[Money, ...]
    refunded: tuple[Money, ...] = ()
    address: str | None = None


@dataclass(frozen=True, slots=True)
class AnalyticsView:
    """Steps and money of the whole, then its parts, split by ``by``. ``video``: the name of the only one that is counted."""

    template: ClassVar[str] = "analytics/funnel.html"
    active: ClassVar[str] = "seller_analytics"

    first_on: str
    last_on: str
    by: str
    kinds: tuple[str, ...]
    steps: tuple[FunnelStep, ...]
    total: FunnelPart
    rows: tuple[FunnelPart, ...]
    charts: tuple[tuple[str, BarChart], ...] = ()
    time_to_active_s: int | None = None
    lost: int = 0
    """Of what was activated, no longer in use."""
    video_id: str = ""
    video: str = ""
    address: str = analytics_addresses.FUNNEL
    all_videos: str = analytics_addresses.FUNNEL
    cohorts: str = analytics_addresses.COHORTS
    csv: str = ""
    xlsx: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CohortCell:
    """So many months later: who uses something then, as a share too, and who renewed in it."""

    later: int
    in_use: int
    kept_ppm: int
    renewed: int


@dataclass(frozen=True, slots=True)
class CohortItem:
    """The customers of a month of first orders."""

    month: date
    customers: int
    activated: int
    median_s: int | None
    churned: int
    cells: tuple[CohortCell, ...]


@dataclass(frozen=True, slots=True)
class CohortsView:
    """Of the latest twelve months, the newest first. ``chart``: how many of them use something now, and how many do not."""

    template: ClassVar[str] = "analytics/cohorts.html"
    active: ClassVar[str] = "seller_analytics"
    csv: ClassVar[str] = analytics_addresses.COHORTS_EXPORT
    xlsx: ClassVar[str] = f"{analytics_addresses.COHORTS_EXPORT}?format=xlsx"
    funnel: ClassVar[str] = analytics_addresses.FUNNEL

    rows: tuple[CohortItem, ...]
    chart: BarChart | None = None
