"""Claim, run, end: at most one live claimant per job, and a fence against the one that lost its claim.

A `@job` is claimed by its row's lock, and whatever ends the transaction ends the claim. A `@call` lets go of every lock while
it asks outside; it is claimed by a lease, and concluded behind the claim's epoch. Jobs are taken several at a time: one
transaction claims and prepares them, one concludes them, and when one of them raises, they are run again one by one.
Leases run on the database's clock, which all workers share; `run_at` runs on `kernel.clock`, which a sandbox may move.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text

from kernel import clock
from kernel.backoff import backoff
from kernel.db.uow import Database, JobSignal, UnitOfWork, transact, unit_of_work
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.context import LEASE_S, CrashLoop, JobClaim, fence
from kernel.jobs.kinds import Again, JobKind, ReadsAhead, RetryLater, find_kind
from kernel.jobs.leases import Leases, describe
from kernel.jobs.models import JobAttempt
from kernel.principal import SYSTEM

log = structlog.get_logger(__name__)

BACKOFF_FIRST, BACKOFF_LONGEST = timedelta(seconds=1), timedelta(minutes=10)
SLOW_MS = 1_000
"""A job that took this long leaves a row of its try, a quick one only after failures."""

_CLAIM = """
    SELECT id, kind, payload, epoch + 1, attempts + 1, correlation_id FROM kernel.job
    WHERE id = ANY($1)
      AND CASE state WHEN 'ready' THEN run_at <= $2 WHEN 'running' THEN lease_until < clock_timestamp() END
    ORDER BY run_at, id FOR UPDATE SKIP LOCKED
"""
"""As a CASE, from which no partial index follows: the rows are found by their ids, not among all that wait."""
_LEASE = """
    UPDATE kernel.job j SET state = 'running', epoch = held.epoch, attempts = held.attempts, worker = $1,
           lease_until = clock_timestamp() + make_interval(secs => $2)
    FROM unnest($3::uuid[], $4::bigint[], $5::bigint[]) AS held(id, epoch, attempts) WHERE j.id = held.id
"""
_DUE = """
    SELECT queue, id, kind FROM kernel.job
    WHERE queue = ANY($1)
      AND ((state = 'ready' AND run_at <= $2 AND (run_at > created_at OR run_at <= $3))
           OR (state = 'running' AND lease_until < clock_timestamp()))
    ORDER BY run_at, id LIMIT $4
"""
_DONE = "DELETE FROM kernel.job WHERE id = ANY($1)"
_AGAIN = """
    UPDATE kernel.job SET state = $1::text, epoch = $2, attempts = $3, worker = $4, run_at = $5, last_error = $6,
           lease_until = NULL, finished_at = CASE WHEN $1::text = 'dead' THEN $7::timestamptz END
    WHERE id = $8 AND epoch = $9 AND state IN ('ready', 'running')
    RETURNING id
"""


@dataclass(slots=True)
class JobRun:
    """One worker's run of a claimed job. `request` and `answer` are what its `@call` carries between its steps."""

    claim: JobClaim
    started_at: datetime
    started_s: float
    request: Any = None
    answer: Any = None
    leased: bool = False
    """Whether the claim is committed; before that it is the lock of its transaction alone."""
    failure: Exception | None = None
    and_then: Callable[[UnitOfWork], None] | None = None

    @property
    def kind(self) -> JobKind:
        """The registered kind. Raises LookupError for a job of another release."""
        found = find_kind(self.claim.kind)
        if found is None:
            msg = f"this release does not know jobs of kind {self.claim.kind}"
            raise LookupError(msg)
        return found

    @property
    def reads_ahead(self) -> ReadsAhead | None:
        """Its handler, where that asks ahead what it reads."""
        found = find_kind(self.claim.kind)
        return found.reads_ahead if found else None

    def elapsed_ms(self) -> int:
        """Milliseconds since the run began."""
        return int((time.monotonic() - self.started_s) * 1000)


@dataclass(slots=True)
class _Begun:
    """What one claiming transaction came to."""

    runs: list[JobRun] = field(default_factory=list)
    calls: list[JobRun] = field(default_factory=list)
    current: JobRun | None = None
    """The run that was being worked on when something raised."""


def due(
    db: Database, queues: Sequence[str], limit: int = 100, *, unheard_for: timedelta = timedelta()
) -> list[JobSignal]:
    """Jobs that could be claimed now, oldest first: by state, never by a last id seen (sequence order is not commit order).

    With `unheard_for`, without those that were due when they were made and have had less than this time to be heard of.
    """
    now = clock.now()
    with unit_of_work(db, SYSTEM) as uow:
        uow.cursor.execute(_DUE, (list(queues), now, now - unheard_for, limit))
        return [JobSignal(*row) for row in uow.cursor.fetchall()]


class Runner:
    """Runs jobs for one process and keeps its leases alive while they run. Thread safe."""

    def __init__(self, db: Database, worker: str) -> None:
        self._db = db
        self._worker = worker
        self._leases = Leases(db)

    def start(self) -> None:
        """Start the heartbeat; it sleeps while nothing is leased."""
        self._leases.start()

    def stop(self) -> None:
        """Stop the heartbeat; running jobs keep their last lease."""
        self._leases.stop()

    def run(self, job_id: UUID) -> bool:
        """Run a job from beginning to end: False when it was done, not due, or someone else's."""
        return self.run_batch([job_id]) > 0

    def run_batch(self, job_ids: Sequence[UUID]) -> int:
        """Run those of the jobs that can be claimed, to their end, in this thread. Returns how many."""
        count, calls = self.begin(job_ids)
        for one in calls:
            self.call(one)
        self.conclude(calls)
        return count

    def run_prepared(self, claim: JobClaim, request: Any, and_then: Callable[[UnitOfWork], None] | None = None) -> None:
        """Make a call whose claim was committed with its job (`enqueue(..., leased=True)`), and conclude it, in this thread.

        `and_then` runs in the concluding transaction, after all that follows inline; it does not when that fails.
        A process that dies here leaves a lease that runs out; whoever takes over prepares anew.
        """
        run = JobRun(claim, clock.now(), time.monotonic(), request=request, leased=True, and_then=and_then)
        self._leases.hold([run.claim])
        self.call(run)
        self.conclude([run])

    def begin(self, job_ids: Sequence[UUID]) -> tuple[int, list[JobRun]]:
        """Claim jobs: do those of one transaction, prepare the calls. Returns how many were claimed, and the calls to make."""
        begun = _Begun()

        def work(uow: UnitOfWork) -> None:
            begun.runs, begun.calls, begun.current = [], [], None
            self._claim(uow, job_ids, begun)

        try:
            transact(self._db, SYSTEM, work)
        except Exception as error:
            if begun.current is None:
                raise
            if len(begun.runs) > 1:
                return self._begin_one_by_one(job_ids)
            self._fail(begun.current, error)
            return 1, []
        for run in begun.calls:
            run.leased = True
        self._leases.hold([run.claim for run in begun.calls])
        return len(begun.runs), begun.calls

    def call(self, run: JobRun) -> None:
        """Ask the outside world. Holds no transaction; what it raises is kept for `conclude`."""
        handler = run.kind.handler
        assert handler is not None  # noqa: S101 - only calls are prepared
        try:
            with run.claim.in_logs():
                run.answer = handler.call(run.request)
        except Exception as error:  # noqa: BLE001 - it is the job's failure, written down by `conclude`
            run.failure = error

    def conclude(self, runs: Sequence[JobRun]) -> None:
        """Write down what came of calls, in one transaction, fenced by their claims."""
        if not runs:
            return
        answered = [run for run in runs if run.failure is None]
        try:
            for run in runs:
                if run.failure is not None:
                    self._fail(run, run.failure)
            if answered:
                self._conclude(answered)
        finally:
            self._leases.let_go([run.claim for run in runs])

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _claim(self, uow: UnitOfWork, job_ids: Sequence[UUID], begun: _Begun) -> None:
        uow.cursor.execute(_CLAIM, (list(job_ids), clock.now()))
        begun.runs = [JobRun(JobClaim(*row), clock.now(), time.monotonic()) for row in uow.cursor.fetchall()]
        for run in begun.runs:
            begun.current = run
            if run.reads_ahead is not None:
                run.reads_ahead.before_prepare(uow, run.claim)
        done: list[UUID] = []
        for run in _ahead_first(begun.runs):
            begun.current = run
            clock.enter(None)
            uow.correlation_id = run.claim.correlation_id
            if run.kind.work is not None:
                with run.claim.in_logs():
                    run.kind.work(uow, run.claim.payload)
                    uow.follow()
            elif self._prepare(uow, run):
                begun.calls.append(run)
                continue
            elif run.answer is not None:
                continue
            done.append(run.claim.id)
            self._record(uow, run, "done", None)
        begun.current = begun.runs[0] if begun.runs else None
        self._lease(uow, begun.calls)
        if done:
            uow.execute_deferred(_DONE, (done,))

    def _prepare(self, uow: UnitOfWork, run: JobRun) -> bool:
        """Let a call prepare. False when nothing is to be asked; `run.answer` is then the Again it wants, if any."""
        kind = run.kind
        assert kind.handler is not None  # noqa: S101 - a kind has work or a handler
        if run.claim.attempts > kind.max_attempts:
            raise CrashLoop
        with run.claim.in_logs():
            request = kind.handler.prepare(uow, run.claim)
            uow.follow()
        if isinstance(request, Again):
            run.answer = request
            self._put_off(uow, run, request)
            return False
        run.request = request
        return request is not None

    def _lease(self, uow: UnitOfWork, calls: Sequence[JobRun]) -> None:
        if not calls:
            return
        claims = [run.claim for run in calls]
        ids, epochs = [claim.id for claim in claims], [claim.epoch for claim in claims]
        attempts = [claim.attempts for claim in claims]
        uow.execute_deferred(_LEASE, (self._worker, LEASE_S, ids, epochs, attempts))

    def _begin_one_by_one(self, job_ids: Sequence[UUID]) -> tuple[int, list[JobRun]]:
        """One of several raised: each on its own, so that the others go on."""
        count, calls = 0, []
        for job_id in job_ids:
            claimed, prepared = self.begin([job_id])
            count += claimed
            calls += prepared
        return count, calls

    def _conclude(self, runs: Sequence[JobRun]) -> None:
        current: list[JobRun] = []

        def work(uow: UnitOfWork) -> None:
            current[:] = list(runs)
            ours = fence(uow, [run.claim for run in runs], lambda: _before_conclude(uow, runs))
            done = []
            for run in _ahead_first(runs):
                if run.claim.id not in ours:
                    self._record(uow, run, "lost", None)
                    continue
                uow.correlation_id = run.claim.correlation_id
                clock.enter(None)
                handler = run.kind.handler
                assert handler is not None  # noqa: S101 - only calls are concluded
                with run.claim.in_logs():
                    again = handler.conclude(uow, run.claim, run.request, run.answer)
                    uow.follow()
                    if run.and_then is not None:
                        run.and_then(uow)
                if again is not None:
                    self._put_off(uow, run, again)
                    continue
                done.append(run.claim.id)
                self._record(uow, run, "done", None)
            if done:
                uow.execute_deferred(_DONE, (done,))

        try:
            transact(self._db, SYSTEM, work)
        except Exception as error:  # noqa: BLE001 - it is the job's failure, written down by `_fail`
            if len(runs) == 1:
                self._fail(runs[0], error)
                return
            for run in runs:
                self._conclude([run])

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _put_off(self, uow: UnitOfWork, run: JobRun, again: Again) -> None:
        self._reschedule(uow, run, clock.now() + again.delay, again.reason, "ready", run.claim.attempts - 1)

    def _fail(self, run: JobRun, caught: Exception) -> None:
        """Write a failure down: the job comes again after a pause, or is dead after its last attempt."""
        claim, kind = run.claim, find_kind(run.claim.kind)
        asked = caught if isinstance(caught, RetryLater) else None
        dead = asked is None and claim.attempts >= (kind.max_attempts if kind else 12)
        error = describe(caught)
        if asked is None:
            with claim.in_logs():
                log.warning("job_failed", attempts=claim.attempts, dead=dead, error=error, exc_info=caught)
        pause = asked.delay if asked else backoff(claim.attempts, first=BACKOFF_FIRST, longest=BACKOFF_LONGEST)
        attempts = claim.attempts - (1 if asked else 0)
        with unit_of_work(self._db, SYSTEM) as uow:
            state = "dead" if dead else "ready"
            ours = self._reschedule(uow, run, clock.now() + pause, error, state, attempts)
            self._record(uow, run, ("dead" if dead else "retry") if ours else "lost", error)

    def _reschedule(
        self, uow: UnitOfWork, run: JobRun, run_at: datetime, error: str, state: str, attempts: int
    ) -> bool:
        claim = run.claim
        # A claim that was only a lock went with its transaction: the row is as it was found.
        found_epoch = claim.epoch if run.leased else claim.epoch - 1
        changed = (state, claim.epoch, attempts, self._worker, run_at, error, clock.now(), claim.id, found_epoch)
        uow.cursor.execute(_AGAIN, changed)
        return uow.cursor.fetchone() is not None

    def _record(self, uow: UnitOfWork, run: JobRun, outcome: str, error: str | None) -> None:
        """Leave a row of the try. A quick first success leaves none: the job's effects say everything."""
        if outcome == "done" and run.claim.attempts == 1 and run.elapsed_ms() < SLOW_MS:
            return
        uow.append(
            JobAttempt,
            id=uuid7(),
            started_at=run.started_at,
            job_id=run.claim.id,
            epoch=run.claim.epoch,
            worker=self._worker,
            outcome=outcome,
            error=error,
            elapsed_ms=run.elapsed_ms(),
        )


def _before_conclude(uow: UnitOfWork, runs: Sequence[JobRun]) -> None:
    for run in runs:
        if run.reads_ahead is not None:
            run.reads_ahead.before_conclude(uow, run.claim, run.request, run.answer)


def _ahead_first(runs: Sequence[JobRun]) -> list[JobRun]:
    """Those that have asked ahead first: a session that another's work opens would have them ask again."""
    return sorted(runs, key=lambda run: run.reads_ahead is None)


def replay(uow: UnitOfWork, job_id: UUID) -> None:
    """Let a dead job run again, by hand.

    Raises: Forbidden without `operator.jobs`; NotFound(`job_not_dead`) for one that is not dead, or not there.
    """
    uow.principal.require("operator.jobs")
    row = uow.session.execute(
        text("""UPDATE kernel.job SET state = 'ready', attempts = 0, run_at = :now, finished_at = NULL
                WHERE id = :id AND state = 'dead' RETURNING queue, kind"""),
        {"id": job_id, "now": clock.now()},
    ).first()
    if row is None:
        raise NotFound("job_not_dead")
    uow.signals.append(JobSignal(row.queue, job_id, row.kind))


def drain(db: Database, *, queues: Sequence[str] | None = None, limit: int = 20_000) -> int:
    """Run whatever is due in this thread until nothing is: tests and commands, where no worker process runs.

    Returns how many were run. Raises RuntimeError when `limit` were and more is due, as work that makes itself due again does.
    """
    runner = Runner(db, "drain")
    chosen = queues or ("default", "media", "documents")
    count = 0
    while batch := due(db, chosen):
        if count >= limit:
            msg = f"{count} jobs were run and more is due: {batch[0].kind}"
            raise RuntimeError(msg)
        count += sum(runner.run(signal.job_id) for signal in batch)
    return count
