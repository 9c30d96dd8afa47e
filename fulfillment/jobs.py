"""Jobs of delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from fulfillment.customer_reviews import count_rating
from fulfillment.entitlements.data_kept import data_notices_due, notice_data_kept
from fulfillment.reliability import count_deliveries, pause
from fulfillment.runs.call_seller import CallSeller, SellerCalls, mark_lost
from fulfillment.runs.check_connector import CHECK, CheckConnector
from fulfillment.runs.conclude import give_up, lock_run
from fulfillment.runs.models import LIVE, Run
from fulfillment.runs.receive_callback import APPLY, apply_callback
from fulfillment.runs.start_run import CALL
from fulfillment.usage.challenges import mark_overdue, unanswered_challenges
from fulfillment.usage.close_period import close_period, due_periods
from fulfillment.usage.end_period import entitlement_ended
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, call, job, sweep
from kernel.jobs.settle_each import settle_each
from kernel.states import state_in
from marketplace.test_clocks.own_time import lives_now

SWEEP_OVERDUE = "fulfillment.run.sweep_overdue"
SWEEP_USAGE = "fulfillment.usage.close_periods"
SWEEP_CHALLENGES = "fulfillment.usage.challenges_overdue"
SWEEP_DATA_KEPT = "fulfillment.entitlement.data_kept"
SWEPT_AT_ONCE = 200
FOLLOWERS = (count_rating, entitlement_ended, count_deliveries, pause)
"""Imported for what they register."""


def register(ports: SellerCalls) -> None:
    """Register the jobs with the ports they call through."""
    call(CALL, max_attempts=30)(CallSeller(ports))
    call(CHECK, max_attempts=3)(CheckConnector(ports))

    @job(APPLY)
    def apply(uow: UnitOfWork, payload: Payload) -> None:
        apply_callback(uow, UUID(payload["inbox_id"]), UUID(payload["run_id"]))

    @sweep(SWEEP_OVERDUE, every=timedelta(seconds=5))
    def give_up_late(transact: Transact) -> None:
        settle_each(transact, overdue_runs, give_up_overdue)

    @sweep(SWEEP_USAGE, every=timedelta(seconds=30))
    def close_usage(transact: Transact) -> None:
        settle_each(transact, due_periods, close_period)

    @sweep(SWEEP_CHALLENGES, every=timedelta(minutes=5))
    def note_unanswered(transact: Transact) -> None:
        settle_each(transact, unanswered_challenges, mark_overdue)

    @sweep(SWEEP_DATA_KEPT, every=timedelta(hours=1))
    def notice_data(transact: Transact) -> None:
        settle_each(transact, data_notices_due, notice_data_kept)


def overdue_runs(uow: UnitOfWork, limit: int = SWEPT_AT_ONCE) -> Sequence[UUID]:
    """Runs under way whose deadline has passed, the longest overdue first."""
    statement = (
        select(Run.id)
        .where(state_in(Run.state, *LIVE), Run.deadline_at <= clock.now(), lives_now(Run.buyer_org_id))
        .order_by(Run.deadline_at)
    )
    return uow.session.scalars(statement.limit(limit)).all()


def give_up_overdue(uow: UnitOfWork, run_id: UUID) -> bool:
    """Give up a run whose deadline has passed, whatever it waits for. Returns False when it has ended meanwhile."""
    run, entitlement = lock_run(uow, run_id)
    if run.state not in LIVE or run.deadline_at > clock.now():
        return False
    if run.state == "calling":
        mark_lost(uow, run)
    give_up(uow, run, entitlement, state="dead", reason="deadline_missed")
    return True
