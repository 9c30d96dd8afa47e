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

from sqlalchemy import exists, func, select, tuple_

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import EventRow
from kernel.states import StateHistory
from marketplace.parties.models import PLATFORM_ORG_ID
from marketplace.webhooks.models import EventPublication, OutgoingEvent
from marketplace.webhooks.record_events import NewEvent, record_events
from orders.outgoing_events import (
    about_changes,
    about_end_customers,
    about_fapiao,
    about_instalments,
    about_live,
    about_milestones,
    about_money,
    about_orders,
    about_partners,
    about_payers,
    about_payments,
    about_promoters,
    about_service,
    about_usage,
    catalogue,
)
from orders.outgoing_events.facts import TOPICS, TRANSITIONS, Addressed, RecordedFact, teller_of, type_of_transition
from orders.reading_facts import LOOK_BACK, FactReading, Failed, Place, Reader, tell_by_halves

PUBLISH = "orders.outgoing_events.publish"
SOURCES = (
    about_orders,
    about_instalments,
    about_milestones,
    about_money,
    about_fapiao,
    about_changes,
    about_usage,
    about_payments,
    about_promoters,
    about_partners,
    about_payers,
    about_end_customers,
    about_service,
    about_live,
    catalogue,
)
"""Imported for what they register."""
SOURCE = "facts"
EVERY = timedelta(seconds=1)
READER = Reader("outgoing_events", 500)
_ONE_AT_A_TIME = 7_316_040


@sweep(PUBLISH, every=EVERY)
def publish_new(transact: Transact) -> None:
    """Publish what became true since the last time."""
    READER.read(transact, _publish_next)


def publish_past(transact: Transact, since: datetime, until: datetime) -> None:
    """Publish what became true in [since, until), before anybody published."""
    READER.read(transact, partial(_publish_page, since=since, until=until))
    transact(partial(_began_at, since=since))


def publish_at(transact: Transact, at: datetime) -> None:
    """Publish what became true at an instant of an organization's own time."""
    READER.read(transact, partial(_publish_page, since=at, until=at + timedelta(microseconds=1)))


def _publish_next(uow: UnitOfWork, reading: FactReading) -> Place | None:
    now = clock.now()
    row = uow.session.get(EventPublication, SOURCE)
    if row is None:
        row = EventPublication(source=SOURCE, starts_at=now, read_until=now)
        uow.session.add(row)
    row.starts_at = min(row.starts_at, now)
    if reading.after is None:
        reading.begin(row.read_until, now)
    after = _publish_page(uow, reading, since=max(reading.since, row.starts_at), until=now + LOOK_BACK)
    if after is None and reading.is_far:
        row.read_until = reading.began_at
    uow.flush()
    return after


def _began_at(uow: UnitOfWork, since: datetime) -> None:
    row = uow.session.get(EventPublication, SOURCE)
    if row is None:
        uow.session.add(EventPublication(source=SOURCE, starts_at=since, read_until=clock.now()))
    else:
        row.starts_at = min(row.starts_at, since)


def _publish_page(uow: UnitOfWork, reading: FactReading, *, since: datetime, until: datetime) -> Place | None:
    """Publish the next facts of the time. Returns where to go on, None when these were the last."""
    uow.session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    page = [*_transitions(uow, since, until, reading), *_events(uow, since, until, reading)]
    found = sorted(page, key=lambda fact: (fact.at, fact.id))[: reading.size]
    made, next_after = reading.take(found, partial(_addressed, uow))
    addressed = {(one.fact.id, one.org_id): one for one in made}
    new = [
        NewEvent(
            one.org_id, one.fact.type, one.fact.id, one.fact.subject_id, one.fact.at, one.data.model_dump(mode="json")
        )
        for one in sorted(addressed.values(), key=lambda one: (one.fact.at, one.fact.id))
        if one.org_id != PLATFORM_ORG_ID
    ]
    uow.flush()
    record_events(uow, new)
    return next_after


def _addressed(uow: UnitOfWork, facts: Sequence[RecordedFact], failed: Failed[RecordedFact]) -> list[Addressed]:
    """What is told of facts. One that cannot be told is left out and found by `verify`."""
    ordered = sorted((fact for fact in facts if fact.type), key=lambda fact: fact.type)
    grouped = ((name, list(group)) for name, group in groupby(ordered, lambda fact: fact.type))
    return [one for name, group in grouped for one in tell_by_halves(group, partial(teller_of(name), uow), failed)]


def _transitions(uow: UnitOfWork, since: datetime, until: datetime, reading: FactReading) -> list[RecordedFact]:
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
        .limit(reading.size)
    )
    if reading.after is not None:
        wanted = wanted.where(tuple_(StateHistory.at, StateHistory.id) > reading.after)
    return [
        RecordedFact(fact_id, type_of_transition(machine, from_state, to_state), subject_id, at)
        for fact_id, machine, from_state, to_state, subject_id, at in uow.session.execute(wanted)
    ]


def _events(uow: UnitOfWork, since: datetime, until: datetime, reading: FactReading) -> list[RecordedFact]:
    wanted = (
        select(EventRow.id, EventRow.topic, EventRow.subject_id, EventRow.occurred_at, EventRow.payload)
        .where(
            EventRow.topic.in_(sorted(TOPICS)),
            EventRow.occurred_at >= since,
            EventRow.occurred_at < until,
            ~exists().where(OutgoingEvent.fact_id == EventRow.id),
        )
        .order_by(EventRow.occurred_at, EventRow.id)
        .limit(reading.size)
    )
    if reading.after is not None:
        wanted = wanted.where(tuple_(EventRow.occurred_at, EventRow.id) > reading.after)
    return [
        RecordedFact(fact_id, TOPICS[topic](payload), subject_id, at, payload)
        for fact_id, topic, subject_id, at, payload in uow.session.execute(wanted)
    ]
