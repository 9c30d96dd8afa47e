"""Whether an entitlement may be used now, and which of its dimensions no more: what a seller's system asks."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ScalarSelect, func, or_, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.queries import bought_by_me, sold_by_me
from fulfillment.entitlements.validity import is_in_force
from fulfillment.entitlements.views import EntitlementCheck
from fulfillment.usage.models import UsageCap, UsageDay, UsagePeriod
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.catalog.models import Plan
from marketplace.test_clocks.own_time import enter_time_of


def check_entitlement(uow: UnitOfWork, entitlement_id: UUID) -> EntitlementCheck:
    """Whether it may be used now: one read by primary key, for its buyer, its seller, the platform. Raises NotFound."""
    found = uow.session.execute(
        select(Entitlement, Plan.code, _capped().label("capped"))
        .join(Plan, Plan.id == Entitlement.plan_id)
        .where(Entitlement.id == entitlement_id, or_(bought_by_me(uow), sold_by_me(uow)))
    ).first()
    if found is None:
        raise NotFound("not_found")
    row: Entitlement = found.Entitlement
    enter_time_of(uow, row.buyer_org_id)
    active = is_in_force(row.state, row.valid_to)
    untagged = EntitlementCheck(
        entitlement_id=row.id,
        active=active,
        state=row.state,
        plan_id=row.plan_id,
        plan_code=found.code,
        seats=row.seats,
        seats_used=row.seats_used,
        seats_allocated=row.seats_allocated,
        external_id=row.external_id,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        data_kept_until=row.data_kept_until,
        trial=active and row.trial_days > 0,
        past_due=row.past_due_at is not None,
        capped=tuple(sorted(found.capped or ())),
        etag="",
    )
    return replace(untagged, etag=hashlib.sha256(repr(untagged).encode()).hexdigest()[:32])


def _capped() -> ScalarSelect[list[str]]:
    """The dimensions of which the buyer's hard cap is reached in the present period."""
    now = clock.now()
    used = (
        select(func.coalesce(func.sum(UsageDay.quantity), 0))
        .join(UsagePeriod, UsagePeriod.id == UsageDay.period_id)
        .where(
            UsagePeriod.entitlement_id == UsageCap.entitlement_id,
            UsagePeriod.starts_at <= now,
            UsagePeriod.ends_at > now,
            UsageDay.dimension == UsageCap.dimension,
        )
        .correlate(UsageCap)
        .scalar_subquery()
    )
    return (
        select(func.array_agg(UsageCap.dimension))
        .where(UsageCap.entitlement_id == Entitlement.id, UsageCap.kind == "hard", UsageCap.quantity <= used)
        .correlate(Entitlement)
        .scalar_subquery()
    )
