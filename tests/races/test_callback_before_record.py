"""Forced interleaving: the seller's callback is applied before the worker could write down its 202."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.scheduler import run_sweep
from fulfillment.connectors.ports import Accepted, Answer, Connector, Exchange, Refused, RunRequest, TryAgain
from fulfillment.jobs import SWEEP_OVERDUE
from fulfillment.runs.conclude import Success, lock_run, succeed
from fulfillment.runs.receive_callback import apply_callback, receive_callback
from fulfillment.runs.replay_run import replay_run
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.kinds import sweeps
from kernel.jobs.models import Inbox
from kernel.principal import SYSTEM
from tests.factories_fulfillment import (
    SIGNER,
    Delivery,
    attempts_of,
    events_of,
    make_delivery,
    provision_run,
    register,
    work,
)
from tests.races.forced import somebody_waits

pytestmark = pytest.mark.races
DONE = {"status": "succeeded", "external_id": "t-1", "launch_url": "https://app.example/t/1"}
BUSY = {"status": "failed", "retryable": True, "message_en": "busy"}


class During(Connector):
    """A seller that acts while its first answer is still on the wire."""

    def __init__(self, act: Callable[[RunRequest], None], first: Callable[[Exchange], Answer]) -> None:
        self._act, self._first = act, first
        self.calls = 0

    def call(self, request: RunRequest) -> Answer:
        self.calls += 1
        if self.calls == 1:
            self._act(request)
            return self._first(Exchange())
        return Accepted(Exchange())


def calls_back(db: Database, body: dict[str, Any]) -> Callable[[RunRequest], None]:
    def act(request: RunRequest) -> None:
        token = request.body["data"]["callback_url"].rsplit("/", 1)[-1]
        with unit_of_work(db, SYSTEM) as uow:
            receive_callback(uow, token, json.dumps(body).encode(), signer=SIGNER)
        with unit_of_work(db, SYSTEM) as uow:
            for inbox_id in uow.session.scalars(select(Inbox.id).where(Inbox.source == f"run:{request.run_id}")):
                apply_callback(uow, inbox_id, request.run_id)

    return act


def shown(db: Database, made: Delivery) -> tuple[str, int, int]:
    with unit_of_work(db, SYSTEM) as uow:
        run = provision_run(uow, made.id)
        return run.state, run.tries, run.call_generation


def delivery(db: Database, **changes: Any) -> Delivery:
    with unit_of_work(db, SYSTEM) as uow:
        return make_delivery(uow, **changes)


ANSWERS: dict[str, Callable[[Exchange], Answer]] = {
    "accepted": Accepted,
    "again": lambda exchange: TryAgain(exchange, "http_503"),
    "refused": lambda exchange: Refused(exchange, "http_422"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_success_stands_whatever_the_answer_says_afterwards(db: Database, noon: datetime, answer: str) -> None:
    register(none=During(calls_back(db, DONE), ANSWERS[answer]))
    made = delivery(db)
    work(db, made.id)
    clock.advance(timedelta(hours=1))
    work(db, made.id)
    assert shown(db, made) == ("succeeded", 1, 1)
    with unit_of_work(db, SYSTEM) as uow:
        assert events_of(uow, made.id) == ["fulfillment.entitlement_activated.v1"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_waited_for_the_order_sees_what_was_done_meanwhile(
    db: Database, noon: datetime, answer: str
) -> None:
    held, others = threading.Event(), []

    def succeeds_when_waited_for(request: RunRequest) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            found = lock_run(uow, request.run_id)
            held.set()
            deadline = time.monotonic() + 2
            while not somebody_waits(db):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            succeed(uow, *found, Success("t-1", "https://app.example/t/1"))

    def begins(request: RunRequest) -> None:
        others.append(threading.Thread(target=succeeds_when_waited_for, args=(request,)))
        others[0].start()
        assert held.wait(30)

    register(none=During(begins, ANSWERS[answer]))
    made = delivery(db)
    work(db, made.id)
    others[0].join(30)
    assert shown(db, made) == ("succeeded", 1, 1)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_wish_to_be_asked_again_is_one_more_call_by_one_job(db: Database, noon: datetime, answer: str) -> None:
    seller = During(calls_back(db, BUSY), ANSWERS[answer])
    register(none=seller)
    made = delivery(db)
    work(db, made.id)
    # The answer belongs to a call_generation that is no longer the run's: it is on record and moves nothing.
    assert shown(db, made) == ("queued", 1, 2)
    clock.advance(timedelta(minutes=5))
    work(db, made.id)
    assert shown(db, made) == ("waiting", 2, 2)
    assert seller.calls == 2
    assert len(attempts_of(db, made.run_id)) == 2


def test_a_replay_while_the_call_hangs_leaves_one_job_in_charge(db: Database, noon: datetime) -> None:
    def outlives_the_deadline(request: RunRequest) -> None:
        clock.advance(timedelta(hours=2))
        sweep(db)
        assert shown(db, made)[0] == "dead"
        with unit_of_work(db, SYSTEM) as uow:
            replay_run(uow, request.run_id)

    seller = During(outlives_the_deadline, ANSWERS["again"])
    register(none=seller)
    made = delivery(db, within=timedelta(hours=1))
    work(db, made.id)
    assert shown(db, made) == ("waiting", 2, 2)
    assert seller.calls == 2
    assert [attempt[1] for attempt in attempts_of(db, made.run_id)] == ["retry", "accepted"]


def sweep(db: Database) -> None:
    """Do the sweep once, as the scheduler would."""
    run_sweep(db, next(item for item in sweeps() if item.name == SWEEP_OVERDUE))


def test_the_sweep_gives_up_what_is_overdue_and_nothing_else(db: Database, noon: datetime) -> None:
    register()
    late, other_late, timely = (delivery(db, within=timedelta(hours=hours)) for hours in (1, 2, 3))
    clock.advance(timedelta(hours=2))
    sweep(db)
    assert [shown(db, made)[0] for made in (late, other_late, timely)] == ["dead", "dead", "queued"]
