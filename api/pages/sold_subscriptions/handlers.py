"""The seller's pages of what customers subscribed to, and the platform's of what is stuck."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.charts import BarChart
from api.pages.frame.phrases import money, seconds_since
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import PageRequest, page, parse_uuid_or_404
from api.pages.frame.translations import translations
from api.pages.sold_subscriptions.views import (
    AnySubscriptionPage,
    MovementRow,
    SoldItem,
    SoldSubscriptionPage,
    SoldSubscriptionsView,
    StuckItem,
    StuckView,
)
from api.pages.subscriptions.life import life_of
from kernel.money import Money
from orders.subscriptions.movement import MOVEMENTS, MonthMovement, subscription_movements
from orders.subscriptions.sold import SoldSubscription, get_sold_subscription, list_sold_subscriptions
from orders.subscriptions.stuck import STUCK, count_stuck, list_stuck
from orders.subscriptions.timeline import subscription_timeline

READ = "seller.orders.read"
DUE = (30, 60, 90)
PAGE = 30
_BELOW = ("shrunk", "ended")


@page(addresses.SELLER_SUBSCRIPTIONS, READ)
def show_sold(page_request: Given[PageRequest]) -> Response[str]:
    """Everything that customers have subscribed to, narrowed to renewals due (`due`), trials (`state=trial`), one customer."""
    require_seller(page_request)
    asked = page_request.query_number("due")
    due = asked if asked in DUE else 0
    trials = page_request.query("state", most=10) == "trial"
    customer = page_request.query("customer", most=36)
    customer_id = parse_uuid_or_404(customer) if customer else None
    with page_request.work() as uow:
        found = list_sold_subscriptions(
            uow,
            cursor=page_request.query("cursor", most=200) or None,
            limit=PAGE,
            state="trial" if trials else None,
            due_days=due or None,
            customer_id=customer_id,
        )
        moved = subscription_movements(uow)
    more = addresses.next_page(
        addresses.SELLER_SUBSCRIPTIONS,
        found.next_cursor,
        due=str(due) if due else None,
        state="trial" if trials else None,
        customer=customer or None,
    )
    view = SoldSubscriptionsView(
        due,
        DUE,
        tuple(_item(page_request, one) for one in found.items),
        MOVEMENTS,
        _months(moved),
        _charts(page_request, moved),
        customer,
        more,
        trials=trials,
    )
    return page_request.render(view)


@page("/seller/subscriptions/{subscription_id:uuid}", READ)
def show_one_sold(subscription_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One that a customer has subscribed to."""
    require_seller(page_request)
    with page_request.work() as uow:
        found = get_sold_subscription(uow, subscription_id)
        line = subscription_timeline(uow, subscription_id, "seller")
    order = addresses.trace(str(found.order_id))
    life = life_of(page_request, line, "seller")
    return page_request.render(SoldSubscriptionPage(_item(page_request, found), found.seller_name, order, life))


@page(addresses.OPERATOR_SUBSCRIPTIONS, "operator.read")
def show_stuck(page_request: Given[PageRequest]) -> Response[str]:
    """What does not go on by itself, by age; `stuck` narrows it to one kind."""
    asked = page_request.query("stuck", most=20)
    current = next((kind for kind in STUCK if kind == asked), None)
    with page_request.work() as uow:
        counted, found = count_stuck(uow), list_stuck(uow, current)
    counts = tuple(
        (kind, counted[kind].count, seconds_since(counted[kind].oldest_at)) if kind in counted else (kind, 0, 0)
        for kind in STUCK
    )
    rows = tuple(
        StuckItem(
            addresses.operator_subscription(str(one.subscription_id)),
            one.stuck,
            page_request.pick(one.title, one.title_en),
            one.buyer_name,
            one.seller_name,
            one.detail if one.stuck == "run_dead" else "",
            seconds_since(one.since_at),
        )
        for one in found
    )
    return page_request.render(StuckView(STUCK, current or "", counts, rows))


@page("/operator/subscriptions/{subscription_id:uuid}", "operator.read")
def show_any(subscription_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """Any subscription with its line."""
    with page_request.work() as uow:
        found = get_sold_subscription(uow, subscription_id, "operator")
        line = subscription_timeline(uow, subscription_id, "operator")
    order = addresses.trace(str(found.order_id))
    life = life_of(page_request, line, "operator")
    return page_request.render(AnySubscriptionPage(_item(page_request, found), found.seller_name, order, life))


def _item(page_request: PageRequest, one: SoldSubscription) -> SoldItem:
    return SoldItem(
        id=str(one.id),
        customer=addresses.seller_customer(str(one.buyer_org_id)),
        customer_name=one.buyer_name,
        listing_name=page_request.pick(one.title, one.title_en),
        plan_name=page_request.pick(one.plan_name, one.plan_name_en),
        state=one.state,
        used=one.seats_used,
        quantity=one.seats,
        ends_at=one.ends_at,
        auto_renew=one.auto_renew,
        net=money(one.net_minor, one.currency),
    )


def _months(moved: Sequence[MonthMovement]) -> tuple[MovementRow, ...]:
    """A row for each month and currency, the newest first."""
    rows = sorted({(one.month, one.currency) for one in moved}, reverse=True)
    found = {(one.month, one.currency, one.movement): one for one in moved}
    return tuple(
        MovementRow(
            month,
            tuple(
                (one.count, Money(one.net_minor, currency)) if one is not None else (0, None)
                for one in (found.get((month, currency, kind)) for kind in MOVEMENTS)
            ),
        )
        for month, currency in rows
    )


def _charts(page_request: PageRequest, moved: Sequence[MonthMovement]) -> tuple[BarChart, ...]:
    """One for each currency: what is lost hangs below the line."""
    words = translations(page_request.language)
    charts = []
    for currency in sorted({one.currency for one in moved}):
        months = sorted({one.month for one in moved if one.currency == currency})
        found = {(one.month, one.movement): one.net_minor for one in moved if one.currency == currency}
        parts = tuple(
            (
                words.word("movement", kind),
                tuple((-1 if kind in _BELOW else 1) * found.get((month, kind), 0) for month in months),
            )
            for kind in MOVEMENTS
        )
        charts.append(BarChart(tuple(f"{month:%Y-%m}" for month in months), parts, currency))
    return tuple(charts)


routes = [show_sold, show_one_sold, show_stuck, show_any]
