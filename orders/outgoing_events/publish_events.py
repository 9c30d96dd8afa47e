"""Facts become events of the organizations they concern: recorded transitions and events are read many at a time.

The fact itself is written in the transaction in which it became true, and costs it nothing more. Whoever reads it gives it its
place in each organization's log, one publisher at a time: so places come in the order in which they can be read, which a number
drawn in the fact's own transaction would not. Each reading begins before the last one's end (`orders.reading_facts`) and leaves
out what has its event already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy import exists, func, select, tuple_

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import EventRow
from kernel.states import StateHistory
from marketplace.parties.models import PLATFORM_ORG_ID
from marketplace.webhooks.models import EventPublication, OutgoingEvent
from marketplace.webhooks.record_events import NewEvent, record_events
from orders.outgoing_events import about_instalments, about_milestones, about_money, about_orders, catalogue
from orders.outgoing_events.facts import TOPICS, TRANSITIONS, Addressed, RecordedFact, teller_of, type_of_transition
from orders.reading_facts import LOOK_BACK, looks_far_back, read_since

PUBLISH = "orders.outgoing_events.publish"
SOURCES = (about_orders, about_instalments, about_milestones, about_money, catalogue)
"""Imported for what they register."""
SOURCE = "facts"
EVERY = timedelta(seconds=1)
BATCH = 500
_ONE_AT_A_TIME = 7_316_040
Place = tuple[datetime, UUID]
log = structlog.get_logger(__name__)


@sweep(PUBLISH, every=EVERY)
def publish_new(transact: Transact) -> None:
    """Publish what became true since the last time."""
    after: Place | None = None
    while (after := transact(partial(_publish_next, after=after))) is not None:
        continue


def publish_past(transact: Transact, since: datetime, until: datetime) -> None:
    """Publish what became true in [since, until), before anybody published."""
    after: Place | None = None
    while (after := transact(partial(_publish_page, since=since, until=until, after=after))) is not None:
        continue
    transact(partial(_began_at, since=since))


def publish_at(transact: Transact, at: datetime) -> None:
    """Publish what became true at an instant of an organization's own time."""
    until, after = at + timedelta(microseconds=1), None
    while (after := transact(partial(_publish_page, since=at, until=until, after=after))) is not None:
        continue


def _publish_next(uow: UnitOfWork, after: Place | None) -> Place | None:
    now = clock.now()
    row = uow.session.get(EventPublication, SOURCE)
    if row is None:
        row = EventPublication(source=SOURCE, starts_at=now, read_until=now)
        uow.session.add(row)
    row.starts_at = min(row.starts_at, now)
    since = max(read_since(row.read_until, now), row.starts_at)
    after = _publish_page(uow, since=since, until=now + LOOK_BACK, after=after)
    if after is None and looks_far_back(row.read_until, now):
        row.read_until = now
    uow.flush()
    return after


def _began_at(uow: UnitOfWork, since: datetime) -> None:
    row = uow.session.get(EventPublication, SOURCE)
    if row is None:
        uow.session.add(EventPublication(source=SOURCE, starts_at=since, read_until=clock.now()))
    else:
        row.starts_at = min(row.starts_at, since)


def _publish_page(uow: UnitOfWork, *, since: datetime, until: datetime, after: Place | None) -> Place | None:
    """Publish the next facts of the time. Returns where to go on, None when these were the last."""
    uow.session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    page = [*_transitions(uow, since, until, after), *_events(uow, since, until, after)]
    found = sorted(page, key=lambda fact: (fact.at, fact.id))[:BATCH]
    addressed = {(one.fact.id, one.org_id): one for one in _addressed(uow, found)}
    new = [
        NewEvent(
            one.org_id, one.fact.type, one.fact.id, one.fact.subject_id, one.fact.at, one.data.model_dump(mode="json")
        )
        for one in sorted(addressed.values(), key=lambda one: (one.fact.at, one.fact.id))
        if one.org_id != PLATFORM_ORG_ID
    ]
    uow.flush()
    record_events(uow, new)
    return (found[-1].at, found[-1].id) if len(found) == BATCH else None


def _addressed(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> list[Addressed]:
    ordered = sorted((fact for fact in facts if fact.type), key=lambda fact: fact.type)
    grouped = ((name, list(group)) for name, group in groupby(ordered, lambda fact: fact.type))
    return [one for name, group in grouped for one in _addressed_by(uow, name, group)]


def _addressed_by(uow: UnitOfWork, name: str, facts: Sequence[RecordedFact]) -> list[Addressed]:
    """What is told of facts of one type. One that cannot be told is left out and found by `verify`: nobody else waits for it."""
    try:
        return list(teller_of(name)(uow, facts))
    except (LookupError, ValueError, TypeError):
        if len(facts) == 1:
            log.exception("event_not_told", type=name, fact_id=str(facts[0].id))
            return []
        return [one for fact in facts for one in _addressed_by(uow, name, [fact])]


def _transitions(uow: UnitOfWork, since: datetime, until: datetime, after: Place | None) -> list[RecordedFact]:
    names = sorted({(machine, state.removeprefix("began_")) for machine, state in TRANSITIONS})
    wanted = (
        select(
            StateHistory.id,
            StateHistory.machine,
            StateHistory.from_state,
            StateHistory.to_state,
            StateHistory.subject_id,
            StateHistory.at,
        )
        .where(
            tuple_(StateHistory.machine, StateHistory.to_state).in_(names),
            StateHistory.at >= since,
            StateHistory.at < until,
            ~exists().where(OutgoingEvent.fact_id == StateHistory.id),
        )
        .order_by(StateHistory.at, StateHistory.id)
        .limit(BATCH)
    )
    if after is not None:
        wanted = wanted.where(tuple_(StateHistory.at, StateHistory.id) > after)
    return [
        RecordedFact(fact_id, type_of_transition(machine, from_state, to_state), subject_id, at)
        for fact_id, machine, from_state, to_state, subject_id, at in uow.session.execute(wanted)
    ]


def _events(uow: UnitOfWork, since: datetime, until: datetime, after: Place | None) -> list[RecordedFact]:
    wanted = (
        select(EventRow.id, EventRow.topic, EventRow.subject_id, EventRow.occurred_at, EventRow.payload)
        .where(
            EventRow.topic.in_(sorted(TOPICS)),
            EventRow.occurred_at >= since,
            EventRow.occurred_at < until,
            ~exists().where(OutgoingEvent.fact_id == EventRow.id),
        )
        .order_by(EventRow.occurred_at, EventRow.id)
        .limit(BATCH)
    )
    if after is not None:
        wanted = wanted.where(tuple_(EventRow.occurred_at, EventRow.id) > after)
    return [
        RecordedFact(fact_id, TOPICS[topic], subject_id, at, payload)
        for fact_id, topic, subject_id, at, payload in uow.session.execute(wanted)
    ]
