"""One transaction, one commit site.

The edge (a handler, a job, a command) opens a unit of work; everything below may flush, never commit. Facts and jobs are
inserted beside the change they follow from, and the doorbell is rung only after the commit, so that nothing is announced
that did not happen and nothing that happened can be forgotten.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from kernel import clock
from kernel.db.constraints import translate
from kernel.events import Event
from kernel.ids import uuid7
from kernel.jobs.models import EventRow, Job
from kernel.jobs.registry import followers, queue_of
from kernel.principal import Principal

T = TypeVar("T")

RETRIED = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATEs after which the whole unit of work is tried again: serialization failure, deadlock, lock not available."""
ATTEMPTS = 5

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
            pool_pre_ping=True,
            # PgBouncer in transaction mode cannot keep prepared statements per client.
            connect_args={"prepare_threshold": None, "options": "-c lock_timeout=3s -c statement_timeout=30s"},
        )
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

    def flush(self) -> None:
        """Send pending changes to the database; constraint violations surface here or at commit."""
        self.session.flush()

    def emit(self, event: Event) -> UUID:
        """Record a fact and one job for each follower. Returns the fact's id."""
        event_id = uuid7()
        payload = event.model_dump(mode="json")
        self.session.add(
            EventRow(
                id=event_id,
                topic=event.topic,
                subject_id=event.subject_id(),
                org_ids=event.org_ids(),
                payload=payload,
                correlation_id=self.correlation_id,
                occurred_at=clock.now(),
            )
        )
        for kind in followers(event.topic):
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
        """Insert a durable job, once per (kind, dedupe key); a second insert of the same key is not an error.

        Returns the new job's id; when the key existed already nothing is inserted and the returned id is unused.
        """
        due = run_at or clock.now()
        queue = queue_of(kind)
        job_id = uuid7()
        inserted = Job.insert_once(
            self.session,
            job_id=job_id,
            kind=kind,
            queue=queue,
            dedupe_key=dedupe_key,
            payload=payload,
            run_at=due,
            event_id=event_id,
            correlation_id=self.correlation_id,
        )
        if inserted and due <= clock.now():
            self.rings.append(Ring(queue, job_id))
        return job_id


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
        session.execute(_SCOPE, {"org": str(principal.org_id or ""), "platform": "on" if principal.is_platform else ""})
        uow = UnitOfWork(
            session, principal, correlation_id or structlog.contextvars.get_contextvars().get("request_id")
        )
        try:
            yield uow
            session.commit()
        except IntegrityError as error:
            session.rollback()
            known = translate(error)
            if known is None:
                raise
            raise known from error
        except BaseException:
            session.rollback()
            raise
    if uow.rings and db.ring is not None:
        db.ring(uow.rings)


def transact(
    db: Database, principal: Principal, work: Callable[[UnitOfWork], T], *, correlation_id: str | None = None
) -> T:
    """Run `work` in a unit of work, again from the start after a deadlock or serialization failure (up to 5 times).

    `work` must be repeatable: it may only touch what the transaction rolls back.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with unit_of_work(db, principal, correlation_id=correlation_id) as uow:
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
