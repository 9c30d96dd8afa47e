"""A period that is over is rated once; what its lines say never changes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from fulfillment.usage.counted import sums_of
from fulfillment.usage.events import UsagePeriodClosed
from fulfillment.usage.models import USAGE_PERIOD, UsageLine, UsagePeriod
from fulfillment.usage.terms import get_usage_terms
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.pricing.components import PlanPrice, Tier
from marketplace.pricing.engine import Priced, price_usage
from marketplace.test_clocks.own_time import lives_now

CLOSED_AT_ONCE = 200


def due_periods(uow: UnitOfWork, limit: int = CLOSED_AT_ONCE) -> Sequence[UUID]:
    """Open periods whose time to be closed has come, the longest due first."""
    statement = (
        select(UsagePeriod.id)
        .where(
            state_in(UsagePeriod.state, "open"),
            UsagePeriod.closes_at <= clock.now(),
            lives_now(UsagePeriod.buyer_org_id),
        )
        .order_by(UsagePeriod.closes_at)
    )
    return uow.session.scalars(statement.limit(limit)).all()


def close_period(uow: UnitOfWork, period_id: UUID) -> bool:
    """Rate a period that is over. Returns False when there is nothing to do: it was closed before, or still takes usage.

    Emits: UsagePeriodClosed. Locks: the period. Idempotent by its state.
    """
    period = lock_row(uow.session, UsagePeriod, period_id)
    if period is None or period.state != "open" or clock.now() < period.closes_at:
        return False
    terms = get_usage_terms(uow, period.entitlement_id)
    used = {dimension: quantity for (_, dimension), quantity in sums_of(uow, [period_id]).items()}
    rated = rate_period(terms.by_id(period.terms_id).price, used, is_trial=period.is_trial)
    for line in rated.lines:
        uow.session.add(
            UsageLine(
                id=uuid7(),
                buyer_org_id=period.buyer_org_id,
                seller_org_id=period.seller_org_id,
                period_id=period_id,
                kind=line.kind,
                dimension=line.code,
                quantity=used.get(line.code, Decimal(0)),
                amount_minor=line.amount_minor,
                currency=rated.currency,
                explained=line.model_dump(mode="json"),
            )
        )
    period.amount_minor = rated.amount_minor
    USAGE_PERIOD.move(uow, period, "closed", org_ids=terms.parties)
    emit(
        uow,
        UsagePeriodClosed(
            period_id=period_id,
            entitlement_id=period.entitlement_id,
            buyer_org_id=period.buyer_org_id,
            seller_org_id=period.seller_org_id,
            amount_minor=rated.amount_minor,
            currency=rated.currency,
        ),
    )
    return True


def rate_period(price: PlanPrice, used: Mapping[str, Decimal], *, is_trial: bool = False) -> Priced:
    """What a period's usage costs: every metered dimension has a line, also the one that was not used. Pure.

    What is used in a trial costs nothing.
    """
    whole = {dimension: used.get(dimension, Decimal(0)) for dimension in price.metered}
    return price_usage(_for_nothing(price) if is_trial else price, whole)


def _for_nothing(price: PlanPrice) -> PlanPrice:
    free = (Tier(up_to=None, unit_micro=0),)
    metered = tuple(one.model_copy(update={"tiers": free, "cap_minor": None}) for one in price.metered.values())
    return price.model_copy(update={"components": metered})
