"""Endpoints between several that meet: workers, publishers, whoever rotates a secret or removes one in the middle of a call."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select, update

from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import Job
from kernel.jobs.runner import Runner, drain, due
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from marketplace.webhooks import jobs
from marketplace.webhooks.models import OutgoingEvent, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.record_events import DELIVER, NewEvent, record_events
from marketplace.webhooks.replay import replay_delivery
from marketplace.webhooks.replay import test_endpoint as send_test
from marketplace.webhooks.save_endpoint import (
    SaveEndpoint,
    remove_endpoint,
    rotate_endpoint_secret,
    save_endpoint,
    switch_endpoint,
)
from marketplace.webhooks.wake_due import wake_due
from tests.factories_marketplace import Org, make_org
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import every_order, interleaved
from tests.webhook_receiver import Receiver, receiver

pytestmark = pytest.mark.races
BOX = SecretBox({"k1": bytes(32)})
LOCAL = OutboundPolicy(allow_loopback=True)
TYPE = "order.paid"
CROWD = 6


@dataclass
class House:
    """An organization with an endpoint, and what listens there."""

    db: Database
    org: Org
    endpoint: UUID
    inbox: Receiver

    def happen(self, count: int) -> None:
        """So many events, of which none is sent yet."""
        with unit_of_work(self.db, SYSTEM) as uow:
            record_events(uow, [self.event() for _ in range(count)])

    def event(self) -> NewEvent:
        return NewEvent(self.org.id, TYPE, uuid7(), uuid7(), clock.now(), {"order_id": str(uuid7())})

    def jobs(self) -> list[UUID]:
        """Jobs of the endpoint that could be claimed now."""
        ready = {signal.job_id for signal in due(self.db, ["default"])}
        with unit_of_work(self.db, SYSTEM) as uow:
            wanted = select(Job.id).where(Job.kind == DELIVER, Job.dedupe_key == str(self.endpoint))
            return [job_id for job_id in uow.session.scalars(wanted) if job_id in ready]

    def deliveries(self) -> list[WebhookDelivery]:
        with unit_of_work(self.db, SYSTEM) as uow:
            wanted = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == self.endpoint)
            return list(uow.session.scalars(wanted))

    def attempts(self) -> Counter[UUID]:
        with unit_of_work(self.db, SYSTEM) as uow:
            wanted = select(WebhookAttempt.delivery_id).where(WebhookAttempt.org_id == self.org.id)
            return Counter(uow.session.scalars(wanted))


@pytest.fixture
def house(db: Database) -> Iterator[House]:
    jobs.register(OutboundClient(LOCAL), BOX, public_url="https://market.example")
    with receiver() as inbox:
        with unit_of_work(db, SYSTEM) as uow:
            org = make_org(uow)
        with unit_of_work(db, org.owner) as uow:
            saved = save_endpoint(uow, SaveEndpoint("erp", inbox.url, [TYPE]), box=BOX, policy=LOCAL)
        inbox.secret = saved.secret or ""
        yield House(db, org, saved.id, inbox)
        if inbox.holds is not None:
            inbox.holds.set()
    with unit_of_work(db, SYSTEM) as uow:
        # What still waits is not the next test's.
        uow.session.execute(update(WebhookEndpoint).values(state="removed", disabled_for=None))


@in_rounds
def test_several_workers_deliver_each_event_once(house: House) -> None:
    house.inbox.messages.clear()
    house.happen(5)

    def work(number: int) -> int:
        runner = Runner(house.db, f"worker-{number}")
        return sum(runner.run(job_id) for job_id in house.jobs())

    ran = at_once([partial(work, number) for number in range(CROWD)])
    assert all(isinstance(one, int) for one in ran), ran
    drain(house.db)
    ids = Counter(message["id"] for message in house.inbox.messages)
    assert set(ids.values()) == {1}
    assert len(ids) == 5
    assert set(house.attempts().values()) == {1}
    assert {one.state for one in house.deliveries()} == {"delivered"}


def test_a_job_of_an_endpoint_that_is_being_called_is_not_there_twice(house: House) -> None:
    house.happen(1)
    house.inbox.holds = threading.Event()
    (job_id,) = house.jobs()
    first = threading.Thread(target=Runner(house.db, "first").run, args=(job_id,))
    first.start()
    assert house.inbox.arrived.wait(30)
    house.happen(1)
    with unit_of_work(house.db, SYSTEM) as uow:
        wake_due(uow)
    assert Runner(house.db, "second").run(job_id) is False
    assert house.jobs() == []
    house.inbox.holds.set()
    first.join()
    with unit_of_work(house.db, SYSTEM) as uow:
        wake_due(uow)
    drain(house.db)
    assert Counter(message["id"] for message in house.inbox.messages).most_common(1)[0][1] == 1
    assert [one.state for one in house.deliveries()] == ["delivered"] * 2


def while_called(house: House, work: Callable[[UnitOfWork], object]) -> None:
    """Do `work` as the owner while the endpoint has the call and has not answered."""
    house.inbox.holds = threading.Event()
    (job_id,) = house.jobs()
    worker = threading.Thread(target=Runner(house.db, "worker").run, args=(job_id,))
    worker.start()
    assert house.inbox.arrived.wait(30)
    transact(house.db, house.org.owner, work)
    house.inbox.holds.set()
    worker.join()
    house.inbox.holds = None


def test_a_secret_that_is_rotated_during_a_delivery_refuses_nothing(house: House) -> None:
    house.happen(1)
    while_called(house, partial(rotate_endpoint_secret, endpoint_id=house.endpoint, box=BOX))
    # The system still knows the former secret alone.
    house.happen(3)
    drain(house.db)
    assert house.inbox.forged == 0
    assert [one.state for one in house.deliveries()] == ["delivered"] * 4


@pytest.mark.parametrize(("status", "states"), [(204, {"delivered": 1, "failed": 2}), (503, {"failed": 3})])
def test_an_endpoint_that_is_removed_during_a_delivery_gets_nothing_more(
    house: House, status: int, states: dict[str, int]
) -> None:
    house.inbox.status = status
    with unit_of_work(house.db, SYSTEM) as uow:
        record_events(uow, [house.event()])
    while_called(house, partial(_happen_and_remove, house))
    drain(house.db)
    with unit_of_work(house.db, SYSTEM) as uow:
        wake_due(uow)
    assert len(house.inbox.messages) == 1
    assert Counter(one.state for one in house.deliveries()) == states
    assert house.attempts().total() == 1
    assert {one.failure for one in house.deliveries() if one.state == "failed"} == {"endpoint_removed"}


def _happen_and_remove(house: House, uow: UnitOfWork) -> None:
    house.happen(2)
    remove_endpoint(uow, house.endpoint)


@in_rounds
def test_places_of_events_written_by_several_have_no_gap(house: House) -> None:
    def write(number: int) -> int:
        def work(uow: UnitOfWork) -> int:
            return len(record_events(uow, [house.event() for _ in range(number + 1)]))

        return transact(house.db, SYSTEM, work)

    assert all(isinstance(one, int) for one in at_once([partial(write, number) for number in range(CROWD)]))
    with unit_of_work(house.db, SYSTEM) as uow:
        wanted = select(OutgoingEvent.position).where(OutgoingEvent.org_id == house.org.id)
        places = sorted(uow.session.scalars(wanted))
    assert places == list(range(1, len(places) + 1))


@in_rounds
def test_a_test_asked_for_by_several_at_once_is_one(house: House) -> None:
    with unit_of_work(house.db, house.org.owner) as uow:
        saved = save_endpoint(uow, SaveEndpoint("x", house.inbox.url, [TYPE]), box=BOX, policy=LOCAL)
        uow.flush()
    ask = partial(send_test, endpoint_id=saved.id)
    found = at_once([lambda: transact(house.db, house.org.owner, ask) for _ in range(CROWD)])
    assert len(set(found)) == 1, found
    with unit_of_work(house.db, house.org.owner) as uow:
        remove_endpoint(uow, saved.id)


@every_order
def test_what_is_written_while_an_endpoint_is_switched_off_waits_for_nobody(house: House, order: str) -> None:
    off = partial(switch_endpoint, endpoint_id=house.endpoint, on=False)
    interleaved(
        house.db,
        order,
        lambda: transact(house.db, SYSTEM, lambda uow: record_events(uow, [house.event()])),
        lambda: transact(house.db, house.org.owner, off),
    )
    with unit_of_work(house.db, SYSTEM) as uow:
        wake_due(uow)
    drain(house.db)
    assert {one.state for one in house.deliveries()} <= {"failed"}
    assert house.inbox.messages == []


@every_order
def test_a_delivery_that_is_replayed_while_it_ends_is_sent_again_at_most_once(house: House, order: str) -> None:
    house.happen(1)
    (delivery,) = house.deliveries()
    (job_id,) = house.jobs()
    again = partial(replay_delivery, endpoint_id=house.endpoint, delivery_id=delivery.id)
    interleaved(
        house.db,
        order,
        lambda: Runner(house.db, "worker").run(job_id),
        lambda: transact(house.db, house.org.owner, again),
        table="marketplace.webhook_attempt",
    )
    with unit_of_work(house.db, SYSTEM) as uow:
        wake_due(uow)
    drain(house.db)
    (row,) = house.deliveries()
    assert row.state == "delivered"
    assert row.attempts == len(house.inbox.messages) <= 2
