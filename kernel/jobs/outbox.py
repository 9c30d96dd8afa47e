"""The transactional outbox: events, what follows them, and jobs, written in the transaction in which they became true.

What follows from an event without a call outside runs in the event's own transaction (inline followers). When a follower
raises, the work is run again with its followers deferred to jobs: a fault in delivery never undoes that money came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy.exc import DBAPIError

from kernel import clock
from kernel.clock import OwnTime
from kernel.db.uow import FollowerFailed, JobSignal, UnitOfWork, is_retried
from kernel.events import Event
from kernel.ids import uuid7
from kernel.jobs.context import LEASE_S
from kernel.jobs.kinds import Payload, followers, is_recorded, kind_of
from kernel.jobs.models import EventRow
from kernel.principal import SYSTEM

_INSERT = """
    INSERT INTO kernel.job (id, kind, queue, dedupe_key, payload, state, run_at, attempts, epoch, lease_until, event_id,
                            correlation_id, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
            CASE WHEN $10 THEN clock_timestamp() + make_interval(secs => $11) END, $12, $13, $14)
    ON CONFLICT (kind, dedupe_key) DO NOTHING
"""


DRIVE_CLOCK = "orders.test_clock.drive"
"""Kind of the job that does what is due at an organization's own time (`orders.test_clocks.drive`)."""
AT_EVERYBODYS_TIME = frozenset({"documents", "media"})


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to insert. `leased`: claimed from the beginning by whoever commits it."""

    id: UUID
    kind: str
    queue: str
    dedupe_key: str
    payload: Payload
    run_at: datetime
    event_id: UUID | None
    correlation_id: str | None
    leased: bool


@dataclass(slots=True)
class Outbox:
    """What one unit of work has to tell."""

    uow: UnitOfWork
    jobs: list[NewJob] = field(default_factory=list)
    events: list[tuple[Event, Payload]] = field(default_factory=list)
    own_times: set[OwnTime] = field(default_factory=set)
    """At which organizations' times something happened in it."""

    def note_time(self) -> OwnTime | None:
        """Whose time it is; its driver is woken with the commit, unless it is at work here."""
        own = clock.own_time()
        if own is not None and not own.is_driving:
            self.own_times.add(own)
        return own

    def follow(self) -> None:
        """Run the inline followers of what was emitted, and of what they emit."""
        while self.events:
            event, payload = self.events.pop(0)
            try:
                for kind in followers(event.topic):
                    work = kind_of(kind).work
                    assert work is not None  # noqa: S101 - `follows` registers nothing else
                    work(self.uow, payload)
            except (DBAPIError, psycopg.Error) as error:
                if is_retried(error):
                    raise
                raise FollowerFailed from error
            except Exception as error:
                raise FollowerFailed from error

    def write(self) -> None:
        """Insert the jobs, and note which are due now."""
        jobs, self.jobs = self.jobs, []
        if self.own_times:
            jobs += [_wake(own) for own in self.own_times]
            self.own_times.clear()
        now, principal = clock.now(), self.uow.principal
        if jobs and not principal.is_platform:
            # Jobs are the platform's, whoever left them; row level security shows them to nobody else.
            self.uow.act_as(SYSTEM)
        # By kind and key: two transactions that insert the same keys wait for each other in one order.
        for job in sorted(jobs, key=lambda job: (job.kind, job.dedupe_key)):
            state, count = ("running", 1) if job.leased else ("ready", 0)
            values = (job.id, job.kind, job.queue, job.dedupe_key, Jsonb(job.payload), state, job.run_at, count, count)
            lease = (job.leased, LEASE_S, job.event_id, job.correlation_id, now)
            self.uow.cursor.queue(_INSERT, values + lease)
            if job.run_at <= now and not job.leased and "." not in job.queue:
                self.uow.signals.append(JobSignal(job.queue, job.id, job.kind))
        if self.uow.principal is not principal:
            self.uow.act_as(principal)


def outbox_of(uow: UnitOfWork) -> Outbox:
    """The outbox of a unit of work."""
    if uow.outbox is None:
        uow.outbox = Outbox(uow)
    assert isinstance(uow.outbox, Outbox)  # noqa: S101 - nobody else sets it
    return uow.outbox


def emit(uow: UnitOfWork, event: Event) -> UUID | None:
    """Record an event for whoever follows or reads it. Returns its id, None when nobody does and nothing was recorded."""
    if not is_recorded(event.topic):
        return None
    kinds = followers(event.topic)
    outbox_of(uow).note_time()
    event_id, payload = uuid7(), event.model_dump(mode="json")
    uow.append(
        EventRow,
        id=event_id,
        topic=event.topic,
        subject_id=event.subject_id(),
        org_ids=event.org_ids(),
        payload=payload,
        correlation_id=uow.correlation_id,
        occurred_at=clock.now(),
    )
    if _follows_inline(uow):
        outbox_of(uow).events.append((event, payload))
    else:
        for kind in kinds:
            enqueue(uow, kind, payload, dedupe_key=str(event_id), event_id=event_id)
    return event_id


def expect(uow: UnitOfWork, event: Event) -> None:
    """Say that an event will probably come: what follows it in this transaction asks ahead what it will read."""
    if not _follows_inline(uow):
        return
    payload = event.model_dump(mode="json")
    for kind in followers(event.topic):
        ahead = kind_of(kind).ahead
        if ahead is not None:
            ahead(uow, payload)


def _follows_inline(uow: UnitOfWork) -> bool:
    return uow.inline and uow.principal.is_platform


def enqueue(
    uow: UnitOfWork,
    kind: str,
    payload: Payload,
    *,
    dedupe_key: str,
    run_at: datetime | None = None,
    event_id: UUID | None = None,
    leased: bool = False,
) -> UUID:
    """Add a durable job, once per (kind, dedupe key) that is not done; a second one of the same key is not an error.

    With `leased` the job begins as claimed by whoever commits it (`Runner.run_leased`), and no worker is signalled.
    Returns the new job's id; when the key existed already nothing is inserted and the returned id is unused.
    """
    own = outbox_of(uow).note_time()
    queue, at = _place(kind_of(kind).queue, run_at or clock.now(), own)
    new = NewJob(
        id=uuid7(),
        kind=kind,
        queue=queue,
        dedupe_key=dedupe_key,
        payload=payload,
        run_at=at,
        event_id=event_id,
        correlation_id=uow.correlation_id,
        leased=leased,
    )
    outbox_of(uow).jobs.append(new)
    return new.id


def _place(queue: str, run_at: datetime, own: OwnTime | None) -> tuple[str, datetime]:
    """In which queue a job waits, and until when: at an organization's own time, for its clock.

    Files are drawn at everybody's time: what is in them is written down, and no clock waits for them.
    """
    if own is None:
        return queue, run_at
    if queue in AT_EVERYBODYS_TIME:
        return queue, clock.installation_now() + max(run_at - own.at, timedelta())
    return own.queues + queue, run_at


def _wake(own: OwnTime) -> NewJob:
    """The clock's driver does what is due at its time and tells what happened, once this is committed."""
    job_id = uuid7()
    payload = {"clock_id": str(own.clock_id), "since": own.at.isoformat()}
    queue = kind_of(DRIVE_CLOCK).queue
    return NewJob(job_id, DRIVE_CLOCK, queue, str(job_id), payload, clock.installation_now(), None, None, leased=False)
