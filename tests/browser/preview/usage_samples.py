"""Sample view models in Chinese and English: metered usage, of the buyer and of the seller."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from api.pages.frame.charts import BarChart
from api.pages.usage.views import (
    ChallengeItem,
    CustomerUsageItem,
    DayItem,
    DimensionItem,
    LineItem,
    PeriodItem,
    SellerUsageView,
    UsagePage,
)
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny

CHART = BarChart(tuple(f"11-{day}" for day in range(1, 23)), (("", tuple(day * 37.5 for day in range(1, 23))),))


def _how(s: Samples) -> str:
    return s.pick(
        "用量 接口调用 131,002（含 100,000）：31,002 × ¥0.0035 = ¥108.51",
        "Usage API calls 131,002 (100,000 included): 31,002 × ¥0.0035 = ¥108.51",
    )


def usage(s: Samples) -> UsagePage:
    """Two dimensions, one of them at its cap; a closed period with a line that is questioned and one that may be."""
    days = tuple(DayItem(date(2026, 11, day), f"{day * 37},{day:03}") for day in range(1, 23))
    api_calls, storage_name = s.pick("接口调用", "API calls"), s.pick("存储", "Storage")
    calls = DimensionItem(
        "api_calls",
        s.pick("接口调用", "API calls"),
        s.pick("次", "calls"),
        "82,431",
        "100,000",
        82,
        "120,000",
        "soft",
        False,
        cny(0),
        days,
        CHART,
    )
    storage = DimensionItem(
        "gb_days",
        s.pick("存储", "Storage"),
        "GB·d",
        "1,204.25",
        "",
        100,
        "1,200",
        "hard",
        True,
        cny(42_150),
        days[:3],
        CHART,
    )
    asked = ChallengeItem(
        "corrected",
        s.pick("我们这周停用了三天。", "We did not use it for three days of that week."),
        s.pick("已核实，减免三天。", "You are right; three days are taken back."),
        cny(1_260),
        NOW + timedelta(days=6),
    )
    lines = (
        LineItem(ID.format(1), "metered", api_calls, "131,002", cny(10_851), asked, False, _how(s)),
        LineItem(ID.format(2), "metered", storage_name, "1,310", cny(45_850), None, True),
        LineItem(ID.format(3), "drawn", "", "0", cny(-50_000), None, False),
    )
    starts = NOW - timedelta(days=50)
    period = PeriodItem(
        "invoiced",
        starts,
        starts + timedelta(days=30),
        cny(6_701),
        lines,
        cny(1_260),
        order_state="completed",
        order_number="20261122-5B8C2E4A6D",
        order_address="/orders/1",
    )
    free = LineItem(ID.format(4), "metered", storage_name, "31", cny(0), None, False)
    tried = PeriodItem("closed", starts - timedelta(days=14), starts, cny(0), (free,), is_trial=True)
    return UsagePage(
        ID.format(70),
        s.hiring,
        NOW - timedelta(days=20),
        NOW + timedelta(days=10),
        cny(42_150),
        (calls, storage),
        (period, tried),
        may_cap=True,
    )


def refused(s: Samples) -> UsagePage:
    """A cap and a question that could not be taken, with what was typed."""
    page = usage(s)
    period = page.periods[0]
    line = replace(period.lines[1], typed=s.pick("数量不对", "The quantity is not ours"))
    wrong = s.pick("上限无效。", "The cap is not valid.")
    return replace(
        page,
        periods=(replace(period, lines=(period.lines[0], line)),),
        error=wrong,
        typed_dimension="gb_days",
        typed_quantity="many",
        typed_kind="hard",
    )


def customers_usage(s: Samples) -> SellerUsageView:
    """Two customers, one of which questions a line."""
    until = NOW + timedelta(days=10)
    other = s.pick("上海示例贸易有限公司", "Example Trading GmbH")
    rows = (
        CustomerUsageItem("/seller/usage/1", s.buyer, s.hiring, s.pick("接口调用", "API calls"), "82,431", until),
        CustomerUsageItem("/seller/usage/1", s.buyer, s.hiring, s.pick("存储", "Storage"), "1,204.25", until),
        CustomerUsageItem("/seller/usage/2", other, s.hiring, s.pick("接口调用", "API calls"), "310", until),
    )
    question = ChallengeItem(
        "open",
        s.pick("我们这周停用了三天。", "We did not use it for three days of that week."),
        "",
        cny(0),
        NOW + timedelta(days=6),
        s.buyer,
        s.hiring,
        s.pick("接口调用", "API calls"),
        "131,002",
        cny(10_851),
        "/seller/usage/challenges/1",
        "/seller/usage/1",
        key="1",
    )
    return SellerUsageView(rows, (question,), may_answer=True)


def buyers_pages(s: Samples) -> dict[str, UsagePage]:
    """The buyer's pages by name."""
    empty = replace(usage(s), dimensions=(replace(usage(s).dimensions[0], days=(), percent=0),), periods=())
    return {"usage": usage(s), "usage-refused": refused(s), "usage-none": replace(empty, is_trial=True)}


def sellers_pages(s: Samples) -> dict[str, UsagePage | SellerUsageView]:
    """The seller's pages by name."""
    found = customers_usage(s)
    wrong = replace(
        found.challenges[0],
        typed_credit="999",
        typed_answer=s.pick("减免", "Taken back"),
        error=s.pick("减免金额超出范围。", "The credit is out of range."),
    )
    return {
        "seller-usage": found,
        "seller-usage-refused": replace(found, challenges=(wrong,)),
        "seller-usage-none": replace(found, rows=(), challenges=()),
        "seller-customer-usage": replace(usage(s), sells=True, may_cap=False),
    }
