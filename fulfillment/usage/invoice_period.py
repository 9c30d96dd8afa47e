"""What is to be paid for a closed period: its lines less the credits that were not drawn yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from fulfillment.usage.models import USAGE_PERIOD, MeteredTerms, UsageChallenge, UsageLine, UsagePeriod
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import PriceLine


@dataclass(frozen=True, slots=True)
class PeriodToPay:
    """What one order asks money for; its lines add up to `amount_minor`, which is above zero."""

    period_id: UUID
    starts_at: datetime
    ends_at: datetime
    price: PlanPrice
    lines: tuple[PriceLine, ...]
    amount_minor: int


def invoice_period(uow: UnitOfWork, period_id: UUID) -> PeriodToPay | None:
    """Draw what was credited, and let the rest of a closed period be asked for: once. None when nothing of it is to be paid.

    Credits never take more than the period costs; what is left of them waits for the next one.

    Locks: the period, its credits by id. Idempotent by the state and by what was credited.
    """
    period = lock_row(uow.session, UsagePeriod, period_id)
    if period is None or period.state != "closed" or period.credited_minor == period.amount_minor:
        return None
    assert period.amount_minor is not None  # noqa: S101 - a closed one is rated
    period.credited_minor = _draw(uow, period, period.amount_minor)
    amount_minor = period.amount_minor - period.credited_minor
    if amount_minor == 0:
        return None
    USAGE_PERIOD.move(uow, period, "invoiced", org_ids=[period.buyer_org_id, period.seller_org_id])
    terms = uow.session.get_one(MeteredTerms, period.terms_id)
    found = select(UsageLine).where(UsageLine.period_id == period_id)
    lines = [
        PriceLine.model_validate(line.explained, strict=False)
        for line in uow.session.scalars(found.order_by(UsageLine.kind.desc(), UsageLine.dimension))
    ]
    if period.credited_minor:
        lines.append(PriceLine(kind="credited", amount_minor=-period.credited_minor))
    price = PlanPrice.model_validate(terms.price, strict=False)
    return PeriodToPay(period.id, period.starts_at, period.ends_at, price, tuple(lines), amount_minor)


def _draw(uow: UnitOfWork, period: UsagePeriod, most_minor: int) -> int:
    """Take credits of the entitlement, the oldest first, up to so much. Returns how much was taken."""
    found = uow.session.scalars(
        select(UsageChallenge)
        .join(UsageLine, UsageLine.id == UsageChallenge.line_id)
        .join(UsagePeriod, UsagePeriod.id == UsageLine.period_id)
        .where(
            UsagePeriod.entitlement_id == period.entitlement_id,
            UsageChallenge.buyer_org_id == period.buyer_org_id,
            UsageChallenge.drawn_minor < UsageChallenge.credit_minor,
            UsageChallenge.refund_id.is_(None),
            UsageChallenge.currency == period.currency,
        )
        .order_by(UsageChallenge.id)
        .with_for_update(of=UsageChallenge)
        .execution_options(populate_existing=True)
    ).all()
    left = most_minor
    for one in found:
        part = min(left, one.credit_minor - one.drawn_minor)
        one.drawn_minor += part
        left -= part
    return most_minor - left
