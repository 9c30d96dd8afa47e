"""What follows on usage: a closed period is charged, and what is not paid is asked for again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fulfillment.usage.events import UsagePeriodClosed
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, follows, sweep
from kernel.jobs.settle_each import settle_each
from orders.usage.charge_usage import charge_usage
from orders.usage.dunning import due_tries, take_owed_step
from orders.usage.return_credits import credits_to_return, return_credit

SWEEP_UNPAID_USAGE = "orders.usage.sweep"
SWEEP_USAGE_CREDITS = "orders.usage.return_credits"


@follows(UsagePeriodClosed)
def usage_period_closed(uow: UnitOfWork, fact: Payload) -> None:
    """What it costs is asked for at once, by what paid for the subscription."""
    charge_usage(uow, UUID(fact["period_id"]))


@sweep(SWEEP_UNPAID_USAGE, every=timedelta(minutes=1))
def sweep_unpaid_usage(transact: Transact) -> None:
    """Usage and instalments that were not paid: asked for again, suspended, ended."""
    settle_each(transact, due_tries, take_owed_step)


@sweep(SWEEP_USAGE_CREDITS, every=timedelta(hours=1))
def sweep_usage_credits(transact: Transact) -> None:
    """What was credited and can be drawn from nothing any more: paid back."""
    settle_each(transact, credits_to_return, return_credit)
