"""Delivery between two that meet, in every order there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.entitlements.seats import assign_seat, revoke_seat
from fulfillment.jobs import give_up_overdue
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.runs.conclude import Success, lock_run, succeed
from fulfillment.runs.receive_callback import APPLY
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs import kinds
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.jobs.runner import Runner
from kernel.principal import SYSTEM
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
from tests.races.forced import Side, every_order, every_order_of_twins, interleaved
from tests.witness import witness_all

pytestmark = pytest.mark.races
DONE = Success("t-1", "https://app.example/")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delivery by itself: no order follows."""
    monkeypatch.setattr(kinds, "_followers", {})
    witness_all()
    register()


def delivered(db: Database, seats: int, members: int) -> tuple[Delivery, list[UUID]]:
    """An active entitlement, and the buyer's people."""
    with unit_of_work(db, SYSTEM) as uow:
        made = make_delivery(uow, seats=seats)
        succeed(uow, *lock_run(uow, made.run_id), DONE)
        return made, [make_member(uow, made.buyer, "viewer").person() for _ in range(members)]


def seats_of(db: Database, entitlement_id: UUID) -> tuple[int, int]:
    """(counted, really held)."""
    with unit_of_work(db, SYSTEM) as uow:
        held = select(func.count()).where(Seat.entitlement_id == entitlement_id, Seat.revoked_at.is_(None))
        return uow.session.get_one(Entitlement, entitlement_id).seats_used, uow.session.scalar(held) or 0


def giving(db: Database, made: Delivery, person_id: UUID) -> Side:
    return lambda: transact(db, made.buyer.owner, lambda uow: assign_seat(uow, made.id, person_id))


class TestSeats:
    @every_order_of_twins
    def test_the_last_seat_is_given_once(self, db: Database, order: str) -> None:
        made, people = delivered(db, seats=1, members=2)
        answers = interleaved(db, order, *(giving(db, made, person_id) for person_id in people))
        assert sorted(map(type, answers), key=str) == [str, UUID]
        assert "no_seat_left" in answers
        assert seats_of(db, made.id) == (1, 1)

    @every_order_of_twins
    def test_one_member_gets_one_seat(self, db: Database, order: str) -> None:
        made, (person_id,) = delivered(db, seats=2, members=1)
        give = giving(db, made, person_id)
        answers = interleaved(db, order, give, give)
        assert sorted(map(type, answers), key=str) == [str, UUID]
        assert "seat_already_assigned" in answers
        assert seats_of(db, made.id) == (1, 1)

    @every_order_of_twins
    def test_one_seat_is_taken_back_once(self, db: Database, order: str) -> None:
        made, people = delivered(db, seats=2, members=2)
        seat_id, _ = (giving(db, made, person_id)() for person_id in people)

        def take() -> None:
            transact(db, made.buyer.owner, lambda uow: revoke_seat(uow, made.id, seat_id))  # type: ignore[arg-type]

        assert interleaved(db, order, take, take) == (None, None)
        assert seats_of(db, made.id) == (1, 1)

    @every_order
    def test_the_only_seat_is_given_against_taken_back(self, db: Database, order: str) -> None:
        made, (holder, waiting) = delivered(db, seats=1, members=2)
        seat_id = giving(db, made, holder)()

        def take() -> None:
            transact(db, made.buyer.owner, lambda uow: revoke_seat(uow, made.id, seat_id))  # type: ignore[arg-type]

        _, given = interleaved(db, order, take, giving(db, made, waiting))
        assert isinstance(given, UUID) or given == "no_seat_left"
        held = int(isinstance(given, UUID))
        assert seats_of(db, made.id) == (held, held)


class TestEnds:
    """Success, the deadline and the end of an entitlement: whoever comes first decides."""

    deeds: dict[str, Callable[[UnitOfWork, Delivery], object]] = {  # noqa: RUF012 - a table
        "succeeds": lambda uow, made: succeed(uow, *lock_run(uow, made.run_id), DONE),
        "is overdue": lambda uow, made: give_up_overdue(uow, made.run_id),
        "ends": lambda uow, made: end_entitlement(uow, made.id, reason="refunded"),
    }
    left: dict[frozenset[str], set[tuple[str, str]]] = {  # noqa: RUF012 - a table
        frozenset({"succeeds", "is overdue"}): {("active", "succeeded"), ("pending", "dead")},
        frozenset({"succeeds", "ends"}): {("ended", "succeeded"), ("ended", "dead")},
        frozenset({"is overdue", "ends"}): {("ended", "dead")},
    }
    """What the entitlement and its run may be afterwards."""

    @every_order
    @pytest.mark.parametrize("two", [("succeeds", "is overdue"), ("succeeds", "ends"), ("is overdue", "ends")])
    def test_of_two_ends_one_stands(self, db: Database, order: str, two: tuple[str, str]) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            made = make_delivery(uow, within=timedelta(seconds=-1))
            lock_run(uow, made.run_id)[0].tries = 1

        def side(name: str) -> Side:
            return lambda: transact(db, SYSTEM, lambda uow: self.deeds[name](uow, made))

        interleaved(db, order, *map(side, two))
        with unit_of_work(db, SYSTEM) as uow:
            entitlement = uow.session.get_one(Entitlement, made.id).state
            run = provision_run(uow, made.id).state
            takes_down = [one.operation for one in runs_of(uow, made.id)].count("deprovision")
            topics = Counter(topic.split(".")[1] for topic in events_of(uow, made.id))
        assert (entitlement, run) in self.left[frozenset(two)], (entitlement, run)
        # Announced as active or as failed, never as both, and as neither when the end came first.
        assert topics["entitlement_activated"] + topics["delivery_failed"] == 1 or entitlement == "ended"
        assert topics["entitlement_activated"] * topics["delivery_failed"] == 0
        assert topics["entitlement_ended"] == (1 if entitlement == "ended" else 0)
        # One try was sent: what the seller may have made of it is taken down unless it is used.
        assert takes_down == (0 if entitlement == "active" else 1)


class TestJobs:
    @every_order_of_twins
    def test_a_call_is_claimed_by_one_worker(self, db: Database, order: str) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            made = make_delivery(uow)
        (job_id,) = due_jobs(db, made.id)
        workers = [lambda name=name: Runner(db, name).run(job_id) for name in ("one", "two")]
        assert sorted(map(str, interleaved(db, order, *workers))) == ["False", "True"]
        assert [attempt[1] for attempt in attempts_of(db, made.run_id)] == ["succeeded"]

    @every_order_of_twins
    def test_one_key_is_one_job(self, db: Database, order: str) -> None:
        key = str(uuid7())

        def queue() -> UUID:
            return transact(db, SYSTEM, lambda uow: enqueue(uow, APPLY, {}, dedupe_key=key))

        interleaved(db, order, queue, queue)
        with unit_of_work(db, SYSTEM) as uow:
            assert uow.session.scalar(select(func.count()).where(Job.dedupe_key == key)) == 1
            for job in uow.session.scalars(select(Job).where(Job.dedupe_key == key)):
                uow.session.delete(job)
