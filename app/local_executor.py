"""The executor of a worker process: the one place in it where jobs run.

Few threads hold database connections; each takes whatever is ready, several jobs at a time, and a transaction serves them all.
Calls to the outside world are made by threads that hold none: a slow seller binds a waiting thread, never a connection.
What a job leaves behind is mostly the next step of the same purchase: it is taken up here, without the broker's detour.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.waiting_jobs import WaitingJobs
from kernel.db.uow import JobSignal
from kernel.jobs.runner import JobRun, Runner

log = structlog.get_logger(__name__)

BATCH = 16
"""Jobs that one transaction serves, at most."""
GATHER_S = 0.04
"""Where several jobs of a kind are under way at once, its next are taken so long after the last: one transaction for more of
them costs little more than one for one. A job alone of its kind never waits: a delivery not for mails."""
CROWDED_S = 0.5
"""How long after several jobs of a kind were under way at once more are expected."""
WAITING = 1_000
"""Jobs that may wait here; what is newer and comes beyond is left to the worker's sweep."""


class LocalExecutor:
    """Runs jobs of `queues`. Set as `Database.notify` of a worker: signals for other queues go to `notify_others`."""

    def __init__(
        self,
        runner: Runner,
        queues: Sequence[str],
        notify_others: Callable[[Sequence[JobSignal]], None],
        *,
        threads: int = 2,
        calls: int = 16,
    ) -> None:
        self._runner = runner
        self._queues = frozenset(queues)
        self._notify_others = notify_others
        self._calls = calls
        self._changed = threading.Condition()
        self._waiting = WaitingJobs(WAITING)
        self._answered: list[JobRun] = []
        self._calling = 0
        self._called: Counter[str] = Counter()
        """By kind: what is being called, or has answered and is not concluded yet."""
        self._stopping = False
        self._taken_s = 0.0
        self._crowded_s: dict[str, float] = {}
        """By kind, when several were last under way at once."""
        self._callers = ThreadPoolExecutor(calls, thread_name_prefix="job-call")
        self._threads = [threading.Thread(target=self._work, name=f"jobs-{n}") for n in range(threads)]

    def start(self) -> None:
        """Begin to run jobs."""
        for thread in self._threads:
            thread.start()

    def __call__(self, signals: Sequence[JobSignal]) -> None:
        """Take up what this process runs; signal the rest. Never raises: a sweep finds what nobody took."""
        others = [signal for signal in signals if signal.queue not in self._queues]
        for signal in signals:
            if signal.queue in self._queues:
                self.submit(signal)
        if others:
            self._notify_others(others)

    def submit(self, signal: JobSignal) -> bool:
        """Run a job as soon as a thread is free; False when too many older ones wait, or the process is ending."""
        with self._changed:
            if self._stopping or not self._waiting.add(signal.kind, signal.job_id):
                return False
            self._changed.notify()
            return True

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being called."""
        with self._changed:
            return not self._waiting and not self._answered and not self._calling

    def shutdown(self) -> None:
        """Take up nothing more, and return when what is under way has ended."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._callers.shutdown(wait=True)

    def _work(self) -> None:
        while True:
            answered, job_ids = self._take()
            if answered is None:
                return
            try:
                if answered:
                    self._runner.conclude(answered)
                if job_ids:
                    self._begin(job_ids)
            except SQLAlchemyError as error:
                # The database went away in the middle; leases run out and the next sweep finds the jobs again.
                log.warning("jobs_interrupted", jobs=len(answered) + len(job_ids), error=str(error))
            except Exception:
                # Nobody asks this thread how it ended.
                log.exception("jobs_interrupted", jobs=len(answered) + len(job_ids))

    def _take(self) -> tuple[list[JobRun] | None, list[UUID]]:
        """What to do next: calls to conclude, jobs to begin. None when the process ends and nothing is under way."""
        with self._changed:
            while True:
                room = max(min(BATCH, self._calls - self._calling), 0)
                if self._answered or (self._waiting and room):
                    pause_s = self._gathers_for_s(room)
                    if pause_s <= 0:
                        break
                    self._changed.wait(pause_s)
                    continue
                if self._stopping and not self._calling:
                    return None, []
                self._changed.wait()
            self._taken_s = time.monotonic()
            answered, self._answered = self._answered[:BATCH], self._answered[BATCH:]
            self._called.subtract(run.claim.kind for run in answered)
            return answered, self._waiting.take(room)

    def _gathers_for_s(self, room: int) -> float:
        """Seconds to wait for more to take at once; none when there is enough, and none for a job alone of its kind."""
        now_s, waiting = time.monotonic(), Counter(dict(self._waiting.kinds()))
        self._crowded_s |= {kind: now_s for kind, count in (waiting + self._called).items() if count > 1}
        is_full = waiting.total() >= max(room, 1) or len(self._answered) >= BATCH
        ready = {run.claim.kind for run in self._answered} | (waiting.keys() if room else set())
        if self._stopping or is_full or any(now_s - self._crowded_s.get(kind, -inf) > CROWDED_S for kind in ready):
            return 0.0
        return self._taken_s + GATHER_S - now_s

    def _begin(self, job_ids: list[UUID]) -> None:
        _, calls = self._runner.begin(job_ids)
        with self._changed:
            self._calling += len(calls)
            self._called.update(run.claim.kind for run in calls)
        for run in calls:
            self._callers.submit(self._call, run)

    def _call(self, run: JobRun) -> None:
        self._runner.call(run)
        with self._changed:
            self._calling -= 1
            self._answered.append(run)
            # All: at the end, the others wait for the last call too.
            self._changed.notify_all() if self._stopping else self._changed.notify()
