"""Metered entitlements for tests, and events reported of them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from fulfillment.runs.conclude import Success, lock_run, succeed
from fulfillment.usage.record_usage import UsageIn, UsageResult, record_usage
from fulfillment.usage.terms import set_usage_terms
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.pricing.components import Metered, PlanPrice, Tier
from tests.factories_fulfillment import Delivery, make_delivery
from tests.factories_marketplace import acting

CALLS = Metered(
    kind="metered",
    dimension="calls",
    name="接口调用",
    name_en="API calls",
    unit="次",
    unit_en="calls",
    included=1_000,
    tiers=(Tier(up_to=500, unit_micro=250_000), Tier(up_to=None, unit_micro=100_000)),
)
STORAGE = Metered(kind="metered", dimension="gb_days", tiers=(Tier(up_to=None, unit_micro=3_500),), cap_minor=5_000)
PRICE = PlanPrice(currency="CNY", interval="month", term_months=12, components=(CALLS, STORAGE))


def make_metered(uow: UnitOfWork, price: PlanPrice = PRICE, **changes: Any) -> Delivery:
    """An active entitlement whose calls and storage are metered by the month."""
    made = make_delivery(uow, **changes)
    succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))
    uow.flush()
    set_usage_terms(uow, made.id, price, {"gb_days": "GB·d"})
    uow.flush()
    return made


def usage(made: Delivery, quantity: Any = 1, at: datetime | None = None, **changes: Any) -> UsageIn:
    """An event of its calls, now."""
    values: dict[str, Any] = {
        "id": str(uuid7()),
        "time": at or clock.now(),
        "entitlement_id": made.id,
        "dimension": "calls",
        "quantity": Decimal(str(quantity)),
    }
    return UsageIn(**(values | changes))


def report(uow: UnitOfWork, made: Delivery, *items: UsageIn) -> list[UsageResult]:
    """The verdicts that its seller gets."""
    with acting(uow, made.seller.owner):
        return record_usage(uow, items)
