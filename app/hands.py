"""The hands of a worker process: threads that take up a job at once.

What a job leaves behind is mostly the next step of the same purchase. Taken up where it was committed, it need not go through
the broker and back; only when all hands are full, or the job is another queue's, is the bell rung for whoever hears it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kernel.db.uow import Ring

log = structlog.get_logger(__name__)


class Hands:
    """As many jobs at once as there are hands. Set as `Database.ring` of a worker, before the bell."""

    def __init__(
        self, number: int, queues: Sequence[str], run: Callable[[UUID], bool], bell: Callable[[Sequence[Ring]], None]
    ) -> None:
        self._queues = frozenset(queues)
        self._run = run
        self._bell = bell
        self._free = threading.Semaphore(number)
        self._threads = ThreadPoolExecutor(number, thread_name_prefix="hand")

    def __call__(self, rings: Sequence[Ring]) -> None:
        """Take up what this process can; ring for the rest. Never raises: the sweep finds what nobody took."""
        rest = [ring for ring in rings if not (ring.queue in self._queues and self.take(ring.job_id))]
        if rest:
            self._bell(rest)

    def take(self, job_id: UUID) -> bool:
        """Run a job in a free hand; False when there is none, or the process is ending."""
        if not self._free.acquire(blocking=False):
            return False
        try:
            self._threads.submit(self._work, job_id)
        except RuntimeError:  # shut down
            self._free.release()
            return False
        return True

    def rest(self) -> None:
        """Take up nothing more, and return when what is under way has ended."""
        self._threads.shutdown(wait=True)

    def _work(self, job_id: UUID) -> None:
        try:
            self._run(job_id)
        except SQLAlchemyError as error:
            # The database went away in the middle; the lease runs out and the next sweep finds the job again.
            log.warning("job_interrupted", job_id=str(job_id), error=str(error))
        except Exception:
            # Nobody asks this thread how it ended.
            log.exception("job_interrupted", job_id=str(job_id))
        finally:
            self._free.release()
