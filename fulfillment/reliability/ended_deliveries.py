"""Which deliveries count, for figures and for pauses alike.

A delivery is the first provisioning of what was bought. It counts once it has ended: in success, by the seller's refusal, or
because its deadline passed; replayed and done at last, it has succeeded. One that was stopped because its buyer no longer
wanted it says nothing of the seller, and what organizations with a test clock buy is no sale.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Select, and_, cast, func, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import Run
from kernel.states import state_in
from marketplace.test_clocks.models import TestClock

WINDOW = timedelta(days=30)
"""How far back figures go."""
LEAST = 5
"""Fewer say nothing, and could tell what one buyer met with."""
STOPPED = "entitlement_ended"
"""Why a run was given up that nobody waited for any more."""


def ended_deliveries(*, failed: bool = False) -> Select[UUID, UUID, UUID, datetime | None, bool, int]:
    """Rows of listing, seller, `ended_at`, whether it `succeeded`, and the whole seconds it `took_s`, begun ones included; with
    `failed` of those alone that did not succeed, found by an index of their own.
    """
    took = func.extract("epoch", Run.finished_at - Run.created_at)
    return (
        select(
            Entitlement.listing_id,
            Entitlement.seller_org_id,
            Run.id.label("run_id"),
            Run.finished_at.label("ended_at"),
            (Run.state == "succeeded").label("succeeded"),
            cast(func.ceil(took), BigInteger).label("took_s"),
        )
        .join(Entitlement, and_(Entitlement.buyer_org_id == Run.buyer_org_id, Entitlement.id == Run.entitlement_id))
        .where(
            state_in(Run.operation, "provision"),
            state_in(Run.state, "failed", "dead") if failed else state_in(Run.state, "succeeded", "failed", "dead"),
            Run.failure.is_distinct_from(STOPPED),
            Run.buyer_org_id.not_in(select(TestClock.test_org_id)),
        )
    )
