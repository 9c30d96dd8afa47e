"""What cannot be told, takes too long or kills its page holds up nothing else, costs little and is left for `verify`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import exists, select, text

from app.embedded.engines import Addresses
from fulfillment.entitlements.events import SeatAssigned
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.jobs.models import EventRow
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from marketplace.notifications.notify import NewNotification
from marketplace.webhooks.models import EventPublication, OutgoingEvent
from orders import reading_facts
from orders.notifications import notify_of_events
from orders.notifications.notifiers import RecordedEvent, notifiers
from orders.notifications.notify_of_events import NOTIFY
from orders.outgoing_events import publish_events
from orders.outgoing_events.facts import Addressed, RecordedFact, teller_of
from orders.outgoing_events.publish_events import PUBLISH, SOURCE
from tests.emptied import empty
from tests.loop_stage import Stage

Logs = list[dict[str, Any]]
MANY = 500


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    found: Logs = []

    class Log:
        def error(self, event: str, **what: Any) -> None:
            found.append({"event": event, **what})

        warning = error

    monkeypatch.setattr(reading_facts, "log", Log())
    return found


@pytest.fixture(scope="module", autouse=True)
def _nobody_elses(addresses: Addresses) -> Iterator[None]:
    """What cannot be told is nobody else's to stumble over."""
    yield
    empty(addresses)


@pytest.fixture(autouse=True)
def _begun(stage: Stage) -> None:
    """What was before the first reading is not told."""
    for kind in (PUBLISH, NOTIFY):
        stage.tick(kind)


def seats(stage: Stage, many: int) -> list[UUID]:
    """Facts of seats under an entitlement that there is not: nobody can tell of them."""
    ids = [uuid7() for _ in range(many)]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for fact_id in ids:
            seat = {"seat_id": str(fact_id), "entitlement_id": str(uuid7()), "listing_id": str(uuid7())}
            whose = {"person_id": str(stage.purchaser.person()), "buyer_org_id": str(stage.buyer.id)}
            uow.session.add(
                EventRow(
                    id=fact_id,
                    topic=SeatAssigned.topic,
                    subject_id=fact_id,
                    org_ids=[stage.buyer.id],
                    payload=seat | whose,
                    correlation_id=None,
                    occurred_at=clock.now(),
                )
            )
    return ids


def all_seats(stage: Stage) -> int:
    """With those of the tests before, whose clock was the same and whom nobody was told of."""
    read = clock.now() - reading_facts.LOOK_BACK, clock.now() + reading_facts.LOOK_BACK
    seats = select(EventRow.id).where(EventRow.topic == SeatAssigned.topic, EventRow.occurred_at.between(*read))
    return len(stage.rows(seats.where(~exists().where(OutgoingEvent.fact_id == EventRow.id))))


def published(stage: Stage) -> list[str]:
    mine = select(OutgoingEvent.type).where(OutgoingEvent.org_id == stage.buyer.id).order_by(OutgoingEvent.position)
    return [one for one in stage.rows(mine) if one.startswith(("order.", "seat."))]


def telling(
    monkeypatch: pytest.MonkeyPatch, before: Callable[[UnitOfWork, Sequence[RecordedFact]], object]
) -> list[int]:
    """Have `before` run before each telling. Returns how many facts each was asked for."""
    asked: list[int] = []

    def found(name: str) -> Callable[[UnitOfWork, Sequence[RecordedFact]], Iterable[Addressed]]:
        def tell(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
            asked.append(len(facts))
            before(uow, facts)
            return teller_of(name)(uow, facts)

        return tell

    monkeypatch.setattr(publish_events, "teller_of", found)
    return asked


def moved(stage: Stage) -> bool:
    """Whether the mark is where the clock is."""
    (read_until,) = stage.rows(select(EventPublication.read_until).where(EventPublication.source == SOURCE))
    return bool(abs(read_until - clock.now()).total_seconds() < 1)


def test_five_hundred_among_others_cost_a_line_each_page_and_are_not_tried_every_second(
    stage: Stage, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.buy()
    seats(stage, MANY // 2)
    stage.run()
    seats(stage, MANY // 2)
    stage.buy()
    asked = telling(monkeypatch, lambda _, __: None)
    stage.tick(PUBLISH)
    assert published(stage).count("order.placed") == 2
    assert "order.active" in published(stage)
    assert 1 <= len(logs) <= 5
    assert {one["event"] for one in logs} == {"facts_not_told"}
    assert sum(one["count"] for one in logs) == all_seats(stage)
    assert all(len(one["ids"]) <= reading_facts.NAMED for one in logs)
    assert len(asked) < 2 * all_seats(stage) + 100
    stage.tick(PUBLISH)
    asked.clear()
    logs.clear()
    stage.tick(PUBLISH)
    assert (asked, logs) == ([], [])
    clock.advance(reading_facts.STEP)
    stage.tick(PUBLISH)
    assert sum(one["count"] for one in logs) == all_seats(stage), "mended meanwhile they would be told now"
    assert moved(stage)


def test_one_among_many_is_found_by_halves(stage: Stage) -> None:
    facts = [RecordedFact(uuid7(), "seat.given", uuid7(), clock.now()) for _ in range(512)]
    calls: list[int] = []

    def tell(some: Sequence[RecordedFact]) -> Iterable[UUID]:
        calls.append(len(some))
        return ({fact.id: fact.id for fact in facts if fact is not facts[300]}[one.id] for one in some)

    failed: reading_facts.Failed[RecordedFact] = []
    assert len(reading_facts.tell_by_halves(facts, tell, failed)) == 511
    assert [fact for fact, _ in failed] == [facts[300]]
    assert len(calls) <= 19


def _impatient(stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str) -> list[float]:
    """The sweep, on a database that ends a transaction that is idle for a second. Returns how long each took."""
    took: list[float] = []

    def once(work: Callable[[UnitOfWork], Any]) -> Any:
        began = time.monotonic()

        def impatiently(uow: UnitOfWork) -> Any:
            uow.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1s'"))
            return work(uow)

        try:
            return transact(stage.services.db, SYSTEM, impatiently)
        finally:
            took.append(time.monotonic() - began)

    monkeypatch.setattr(reading_facts, "WORK_S", 0.2)
    next(one for one in sweeps() if one.name == kind).work(once)
    return took


def test_a_slow_teller_gets_several_pages_and_everything_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        stage.buy()
    stage.run()
    telling(monkeypatch, lambda _, facts: time.sleep(0.01 * len(facts)))
    took = _impatient(stage, monkeypatch, PUBLISH)
    assert len(took) > 3
    assert published(stage).count("order.active") == 5


def test_a_page_that_is_killed_is_read_again_until_what_kills_it_is_left_out(
    stage: Stage, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.buy()
    (killer,) = seats(stage, 1)
    stage.run()
    stage.buy()

    def kill(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> None:
        if any(fact.id == killer for fact in facts):
            uow.session.execute(text("SELECT pg_sleep(0)"))
            time.sleep(1.5)

    telling(monkeypatch, kill)
    clock.advance(reading_facts.STEP)
    _impatient(stage, monkeypatch, PUBLISH)
    died = [one["facts"] for one in logs if one["event"] == "page_died"]
    # Smaller each time, until it is alone; what else is slow at that moment may make one page more of it.
    assert (died[0], died[-1]) == (500, 1)
    assert died == sorted(died, reverse=True)
    assert published(stage).count("order.placed") == 2
    assert moved(stage)


def test_a_slow_notifier_and_one_that_fails_keep_nobody_from_being_told(
    stage: Stage, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        stage.buy()
    stage.run()
    seats(stage, 100)
    true_ones = dict(notifiers())

    def slowly(topic: str, uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
        if topic == SeatAssigned.topic:
            raise KeyError(topic)
        time.sleep(0.01 * len(events))
        return true_ones[topic](uow, events)

    monkeypatch.setattr(notify_of_events, "notifiers", lambda: {topic: partial(slowly, topic) for topic in true_ones})
    took = _impatient(stage, monkeypatch, NOTIFY)
    assert len(took) > 3
    mine = select(Notification.kind).where(Notification.person_id == stage.purchaser.person())
    assert stage.rows(mine).count("order_active") == 4
    assert sum(one.get("count", 0) for one in logs if one["event"] == "facts_not_told") >= all_seats(stage)
