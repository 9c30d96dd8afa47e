"""What the organization paid, by month, seller and member; and what it will be charged for what recurs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.charts import BarChart
from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest, page
from api.pages.spending.views import ChargeItem, ChargeMonth, SpendingView, SpendItem
from api.v1.spend import READ
from kernel.money import Money
from orders.spend import SpendRow, spend
from orders.subscriptions.upcoming import UpcomingCharge, upcoming_charges

NAMED = 4
"""Sellers with a part of their own in a chart; the others are one."""


@page(addresses.SPENDING, READ)
def show_spending(page_request: Given[PageRequest]) -> Response[str]:
    """The next ninety days, and the last twelve months."""
    with page_request.work() as uow:
        ahead, paid = upcoming_charges(uow), spend(uow)
    rows = tuple(
        SpendItem(
            one.month,
            one.seller_name,
            one.asked_by or page_request.t("spending.by_key"),
            one.orders,
            money(one.gross_minor, one.currency),
        )
        for one in paid
    )
    return page_request.render(SpendingView(_ahead(page_request, ahead), rows, _charts(page_request, paid)))


def _ahead(page_request: PageRequest, found: Sequence[UpcomingCharge]) -> tuple[ChargeMonth, ...]:
    zone = ZoneInfo(page_request.time_zone)
    months: dict[date, list[UpcomingCharge]] = defaultdict(list)
    for one in found:
        months[one.at.astimezone(zone).date().replace(day=1)].append(one)
    return tuple(
        ChargeMonth(month, _totals(charges), tuple(_charge(page_request, one) for one in charges))
        for month, charges in sorted(months.items())
    )


def _totals(charges: Sequence[UpcomingCharge]) -> tuple[Money, ...]:
    sums: Counter[str] = Counter()
    for one in charges:
        sums[one.currency] += one.amount_minor
    return tuple(money(minor, currency) for currency, minor in sorted(sums.items()))


def _charge(page_request: PageRequest, one: UpcomingCharge) -> ChargeItem:
    t = page_request.t
    about = t("spending.about") if one.tax_included else t("spending.about_plus_tax")
    if one.is_usage:
        about = t("spending.used") if one.tax_included else t("spending.used_plus_tax")
    fixed = t("spending.instalment", n=one.instalment) if one.instalment else t("spending.told")
    return ChargeItem(
        one.at,
        addresses.subscription(str(one.subscription_id)),
        page_request.pick(one.title, one.title_en),
        one.seller_name,
        money(one.amount_minor, one.currency),
        fixed if one.is_told else about,
    )


def _charts(page_request: PageRequest, paid: Sequence[SpendRow]) -> tuple[BarChart, ...]:
    """One for each currency: a bar a month, a part a seller."""
    charts = []
    for currency in sorted({one.currency for one in paid}):
        rows = [one for one in paid if one.currency == currency]
        months = sorted({one.month for one in rows})
        by_seller: Counter[str] = Counter()
        for one in rows:
            by_seller[one.seller_name] += one.gross_minor
        named = [name for name, _ in by_seller.most_common(NAMED)]
        figures: Counter[tuple[str, date]] = Counter()
        for one in rows:
            name = one.seller_name if one.seller_name in named else page_request.t("spending.others")
            figures[(name, one.month)] += one.gross_minor
        shown = [*named, page_request.t("spending.others")] if len(by_seller) > NAMED else named
        parts = tuple((name, tuple(figures[(name, month)] for month in months)) for name in shown)
        charts.append(BarChart(tuple(f"{month:%Y-%m}" for month in months), parts, currency))
    return tuple(charts)


routes = [show_spending]
