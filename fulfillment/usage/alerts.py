"""Who has used how much of what is included, or of the buyer's own cap: told once for each threshold of a period."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from fulfillment.usage.counted import Counted
from fulfillment.usage.events import UsageAlerted
from fulfillment.usage.models import UsagePeriod
from fulfillment.usage.terms import UsageTerms
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit

THRESHOLDS = (100, 80, 50)
"""Percent of the included amount, the highest first: of several that are passed at once the highest is told."""


def tell(
    uow: UnitOfWork,
    terms: Mapping[UUID, UsageTerms],
    periods: Mapping[UUID, UsagePeriod],
    counted: Counted,
    changed: Collection[tuple[UUID, str]],
) -> None:
    """Record what the buyer is to be told of periods and dimensions that changed. Idempotent by the period, which is locked.

    Emits: UsageAlerted.
    """
    for period_id, dimension in sorted(changed):
        period = periods[period_id]
        used = counted.sums[period_id, dimension]
        included = terms[period.entitlement_id].by_id(period.terms_id).price.metered[dimension].included
        percent = next((one for one in THRESHOLDS if used * 100 >= one * included), 0) if included else 0
        if percent > period.alerted.get(dimension, 0):
            _alert(uow, period, dimension, dimension, percent, "included")
        cap = counted.caps.get((period.entitlement_id, dimension))
        place = f"{dimension}/cap"
        if cap is not None and used >= cap.quantity and not period.alerted.get(place):
            _alert(uow, period, dimension, place, 100, cap.kind)


def _alert(uow: UnitOfWork, period: UsagePeriod, dimension: str, place: str, percent: int, of: str) -> None:
    period.alerted = {**period.alerted, place: percent}
    emit(
        uow,
        UsageAlerted(
            period_id=period.id,
            entitlement_id=period.entitlement_id,
            buyer_org_id=period.buyer_org_id,
            seller_org_id=period.seller_org_id,
            dimension=dimension,
            percent=percent,
            of=of,
        ),
    )
