"""What follows by itself on disputed payments."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from billing.disputes.events import DisputeOpened
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, follows, sweep
from kernel.jobs.settle_each import settle_each
from orders.disputes.submit import tell_by_clock, tell_of_refund, untold_disputes

SWEEP_DISPUTES = "orders.disputes.sweep"


@follows(DisputeOpened)
def dispute_of_refunded(uow: UnitOfWork, fact: Payload) -> None:
    """What had gone back before it was disputed is told the bank at once."""
    tell_of_refund(uow, UUID(fact["dispute_id"]))


@sweep(SWEEP_DISPUTES, every=timedelta(minutes=1))
def sweep_disputes(transact: Transact) -> None:
    """Evidence that nobody has sent is sent before the bank's deadline."""
    settle_each(transact, untold_disputes, tell_by_clock)
