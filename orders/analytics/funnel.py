"""A seller's funnel, from what was shown to what is kept and paid, read from what is counted by day.

What is shown and watched is of the seller's own channels. Clicks are those of its cards, on whatever channel they stand. What is
watched and clicked in a live room counts to the session, and to its film. Leads are all that it was asked, by the card that they
came from. Sales are all that was ordered of it, by the day of the order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    SQLColumnExpression,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    outerjoin,
    select,
)

from kernel import clock
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.attribution.models import TouchpointDay
from marketplace.leads.models import Lead
from marketplace.live.models import LiveSession
from marketplace.placements.models import Placement
from marketplace.test_clocks.models import TestClock
from marketplace.videos.models import Video
from orders.analytics.models import SalesDay
from orders.analytics.named_parts import name_parts

By = Literal["day", "video", "second", "card", "channel", "live", "promoter", "tier"]
KINDS: Final[tuple[By, ...]] = get_args(By)
USUAL_DAYS: Final = 30
MOST_DAYS: Final = 366
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
MOST_ROWS: Final = 500
"""Named of what there may be more of; the total counts all."""


@dataclass(frozen=True, slots=True)
class FunnelPeriod:
    """Days of UTC, both included."""

    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class SeenParts:
    """What viewers did. Of partners' tiers nothing is known before they order."""

    impressions: int = 0
    views: int = 0
    card_clicks: int = 0
    leads: int = 0


@dataclass(frozen=True, slots=True)
class SoldParts:
    """What was ordered in one currency, and what has become of it. `orders` and what follows count lines of orders."""

    currency: str
    orders: int
    trials: int
    activated: int
    retained: int
    renewed: int
    refunded: int
    renewals: int
    active_s: int
    gross_minor: int
    net_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """One part of the whole. `key`: its id, day or second; empty for what belongs to none."""

    key: str
    name: str
    name_en: str
    seen: SeenParts
    sold: tuple[SoldParts, ...]

    def count(self, name: str) -> int:
        """Of all currencies together."""
        return sum(getattr(one, name) for one in self.sold)

    @property
    def time_to_active_s(self) -> int | None:
        """From order to use on the average, whole seconds; None where nothing was activated."""
        activated = self.count("activated")
        return self.count("active_s") // activated if activated else None


@dataclass(frozen=True, slots=True)
class Funnel:
    """`rows`: the parts, by orders and then views; days and seconds in their order. `total` counts all, named or not."""

    period: FunnelPeriod
    by: By
    video_id: UUID | None
    total: FunnelRow
    rows: tuple[FunnelRow, ...]


def usual_period(first_on: date | None, last_on: date | None) -> FunnelPeriod:
    """The last thirty days with today, where nothing else is asked for. Raises Invalid(`analytics_period_invalid`)."""
    last = last_on or clock.today("UTC")
    # Far from both ends of the calendar, where nothing can be counted on.
    if not EARLIEST <= last <= LATEST:
        raise Invalid("analytics_period_invalid", field="last_on", limit=MOST_DAYS)
    first = first_on or last - timedelta(days=USUAL_DAYS - 1)
    if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        raise Invalid("analytics_period_invalid", field="first_on", limit=MOST_DAYS)
    return FunnelPeriod(first, last)


def seller_funnel(uow: UnitOfWork, period: FunnelPeriod, by: By, *, video_id: UUID | None = None) -> Funnel:
    """Of the acting seller; `video_id`: of one video alone. Raises Invalid(`analytics_video_needed`) for seconds of none."""
    if by == "second" and video_id is None:
        raise Invalid("analytics_video_needed", field="video_id")
    seller_id = uow.principal.organization()
    with reading_as_platform(uow):
        seen, sold = _seen(uow, seller_id, period, by, video_id), _sold(uow, seller_id, period, by, video_id)
        everything = _seen(uow, seller_id, period, None, video_id).get("", SeenParts())
        names = name_parts(uow, by, {key for key in {*seen, *sold} if key})
    rows = [
        FunnelRow(key, *names.get(key, ("", "")), seen.get(key, SeenParts()), tuple(sold.get(key, ())))
        for key in {*seen, *sold}
    ]
    total = FunnelRow("", "", "", everything, _together(one for some in sold.values() for one in some))
    if by == "day":
        rows.sort(key=lambda row: row.key)
    elif by == "second":
        rows.sort(key=lambda row: (row.key == "", int(row.key or 0)))
    else:
        rows.sort(key=lambda row: (-row.count("orders"), -row.seen.views, -row.seen.card_clicks, row.key))
    return Funnel(period, by, video_id, total, tuple(rows[:MOST_ROWS]))


def _seen(
    uow: UnitOfWork, seller_id: UUID, period: FunnelPeriod, by: By | None, video_id: UUID | None
) -> dict[str, SeenParts]:
    one = TouchpointDay
    if by == "tier":
        return {}
    own, own_card = one.channel_org_id == seller_id, one.seller_org_id == seller_id
    # A card that slides in is an impression of its own, and none of the video's.
    shown = own_card if by == "card" else and_(own, one.placement_id.is_(None))
    key = _key(by, one, promoter=_led_by(seller_id))
    statement = (
        select(
            key,
            func.coalesce(func.sum(one.impressions).filter(shown), 0),
            func.coalesce(func.sum(one.views).filter(own), 0),
            func.coalesce(func.sum(one.card_clicks).filter(own_card), 0),
        )
        .select_from(_with_session(one))
        .where(or_(own, own_card), one.day.between(period.first_on, period.last_on))
        .group_by(key)
    )
    if by == "channel":
        statement = statement.outerjoin(Video, Video.id == one.video_id)
    if by == "card":
        statement = statement.where(own_card)
    if video_id is not None:
        statement = statement.where(_video(one) == video_id)
    rows = uow.session.execute(statement).all()
    found = {_text(row[0]): SeenParts(*map(int, row[1:])) for row in rows if any(row[1:])}
    for part, number in _leads(uow, seller_id, period, by, video_id).items():
        found[part] = replace(found.get(part, SeenParts()), leads=number)
    return found


def _leads(
    uow: UnitOfWork, seller_id: UUID, period: FunnelPeriod, by: By | None, video_id: UUID | None
) -> dict[str, int]:
    """Requests for a demo, a quote or advice, by the day on which they were made and the card that they were made from."""
    of_day = func.timezone("UTC", Lead.created_at)
    promoter = case((Placement.org_id != seller_id, Placement.org_id), else_=null())
    keys: dict[By | None, Any] = {
        None: literal(""),
        "day": cast(of_day, Date),
        "video": Placement.video_id,
        "second": func.div(Lead.second_ms, 5000) * 5,
        "card": Lead.placement_id,
        "channel": func.coalesce(Lead.channel_id, Video.channel_id),
        "live": cast(null(), Uuid),
        "promoter": promoter,
    }
    key = keys[by].label("part")
    first = datetime.combine(period.first_on, time(), UTC)
    statement = (
        select(key, func.count())
        .select_from(Lead)
        .outerjoin(Placement, Placement.id == Lead.placement_id)
        .outerjoin(Video, Video.id == Placement.video_id)
        .where(
            Lead.seller_org_id == seller_id,
            Lead.created_at >= first,
            Lead.created_at < first + (period.last_on - period.first_on + timedelta(days=1)),
            Lead.buyer_org_id.not_in(select(TestClock.test_org_id)),
        )
        .group_by(key)
    )
    if video_id is not None:
        statement = statement.where(Placement.video_id == video_id)
    return {_text(row[0]): int(row[1]) for row in uow.session.execute(statement)}


def _led_by(seller_id: UUID) -> ColumnElement[UUID | None]:
    """Whose members, or whose channel, led viewers there, unless that is the seller itself."""
    one = TouchpointDay
    channel = case((one.channel_org_id != seller_id, one.channel_org_id), else_=null())
    return case((one.sharer_org_id != seller_id, one.sharer_org_id), else_=channel)


def _sold(
    uow: UnitOfWork, seller_id: UUID, period: FunnelPeriod, by: By, video_id: UUID | None
) -> dict[str, list[SoldParts]]:
    one = SalesDay
    key = _key(by, one, promoter=one.promoter_org_id)
    figures = [getattr(one, name) for name in SoldParts.__slots__ if name != "currency"]
    statement = (
        select(key, one.currency, *map(func.sum, figures))
        .select_from(_with_session(one))
        .where(one.seller_org_id == seller_id, one.day.between(period.first_on, period.last_on))
        .group_by(key, one.currency)
        .order_by(one.currency)
    )
    if by == "channel":
        statement = statement.outerjoin(Video, Video.id == one.video_id)
    if video_id is not None:
        statement = statement.where(_video(one) == video_id)
    found: dict[str, list[SoldParts]] = defaultdict(list)
    for row in uow.session.execute(statement):
        found[_text(row[0])].append(SoldParts(row[1].strip(), *map(int, row[2:])))
    return found


def _with_session(table: type[TouchpointDay | SalesDay]) -> FromClause:
    return outerjoin(table, LiveSession, LiveSession.id == table.live_session_id)


def _video(table: type[TouchpointDay | SalesDay]) -> ColumnElement[UUID | None]:
    """A session's film, which is its replay afterwards and has the same seconds."""
    return func.coalesce(table.video_id, LiveSession.video_id)


def _key(by: By | None, table: type[TouchpointDay | SalesDay], promoter: SQLColumnExpression[UUID | None]) -> Any:
    if by == "tier":
        return SalesDay.tier_id  # nothing of it is known before
    keys: dict[By | None, Any] = {
        None: literal(""),
        "day": table.day,
        "video": _video(table),
        "second": table.second,
        "card": table.placement_id,
        "channel": func.coalesce(LiveSession.channel_id, Video.channel_id),
        "live": table.live_session_id,
        "promoter": promoter,
    }
    return keys[by]


def _text(key: object) -> str:
    return "" if key is None else str(key)


def _together(parts: Iterable[SoldParts]) -> tuple[SoldParts, ...]:
    sums: dict[str, list[int]] = {}
    for one in parts:
        figures = [getattr(one, name) for name in SoldParts.__slots__ if name != "currency"]
        before = sums.setdefault(one.currency, [0] * len(figures))
        sums[one.currency] = [a + b for a, b in zip(before, figures, strict=True)]
    return tuple(SoldParts(currency, *figures) for currency, figures in sorted(sums.items()))
