"""Jobs of delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from fulfillment.connectors.connector_test import TEST, run_test
from fulfillment.runs.call_seller import SellerCalls, call_seller
from fulfillment.runs.conclude import give_up, lock_run
from fulfillment.runs.models import Run
from fulfillment.runs.receive_callback import APPLY, apply_callback
from fulfillment.runs.start_run import CALL
from fulfillment.runs.states import LIVE
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.jobs.kinds import Payload, every, job, process
from kernel.jobs.runner import JobContext, describe

log = structlog.get_logger(__name__)

SWEEP_OVERDUE = "fulfillment.run.sweep_overdue"
SWEPT_AT_ONCE = 200


def register(ports: SellerCalls) -> None:
    """Register the jobs with the ports they call through."""

    @process(CALL, max_attempts=30)
    def call(ctx: JobContext, payload: Payload) -> None:
        call_seller(ctx, UUID(payload["run_id"]), int(payload["ticket"]), ports)

    @process(TEST, max_attempts=3)
    def test(ctx: JobContext, payload: Payload) -> None:
        run_test(ctx, UUID(payload["connector_id"]), datetime.fromisoformat(payload["asked_at"]), ports)

    @job(APPLY)
    def apply(uow: UnitOfWork, payload: Payload) -> None:
        apply_callback(uow, UUID(payload["inbox_id"]), UUID(payload["run_id"]))

    @process(SWEEP_OVERDUE)
    def sweep(ctx: JobContext, _payload: Payload) -> None:
        # A transaction for each run: one that cannot be given up must not keep the others alive.
        for run_id in ctx.transact(overdue_runs):
            try:
                ctx.transact(partial(give_up_overdue, run_id=run_id))
            except (SQLAlchemyError, DomainError) as error:
                log.warning("run_not_given_up", run_id=str(run_id), error=describe(error))

    every(timedelta(seconds=2), SWEEP_OVERDUE)


def overdue_runs(uow: UnitOfWork, limit: int = SWEPT_AT_ONCE) -> Sequence[UUID]:
    """Runs under way whose deadline has passed, the longest overdue first."""
    statement = select(Run.id).where(Run.state.in_(LIVE), Run.deadline_at <= clock.now()).order_by(Run.deadline_at)
    return uow.session.scalars(statement.limit(limit)).all()


def give_up_overdue(uow: UnitOfWork, run_id: UUID) -> bool:
    """Give up a run whose deadline has passed, whatever it waits for. Returns False when it has ended meanwhile."""
    run, entitlement = lock_run(uow, run_id)
    if run.state not in LIVE or run.deadline_at > clock.now():
        return False
    give_up(uow, run, entitlement, state="dead", reason="deadline_missed")
    return True
