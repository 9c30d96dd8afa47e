"""The one executor of a worker process: few threads that run jobs, whoever found them.

Jobs come from three sides: from what this process committed itself (mostly the next step of the same purchase, which need
not go through the broker and back), from the broker, and from the sweep of the database. Whatever it cannot take is left to
other workers; none is lost, for every job is a row.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kernel.db.uow import Ring

log = structlog.get_logger(__name__)


class LocalExecutor:
    """Holds at most `threads` × `batch` jobs, running and waiting. Set as `Database.ring` of a worker, before the broker.

    `run` is given up to `batch` jobs at a time, more than one only when more wait than there are threads.
    """

    def __init__(
        self,
        threads: int,
        queues: Sequence[str],
        run: Callable[[Sequence[UUID]], object],
        notify: Callable[[Sequence[Ring]], None],
        *,
        batch: int = 1,
    ) -> None:
        self._queues = frozenset(queues)
        self._run = run
        self._notify = notify
        self._batch = batch
        self._size = threads
        self._waiting: deque[UUID] = deque()
        self._running = 0
        self._stopping = False
        lock = threading.Lock()
        self._work, self._room = threading.Condition(lock), threading.Condition(lock)
        self._threads = [threading.Thread(target=self._loop, name=f"executor-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def __call__(self, signals: Sequence[Ring]) -> None:
        """Take what this process can, tell other workers of the rest. Never raises: a sweep finds what nobody took."""
        rest = [signal for signal in signals if not (signal.queue in self._queues and self.submit(signal.job_id))]
        if rest:
            self._notify(rest)

    def submit(self, job_id: UUID) -> bool:
        """Run a job as soon as a thread is free; False when the executor is full or ending."""
        with self._work:
            return self._accept(job_id)

    def submit_when_free(self, job_id: UUID) -> bool:
        """As `submit`, but wait for room; False when the executor is ending."""
        with self._room:
            while self._is_full() and not self._stopping:
                self._room.wait()
            return self._accept(job_id)

    def shutdown(self) -> None:
        """Take nothing more, and return when what was taken has ended."""
        with self._work:
            self._stopping = True
            self._work.notify_all()
            self._room.notify_all()
        for thread in self._threads:
            thread.join()

    def _accept(self, job_id: UUID) -> bool:
        if self._stopping or self._is_full():
            return False
        self._waiting.append(job_id)
        self._work.notify()
        return True

    def _is_full(self) -> bool:
        return self._running + len(self._waiting) >= self._size * self._batch

    def _loop(self) -> None:
        while jobs := self._take():
            try:
                self._run(jobs)
            except SQLAlchemyError as error:
                # The database went away in the middle; the lease runs out and the next sweep finds the job again.
                log.warning("job_interrupted", job_ids=[str(job_id) for job_id in jobs], error=str(error))
            except Exception:
                # Nobody asks this thread how it ended.
                log.exception("job_interrupted", job_ids=[str(job_id) for job_id in jobs])
            finally:
                with self._work:
                    self._running -= len(jobs)
                    self._room.notify()

    def _take(self) -> list[UUID]:
        """The next jobs for one thread, a fair share of what waits; empty at the end."""
        with self._work:
            while not self._waiting and not self._stopping:
                self._work.wait()
            share = min(self._batch, -(-len(self._waiting) // self._size))
            jobs = [self._waiting.popleft() for _ in range(share)]
            self._running += len(jobs)
            return jobs
