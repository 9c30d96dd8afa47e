"""Trials as their sellers see them: until when, and whether they can still let them go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from orders.order.models import Subscription
from orders.trials.models import Trial


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial that is in use. `extendable_days`: what its seller may add, 0 once that was done."""

    subscription_id: UUID
    order_line_id: UUID
    ends_at: datetime
    converts: bool
    extended_days: int | None
    extendable_days: int


def running_trials(uow: UnitOfWork, buyer_id: UUID) -> list[RunningTrial]:
    """What an organization tries of the acting seller's, whatever ends first first."""
    rows = uow.session.execute(
        select(Subscription, Trial)
        .join(Trial, Trial.order_line_id == Subscription.order_line_id)
        .where(
            Subscription.seller_org_id == uow.principal.organization(),
            Subscription.buyer_org_id == buyer_id,
            state_in(Subscription.state, "active"),
            Subscription.ends_at <= Subscription.trial_ends_at,
            Subscription.ends_at > clock.now(),
        )
        .order_by(Subscription.ends_at, Subscription.id)
    )
    return [
        RunningTrial(
            subscription.id,
            subscription.order_line_id,
            subscription.ends_at,
            subscription.auto_renew,
            trial.extended_days,
            0 if trial.extended_days is not None else trial.days,
        )
        for subscription, trial in rows
    ]
