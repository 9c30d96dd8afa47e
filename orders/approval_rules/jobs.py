"""What comes to an end by itself in the rules of buying."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from kernel.jobs.settle_each import settle_each
from orders.approval_rules.deputies import deputies_over, end_over

SWEEP_DEPUTIES = "orders.deputies.sweep"


@sweep(SWEEP_DEPUTIES, every=timedelta(minutes=1))
def sweep_deputies(transact: Transact) -> None:
    """Deputies whose days are over, or who stood in for somebody who left: both sides are told."""
    settle_each(transact, deputies_over, end_over)
