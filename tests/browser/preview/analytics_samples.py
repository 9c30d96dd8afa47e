"""Sample views of a seller's funnel: by video, over the seconds of one, and of a time in which nothing happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from api.pages.analytics.views import AnalyticsView, CohortCell, CohortItem, CohortsView, FunnelPart
from api.pages.frame.charts import BarChart
from api.pages.frame.rendering import View
from api.pages.seller.views import FunnelStep
from kernel.money import Money
from orders.analytics.funnel import KINDS
from tests.browser.preview.buying_samples import ID, Samples


def pages(s: Samples) -> dict[str, View]:
    """By name."""
    money = (Money(128_640_000, "CNY"), Money(1_290_000, "USD"))
    counts = (
        *(("impression", 48_200), ("view", 13_900), ("card_click", 1_204), ("lead", 61), ("trial", 18)),
        *(("order", 93), ("activated", 91), ("retained", 86), ("renewed", 12)),
    )
    total = FunnelPart("", 48_200, 13_900, 1_204, 61, 93, 91, 86, 12, money, (Money(398_000, "CNY"),))
    best = replace(total, name=s.pick("两天招满一个班次", "A shift filled in two days"), address="#", gross=money[:1])
    other = FunnelPart(s.pick("非视频带来", "No video"), 0, 0, 0, 0, 7, 7, 6, 1, money[1:])
    shared = FunnelPart(s.pick("发票两步验真", "Two steps to a checked invoice"), 9_120, 402, 11, 0, 0, 0, 0, 0, ())
    by_video = AnalyticsView(
        first_on="2026-11-01",
        last_on="2026-11-30",
        by="video",
        kinds=tuple(one for one in KINDS if one != "second"),
        steps=tuple(FunnelStep(key, count, count * 1_000_000 // 48_200) for key, count in counts),
        total=total,
        rows=(best, shared, other),
        time_to_active_s=96,
        lost=5,
        csv="#",
        xlsx="#",
    )
    labels = tuple(f"{one // 60}:{one % 60:02d}" for one in range(0, 90, 5))
    clicks, orders = (tuple((n * k) % m for n in range(1, 19)) for k, m in ((37, 90), (7, 9)))
    seconds = tuple(
        FunnelPart(f"{label}–", 0, 0, click, 0, order, order, order, 0, money[:1] if order else ())
        for label, click, order in zip(labels, clicks, orders, strict=True)
    )
    charts = tuple(
        (name, BarChart(labels, (("", figures),))) for name, figures in (("card_clicks", clicks), ("orders", orders))
    )
    return {
        "analytics": by_video,
        "analytics-seconds": replace(
            by_video, by="second", kinds=KINDS, rows=seconds, charts=charts, video_id=ID.format(3), video=best.name
        ),
        "analytics-none": replace(by_video, rows=()),
        "cohorts": _cohorts(s),
        "cohorts-none": CohortsView(()),
    }


def _cohorts(s: Samples) -> CohortsView:
    rows = []
    for number, customers in enumerate((14, 22, 9)):
        cells = tuple(
            CohortCell(later, kept := max(0, customers - 2 * later), kept * 1_000_000 // customers, later)
            for later in range(number + 1)
        )
        rows.append(CohortItem(date(2026, 11 - number, 1), customers, customers - 1, 96, 2 * number, cells))
    figures = tuple(
        zip(*((row.cells[-1].in_use, row.customers - row.cells[-1].in_use) for row in rows[::-1]), strict=True)
    )
    names = (s.pick("在用", "In use"), s.pick("未在用", "Not in use"))
    chart = BarChart(tuple(f"{row.month:%Y-%m}" for row in rows[::-1]), tuple(zip(names, figures, strict=True)))
    return CohortsView(tuple(rows), chart)
