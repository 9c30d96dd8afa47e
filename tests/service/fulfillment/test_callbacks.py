"""Callbacks: any order, any duplicate, any replay → one state."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from fulfillment.runs.conclude import give_up, lock_run
from fulfillment.runs.models import RUN, Run
from fulfillment.runs.receive_callback import APPLY, MAX_BYTES, apply_callback, receive_callback
from fulfillment.runs.request_body import CALLBACK, CALLBACK_KEPT
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.models import Inbox, Job
from tests.factories_fulfillment import (
    SIGNER,
    Delivery,
    entitlement_of,
    events_of,
    make_delivery,
    provision_run,
    runs_of,
)

DONE = {"status": "succeeded", "sequence": 9, "external_id": "t-1", "launch_url": "https://app.example/t/1"}


def at(step: int, percent: int, words: str) -> dict[str, Any]:
    return {"status": "progress", "sequence": step, "percent": percent, "message_zh": words, "message_en": words}


def token(run_id: UUID) -> str:
    return SIGNER.sign_token(CALLBACK, {"run": str(run_id)}, clock.now() + timedelta(days=1))


def send(uow: UnitOfWork, run_id: UUID, body: Any) -> bool:
    """Receive a message and let its job act."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    known = set(uow.session.scalars(select(Inbox.id)))
    taken = receive_callback(uow, token(run_id), raw, signer=SIGNER)
    for inbox_id in set(uow.session.scalars(select(Inbox.id))) - known:
        apply_callback(uow, inbox_id, run_id)
    uow.flush()
    return taken


def waiting(uow: UnitOfWork, state: str = "waiting", **changes: Any) -> Delivery:
    made = make_delivery(uow, **changes)
    sent(uow, made.run_id, state)
    return made


def sent(uow: UnitOfWork, run_id: UUID, state: str = "waiting") -> None:
    run, _ = lock_run(uow, run_id)
    orgs = [run.buyer_org_id, run.seller_org_id]
    RUN.move(uow, run, "calling", org_ids=orgs)
    run.tries += 1
    if state != "calling":
        RUN.move(uow, run, state, org_ids=orgs)
    uow.flush()


def shown(uow: UnitOfWork, made: Delivery) -> tuple[Any, ...]:
    run, row = provision_run(uow, made.id), entitlement_of(uow, made.id)
    return run.state, run.percent, run.message, row.state, row.external_id, len(runs_of(uow, made.id))


class TestOrder:
    @pytest.mark.parametrize("order", list(permutations(range(4))))
    def test_every_permutation_ends_in_one_state(self, uow: UnitOfWork, order: tuple[int, ...]) -> None:
        messages = [at(1, 25, "a"), at(2, 50, "b"), at(3, 75, "c"), DONE]
        made = waiting(uow)
        for index in order:
            send(uow, made.run_id, messages[index])
        assert shown(uow, made) == ("succeeded", 100, None, "active", "t-1", 1)
        assert events_of(uow, made.id) == ["fulfillment.entitlement_activated.v1"]

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_a_failure_that_may_be_mended_and_its_mending_in_any_order(
        self, uow: UnitOfWork, order: tuple[int, ...]
    ) -> None:
        messages = [{"status": "failed", "sequence": 2, "retryable": True}, at(1, 30, "a"), DONE]
        made = waiting(uow)
        for index in order:
            send(uow, made.run_id, messages[index])
        assert shown(uow, made) == ("succeeded", 100, None, "active", "t-1", 1)

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_progress_never_runs_backwards(self, uow: UnitOfWork, order: tuple[int, ...]) -> None:
        messages = [at(1, 30, "a"), at(2, 60, "b"), at(3, 40, "c")]
        made, seen = waiting(uow), [0]
        for index in order:
            send(uow, made.run_id, messages[index])
            seen.append(provision_run(uow, made.id).percent)
        assert seen == sorted(seen)
        run = provision_run(uow, made.id)
        # The newest word counts, and the highest figure, whatever came when.
        assert (run.percent, run.message) == (60, "c")

    def test_without_numbers_the_percentage_says_what_is_late(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        for percent in (10, 50, 30, 50):
            send(uow, made.run_id, {"status": "progress", "percent": percent, "message_zh": f"{percent}"})
        run = provision_run(uow, made.id)
        assert (run.percent, run.message) == (50, "50")

    def test_a_hundred_is_for_the_result(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        send(uow, made.run_id, at(1, 100, "almost"))
        assert provision_run(uow, made.id).percent == 99

    def test_the_first_final_message_decides(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        send(uow, made.run_id, {"status": "failed", "message_zh": "没有库存"})
        assert (provision_run(uow, made.id).state, provision_run(uow, made.id).failure) == ("failed", "没有库存")
        send(uow, made.run_id, DONE)
        # The contradiction is taken down in the seller's system; the buyer's state stays.
        assert provision_run(uow, made.id).state == "failed"
        assert [run.operation for run in runs_of(uow, made.id)] == ["provision", "deprovision"]
        states = list(uow.session.scalars(select(Inbox.state).where(Inbox.source == f"run:{made.run_id}")))
        assert sorted(states) == ["ignored", "processed"]


class TestStored:
    def test_as_it_came_with_the_job_that_applies_it(self, uow: UnitOfWork, noon: datetime) -> None:
        made = waiting(uow)
        body = json.dumps(DONE).encode()
        assert receive_callback(uow, token(made.run_id), body, signer=SIGNER)
        uow.flush_outbox()
        row = uow.session.scalars(select(Inbox).where(Inbox.source == f"run:{made.run_id}")).one()
        assert (row.event_id, row.kind, row.state, row.received_at) == (
            f"1:{hashlib.sha256(body).hexdigest()}", "succeeded", "received", noon,
        )  # fmt: skip
        assert {name: row.body[name] for name in DONE} == DONE
        job = uow.session.scalars(select(Job).where(Job.kind == APPLY, Job.dedupe_key == str(row.id))).one()
        assert job.payload == {"inbox_id": str(row.id), "run_id": str(made.run_id)}


class TestRepetition:
    def test_the_same_words_twice_are_one_message(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        assert send(uow, made.run_id, DONE) is True
        assert send(uow, made.run_id, DONE) is False
        assert shown(uow, made) == ("succeeded", 100, None, "active", "t-1", 1)

    def test_a_message_acts_once_however_often_its_job_runs(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        send(uow, made.run_id, {"status": "failed", "retryable": True})
        (inbox_id,) = uow.session.scalars(select(Inbox.id).where(Inbox.source == f"run:{made.run_id}"))
        sent(uow, made.run_id)
        apply_callback(uow, inbox_id, made.run_id)
        assert provision_run(uow, made.id).state == "waiting"

    def test_the_same_words_about_another_try_are_another_message(self, uow: UnitOfWork) -> None:
        made, body = waiting(uow), {"status": "failed", "sequence": 1, "retryable": True, "message_en": "busy"}
        for tries in (1, 2, 3):
            assert send(uow, made.run_id, body) is True
            run = provision_run(uow, made.id)
            assert (run.state, run.tries, run.call_generation) == ("queued", tries, tries + 1)
            sent(uow, made.run_id)


class TestFailure:
    @pytest.mark.parametrize("state", ["calling", "waiting"])
    def test_one_that_may_be_mended_is_sent_again_after_a_pause(
        self, uow: UnitOfWork, noon: datetime, state: str
    ) -> None:
        made = waiting(uow, state)
        send(uow, made.run_id, {"status": "failed", "retryable": True, "message_en": "busy"})
        run = provision_run(uow, made.id)
        assert (run.state, run.failure) == ("queued", None)
        job = uow.session.execute(
            text("SELECT run_at, payload FROM kernel.job WHERE dedupe_key = :k"),
            {"k": f"{run.id}:{run.call_generation}"},
        ).one()
        assert noon + timedelta(seconds=1) <= job.run_at <= noon + timedelta(seconds=2)

    def test_one_that_may_be_mended_dies_when_there_is_no_time_left(self, uow: UnitOfWork) -> None:
        made = waiting(uow, within=timedelta(seconds=1))
        send(uow, made.run_id, {"status": "failed", "retryable": True})
        assert provision_run(uow, made.id).state == "dead"
        assert events_of(uow, made.id) == ["fulfillment.delivery_failed.v1"]

    def test_a_final_one_may_come_before_the_call_was_recorded(self, uow: UnitOfWork) -> None:
        for state in ("calling", "queued"):
            made = waiting(uow, state)
            send(uow, made.run_id, {"status": "failed"})
            assert (provision_run(uow, made.id).state, provision_run(uow, made.id).failure) == (
                "failed",
                "seller_failed",
            )

    def test_a_success_may_come_before_the_call_was_recorded(self, uow: UnitOfWork) -> None:
        for state in ("calling", "queued"):
            made = waiting(uow, state)
            send(uow, made.run_id, DONE)
            assert shown(uow, made) == ("succeeded", 100, None, "active", "t-1", 1)


class TestRefusal:
    @pytest.mark.parametrize(
        "body",
        [b"", b"\xff", b"[" * 50_000, b"{}", b'{"status":"succeeded"}', b'{"status":"succeeded","external_id":"t"}'],
    )
    def test_a_malformed_body_is_refused_and_not_stored(self, uow: UnitOfWork, body: bytes) -> None:
        made = waiting(uow)
        with pytest.raises(Invalid) as refused:
            receive_callback(uow, token(made.run_id), body, signer=SIGNER)
        assert refused.value.code == "callback_malformed"
        assert uow.session.scalar(select(Inbox.id).where(Inbox.source == f"run:{made.run_id}")) is None

    def test_only_provisioning_must_name_the_tenant(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        give_up(uow, *lock_run(uow, made.run_id), state="dead", reason="deadline_missed")
        send(uow, made.run_id, DONE)
        (down,) = runs_of(uow, made.id, "deprovision")
        sent(uow, down.id)
        send(uow, down.id, {"status": "succeeded"})
        assert uow.session.get_one(Run, down.id).state == "succeeded"

    def test_too_long(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        longest = json.dumps(DONE).encode().ljust(MAX_BYTES)
        with pytest.raises(Invalid) as refused:
            receive_callback(uow, token(made.run_id), longest + b" ", signer=SIGNER)
        assert (refused.value.code, refused.value.params) == ("callback_too_large", {"limit": MAX_BYTES})
        assert receive_callback(uow, token(made.run_id), longest, signer=SIGNER)

    @pytest.mark.parametrize(
        ("missing", "rest"),
        [
            ("launch_url", {}),
            ("launch_url", {"external_id": "t"}),
            ("external_id", {"launch_url": "https://app.example/t/1"}),
        ],
    )
    def test_what_a_success_leaves_out_is_named(self, uow: UnitOfWork, missing: str, rest: dict[str, str]) -> None:
        made = waiting(uow)
        body = json.dumps({"status": "succeeded", **rest}).encode()
        with pytest.raises(Invalid) as refused:
            receive_callback(uow, token(made.run_id), body, signer=SIGNER)
        assert (refused.value.code, refused.value.field) == ("callback_malformed", missing)

    def test_an_address_that_is_not_ours(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        good = token(made.run_id)
        other_purpose = SIGNER.sign_token("share", {"run": str(made.run_id)}, clock.now() + timedelta(days=1))
        nobody = token(uuid7())
        for wrong in ("", "x", "é", good[:-2], good + "x", other_purpose, nobody, good.replace(".", "")):
            with pytest.raises(NotFound) as refused:
                receive_callback(uow, wrong, json.dumps(DONE).encode(), signer=SIGNER)
            assert refused.value.code == "not_found"

    def test_an_address_past_its_time(self, uow: UnitOfWork) -> None:
        made = waiting(uow)
        run = provision_run(uow, made.id)
        address = SIGNER.sign_token(CALLBACK, {"run": str(run.id)}, run.deadline_at + CALLBACK_KEPT)
        with clock.frozen(run.deadline_at + CALLBACK_KEPT + timedelta(seconds=1)), pytest.raises(NotFound):
            receive_callback(uow, address, json.dumps(DONE).encode(), signer=SIGNER)
