"""What a seller's videos came to: the funnel of a period, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.analytics.views import AnalyticsView, CohortCell, CohortItem, CohortsView, FunnelPart
from api.pages.frame import addresses, analytics_addresses
from api.pages.frame.charts import BarChart
from api.pages.frame.phrases import failure, money
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import PageRequest, page, parse_uuid_or_404
from api.pages.seller.views import FunnelStep
from api.v1.analytics import READ
from kernel.errors import Invalid
from orders.analytics.cohorts import Cohort, seller_cohorts
from orders.analytics.funnel import KINDS, By, Funnel, FunnelRow, seller_funnel, usual_period
from orders.analytics.named_parts import name_parts

_PPM: Final = 1_000_000
_BUCKET_S: Final = 5
_CHARTED: Final[dict[By, tuple[str, str]]] = {"day": ("views", "orders"), "second": ("card_clicks", "orders")}


@page(analytics_addresses.FUNNEL, READ)
def show_funnel(page_request: Given[PageRequest]) -> Response[str]:
    """The last thirty days by video, unless something else is chosen."""
    require_seller(page_request)
    chosen, named = page_request.query("by", most=20), page_request.query("video", most=36)
    video_id = parse_uuid_or_404(named, "video_not_found") if named else None
    by: By = next((one for one in KINDS if one == chosen), "video")
    if by == "second" and video_id is None:
        by = "video"
    error: str | None = None
    status = 200
    try:
        period = usual_period(_day(page_request.query("first", most=10)), _day(page_request.query("last", most=10)))
    except Invalid as refused:
        error, status, period = failure(page_request, refused), refused.status, usual_period(None, None)
    with page_request.work() as uow:
        funnel = seller_funnel(uow, period, by, video_id=video_id)
        names = name_parts(uow, "video", [str(video_id)]) if video_id else {}
    video = page_request.pick(*names.get(str(video_id), ("", "")))
    return page_request.render(_view(page_request, funnel, video, error), status=status)


def _view(page_request: PageRequest, funnel: Funnel, video: str, error: str | None) -> AnalyticsView:
    total = _part(page_request, funnel, funnel.total)
    period, video_id = funnel.period, str(funnel.video_id or "")
    asked = {"first_on": str(period.first_on), "last_on": str(period.last_on), "by": funnel.by, "video_id": video_id}
    return AnalyticsView(
        first_on=str(period.first_on),
        last_on=str(period.last_on),
        by=funnel.by,
        kinds=tuple(one for one in KINDS if one != "second" or video_id),
        steps=_steps(funnel.total),
        total=total,
        rows=tuple(_part(page_request, funnel, row) for row in funnel.rows),
        charts=_charts(funnel),
        time_to_active_s=funnel.total.time_to_active_s,
        lost=total.activated - total.retained,
        video_id=video_id,
        video=video,
        csv=addresses.with_query(analytics_addresses.EXPORT, **asked),
        xlsx=addresses.with_query(analytics_addresses.EXPORT, **asked, format="xlsx"),
        error=error,
    )


def _steps(row: FunnelRow) -> tuple[FunnelStep, ...]:
    """The first step is not always the widest: what was not reported cannot be counted."""
    counts = (
        ("impression", row.seen.impressions),
        ("view", row.seen.views),
        ("card_click", row.seen.card_clicks),
        ("lead", row.seen.leads),
        ("trial", row.count("trials")),
        ("order", row.count("orders")),
        ("activated", row.count("activated")),
        ("retained", row.count("retained")),
        ("renewed", row.count("renewed")),
    )
    widest = max(*(count for _, count in counts), 1)
    return tuple(FunnelStep(key, count, count * _PPM // widest) for key, count in counts)


def _part(page_request: PageRequest, funnel: Funnel, row: FunnelRow) -> FunnelPart:
    address = None
    if funnel.by == "video" and row.key:
        period = funnel.period
        asked = {"by": "second", "video": row.key, "first": str(period.first_on), "last": str(period.last_on)}
        address = addresses.with_query(analytics_addresses.FUNNEL, **asked)
    return FunnelPart(
        name=_name(page_request, funnel.by, row),
        impressions=row.seen.impressions,
        views=row.seen.views,
        card_clicks=row.seen.card_clicks,
        leads=row.seen.leads,
        orders=row.count("orders"),
        activated=row.count("activated"),
        retained=row.count("retained"),
        renewed=row.count("renewed"),
        gross=tuple(money(one.gross_minor, one.currency) for one in row.sold),
        refunded=tuple(money(one.refunded_minor, one.currency) for one in row.sold if one.refunded_minor),
        address=address,
    )


def _name(page_request: PageRequest, by: By, row: FunnelRow) -> str:
    if not row.key:
        return page_request.t(f"analytics.none_of.{by}")
    if by == "day":
        return page_request.formats.day(date.fromisoformat(row.key))
    if by == "second":
        return _seconds(int(row.key))
    return page_request.pick(row.name, row.name_en) or row.key


def _seconds(first: int) -> str:
    last = first + _BUCKET_S
    return f"{first // 60}:{first % 60:02d}–{last // 60}:{last % 60:02d}"


def _charts(funnel: Funnel) -> tuple[tuple[str, BarChart], ...]:
    """What is drawn over days, or over the seconds of a video."""
    figures = _CHARTED.get(funnel.by, ())
    rows = _without_gaps(funnel)
    if len(rows) <= 1:
        return ()
    labels = tuple(label for label, _ in rows)
    return tuple((name, BarChart(labels, (("", tuple(_figure(row, name) for _, row in rows)),))) for name in figures)


def _without_gaps(funnel: Funnel) -> Sequence[tuple[str, FunnelRow | None]]:
    known = {row.key: row for row in funnel.rows if row.key}
    if not known:
        return ()
    if funnel.by == "day":
        first, last = funnel.period.first_on.toordinal(), funnel.period.last_on.toordinal()
        days = [date.fromordinal(one) for one in range(first, last + 1)]
        return [(f"{day:%m-%d}", known.get(str(day))) for day in days]
    last = max(int(key) for key in known) if funnel.by == "second" else -1
    return [(f"{one // 60}:{one % 60:02d}", known.get(str(one))) for one in range(0, last + 1, _BUCKET_S)]


def _figure(row: FunnelRow | None, name: str) -> int:
    if row is None:
        return 0
    return row.count(name) if name == "orders" else int(getattr(row.seen, name))


def _day(text: str) -> date | None:
    """A day as a browser's field sends it; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@page(analytics_addresses.COHORTS, READ)
def show_cohorts(page_request: Given[PageRequest]) -> Response[str]:
    """What became of the customers of the latest twelve months."""
    require_seller(page_request)
    with page_request.work() as uow:
        found = seller_cohorts(uow)
    return page_request.render(CohortsView(tuple(map(_cohort, found)), _cohort_chart(page_request, found)))


def _cohort(one: Cohort) -> CohortItem:
    cells = (CohortCell(at.later, at.in_use, one.kept_ppm(at.in_use), at.renewed) for at in one.months)
    return CohortItem(one.month, one.customers, one.activated, one.median_s, one.churned, tuple(cells))


def _cohort_chart(page_request: PageRequest, found: Sequence[Cohort]) -> BarChart | None:
    if len(found) <= 1:
        return None
    rows = found[::-1]
    parts = (
        (page_request.t("analytics.in_use"), tuple(one.months[-1].in_use for one in rows)),
        (page_request.t("analytics.churned"), tuple(one.customers - one.months[-1].in_use for one in rows)),
    )
    return BarChart(tuple(f"{one.month:%Y-%m}" for one in rows), parts)


routes = [show_funnel, show_cohorts]
