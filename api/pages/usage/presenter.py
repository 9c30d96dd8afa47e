"""From rows of usage to what its pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from api.pages.frame import addresses, usage_addresses
from api.pages.frame.charts import BarChart
from api.pages.frame.phrases import explained
from api.pages.frame.site import PageRequest
from api.pages.usage.views import (
    ChallengeItem,
    CustomerUsageItem,
    DayItem,
    DimensionItem,
    LineItem,
    PeriodItem,
    UsagePage,
)
from fulfillment.usage.challenges import QUESTIONED_WITHIN
from fulfillment.usage.views import ChallengeView, CustomerUsage, DimensionUsage, RatedLine, RatedPeriod, UsageView
from kernel import clock
from kernel.money import Money
from orders.usage.queries import PeriodOrder


def usage_page(
    page_request: PageRequest, found: UsageView, charged: Mapping[UUID, PeriodOrder], *, sells: bool
) -> UsagePage:
    """The page of one entitlement's usage; `charged`: the orders of its periods."""
    may_buy = not sells and page_request.principal.may("orders.buy")
    return UsagePage(
        id=str(found.entitlement_id),
        listing_name=page_request.pick(found.title, found.title_en),
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        amount=Money(found.amount_minor, found.currency),
        dimensions=tuple(_dimension(page_request, one) for one in found.dimensions),
        periods=tuple(
            _charged(_period(page_request, one, may_question=may_buy), charged.get(one.id), sells=sells)
            for one in found.periods
        ),
        sells=sells,
        may_cap=may_buy,
        is_trial=found.is_trial,
    )


def customer_item(page_request: PageRequest, row: CustomerUsage) -> CustomerUsageItem:
    """A row of the seller's list."""
    return CustomerUsageItem(
        usage_addresses.of_customer(str(row.entitlement_id)),
        row.buyer_name,
        page_request.pick(row.title, row.title_en),
        page_request.pick(row.name, row.name_en),
        quantity(page_request, row.quantity),
        row.ends_at,
    )


def challenge_item(page_request: PageRequest, row: ChallengeView, *, answers: bool) -> ChallengeItem:
    """What is questioned; `answers`: with where the reader decides."""
    return ChallengeItem(
        state=row.state,
        question=row.question,
        answer=row.answer,
        credit=Money(row.credit_minor, row.currency),
        deadline_at=row.deadline_at,
        buyer_name=row.buyer_name,
        listing_name=page_request.pick(row.title, row.title_en),
        dimension_name=page_request.pick(row.name, row.name_en),
        quantity=quantity(page_request, row.quantity),
        amount=Money(row.amount_minor, row.currency),
        answer_address=usage_addresses.answer(str(row.id)) if answers else "",
        usage_address=usage_addresses.of_customer(str(row.entitlement_id)),
        key=str(row.id),
    )


def quantity(page_request: PageRequest, value: Decimal) -> str:
    """A quantity in the reader's way of writing, exact."""
    whole, rest = divmod(abs(value), 1)
    sign = "-" if value < 0 else ""
    written = sign + page_request.formats.number(int(whole))
    return written + f"{rest.normalize():f}"[1:] if rest else written


def _dimension(page_request: PageRequest, row: DimensionUsage) -> DimensionItem:
    return DimensionItem(
        row.dimension,
        page_request.pick(row.name, row.name_en),
        page_request.pick(row.unit_name, row.unit_name_en) or (row.unit if row.unit != row.dimension else ""),
        quantity(page_request, row.quantity),
        page_request.formats.number(row.included) if row.included else "",
        row.percent,
        quantity(page_request, row.cap) if row.cap is not None else "",
        row.cap_kind or "",
        row.is_capped,
        Money(row.amount_minor, row.currency),
        tuple(DayItem(one.day, quantity(page_request, one.quantity)) for one in row.days),
        BarChart(
            tuple(f"{one.day.month}-{one.day.day}" for one in row.days),
            (("", tuple(float(one.quantity) for one in row.days)),),
        ),
    )


def _period(page_request: PageRequest, row: RatedPeriod, *, may_question: bool) -> PeriodItem:
    recent = may_question and clock.now() < row.ends_at + QUESTIONED_WITHIN + timedelta(days=1)
    return PeriodItem(
        row.state,
        row.starts_at,
        row.ends_at,
        Money(row.amount_minor, row.currency),
        tuple(_line(page_request, line, row.interval, may_question=recent) for line in row.lines),
        Money(row.credited_minor, row.currency) if row.credited_minor else None,
        row.is_trial,
    )


def _charged(period: PeriodItem, order: PeriodOrder | None, *, sells: bool) -> PeriodItem:
    """The period with its order: the buyer's own page of it, the seller's trace."""
    if order is None:
        return period
    address = addresses.trace(str(order.order_id)) if sells else addresses.order(str(order.order_id))
    return replace(period, order_state=order.shown_state, order_number=order.number, order_address=address)


def _line(page_request: PageRequest, row: RatedLine, interval: str, *, may_question: bool) -> LineItem:
    challenge = challenge_item(page_request, row.challenge, answers=False) if row.challenge else None
    return LineItem(
        str(row.id),
        row.kind,
        page_request.pick(row.name, row.name_en),
        quantity(page_request, row.quantity),
        Money(row.amount_minor, row.currency),
        challenge,
        may_question and challenge is None and row.amount_minor > 0,
        explained(page_request, [row.explained], interval, row.currency)[0],
    )
