"""Drives a test clock from one due instant to the next, up to where it is to stand.

At each instant the sweeps are done for its organization alone, and the jobs that it left are run, until nothing is due; what
happened is told; then the clock goes on. Every step is a transaction of the product's own, which happens once: whoever takes
over from a driver that died begins at the same instant and finds done what is done. A lock of its own keeps two drivers apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import exists, select, text
from sqlalchemy.exc import SQLAlchemyError

from billing.gateways.janitor import JANITOR
from fulfillment.jobs import SWEEP_CHALLENGES, SWEEP_DATA_KEPT, SWEEP_OVERDUE, SWEEP_USAGE
from kernel import clock
from kernel.clock import OWN_QUEUES, OwnTime
from kernel.db.locks import lock_row
from kernel.db.uow import Database, Transact, UnitOfWork, transact
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again, sweeps
from kernel.jobs.models import Job
from kernel.jobs.queries import lost_claims
from kernel.jobs.runner import Runner, due
from kernel.principal import SYSTEM
from marketplace.test_clocks.models import TEST_CLOCK, TestClock
from orders.instalments.jobs import SWEEP_INSTALMENTS
from orders.invoicing.invoice_month import SWEEP_MONTHS
from orders.loop import SWEEP_ACCEPTANCE, SWEEP_PURCHASES, SWEEP_RENEWALS, SWEEP_TERMS
from orders.milestones.jobs import SWEEP_MILESTONES
from orders.notifications.notify_of_events import notify_at
from orders.outgoing_events.publish_events import publish_at
from orders.refunds.jobs import SWEEP_CASES
from orders.test_clocks.due_instants import next_due, queues_of
from orders.test_clocks.end_everything import end_everything, forget_clock
from orders.tickets.jobs import SWEEP_TICKETS
from orders.usage.jobs import SWEEP_UNPAID_USAGE, SWEEP_USAGE_CREDITS

SWEEPS = (
    SWEEP_PURCHASES,
    SWEEP_OVERDUE,
    SWEEP_USAGE,
    SWEEP_CHALLENGES,
    SWEEP_ACCEPTANCE,
    SWEEP_RENEWALS,
    SWEEP_TERMS,
    SWEEP_INSTALMENTS,
    SWEEP_UNPAID_USAGE,
    SWEEP_USAGE_CREDITS,
    SWEEP_MILESTONES,
    SWEEP_TICKETS,
    SWEEP_CASES,
    SWEEP_DATA_KEPT,
    SWEEP_MONTHS,
    JANITOR,
)
"""What is due at a buyer by the calendar. Its sellers' money lives at everybody's time."""
ROUNDS = 100
"""At one instant: more is work that makes itself due again."""
QUIET_ROUNDS = 2
TRIED_AGAIN = timedelta(seconds=1)
"""After another driver was at work."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClockToDrive:
    """A clock, and an instant of it at which something happened that is to be told."""

    clock_id: UUID
    since: datetime


class DriveClock:
    """The steps of the job that drives a clock."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._transact: Transact = partial(transact, db, SYSTEM)
        self._runner = Runner(db, "test-clock")

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> ClockToDrive:
        """Nothing is written down: where the clock is, its row says."""
        return ClockToDrive(UUID(claim.payload["clock_id"]), datetime.fromisoformat(claim.payload["since"]))

    def call(self, request: ClockToDrive) -> bool:
        """Drive it. Returns False where another driver is at work."""
        with clock.living_at(None), self._alone(request.clock_id) as is_alone:
            if is_alone:
                self._drive(request)
            return is_alone

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: ClockToDrive, answer: bool) -> Again | None:  # noqa: FBT001 - as every handler's
        """Come again where another driver was at work: it may have looked before this one was asked."""
        return None if answer else Again(TRIED_AGAIN, "another driver is at work")

    def _drive(self, request: ClockToDrive) -> None:
        to_tell = {request.since}
        while (own := self._transact(partial(_time_of, clock_id=request.clock_id))) is not None:
            with clock.living_at(own):
                self._settle(own)
            for at in sorted(to_tell | {own.at}):
                publish_at(self._transact, at)
                notify_at(self._transact, at, own.org_id)
            to_tell.clear()
            if self._transact(partial(_is_deleting, clock_id=own.clock_id)):
                self._end(own)
                return
            if not self._transact(partial(_go_on, own=own)):
                return

    def _end(self, own: OwnTime) -> None:
        with clock.living_at(own):
            end_everything(self._transact, own)
            self._settle(own)
        publish_at(self._transact, own.at)
        notify_at(self._transact, own.at, own.org_id)
        self._transact(partial(forget_clock, own=own))

    def _settle(self, own: OwnTime) -> None:
        """Do what is due at this instant, and what follows, until nothing is."""
        known, quiet = {item.name: item for item in sweeps()}, 0
        for _ in range(ROUNDS):
            # Work before deadlines: what somebody else left while the clock moved on is not late for it.
            ran = self._run_jobs(own)
            for name in SWEEPS:
                try:
                    known[name].work(self._transact)
                except SQLAlchemyError:
                    raise
                except Exception:
                    log.exception("sweep_failed", sweep=name, test_clock=str(own.clock_id))
            quiet = 0 if ran + self._run_jobs(own) else quiet + 1
            # One sweep makes due at this instant what another looks for, and leaves no job: a term that is over falls past due.
            if quiet == QUIET_ROUNDS:
                return
        msg = f"what is due at test clock {own.clock_id} comes to no end at {own.at}"
        raise RuntimeError(msg)

    def _run_jobs(self, own: OwnTime) -> int:
        ran = 0
        for _ in range(ROUNDS):
            found = due(self._db, queues_of(own))
            if not found:
                break
            ran += self._runner.run_batch([signal.job_id for signal in found])
        return ran

    @contextmanager
    def _alone(self, clock_id: UUID) -> Iterator[bool]:
        """A lock of this connection, which the server frees when that dies."""
        key = {"key": f"test_clock:{clock_id}"}
        with self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as gate:
            got = bool(gate.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key))
            try:
                yield got
            finally:
                if got:
                    gate.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)


def drivers_wanted(uow: UnitOfWork) -> list[TestClock]:
    """Clocks that are to move, or have jobs that are due: those whose drivers may have died."""
    lost = frozenset(lost_claims(uow, OWN_QUEUES))
    found = uow.session.scalars(select(TestClock).where(TestClock.state != "deleted")).all()
    return [row for row in found if row.state != "ready" or _is_waiting(uow, row, lost)]


def _is_waiting(uow: UnitOfWork, row: TestClock, lost: frozenset[str]) -> bool:
    queues = queues_of(OwnTime(row.id, row.test_org_id, row.present_at))
    due_jobs = exists().where(Job.queue.in_(queues), Job.state == "ready", Job.run_at <= row.present_at)
    return not lost.isdisjoint(queues) or bool(uow.session.scalar(select(due_jobs)))


def _time_of(uow: UnitOfWork, clock_id: UUID) -> OwnTime | None:
    row = uow.session.get(TestClock, clock_id)
    if row is None or row.state == "deleted":
        return None
    return OwnTime(row.id, row.test_org_id, row.present_at, is_moving=row.state != "ready", is_driving=True)


def _is_deleting(uow: UnitOfWork, clock_id: UUID) -> bool:
    return uow.session.get_one(TestClock, clock_id).state == "deleting"


def _go_on(uow: UnitOfWork, own: OwnTime) -> bool:
    """Move to the next due instant, at most to where the clock is to stand. Returns False where it stands there: it is ready.

    Locks: the clock.
    """
    row = lock_row(uow.session, TestClock, own.clock_id)
    if row is None or row.target_at is None:
        return False
    if _is_waiting(uow, row, frozenset()):
        # Somebody else left it work since: it is done at this instant.
        return True
    if row.present_at == row.target_at:
        row.target_at = None
        TEST_CLOCK.move(uow, row, "ready", org_ids=[row.org_id])
        return False
    following = next_due(uow, own)
    row.present_at = row.target_at if following is None else min(following, row.target_at)
    return True
