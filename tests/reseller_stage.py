"""For tests of what the platform sells itself: its identity on invoices, and a listing of a seller that it resells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from billing.ledger.queries import balance_minor
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import PLATFORM_ORG_ID
from tests.factories_marketplace import Org, make_plans, make_published_video, per_seat_plan, words
from tests.loop_stage import Stage
from tests.platform_party import register_platform


def offer_resold(stage: Stage, seller: Org | None = None, **changes: Any) -> UUID:
    """A plan of a seller (the stage's) that the platform sells; with it a video of the promoter that shows it."""
    register_platform(stage.services.db)
    values = {"connector_id": stage.connector} | changes
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        text = replace(words(), selling_model="reseller", refund_window_days=30)
        (plan,) = make_plans(uow, seller or stage.seller, per_seat_plan(**values), text=text)
        make_published_video(uow, stage.promoter, plan)
        return plan.id


def tax_payable(stage: Stage) -> int:
    """What the platform owes of tax, positive."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return -balance_minor(uow, PLATFORM_ORG_ID, "tax_payable", "CNY")
