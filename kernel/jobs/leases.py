"""Leases of a process: what it has claimed stays its own as long as it lives, by a heartbeat."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kernel.db.uow import Database, unit_of_work
from kernel.jobs.context import LEASE_S, JobClaim
from kernel.logs import redact_text
from kernel.principal import SYSTEM

log = structlog.get_logger(__name__)

HEARTBEAT_S = 2

_RENEW = """
    UPDATE kernel.job SET lease_until = clock_timestamp() + make_interval(secs => $1)
    WHERE id IN (SELECT j.id FROM kernel.job j
                 JOIN unnest($2::uuid[], $3::bigint[]) AS held(id, epoch) USING (id, epoch)
                 WHERE j.lease_until IS NOT NULL FOR UPDATE OF j SKIP LOCKED)
"""
"""Skips what a transaction of its own handler holds: waiting for that one would let every other lease run out, and what
is locked cannot be claimed by anybody else either."""


class Leases:
    """What one process holds. Thread safe."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._held: dict[UUID, int] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._holding = threading.Event()
        self._heart: threading.Thread | None = None

    def start(self) -> None:
        """Start the heartbeat; it sleeps while nothing is held."""
        self._heart = threading.Thread(target=self._beat, name="lease-heartbeat", daemon=True)
        self._heart.start()

    def stop(self) -> None:
        """Stop the heartbeat; what is held keeps its last lease."""
        self._stop.set()
        self._holding.set()
        if self._heart is not None:
            self._heart.join(HEARTBEAT_S + 1)

    def hold(self, claims: Sequence[JobClaim]) -> None:
        """Renew these leases from now on."""
        if claims:
            with self._lock:
                self._held.update({claim.id: claim.epoch for claim in claims})
                self._holding.set()

    def let_go(self, claims: Sequence[JobClaim]) -> None:
        """Renew these no more."""
        with self._lock:
            for claim in claims:
                self._held.pop(claim.id, None)
            if not self._held and not self._stop.is_set():
                self._holding.clear()

    def renew(self) -> None:
        """Renew what is held and still ours."""
        with self._lock:
            held = dict(self._held)
        if held:
            with unit_of_work(self._db, SYSTEM) as uow:
                uow.cursor.execute(_RENEW, (LEASE_S, list(held), list(held.values())))

    def _beat(self) -> None:
        while not self._stop.is_set():
            self._holding.wait()
            if self._stop.wait(HEARTBEAT_S):
                return
            try:
                self.renew()
            except SQLAlchemyError as error:
                # The database is away: the leases run out and the work is taken over, which is what leases are for.
                log.warning("lease_renewal_failed", error=describe(error))


def describe(error: BaseException) -> str:
    """The last line of a traceback and where it came from, short enough for a row and without what looks secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    where = f"{frame[0].filename.rsplit('/', 3)[-1]}:{frame[0].lineno} " if frame else ""
    return redact_text(f"{where}{type(error).__name__}: {error}")[:500]
