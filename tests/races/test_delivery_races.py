"""Real commits from many threads: the last seat is given once, and one run of an entitlement is under way at a time."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.embedded.engines import Addresses
from fulfillment.connectors.noop import NoopConnector
from fulfillment.connectors.ports import Answer, RunRequest
from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.entitlements.seats import assign_seat, revoke_seat
from fulfillment.jobs import give_up_overdue
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.runs.call_seller import BUSY_AGAIN
from fulfillment.runs.conclude import Success, lock_run, succeed
from fulfillment.runs.start_run import start_run
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict
from kernel.jobs.runner import Runner
from kernel.principal import SYSTEM, Principal
from tests.factories_fulfillment import (
    Delivery,
    attempts_of,
    due_jobs,
    events_of,
    make_delivery,
    provision_run,
    register,
    runs_of,
)
from tests.factories_marketplace import make_member
from tests.races.crowd import ROUNDS, at_once, in_rounds
from tests.witness import witness_all

pytestmark = pytest.mark.races
CROWD = 64


@pytest.fixture(scope="module")
def pool(addresses: Addresses) -> Iterator[Database]:
    """Fewer connections than threads: the crowd queues where it would in production."""
    database = Database(addresses.database_url, pool_size=16, max_overflow=0)
    witness_all()
    yield database
    database.dispose()


@pytest.fixture(autouse=True)
def _jobs() -> None:
    register()


def together(count: int, work: Callable[[int], str]) -> Counter[str]:
    """Run `work` in `count` threads that start at one moment; counts what they answer."""
    return Counter(at_once([partial(work, number) for number in range(count)]))


def with_members(db: Database, seats: int, members: int) -> tuple[Delivery, list[Principal]]:
    with unit_of_work(db, SYSTEM) as uow:
        made = make_delivery(uow, seats=seats)
        succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))
        return made, [make_member(uow, made.buyer, "viewer") for _ in range(members)]


def seats_of(db: Database, entitlement_id: UUID) -> tuple[int, int]:
    """(counted, really held)."""
    with unit_of_work(db, SYSTEM) as uow:
        held = select(func.count()).where(Seat.entitlement_id == entitlement_id, Seat.revoked_at.is_(None))
        return uow.session.get_one(Entitlement, entitlement_id).seats_used, uow.session.scalar(held) or 0


@in_rounds
def test_the_last_seat_is_given_once(pool: Database) -> None:
    made, members = with_members(pool, seats=1, members=8)

    def ask(number: int) -> str:
        person = members[number % len(members)].person()
        transact(pool, made.buyer.owner, lambda uow: assign_seat(uow, made.id, person))
        return "given"

    answers = together(CROWD, ask)
    assert answers["given"] == 1
    assert set(answers) <= {"given", "no_seat_left", "seat_already_assigned"}
    assert seats_of(pool, made.id) == (1, 1)


@in_rounds
def test_one_member_asked_for_by_everybody_gets_one_seat(pool: Database) -> None:
    made, (member,) = with_members(pool, seats=50, members=1)

    def ask(_: int) -> str:
        transact(pool, made.buyer.owner, lambda uow: assign_seat(uow, made.id, member.person()))
        return "given"

    assert together(CROWD, ask) == Counter({"given": 1, "seat_already_assigned": CROWD - 1})
    assert seats_of(pool, made.id) == (1, 1)


def test_giving_and_taking_back_at_once_never_loses_count(pool: Database) -> None:
    made, members = with_members(pool, seats=3, members=6)
    dice = [random.Random(number) for number in range(16)]

    def churn(number: int) -> str:
        for _ in range(ROUNDS):
            person = dice[number].choice(members).person()
            try:
                seat = transact(pool, made.buyer.owner, lambda uow, p=person: assign_seat(uow, made.id, p))  # type: ignore[misc]
            except Conflict:
                continue
            transact(pool, made.buyer.owner, lambda uow, s=seat: revoke_seat(uow, made.id, s))  # type: ignore[misc]
        return "done"

    assert together(16, churn) == Counter({"done": 16})
    assert seats_of(pool, made.id) == (0, 0)


class Watched(NoopConnector):
    """Counts how many calls for one entitlement are under way at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self.most = 0
        self.calls: list[str] = []

    def call(self, request: RunRequest) -> Answer:
        entitlement = request.body["data"]["entitlement_id"]
        with self._lock:
            self._now[entitlement] += 1
            self.most = max(self.most, self._now[entitlement])
            self.calls.append(request.operation)
        threading.Event().wait(0.05)
        answer = super().call(request)
        with self._lock:
            self._now[entitlement] -= 1
        return answer


@in_rounds
def test_one_run_of_an_entitlement_at_a_time(pool: Database, noon: datetime) -> None:
    watched = Watched()
    register(none=watched)
    with unit_of_work(pool, SYSTEM) as uow:
        made = make_delivery(uow)
        row = lock_row(uow.session, Entitlement, made.id)
        assert row is not None
        for operation in ("change", "suspend", "resume", "change"):
            start_run(uow, row, operation, deadline_at=clock.now() + timedelta(hours=1))

    for _ in range(40):
        jobs = due_jobs(pool, made.id)
        if jobs:
            together(12, lambda number, due=jobs: str(Runner(pool, f"w{number}").run(due[number % len(due)])))  # type: ignore[misc]
        with unit_of_work(pool, SYSTEM) as uow:
            if {run.state for run in runs_of(uow, made.id)} == {"succeeded"}:
                break
        clock.advance(BUSY_AGAIN)
    assert watched.most == 1
    assert Counter(watched.calls) == Counter({"change": 2, "provision": 1, "suspend": 1, "resume": 1})


def test_success_against_deadline_against_the_end(pool: Database) -> None:
    """Whoever comes first decides, and nothing is left behind in the seller's system."""
    for round_number in range(ROUNDS):
        with unit_of_work(pool, SYSTEM) as uow:
            made = make_delivery(uow, within=timedelta(seconds=-1))
            run, _ = lock_run(uow, made.run_id)
            run.tries = 1

        def done(uow: UnitOfWork, made: Delivery = made) -> None:
            succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))

        def late(uow: UnitOfWork, made: Delivery = made) -> None:
            give_up_overdue(uow, made.run_id)

        def over(uow: UnitOfWork, made: Delivery = made) -> None:
            end_entitlement(uow, made.id, reason="refunded")

        deeds = [done, late, over, done, late, over]
        random.Random(round_number).shuffle(deeds)

        def act(number: int, deeds: Sequence[Callable[[UnitOfWork], None]] = deeds) -> str:
            transact(pool, SYSTEM, deeds[number])
            return "acted"

        assert together(len(deeds), act) == Counter({"acted": len(deeds)})
        with unit_of_work(pool, SYSTEM) as uow:
            assert uow.session.get_one(Entitlement, made.id).state == "ended"
            assert provision_run(uow, made.id).state in {"succeeded", "dead"}
            assert [run.operation for run in runs_of(uow, made.id)].count("deprovision") == 1
            topics = Counter(events_of(uow, made.id))
        assert topics["fulfillment.entitlement_ended.v1"] == 1
        # Announced as active or as failed, never as both, and as neither when the end came first.
        assert topics["fulfillment.entitlement_activated.v1"] + topics["fulfillment.delivery_failed.v1"] <= 1


@in_rounds
def test_two_workers_with_one_job_call_once(pool: Database) -> None:
    watched = Watched()
    register(none=watched)
    with unit_of_work(pool, SYSTEM) as uow:
        made = make_delivery(uow)
    (job_id,) = due_jobs(pool, made.id)
    answers = together(12, lambda number: str(Runner(pool, f"w{number}").run(job_id)))
    assert answers == Counter({"True": 1, "False": 11})
    assert watched.calls == ["provision"]
    assert [attempt[1] for attempt in attempts_of(pool, made.run_id)] == ["succeeded"]
