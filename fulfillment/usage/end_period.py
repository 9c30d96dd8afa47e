"""What has ended is not counted beyond its end: its last period is over with it, and closes as any other."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.events import EntitlementEnded
from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.models import UsagePeriod
from fulfillment.usage.periods import CLOSES_AFTER
from fulfillment.usage.terms import is_metered
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows, job
from kernel.jobs.outbox import enqueue

END_PERIOD = "fulfillment.usage.end_period"


@follows(EntitlementEnded)
def entitlement_ended(uow: UnitOfWork, fact: Payload) -> None:
    """In a transaction of its own: periods are locked before what they belong to."""
    if is_metered(uow, UUID(fact["entitlement_id"])):
        enqueue(uow, END_PERIOD, {"entitlement_id": fact["entitlement_id"]}, dedupe_key=fact["entitlement_id"])


@job(END_PERIOD)
def end_period(uow: UnitOfWork, fact: Payload) -> None:
    """Let the open period that holds the end of an entitlement end with it. Locks: it. Idempotent by the content."""
    entitlement = uow.session.get_one(Entitlement, UUID(fact["entitlement_id"]))
    ended_at = entitlement.valid_to
    periods = uow.session.scalars(
        select(UsagePeriod)
        .where(
            UsagePeriod.entitlement_id == entitlement.id,
            UsagePeriod.state == "open",
            UsagePeriod.starts_at < ended_at,
            UsagePeriod.ends_at > ended_at,
        )
        .with_for_update(key_share=True)
    )
    for period in periods:
        assert ended_at is not None  # noqa: S101 - what has ended has an end
        period.ends_at, period.closes_at = ended_at, ended_at + CLOSES_AFTER
