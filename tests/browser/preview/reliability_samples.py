"""Sample views of deliveries that went well, of a pause, and of the feed's formula."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.frame.rendering import View
from api.pages.reliability.views import PauseItem, RankingView, RecordItem, RecordsView, RecordView
from marketplace.catalog.show_reliability import Reliability
from marketplace.discovery.ranking import outcome_hours
from orders.response_times.count_answers import OwnResponseTime
from tests.browser.preview.buying_samples import ID, NOW, Samples


def pages(s: Samples) -> dict[str, View]:
    """By name."""
    good = RecordItem(ID.format(21), s.hiring, "published", Reliability(64, 63, 4, 95), is_shown=True)
    few = RecordItem(
        ID.format(22), s.pick("发票验真", "Invoice Check"), "published", Reliability(3, 3, 2, 7_200), is_shown=False
    )
    failing = RecordItem(
        ID.format(23), s.pick("合同归档", "Contract Archive"), "paused", Reliability(9, 4, 60, 90_000), is_shown=True
    )
    pause = PauseItem("in_row", 5, 5, NOW - timedelta(hours=3), None, None)
    before = PauseItem("share", 7, 12, NOW - timedelta(days=40), NOW - timedelta(days=39), "replayed")
    paused = RecordView(failing, NOW, pause, (pause, before), is_tested=True, may_confirm=True)
    return {
        "reliability": RecordsView(
            (good, few, failing), OwnResponseTime(24, 23, 1_860, is_shown=True, counted_until=NOW)
        ),
        "reliability-none": RecordsView((), OwnResponseTime(0, 0, None, is_shown=False, counted_until=None)),
        "reliability-paused": paused,
        "reliability-untested": replace(paused, is_tested=False, may_confirm=False),
        "reliability-good": RecordView(good, NOW, None, ()),
        "ranking": RankingView(tuple((k, n, outcome_hours(k, n)) for k, n in ((1, 0), (8, 0), (8, 8), (0, 5)))),
    }
