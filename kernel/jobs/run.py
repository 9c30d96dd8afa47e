"""Claim, run, complete: at most one live claimant per job, and a fence against the one that lost its claim.

Leases run on the database's clock, which all workers share; `run_at` runs on `kernel.clock`, which a sandbox may move.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from kernel import clock
from kernel.db.uow import Database, Ring, UnitOfWork, transact, unit_of_work
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.models import JobAttempt
from kernel.jobs.registry import Kind, Payload, RetryLater, kind_of
from kernel.logs import redact_text
from kernel.principal import SYSTEM, Principal

T = TypeVar("T")
log = structlog.get_logger(__name__)

LEASE_S = 6
"""A claim not renewed for this long may be taken over."""
HEARTBEAT_S = 2
BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 600.0


class LeaseLost(Exception):
    """Another worker claimed the job after this one's lease ran out; nothing may be written any more."""


class WorkersLost(Exception):
    """As many workers as the kind has attempts died with this job in their hands; it is not given to one more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job as claimed."""

    job_id: UUID
    kind: str
    payload: Payload
    epoch: int
    attempts: int
    correlation_id: str | None


_CLAIM = text("""
    UPDATE kernel.job SET state = 'running', epoch = epoch + 1, attempts = attempts + 1, worker = :worker,
           lease_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE id = (SELECT id FROM kernel.job WHERE id = :id
                AND ((state = 'ready' AND run_at <= :now) OR (state = 'running' AND lease_until < clock_timestamp()))
                FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, payload, epoch, attempts, correlation_id
""")
_DUE = text("""
    SELECT id, queue FROM kernel.job
    WHERE queue = ANY(:queues)
      AND ((state = 'ready' AND run_at <= :now) OR (state = 'running' AND lease_until < clock_timestamp()))
    ORDER BY run_at, id LIMIT :n
""")
_FENCE = text("SELECT 1 FROM kernel.job WHERE id = :id AND epoch = :epoch AND state = 'running' FOR UPDATE")
_DONE = text("""
    UPDATE kernel.job SET state = 'done', finished_at = :now, lease_until = NULL, last_error = NULL
    WHERE id = :id AND epoch = :epoch AND state = 'running'
""")
_AGAIN = text("""
    UPDATE kernel.job SET state = :state, run_at = :run_at, last_error = :error, lease_until = NULL,
           attempts = attempts - :uncounted, finished_at = CASE WHEN :state = 'dead' THEN CAST(:now AS timestamptz) END
    WHERE id = :id AND epoch = :epoch AND state = 'running'
""")
_RENEW = text("""
    UPDATE kernel.job SET lease_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE id IN (SELECT j.id FROM kernel.job j
                 JOIN unnest(CAST(:ids AS uuid[]), CAST(:epochs AS bigint[])) AS held(id, epoch) USING (id, epoch)
                 WHERE j.state = 'running' FOR UPDATE OF j SKIP LOCKED)
""")
"""Skips what a transaction of its own handler holds: waiting for that one would let every other lease run out, and what
is locked cannot be claimed by anybody else either."""


class JobContext:
    """What a stepwise handler holds: transactions that only its own claim may commit."""

    def __init__(self, db: Database, claim: Claim) -> None:
        self.db = db
        self.claim = claim

    def transact(self, work: Callable[[UnitOfWork], T], *, principal: Principal = SYSTEM) -> T:
        """Run `work` in a fenced unit of work. Raises LeaseLost when another worker has taken over."""

        def fenced(uow: UnitOfWork) -> T:
            fence(uow, self.claim)
            return work(uow)

        return transact(self.db, principal, fenced, correlation_id=self.claim.correlation_id)


def fence(uow: UnitOfWork, claim: Claim) -> None:
    """Lock the claim for this transaction. Raises LeaseLost when it is no longer ours."""
    if uow.session.execute(_FENCE, {"id": claim.job_id, "epoch": claim.epoch}).first() is None:
        raise LeaseLost


def due(db: Database, queues: Sequence[str], limit: int = 100) -> list[tuple[UUID, str]]:
    """Jobs that could be claimed now, oldest first: by state, never by a last id seen (sequence order is not commit order)."""
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.execute(_DUE, {"queues": list(queues), "now": clock.now(), "n": limit})
        return [(row.id, row.queue) for row in rows]


class Runner:
    """Runs jobs for one worker process and keeps its leases alive while they run."""

    def __init__(self, db: Database, worker: str) -> None:
        self._db = db
        self._worker = worker
        self._running: set[tuple[UUID, int]] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._heart: threading.Thread | None = None

    def start(self) -> None:
        """Start the heartbeat."""
        self._heart = threading.Thread(target=self._beat, name="lease-heartbeat", daemon=True)
        self._heart.start()

    def stop(self) -> None:
        """Stop the heartbeat; running jobs keep their last lease."""
        self._stop.set()
        if self._heart is not None:
            self._heart.join(HEARTBEAT_S + 1)

    def run(self, job_id: UUID) -> bool:
        """Claim and run one job; False when it was not there to be claimed (done, not due, or someone else's)."""
        claim = self._claim(job_id)
        if claim is None:
            return False
        held = (job_id, claim.epoch)
        with self._lock:
            self._running.add(held)
        try:
            with structlog.contextvars.bound_contextvars(
                job_id=str(job_id), job_kind=claim.kind, request_id=claim.correlation_id
            ):
                self._execute(claim)
        finally:
            with self._lock:
                self._running.discard(held)
        return True

    def _claim(self, job_id: UUID) -> Claim | None:
        parameters = {"id": job_id, "worker": self._worker, "lease": LEASE_S, "now": clock.now()}
        with unit_of_work(self._db, SYSTEM) as uow:
            row = uow.session.execute(_CLAIM, parameters).first()
        return Claim(row.id, row.kind, row.payload, row.epoch, row.attempts, row.correlation_id) if row else None

    def _execute(self, claim: Claim) -> None:
        started_at, started = clock.now(), time.monotonic()
        kind = kind_of(claim.kind)
        outcome, error = "done", None
        try:
            if kind is None:
                msg = f"this release does not know jobs of kind {claim.kind}"
                raise LookupError(msg)
            if claim.attempts > kind.max_attempts:
                raise WorkersLost
            self._call(kind, claim)
        except LeaseLost:
            outcome = "lost"
        except Exception as caught:  # noqa: BLE001 - whatever a handler raises becomes a retry or a dead job, never a lost one
            error = describe(caught)
            outcome = self._reschedule(kind, claim, caught, error)
        self._record(claim, started_at, outcome, error, int((time.monotonic() - started) * 1000))

    def _call(self, kind: Kind, claim: Claim) -> None:
        done = {"id": claim.job_id, "epoch": claim.epoch}
        if kind.in_one_transaction is not None:
            handler = kind.in_one_transaction

            def work(uow: UnitOfWork) -> None:
                fence(uow, claim)
                handler(uow, claim.payload)
                uow.flush()
                uow.session.execute(_DONE, {**done, "now": clock.now()})

            transact(self._db, SYSTEM, work, correlation_id=claim.correlation_id)
        elif kind.in_steps is not None:
            context = JobContext(self._db, claim)
            kind.in_steps(context, claim.payload)
            context.transact(lambda uow: uow.session.execute(_DONE, {**done, "now": clock.now()}))

    def _reschedule(self, kind: Kind | None, claim: Claim, caught: Exception, error: str) -> str:
        asked = caught if isinstance(caught, RetryLater) else None
        limit = kind.max_attempts if kind else 12
        dead = asked is None and claim.attempts >= limit
        delay = asked.delay if asked else timedelta(seconds=backoff_s(claim.attempts))
        if asked is None:
            log.warning("job_failed", attempts=claim.attempts, dead=dead, error=error, exc_info=caught)
        parameters: dict[str, Any] = {
            "id": claim.job_id,
            "epoch": claim.epoch,
            "state": "dead" if dead else "ready",
            "run_at": clock.now() + delay,
            "error": error,
            "uncounted": 1 if asked else 0,
            "now": clock.now(),
        }
        with unit_of_work(self._db, SYSTEM) as uow:
            uow.session.execute(_AGAIN, parameters)
        return "dead" if dead else "retry"

    def _record(self, claim: Claim, started_at: Any, outcome: str, error: str | None, elapsed_ms: int) -> None:
        if outcome == "done" and elapsed_ms < 1000 and claim.attempts == 1:
            # The job row itself says everything about a quick first success.
            return
        with unit_of_work(self._db, SYSTEM) as uow:
            uow.session.add(
                JobAttempt(
                    id=uuid7(),
                    started_at=started_at,
                    job_id=claim.job_id,
                    epoch=claim.epoch,
                    worker=self._worker,
                    outcome=outcome,
                    error=error,
                    elapsed_ms=elapsed_ms,
                )
            )

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self._renew()
            except SQLAlchemyError as error:
                # The database is away: the leases run out and the work is taken over, which is what leases are for.
                log.warning("lease_renewal_failed", error=describe(error))

    def _renew(self) -> None:
        with self._lock:
            held = list(self._running)
        if held:
            parameters = {"ids": [job for job, _ in held], "epochs": [epoch for _, epoch in held], "lease": LEASE_S}
            with unit_of_work(self._db, SYSTEM) as uow:
                uow.session.execute(_RENEW, parameters)


def backoff_s(attempts: int) -> float:
    """Seconds before try `attempts` + 1: exponential from 1 s, capped at 10 min, with full jitter above half."""
    ceiling: float = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** (attempts - 1))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is not a secret


def describe(error: BaseException) -> str:
    """The last line of a traceback and where it came from, short enough for a row and without what looks secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    where = f"{frame[0].filename.rsplit('/', 3)[-1]}:{frame[0].lineno} " if frame else ""
    return redact_text(f"{where}{type(error).__name__}: {error}")[:500]


def replay(uow: UnitOfWork, job_id: UUID) -> None:
    """Give a dead job another life, by hand.

    Raises: Forbidden without `operator.jobs`; NotFound(`job_not_dead`) for one that is not dead, or not there.
    """
    uow.principal.require("operator.jobs")
    row = uow.session.execute(
        text("""UPDATE kernel.job SET state = 'ready', attempts = 0, run_at = :now, finished_at = NULL
                WHERE id = :id AND state = 'dead' RETURNING queue"""),
        {"id": job_id, "now": clock.now()},
    ).first()
    if row is None:
        raise NotFound("job_not_dead")
    uow.rings.append(Ring(row.queue, job_id))


def drain(db: Database, *, queues: Sequence[str] | None = None, limit: int = 1000) -> int:
    """Run whatever is due in this thread until nothing is: tests and commands, where no worker process runs."""
    runner = Runner(db, "drain")
    chosen = queues or ("default", "media", "documents")
    count = 0
    while count < limit and (batch := due(db, chosen)):
        count += sum(runner.run(job_id) for job_id, _ in batch)
    return count
