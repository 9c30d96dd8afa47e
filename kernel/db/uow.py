"""One transaction, one commit site.

The edge (a handler, a job, a command) opens a unit of work; everything below may flush, never commit. Facts and jobs are
inserted beside the change they follow from, and the doorbell is rung only after the commit, so that nothing is announced
that did not happen and nothing that happened can be forgotten.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from kernel import clock
from kernel.db.base import Base
from kernel.db.constraints import translate
from kernel.events import Event
from kernel.ids import uuid7
from kernel.jobs.models import EventRow, NewJob, insert_once
from kernel.jobs.registry import followers, queue_of
from kernel.principal import Principal

T = TypeVar("T")

RETRIED = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATEs after which the whole unit of work is tried again: serialization failure, deadlock, lock not available."""
ATTEMPTS = 5

LIMITS = "-c lock_timeout=3s -c statement_timeout=30s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"
"""Of every serving connection. The third ends the transaction of a process that was paused in the middle, and frees its
locks. Instants come back in the session's time zone: a server that lives in Shanghai would put +08:00 where UTC is promised."""
PREPARED = 500
"""Prepared statements a connection keeps: more than the product has."""

_SCOPE = text("SELECT set_config('app.org', :org, true), set_config('app.platform', :platform, true)")


@dataclass(frozen=True, slots=True)
class Ring:
    """A job that is due now: what the doorbell is told after the commit."""

    queue: str
    job_id: UUID


class Database:
    """The serving connection pool. `ring` is set by the composition; without it the sweeper finds every job."""

    def __init__(self, url: str, *, pool_size: int = 10, max_overflow: int = 10) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            # Errors end in logs and job rows; what a statement carried (addresses, sealed secrets) has no business there.
            hide_parameters=True,
            connect_args={"prepare_threshold": 3, "options": LIMITS},
        )
        event.listen(self.engine, "connect", _keep_prepared)
        self.ring: Callable[[Sequence[Ring]], None] | None = None

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class UnitOfWork:
    """A session, who acts, and what is to be told when it commits."""

    def __init__(self, session: Session, principal: Principal, correlation_id: str | None) -> None:
        self.session = session
        self.principal = principal
        self.correlation_id = correlation_id
        self.rings: list[Ring] = []
        self._journal: list[Base] = []
        self._jobs: list[NewJob] = []

    def act_as(self, principal: Principal) -> None:
        """Go on as somebody else: row level security shows what they may see."""
        self.principal = principal
        self.session.execute(_SCOPE, _scope(principal))

    def flush(self) -> None:
        """Send pending changes to the database; constraint violations surface here or at commit."""
        self.session.flush()

    def remember(self, row: Base) -> None:
        """Add an append-only row that nothing in this transaction reads: facts, histories, deeds.

        They wait for `settle`, so that a transaction writes them in one statement a table and not one by one.
        """
        self._journal.append(row)

    def settle(self) -> None:
        """Write what was remembered and enqueued. Called before the commit; to call it earlier is slower, not wrong."""
        self.session.add_all(self._journal)
        self._journal.clear()
        self.session.flush()
        if not self._jobs:
            return
        inserted, now = insert_once(self.session, self._jobs), clock.now()
        self.rings += [Ring(job.queue, job.id) for job in self._jobs if job.id in inserted and job.run_at <= now]
        self._jobs.clear()

    def emit(self, fact: Event) -> UUID:
        """Record a fact and one job for each follower. Returns the fact's id."""
        event_id = uuid7()
        payload = fact.model_dump(mode="json")
        self.remember(
            EventRow(
                id=event_id,
                topic=fact.topic,
                subject_id=fact.subject_id(),
                org_ids=fact.org_ids(),
                payload=payload,
                correlation_id=self.correlation_id,
                occurred_at=clock.now(),
            )
        )
        for kind in followers(fact.topic):
            self.enqueue(kind, payload, dedupe_key=str(event_id), event_id=event_id)
        return event_id

    def enqueue(
        self,
        kind: str,
        payload: dict[str, object],
        *,
        dedupe_key: str,
        run_at: datetime | None = None,
        event_id: UUID | None = None,
    ) -> UUID:
        """Add a durable job, once per (kind, dedupe key); a second one of the same key is not an error.

        Returns the new job's id; when the key existed already nothing is inserted and the returned id is unused.
        """
        new = NewJob(
            id=uuid7(),
            kind=kind,
            queue=queue_of(kind),
            dedupe_key=dedupe_key,
            payload=payload,
            run_at=run_at or clock.now(),
            event_id=event_id,
            correlation_id=self.correlation_id,
        )
        self._jobs.append(new)
        return new.id


def _keep_prepared(connection: psycopg.Connection[Any], _: object) -> None:
    connection.prepared_max = PREPARED


class Transact(Protocol):
    """Runs work in a unit of work of its own, as somebody: `transact` with its first arguments given."""

    def __call__(self, work: Callable[[UnitOfWork], T], /) -> T:
        """What `work` returned, once it is committed."""


@contextmanager
def unit_of_work(db: Database, principal: Principal, *, correlation_id: str | None = None) -> Iterator[UnitOfWork]:
    """Open the one transaction of a request, job or command.

    Commits when the block ends, rolls back when it raises. Row level security sees `principal`'s organization.

    Raises:
        DomainError: a constraint that stands for one was violated.
    """
    with Session(db.engine, expire_on_commit=False) as session:
        _begin(session, principal)
        uow = UnitOfWork(
            session, principal, correlation_id or structlog.contextvars.get_contextvars().get("request_id")
        )
        try:
            yield uow
            uow.settle()
            session.commit()
        except IntegrityError as error:
            known = translate(error)
            if known is None:
                raise
            raise known from error
    if uow.rings and db.ring is not None:
        db.ring(uow.rings)


def _begin(session: Session, principal: Principal) -> None:
    """Begin the transaction for `principal`.

    A pooled connection that the server closed meanwhile (it was restarted, or ended an idle transaction) shows it here,
    before anything was done, and the pool forgets all of its age: the second try gets a new one. Asking each connection
    beforehand whether it lives would cost every transaction a round trip.
    """
    scope = _scope(principal)
    try:
        session.execute(_SCOPE, scope)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        session.rollback()
        session.execute(_SCOPE, scope)


def _scope(principal: Principal) -> dict[str, str]:
    return {"org": str(principal.org_id or ""), "platform": "on" if principal.is_platform else ""}


def transact(
    db: Database,
    principal: Principal,
    work: Callable[[UnitOfWork], T],
    *,
    correlation_id: str | None = None,
    begin: Callable[[], AbstractContextManager[UnitOfWork]] | None = None,
) -> T:
    """Run `work` in a unit of work, again from the start after a deadlock or serialization failure (up to 5 times).

    `work` must be repeatable: it may only touch what the transaction rolls back. `begin` opens each try's unit of work
    where that is not a plain `unit_of_work`: a request's first one has authenticated its caller.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with begin() if begin else unit_of_work(db, principal, correlation_id=correlation_id) as uow:
                result = work(uow)
            return result  # noqa: RET504 - the commit happens between the two lines
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state not in RETRIED or attempt == ATTEMPTS:
                raise
            # Jitter, so that two losers of the same deadlock do not meet again.
            time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311 - not a secret
    msg = "unreachable: the last attempt either returned or raised"
    raise AssertionError(msg)
