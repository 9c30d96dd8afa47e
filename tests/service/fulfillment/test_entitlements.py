"""Entitlements: opened once for a reference, ended once, and never left behind in the seller's system."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.provisioning.open_entitlement import OpenEntitlement, open_entitlement
from fulfillment.runs.conclude import Success, give_up, lock_run, succeed
from fulfillment.runs.models import RUN
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from tests.factories_fulfillment import (
    entitlement_of,
    events_of,
    make_connector,
    make_delivery,
    provision_run,
    runs_of,
)
from tests.factories_marketplace import make_seller

DONE = Success("t-1", "https://app.example/t/1")


def _called(uow: UnitOfWork, run_id: object, state: str = "calling") -> None:
    """Bring a run to where one try has been sent."""
    run, _ = lock_run(uow, run_id)  # type: ignore[arg-type]
    orgs = [run.buyer_org_id, run.seller_org_id]
    RUN.move(uow, run, "calling", org_ids=orgs)
    run.tries += 1
    if state != "calling":
        RUN.move(uow, run, state, org_ids=orgs)
    uow.flush()


class TestOpen:
    def test_it_begins_pending_with_one_queued_run_and_its_job(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        row, (run,) = entitlement_of(uow, made.id), runs_of(uow, made.id)
        assert (row.state, row.seats_used, row.valid_from, row.external_id) == ("pending", 0, None, None)
        assert (run.operation, run.state, run.percent, run.tries) == ("provision", "queued", 0, 0)
        jobs = uow.session.execute(
            text("SELECT kind, queue FROM kernel.job WHERE payload->>'run_id' = :r"), {"r": str(run.id)}
        ).all()
        assert [tuple(job) for job in jobs] == [("fulfillment.run.call", "default")]

    def test_a_reference_is_opened_once(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        row = entitlement_of(uow, made.id)
        again = open_entitlement(
            uow,
            OpenEntitlement(
                reference=made.reference,
                group_reference=uuid7(),
                buyer_org_id=row.buyer_org_id,
                seller_org_id=row.seller_org_id,
                listing_id=row.listing_id,
                plan_id=row.plan_id,
                connector_id=None,
                title="other",
                title_en="other",
                seats=99,
                term_months=0,
                time_zone="UTC",
                deadline_at=row.created_at,
                context={},
            ),
        )
        assert again == made.id
        assert len(runs_of(uow, made.id)) == 1
        assert entitlement_of(uow, made.id).seats == 3

    def test_a_connector_that_is_not_the_sellers_fails_the_delivery_at_once(self, uow: UnitOfWork) -> None:
        others = make_connector(uow, make_seller(uow), "http://127.0.0.1:1/hook").id
        for wrong in (uuid7(), others):
            made = make_delivery(uow, connector_id=wrong)
            (run,) = runs_of(uow, made.id)
            assert (run.state, run.failure) == ("failed", "connector_unknown")
            assert events_of(uow, made.id) == ["fulfillment.delivery_failed.v1"]

    def test_a_free_connector_of_the_seller_is_taken(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        own = make_connector(uow, seller, "http://127.0.0.1:1/hook").id
        made = make_delivery(uow, seller=seller, connector_id=own)
        assert entitlement_of(uow, made.id).connector_id == own
        assert provision_run(uow, made.id).state == "queued"


class TestEnd:
    def test_what_was_never_sent_needs_no_taking_down(self, uow: UnitOfWork, noon: datetime) -> None:
        made = make_delivery(uow)
        assert end_entitlement(uow, made.id, reason="refunded") is True
        assert entitlement_of(uow, made.id).valid_to == noon
        (run,) = runs_of(uow, made.id)
        assert (run.state, run.failure) == ("dead", "entitlement_ended")
        # Whoever ended it knows: no failure is announced.
        assert events_of(uow, made.id) == ["fulfillment.entitlement_ended.v1"]

    @pytest.mark.parametrize("state", ["calling", "waiting", "queued"])
    def test_what_may_have_been_made_is_taken_down(self, uow: UnitOfWork, state: str) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id, state)
        end_entitlement(uow, made.id, reason="refunded")
        provision, deprovision = runs_of(uow, made.id)
        # A call that is under way ends by its own answer.
        assert provision.state == ("calling" if state == "calling" else "dead")
        assert (deprovision.operation, deprovision.state) == ("deprovision", "queued")

    def test_an_active_one_ends_once(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id)
        succeed(uow, *lock_run(uow, made.run_id), DONE)
        assert end_entitlement(uow, made.id, reason="refunded") is True
        assert end_entitlement(uow, made.id, reason="refunded") is False
        assert [run.operation for run in runs_of(uow, made.id)] == ["provision", "deprovision"]
        assert events_of(uow, made.id) == ["fulfillment.entitlement_activated.v1", "fulfillment.entitlement_ended.v1"]

    def test_after_a_failure_the_seller_is_told_too(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id)
        give_up(uow, *lock_run(uow, made.run_id), state="failed", reason="http_422")
        end_entitlement(uow, made.id, reason="delivery_failed")
        assert [run.state for run in runs_of(uow, made.id)] == ["failed", "queued"]

    def test_unknown(self, uow: UnitOfWork) -> None:
        with pytest.raises(NotFound):
            end_entitlement(uow, uuid7(), reason="refunded")


class TestConclude:
    def test_a_success_activates_for_the_term_in_the_buyers_calendar(self, uow: UnitOfWork, noon: datetime) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id)
        succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/t/1", "好了", "done"))
        row, run = entitlement_of(uow, made.id), provision_run(uow, made.id)
        assert (row.state, row.external_id, row.launch_url) == ("active", "t-1", "https://app.example/t/1")
        assert row.valid_from == noon
        assert row.valid_to == noon.replace(year=2027)
        assert (run.state, run.percent, run.message, run.message_en, run.finished_at) == (
            "succeeded",
            100,
            "好了",
            "done",
            noon,
        )

    def test_a_second_success_changes_nothing(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id)
        succeed(uow, *lock_run(uow, made.run_id), DONE)
        succeed(uow, *lock_run(uow, made.run_id), Success("t-2", "https://other.example/"))
        assert entitlement_of(uow, made.id).external_id == "t-1"
        assert events_of(uow, made.id) == ["fulfillment.entitlement_activated.v1"]
        assert len(runs_of(uow, made.id)) == 1

    def test_a_failure_after_a_success_changes_nothing(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id)
        succeed(uow, *lock_run(uow, made.run_id), DONE)
        give_up(uow, *lock_run(uow, made.run_id), state="failed", reason="late")
        assert provision_run(uow, made.id).state == "succeeded"
        assert entitlement_of(uow, made.id).state == "active"

    @pytest.mark.parametrize("ended", [False, True])
    def test_a_late_success_is_taken_down_once(self, uow: UnitOfWork, *, ended: bool) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id, "waiting")
        give_up(uow, *lock_run(uow, made.run_id), state="dead", reason="deadline_missed")
        if ended:
            end_entitlement(uow, made.id, reason="delivery_failed")
        for _ in range(3):
            succeed(uow, *lock_run(uow, made.run_id), DONE)
        assert provision_run(uow, made.id).state == "dead"
        assert entitlement_of(uow, made.id).state == ("ended" if ended else "pending")
        # The seller is told what to take down by the name it gave.
        assert entitlement_of(uow, made.id).external_id == "t-1"
        assert [(run.operation, run.state) for run in runs_of(uow, made.id)] == [
            ("provision", "dead"),
            ("deprovision", "queued"),
        ]

    def test_a_success_after_the_taking_down_was_sent_is_taken_down_again(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id, "waiting")
        end_entitlement(uow, made.id, reason="refunded")
        _called(uow, runs_of(uow, made.id, "deprovision")[0].id, "succeeded")
        succeed(uow, *lock_run(uow, made.run_id), DONE)
        assert [run.state for run in runs_of(uow, made.id, "deprovision")] == ["succeeded", "queued"]

    def test_a_success_of_a_call_that_outlived_its_entitlement_is_taken_down(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        _called(uow, made.run_id)
        end_entitlement(uow, made.id, reason="refunded")
        succeed(uow, *lock_run(uow, made.run_id), DONE)
        assert entitlement_of(uow, made.id).state == "ended"
        assert [(run.operation, run.state) for run in runs_of(uow, made.id)] == [
            ("provision", "succeeded"),
            ("deprovision", "queued"),
        ]
        assert "fulfillment.entitlement_activated.v1" not in events_of(uow, made.id)

    def test_a_failure_is_announced_with_its_reason(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow, within=timedelta(hours=1))
        _called(uow, made.run_id)
        give_up(uow, *lock_run(uow, made.run_id), state="failed", reason="没有库存" * 200)
        reason = uow.session.scalar(
            text("SELECT payload->>'reason' FROM kernel.event WHERE subject_id = :s"), {"s": made.id}
        )
        assert reason == ("没有库存" * 200)[:500]
        assert entitlement_of(uow, made.id).state == "pending"
