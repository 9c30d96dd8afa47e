"""Runs that ran out of time, and runs given another chance by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.scheduler import run_sweep
from fulfillment import jobs
from fulfillment.jobs import give_up_overdue, overdue_runs
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.runs.conclude import Success, give_up, lock_run, succeed
from fulfillment.runs.models import RUN
from fulfillment.runs.replay_run import REPLAY_WITHIN, replay_run
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.principal import SYSTEM
from tests.factories_fulfillment import entitlement_of, events_of, make_delivery, provision_run, runs_of
from tests.factories_marketplace import OPERATOR_PRINCIPAL, acting


class TestDeadline:
    @pytest.mark.parametrize("state", ["queued", "calling", "waiting"])
    def test_whatever_it_waits_for_it_dies_at_its_deadline(self, uow: UnitOfWork, noon: datetime, state: str) -> None:
        made = make_delivery(uow, within=timedelta(hours=1))
        run, _ = lock_run(uow, made.run_id)
        for step in {"queued": [], "calling": ["calling"], "waiting": ["calling", "waiting"]}[state]:
            RUN.move(uow, run, step, org_ids=[run.buyer_org_id, run.seller_org_id])
        clock.advance(timedelta(minutes=59, seconds=59))
        assert made.run_id not in overdue_runs(uow)
        assert give_up_overdue(uow, made.run_id) is False
        clock.advance(timedelta(seconds=1))
        assert made.run_id in overdue_runs(uow)
        assert give_up_overdue(uow, made.run_id) is True
        assert give_up_overdue(uow, made.run_id) is False
        dead = provision_run(uow, made.id)
        assert (dead.state, dead.failure, dead.finished_at) == ("dead", "deadline_missed", clock.now())
        assert made.run_id not in overdue_runs(uow)
        assert events_of(uow, made.id) == ["fulfillment.delivery_failed.v1"]

    def test_one_that_cannot_be_given_up_keeps_no_other_alive(
        self, db: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            stuck = make_delivery(uow, within=timedelta(hours=1))
            other = make_delivery(uow, within=timedelta(hours=2))
        clock.advance(timedelta(hours=3))
        give_up_overdue = jobs.give_up_overdue

        def refuse(uow: UnitOfWork, run_id: UUID) -> bool:
            if run_id == stuck.run_id:
                raise Conflict("invalid_transition")
            return give_up_overdue(uow, run_id)

        monkeypatch.setattr(jobs, "give_up_overdue", refuse)
        run_sweep(db, next(item for item in sweeps() if item.name == jobs.SWEEP_OVERDUE))
        with unit_of_work(db, SYSTEM) as uow:
            assert provision_run(uow, stuck.id).state == "queued"
            assert provision_run(uow, other.id).state == "dead"
        monkeypatch.undo()
        with unit_of_work(db, SYSTEM) as uow:
            assert give_up_overdue(uow, stuck.run_id)

    def test_what_has_ended_is_left_alone(self, uow: UnitOfWork, noon: datetime) -> None:
        made = make_delivery(uow, within=timedelta(hours=1))
        succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))
        clock.advance(timedelta(hours=2))
        assert made.run_id not in overdue_runs(uow)
        assert give_up_overdue(uow, made.run_id) is False


class TestReplay:
    @pytest.mark.parametrize("state", ["failed", "dead"])
    def test_it_is_queued_with_a_fresh_deadline_and_a_job_of_its_own(
        self, uow: UnitOfWork, noon: datetime, state: str
    ) -> None:
        made = make_delivery(uow)
        for call_generation in (2, 3):
            # Twice without a try between: each replay has its own job.
            give_up(uow, *lock_run(uow, made.run_id), state=state, reason="x")
            with acting(uow, made.seller.owner):
                replay_run(uow, made.run_id)
            run = provision_run(uow, made.id)
            assert (run.state, run.failure, run.finished_at, run.call_generation) == (
                "queued",
                None,
                None,
                call_generation,
            )
            assert run.deadline_at == noon + REPLAY_WITHIN
            key = uow.session.scalar(
                text("SELECT state FROM kernel.job WHERE dedupe_key = :k"), {"k": f"{run.id}:{call_generation}"}
            )
            assert key == "ready"

    def test_the_operator_may_too(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        give_up(uow, *lock_run(uow, made.run_id), state="dead", reason="x")
        with acting(uow, OPERATOR_PRINCIPAL):
            replay_run(uow, made.run_id)
        assert provision_run(uow, made.id).state == "queued"

    def test_what_is_under_way_or_done_is_not_replayed(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        with acting(uow, made.seller.owner), pytest.raises(Conflict):
            replay_run(uow, made.run_id)
        succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))
        with acting(uow, made.seller.owner), pytest.raises(Conflict) as refused:
            replay_run(uow, made.run_id)
        assert (refused.value.code, refused.value.params) == ("run_not_replayable", {"state": "succeeded"})

    def test_nothing_is_provisioned_for_what_has_ended(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        run, _ = lock_run(uow, made.run_id)
        run.tries = 1
        give_up(uow, *lock_run(uow, made.run_id), state="dead", reason="x")
        end_entitlement(uow, made.id, reason="delivery_failed")
        with acting(uow, made.seller.owner), pytest.raises(Conflict):
            replay_run(uow, made.run_id)
        # Taking down still can be.
        (down,) = runs_of(uow, made.id, "deprovision")
        give_up(uow, *lock_run(uow, down.id), state="failed", reason="http_400")
        with acting(uow, made.seller.owner):
            replay_run(uow, down.id)
        assert runs_of(uow, made.id, "deprovision")[0].state == "queued"

    def test_what_was_taken_down_is_not_brought_back(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        give_up(uow, *lock_run(uow, made.run_id), state="dead", reason="x")
        succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))
        assert entitlement_of(uow, made.id).state == "pending"
        with acting(uow, made.seller.owner), pytest.raises(Conflict):
            replay_run(uow, made.run_id)

    def test_others_runs_do_not_exist(self, uow: UnitOfWork) -> None:
        made, other = make_delivery(uow), make_delivery(uow)
        give_up(uow, *lock_run(uow, made.run_id), state="dead", reason="x")
        for principal in (other.seller.owner, made.buyer.owner):
            with acting(uow, principal):
                with pytest.raises(NotFound):
                    replay_run(uow, made.run_id)
                with pytest.raises(NotFound):
                    replay_run(uow, uuid7())
        assert provision_run(uow, made.id).state == "dead"
