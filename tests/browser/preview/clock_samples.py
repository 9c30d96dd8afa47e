"""Sample views of a developer's test clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from api.pages.frame.rendering import View
from api.pages.test_clocks.views import ClockStep, ClocksView, ClockView, HappeningItem
from marketplace.test_clocks.queries import TestClockView
from tests.browser.preview.buying_samples import ID, NOW, Samples


def clock_pages(s: Samples) -> dict[str, View]:
    """By name."""
    ready, name = _clock(s), s.pick("续订与催款", "Renewals and dunning")
    moving = replace(ready, state="advancing", target_at=NOW + timedelta(days=400))
    said = s.pick(
        "测试时钟只能向前。时钟没有移动。请选择更晚的时间。", "A test clock only moves forward. It was not moved."
    )
    page = ClockView(ready, _steps(), _happened(s), NOW + timedelta(days=30))
    return {
        "test-clocks": ClocksView((ready, replace(moving, name=name)), "key"),
        "test-clocks-first": ClocksView((), "key"),
        "test-clock": page,
        "test-clock-new": ClockView(ready, _steps()[1:], (), secret="cm_019aa5f05c00_c2FtcGxlLXNhbXBsZS1zYW1wbGU"),
        "test-clock-moving": replace(page, one=moving, steps=()),
        "test-clock-wrong": replace(page, day="1999-01-01", error_field="day", field_error=said),
        "test-clock-deleted": replace(page, one=replace(ready, state="deleted"), steps=(), next_due_at=None),
    }


def _clock(s: Samples) -> TestClockView:
    name = s.pick("试用转正", "Trial converts")
    return TestClockView(
        id=UUID(ID.format(93)),
        name=name,
        organization_id=UUID(ID.format(94)),
        organization_name=f"{name} (TEST)",
        state="ready",
        started_at=NOW,
        present_at=NOW + timedelta(days=14),
        target_at=None,
        created_at=NOW,
    )


def _steps() -> tuple[ClockStep, ...]:
    days = {"due": 30, "day": 15, "month": 45, "year": 379}
    return tuple(ClockStep(key, NOW + timedelta(days=after)) for key, after in days.items())


def _happened(s: Samples) -> tuple[HappeningItem, ...]:
    told = (
        (s.pick("订阅进入下一个周期", "A subscription's next term is paid"), "subscription.renewed", 14),
        (s.pick("开具了发票", "An invoice is issued"), "invoice.issued", 13),
        (s.pick("订单已付款", "An order is paid"), "order.paid", 13),
    )
    return tuple(HappeningItem(says, name, NOW + timedelta(days=day)) for says, name, day in told)
