"""Jobs of delivery."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from fulfillment.runs.call_seller import SellerCalls, call_seller
from fulfillment.runs.conclude import give_up, lock_run
from fulfillment.runs.models import Run
from fulfillment.runs.receive_callback import APPLY, apply_callback
from fulfillment.runs.start_run import CALL
from fulfillment.runs.states import LIVE
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.registry import Payload, every, job, process
from kernel.jobs.run import JobContext

SWEEP_OVERDUE = "fulfillment.run.sweep_overdue"


def register(ports: SellerCalls) -> None:
    """Register the jobs with the ports they call through."""

    @process(CALL, max_attempts=30)
    def call(ctx: JobContext, payload: Payload) -> None:
        call_seller(ctx, UUID(payload["run_id"]), ports)

    @job(APPLY)
    def apply(uow: UnitOfWork, payload: Payload) -> None:
        apply_callback(uow, UUID(payload["inbox_id"]), UUID(payload["run_id"]))

    @job(SWEEP_OVERDUE)
    def sweep(uow: UnitOfWork, _payload: Payload) -> None:
        sweep_overdue_runs(uow)

    every(timedelta(seconds=2), SWEEP_OVERDUE)


def sweep_overdue_runs(uow: UnitOfWork, limit: int = 100) -> int:
    """Give up runs whose deadline has passed, whatever they wait for. Returns how many."""
    overdue = uow.session.scalars(
        select(Run.id).where(Run.state.in_(LIVE), Run.deadline_at <= clock.now()).order_by(Run.id).limit(limit)
    )
    count = 0
    for run_id in list(overdue):
        run, entitlement = lock_run(uow, run_id)
        if run.state in LIVE and run.deadline_at <= clock.now():
            give_up(uow, run, entitlement, state="dead", reason="deadline_missed")
            count += 1
    return count
