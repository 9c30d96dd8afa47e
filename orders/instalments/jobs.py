"""What is due of instalments by the clock, and what follows where one is cancelled."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, job, sweep
from kernel.jobs.settle_each import settle_each
from orders.instalments.charge_instalment import AT_ONCE, due_instalments, take_instalment_step
from orders.order.instalments import CLOSE_INSTALMENT
from orders.order.locking import find_locked_order
from orders.order.models import Order
from orders.refunds.refund_order import refund_remaining
from orders.usage.dunning import close_cancelled

SWEEP_INSTALMENTS = "orders.instalments.sweep"
CHARGED_AT_ONCE = 20_000
"""Most that one sweep sees to, so that some that cannot be seen to keep it from nothing else."""


@sweep(SWEEP_INSTALMENTS, every=timedelta(minutes=1))
def sweep_instalments(transact: Transact) -> None:
    """Instalments that come near are told of, those that are due are asked money for."""
    for _ in range(CHARGED_AT_ONCE // AT_ONCE):
        if settle_each(transact, due_instalments, take_instalment_step) < AT_ONCE:
            break


@job(CLOSE_INSTALMENT)
def close_instalment(uow: UnitOfWork, fact: Payload) -> None:
    """The order of an instalment that was cancelled: closed where it waits for its money, given back where it was paid."""
    row = uow.session.execute(
        select(Order.id, Order.purchase_id).where(Order.instalment_id == UUID(fact["instalment_id"]))
    ).one()
    close_cancelled(uow, row.purchase_id)
    order = find_locked_order(uow, row.id)
    if order is not None and order.state in ("active", "completed") and order.payment_id is not None:
        refund_remaining(uow, order, order.payment_id, reason="instalment_cancelled")
