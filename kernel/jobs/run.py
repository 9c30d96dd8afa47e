"""Claim, run, complete: at most one live claimant per job, and a fence against the one that lost its claim.

A job that runs in one transaction is claimed by its row's lock, and whatever ends the transaction ends the claim. A job in
steps lets go of every lock while it calls outside; it is claimed by a lease, and each of its transactions by the epoch.
Leases run on the database's clock, which all workers share; `run_at` runs on `kernel.clock`, which a sandbox may move.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from kernel.jobs.registry import Payload, RetryLater, kind_of
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
    """A job as claimed: `epoch` and `attempts` count this claim."""

    id: UUID
    kind: str
    payload: Payload
    epoch: int
    attempts: int
    correlation_id: str | None

    def in_logs(self) -> AbstractContextManager[object]:
        """Name the job in every log line of the block."""
        return structlog.contextvars.bound_contextvars(
            job_id=str(self.id), job_kind=self.kind, request_id=self.correlation_id
        )


@dataclass(slots=True)
class Turn:
    """One worker's turn at a job."""

    started_at: datetime
    started: float
    claim: Claim | None = None
    leased: bool = False

    def elapsed_ms(self) -> int:
        """Milliseconds since the turn began."""
        return int((time.monotonic() - self.started) * 1000)


_LOOK = text("""
    SELECT id, kind, payload, epoch + 1 AS epoch, attempts + 1 AS attempts, correlation_id FROM kernel.job
    WHERE id = :id
      AND ((state = 'ready' AND run_at <= :now) OR (state = 'running' AND lease_until < clock_timestamp()))
    FOR UPDATE SKIP LOCKED
""")
_LEASE = text("""
    UPDATE kernel.job SET state = 'running', epoch = :epoch, attempts = :attempts, worker = :worker,
           lease_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE id = :id
""")
_DUE = text("""
    SELECT id, queue FROM kernel.job
    WHERE queue = ANY(:queues)
      AND ((state = 'ready' AND run_at <= :now AND (run_at > created_at OR run_at <= :unheard))
           OR (state = 'running' AND lease_until < clock_timestamp()))
    ORDER BY run_at, id LIMIT :n
""")
_FENCE = text("SELECT 1 FROM kernel.job WHERE id = :id AND epoch = :epoch AND state = 'running' FOR UPDATE")
_DONE = text("""
    UPDATE kernel.job SET state = 'done', epoch = :epoch, attempts = :attempts, worker = :worker, finished_at = :now,
           lease_until = NULL, last_error = NULL
    WHERE id = :id
""")
_AGAIN = text("""
    UPDATE kernel.job SET state = :state, epoch = :epoch, attempts = :attempts, worker = :worker, run_at = :run_at,
           last_error = :error, lease_until = NULL,
           finished_at = CASE WHEN :state = 'dead' THEN CAST(:now AS timestamptz) END
    WHERE id = :id AND epoch = :found_epoch AND state IN ('ready', 'running')
    RETURNING id
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
    if uow.session.execute(_FENCE, {"id": claim.id, "epoch": claim.epoch}).first() is None:
        raise LeaseLost


def due(
    db: Database, queues: Sequence[str], limit: int = 100, *, rung: timedelta = timedelta()
) -> list[tuple[UUID, str]]:
    """Jobs that could be claimed now, oldest first: by state, never by a last id seen (sequence order is not commit order).

    With `rung`, without those that were due when they were made and have had less than this time to be heard.
    """
    now = clock.now()
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.execute(_DUE, {"queues": list(queues), "now": now, "unheard": now - rung, "n": limit})
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
        """Run a job if it can be claimed: False when it was done, not due, or someone else's. How it ended stands in its row."""
        turn = Turn(clock.now(), time.monotonic())
        try:
            transact(self._db, SYSTEM, lambda uow: self._begin(uow, job_id, turn))
            if turn.claim is not None and turn.leased:
                self._go_on(turn.claim)
        except LeaseLost:
            self._record(turn, "lost", None)
        except Exception as caught:
            if turn.claim is None:
                raise
            self._reschedule(turn, turn.claim, caught)
        else:
            # Of a quick first success the job's own row says everything.
            if turn.claim is not None and (turn.claim.attempts > 1 or turn.elapsed_ms() >= 1000):
                self._record(turn, "done", None)
        return turn.claim is not None

    def _begin(self, uow: UnitOfWork, job_id: UUID, turn: Turn) -> None:
        """Claim the job. What runs in one transaction runs in this one, and the row's lock is its claim."""
        turn.leased = False
        row = uow.session.execute(_LOOK, {"id": job_id, "now": clock.now()}).first()
        if row is None:
            turn.claim = None
            return
        turn.claim = claim = Claim(row.id, row.kind, row.payload, row.epoch, row.attempts, row.correlation_id)
        kind = kind_of(claim.kind)
        if kind is None:
            msg = f"this release does not know jobs of kind {claim.kind}"
            raise LookupError(msg)
        if kind.in_one_transaction is not None:
            uow.correlation_id = claim.correlation_id
            with claim.in_logs():
                kind.in_one_transaction(uow, claim.payload)
            uow.session.execute(_DONE, self._ended(claim))
        else:
            uow.session.execute(_LEASE, {**self._ended(claim), "lease": LEASE_S})
            turn.leased = True

    def _go_on(self, claim: Claim) -> None:
        """Run what is claimed by a lease, kept alive by the heartbeat."""
        kind = kind_of(claim.kind)
        assert kind is not None and kind.in_steps is not None  # noqa: S101, PT018 - `_begin` leased nothing else
        if claim.attempts > kind.max_attempts:
            raise WorkersLost
        held = (claim.id, claim.epoch)
        with self._lock:
            self._running.add(held)
        try:
            with claim.in_logs():
                context = JobContext(self._db, claim)
                kind.in_steps(context, claim.payload)
                context.transact(lambda uow: uow.session.execute(_DONE, self._ended(claim)))
        finally:
            with self._lock:
                self._running.discard(held)

    def _ended(self, claim: Claim) -> dict[str, Any]:
        return {
            "id": claim.id,
            "epoch": claim.epoch,
            "attempts": claim.attempts,
            "worker": self._worker,
            "now": clock.now(),
        }

    def _reschedule(self, turn: Turn, claim: Claim, caught: Exception) -> None:
        kind, error = kind_of(claim.kind), describe(caught)
        asked = caught if isinstance(caught, RetryLater) else None
        dead = asked is None and claim.attempts >= (kind.max_attempts if kind else 12)
        if asked is None:
            with claim.in_logs():
                log.warning("job_failed", attempts=claim.attempts, dead=dead, error=error, exc_info=caught)
        changed = {
            "state": "dead" if dead else "ready",
            "run_at": clock.now() + (asked.delay if asked else timedelta(seconds=backoff_s(claim.attempts))),
            "error": error,
            "attempts": claim.attempts - (1 if asked else 0),
            # A claim that was only a lock went with its transaction; the row is as it was found.
            "found_epoch": claim.epoch if turn.leased else claim.epoch - 1,
        }
        with unit_of_work(self._db, SYSTEM) as uow:
            still_ours = uow.session.execute(_AGAIN, self._ended(claim) | changed).first() is not None
        self._record(turn, ("dead" if dead else "retry") if still_ours else "lost", error)

    def _record(self, turn: Turn, outcome: str, error: str | None) -> None:
        assert turn.claim is not None  # noqa: S101 - only a claimed job has an attempt
        attempt = JobAttempt(
            id=uuid7(),
            started_at=turn.started_at,
            job_id=turn.claim.id,
            epoch=turn.claim.epoch,
            worker=self._worker,
            outcome=outcome,
            error=error,
            elapsed_ms=turn.elapsed_ms(),
        )
        with unit_of_work(self._db, SYSTEM) as uow:
            uow.session.add(attempt)

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
