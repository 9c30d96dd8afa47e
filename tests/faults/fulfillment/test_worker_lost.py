"""A worker that dies between the call and the record: taken over, sent again, and one tenant in the seller's own log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from fulfillment.connectors.ports import Answer, RunRequest
from fulfillment.connectors.webhook import WebhookConnector
from fulfillment.entitlements.models import Entitlement
from fulfillment.jobs import give_up_overdue
from fulfillment.runs.conclude import Success, lock_run, succeed
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.runner import Runner
from kernel.outbound import OutboundClient
from kernel.principal import SYSTEM
from tests.adapters.seller_process import PATIENCE_S, SECRET, Seller
from tests.factories_fulfillment import (
    LOOPBACK,
    Delivery,
    attempts_of,
    due_jobs,
    events_of,
    make_connector,
    make_delivery,
    provision_run,
    register,
    work,
)
from tests.factories_marketplace import make_seller


class Killed(BaseException):
    """What no handler catches, as little as it catches a SIGKILL."""


class DiesAfterCalls(WebhookConnector):
    """The real connector in a worker that dies `deaths` times with the seller's answer in its hands."""

    def __init__(self, deaths: int) -> None:
        super().__init__(OutboundClient(LOOPBACK))
        self._deaths = deaths

    def call(self, request: RunRequest) -> Answer:
        answer = super().call(request)
        if self._deaths:
            self._deaths -= 1
            raise Killed
        return answer


class PausesAfterCall(WebhookConnector):
    """The real connector in a worker that is stopped after its first call until `go` is set."""

    def __init__(self) -> None:
        super().__init__(OutboundClient(LOOPBACK))
        self.called, self.go = threading.Event(), threading.Event()

    def call(self, request: RunRequest) -> Answer:
        answer = super().call(request)
        if not self.called.is_set():
            self.called.set()
            assert self.go.wait(PATIENCE_S)
        return answer


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    running = Seller(tmp_path_factory.mktemp("seller"))
    yield running
    running.client.close()
    running.kill()


def begin(db: Database, seller: Seller) -> Delivery:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_seller(uow)
        hook = f"{seller.address}/webhooks/marketplace/northwind"
        return make_delivery(uow, seller=org, connector_id=make_connector(uow, org, hook, SECRET).id)


def begun_and_lost(db: Database, seller: Seller) -> Delivery:
    """A delivery whose worker died with the seller's answer in its hands."""
    register(webhook=DiesAfterCalls(deaths=1))
    made = begin(db, seller)
    (job_id,) = due_jobs(db, made.id)
    with pytest.raises(Killed):
        Runner(db, "doomed").run(job_id)
    return made


def expire_lease(db: Database, made: Delivery) -> None:
    """The dead worker's lease runs out; nobody waits six seconds for it here."""
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(
            text("""UPDATE kernel.job SET lease_until = clock_timestamp() - interval '1 second'
                    WHERE payload->>'run_id' = :r AND state = 'running'"""),
            {"r": str(made.run_id)},
        )


def test_one_tenant_however_often_the_worker_dies_with_the_answer(db: Database, seller: Seller, noon: datetime) -> None:
    register(webhook=DiesAfterCalls(deaths=3))
    made = begin(db, seller)
    for _ in range(3):
        (job_id,) = due_jobs(db, made.id)
        with pytest.raises(Killed):
            Runner(db, "doomed").run(job_id)
        assert not due_jobs(db, made.id), "the lease still holds"
        with unit_of_work(db, SYSTEM) as uow:
            assert provision_run(uow, made.id).state == "calling"
        expire_lease(db, made)
    work(db, made.id, "successor")

    with unit_of_work(db, SYSTEM) as uow:
        assert provision_run(uow, made.id).state == "succeeded"
        assert uow.session.get_one(Entitlement, made.id).state == "active"
        assert events_of(uow, made.id) == ["fulfillment.entitlement_activated.v1"]
    assert [attempt[1:] for attempt in attempts_of(db, made.run_id)] == [("unknown", None, "worker_lost")] * 3 + [
        ("succeeded", 200, None)
    ]
    log = seller.log(str(made.id))
    assert [effect["kind"] for effect in log["effects"]] == ["instance_created"]
    assert len(log["deliveries"]) == 4
    assert len({call["webhook_id"] for call in log["deliveries"]}) == 1


def test_a_try_is_concluded_as_lost_where_a_callback_ended_the_run_meanwhile(
    db: Database, seller: Seller, noon: datetime
) -> None:
    made = begun_and_lost(db, seller)
    with unit_of_work(db, SYSTEM) as uow:
        run, entitlement = lock_run(uow, made.run_id)
        succeed(uow, run, entitlement, Success("t-1", f"{seller.address}/t/t-1"))
    expire_lease(db, made)
    work(db, made.id, "successor")
    assert [attempt[1:] for attempt in attempts_of(db, made.run_id)] == [("unknown", None, "worker_lost")]


def test_a_try_is_concluded_as_lost_where_the_deadline_ended_the_run(
    db: Database, seller: Seller, noon: datetime
) -> None:
    made = begun_and_lost(db, seller)
    clock.advance(timedelta(days=30))
    with unit_of_work(db, SYSTEM) as uow:
        assert give_up_overdue(uow, made.run_id)
    assert [attempt[1:] for attempt in attempts_of(db, made.run_id)] == [("unknown", None, "worker_lost")]


def test_a_paused_worker_writes_nothing_late(db: Database, seller: Seller, noon: datetime) -> None:
    pausing = PausesAfterCall()
    register(webhook=pausing)
    made = begin(db, seller)
    (job_id,) = due_jobs(db, made.id)
    sleeper = threading.Thread(target=Runner(db, "sleeper").run, args=(job_id,))
    sleeper.start()
    assert pausing.called.wait(PATIENCE_S)
    expire_lease(db, made)
    work(db, made.id, "successor")
    before = attempts_of(db, made.run_id)
    assert [attempt[1] for attempt in before] == ["unknown", "succeeded"]

    pausing.go.set()
    sleeper.join(PATIENCE_S)
    assert not sleeper.is_alive()
    assert attempts_of(db, made.run_id) == before
    with unit_of_work(db, SYSTEM) as uow:
        assert events_of(uow, made.id) == ["fulfillment.entitlement_activated.v1"]
        outcomes = uow.session.scalars(
            text("SELECT outcome FROM kernel.job_attempt WHERE job_id = :j ORDER BY epoch"), {"j": job_id}
        ).all()
    assert "lost" in outcomes
    assert [effect["kind"] for effect in seller.log(str(made.id))["effects"]] == ["instance_created"]
