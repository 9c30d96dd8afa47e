"""The webhook connector against the sample seller as a process of its own, calling back to the real application."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from fulfillment.connectors.save_connector import rotate_secret
from fulfillment.entitlements.models import Entitlement
from fulfillment.jobs import give_up_overdue
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.runs.replay_run import replay_run
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.signing import new_webhook_secret
from tests.adapters.seller_process import SECRET, Seller, until
from tests.api_server import services_for, serving
from tests.factories_fulfillment import (
    BOX,
    LOOPBACK,
    SIGNER,
    Delivery,
    attempts_of,
    due_jobs,
    make_connector,
    make_delivery,
    provision_run,
    register,
    runs_of,
    work,
)
from tests.factories_marketplace import make_seller


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    running = Seller(tmp_path_factory.mktemp("seller"))
    yield running
    running.client.close()
    if running.process.poll() is None:
        running.kill()


@pytest.fixture(scope="module")
def address(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application to which the seller calls back."""
    services = services_for(db, tmp_path_factory.mktemp("home"), signer=SIGNER, box=BOX, policy=LOOPBACK)
    with serving(services) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(seller: Seller, address: str, noon: datetime) -> None:
    """A new connector has a breaker of its own: an earlier test's failures do not hold this one back."""
    register(address)
    seller.behave()


def begin(db: Database, seller: Seller, secret: str = SECRET, **changes: Any) -> Delivery:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_seller(uow)
        hook = f"{seller.address}/webhooks/marketplace/northwind"
        connector_id = make_connector(uow, org, hook, secret).id
        return make_delivery(uow, seller=org, connector_id=connector_id, **changes)


def shown(db: Database, made: Delivery) -> tuple[str, str, int]:
    """(run's state, entitlement's state, tries)."""
    with unit_of_work(db, SYSTEM) as uow:
        run = provision_run(uow, made.id)
        return run.state, uow.session.get_one(Entitlement, made.id).state, run.tries


def effects(seller: Seller, made: Delivery) -> list[str]:
    return [effect["kind"] for effect in seller.log(str(made.id))["effects"]]


def through_pauses(db: Database, made: Delivery, limit: int = 12) -> None:
    """Work on, moving the clock over the pauses between tries."""
    for _ in range(limit):
        work(db, made.id)
        if shown(db, made)[0] != "queued":
            return
        clock.advance(timedelta(minutes=1))


def until_called_back(db: Database, made: Delivery, state: str) -> None:
    def reached() -> bool:
        work(db, made.id)
        return shown(db, made)[0] == state

    until(reached)


def callbacks_stored(db: Database, run_id: UUID) -> list[str]:
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.scalars(
            text("SELECT kind FROM kernel.inbox WHERE source = :s ORDER BY received_at, id"), {"s": f"run:{run_id}"}
        )
        return list(rows)


def test_done_at_once(db: Database, seller: Seller) -> None:
    made = begin(db, seller)
    work(db, made.id)
    assert shown(db, made) == ("succeeded", "active", 1)
    assert effects(seller, made) == ["instance_created"]
    with unit_of_work(db, SYSTEM) as uow:
        row = uow.session.get_one(Entitlement, made.id)
        assert row.launch_url == f"{seller.address}/t/{row.external_id}"
        run = provision_run(uow, made.id)
        assert (run.message, run.message_en) == ("工作区已开通。", "The workspace is ready.")
        excerpt = uow.session.scalar(
            text("SELECT request_excerpt FROM fulfillment.run_attempt WHERE run_id = :r"), {"r": made.run_id}
        )
    # The callback address is a credential and stays out of the record.
    assert "/hooks/runs/" not in excerpt
    assert "…" in excerpt
    assert [call["verdict"] for call in seller.log(str(made.id))["deliveries"]] == ["verified"]
    assert attempts_of(db, made.run_id) == [(1, "succeeded", 200, None)]


def test_called_back_with_progress(db: Database, seller: Seller) -> None:
    seller.behave(mode="async", progress_steps=3, step_ms=30, late_ms=150)
    made = begin(db, seller)
    work(db, made.id)
    assert shown(db, made)[:2] in {("waiting", "pending"), ("succeeded", "active")}
    until_called_back(db, made, "succeeded")
    assert shown(db, made) == ("succeeded", "active", 1)
    assert callbacks_stored(db, made.run_id).count("progress") == 3
    assert effects(seller, made) == ["instance_created"]
    assert attempts_of(db, made.run_id) == [(1, "accepted", 202, None)]


@pytest.mark.parametrize(
    "behaviour",
    [
        {"duplicate_callbacks": True},
        {"reorder_callbacks": True},
        {"duplicate_callbacks": True, "reorder_callbacks": True},
    ],
)
def test_repeated_and_reordered_callbacks_come_to_the_same(
    db: Database, seller: Seller, behaviour: dict[str, bool]
) -> None:
    seller.behave(mode="async", progress_steps=3, step_ms=10, late_ms=20, **behaviour)
    made = begin(db, seller)
    until_called_back(db, made, "succeeded")
    until(lambda: len(callbacks_stored(db, made.run_id)) == 4)
    work(db, made.id)
    assert shown(db, made) == ("succeeded", "active", 1)
    assert effects(seller, made) == ["instance_created"]
    assert sorted(callbacks_stored(db, made.run_id)) == ["progress"] * 3 + ["succeeded"]


def test_a_refusal_is_final(db: Database, seller: Seller) -> None:
    seller.behave(mode="fail_permanently")
    made = begin(db, seller)
    work(db, made.id)
    assert shown(db, made) == ("failed", "pending", 1)
    ((_, outcome, status, reason),) = attempts_of(db, made.run_id)
    assert (outcome, status, reason) == (
        "refused",
        422,
        "供应商无法交付此订单。 / The vendor cannot deliver this order.",
    )
    assert effects(seller, made) == []


def test_it_is_tried_until_the_seller_is_well(db: Database, seller: Seller) -> None:
    seller.behave(fail_times=3)
    made = begin(db, seller)
    through_pauses(db, made)
    assert shown(db, made) == ("succeeded", "active", 4)
    assert [attempt[1:3] for attempt in attempts_of(db, made.run_id)] == [("retry", 503)] * 3 + [("succeeded", 200)]
    calls = seller.log(str(made.id))["deliveries"]
    assert len({call["webhook_id"] for call in calls}) == 1
    assert effects(seller, made) == ["instance_created"]


def test_retry_after_is_honoured(db: Database, seller: Seller) -> None:
    seller.behave(fail_times=1, fail_status=429, retry_after_s=100)
    made = begin(db, seller)
    work(db, made.id)
    clock.advance(timedelta(seconds=99))
    assert not due_jobs(db, made.id)
    clock.advance(timedelta(seconds=1))
    work(db, made.id)
    assert shown(db, made) == ("succeeded", "active", 2)


def test_a_lost_answer_is_asked_for_again_and_one_tenant_exists(db: Database, seller: Seller) -> None:
    seller.behave(lose_answers=2)
    made = begin(db, seller)
    through_pauses(db, made)
    assert shown(db, made) == ("succeeded", "active", 3)
    assert [attempt[1:] for attempt in attempts_of(db, made.run_id)][:2] == [("retry", None, "connection_lost")] * 2
    assert effects(seller, made) == ["instance_created"]


def test_a_slow_answer_is_waited_for(db: Database, seller: Seller) -> None:
    seller.behave(slow_ms=700)
    made = begin(db, seller)
    work(db, made.id)
    assert shown(db, made) == ("succeeded", "active", 1)
    with unit_of_work(db, SYSTEM) as uow:
        elapsed_ms = uow.session.scalar(
            text("SELECT elapsed_ms FROM fulfillment.run_attempt WHERE run_id = :r"), {"r": made.run_id}
        )
    assert elapsed_ms >= 700


def test_a_secret_the_seller_does_not_know_is_refused(db: Database, seller: Seller) -> None:
    made = begin(db, seller, secret=new_webhook_secret())
    work(db, made.id)
    assert shown(db, made) == ("failed", "pending", 1)
    assert attempts_of(db, made.run_id) == [(1, "refused", 401, "the signature does not verify")]
    assert effects(seller, made) == []


def test_during_a_rotation_the_former_secret_still_opens(db: Database, seller: Seller) -> None:
    made = begin(db, seller)
    with unit_of_work(db, Principal(PrincipalKind.SYSTEM, org_id=made.seller.id, label="test")) as uow:
        connector_id = uow.session.get_one(Entitlement, made.id).connector_id
        assert connector_id is not None
        rotate_secret(uow, connector_id, box=BOX)
    work(db, made.id)
    assert shown(db, made)[0] == "succeeded"


def test_a_failure_that_may_be_mended_is_sent_again(db: Database, seller: Seller) -> None:
    seller.behave(mode="async", progress_steps=1, step_ms=5, outcome="failed", outcome_retryable=True)
    made = begin(db, seller)
    for tries in (1, 2, 3):
        clock.advance(timedelta(minutes=1))
        work(db, made.id)
        until_called_back(db, made, "queued")
        assert shown(db, made) == ("queued", "pending", tries)
    # Only now, with no try under way: the seller decides about a try when it ends.
    seller.behave(mode="async", progress_steps=1, step_ms=5)
    clock.advance(timedelta(minutes=1))
    until_called_back(db, made, "succeeded")
    assert effects(seller, made) == ["instance_created"]


def test_a_seller_that_never_calls_back_is_given_up_and_told(db: Database, seller: Seller) -> None:
    seller.behave(mode="async", drop_callbacks=True, progress_steps=0, late_ms=5)
    made = begin(db, seller, within=timedelta(hours=1))
    work(db, made.id)
    until(lambda: effects(seller, made) == ["instance_created"])
    assert shown(db, made) == ("waiting", "pending", 1)
    clock.advance(timedelta(hours=1))
    seller.behave()
    with unit_of_work(db, SYSTEM) as uow:
        assert give_up_overdue(uow, made.run_id)
        end_entitlement(uow, made.id, reason="delivery_failed")
    work(db, made.id)
    assert shown(db, made) == ("dead", "ended", 1)
    assert effects(seller, made) == ["instance_created", "instance_ended"]


def test_a_success_after_the_deadline_is_taken_down(db: Database, seller: Seller) -> None:
    seller.behave(mode="async", progress_steps=0, late_ms=400)
    made = begin(db, seller, within=timedelta(hours=1))
    work(db, made.id)
    clock.advance(timedelta(hours=1))
    with unit_of_work(db, SYSTEM) as uow:
        assert give_up_overdue(uow, made.run_id)
    until(lambda: callbacks_stored(db, made.run_id) == ["succeeded"])
    seller.behave()
    work(db, made.id)
    work(db, made.id)
    assert shown(db, made) == ("dead", "pending", 1)
    assert effects(seller, made) == ["instance_created", "instance_ended"]


def test_a_replay_by_hand_is_the_same_message(db: Database, seller: Seller) -> None:
    made = begin(db, seller, within=timedelta(hours=1))
    seller.behave(fail_times=1)
    work(db, made.id)
    clock.advance(timedelta(hours=2))
    work(db, made.id)
    assert shown(db, made) == ("dead", "pending", 1)
    with unit_of_work(db, made.seller.owner) as uow:
        replay_run(uow, made.run_id)
    work(db, made.id)
    assert shown(db, made) == ("succeeded", "active", 2)
    assert len({call["webhook_id"] for call in seller.log(str(made.id))["deliveries"]}) == 1


def test_an_endpoint_that_is_down_is_no_lost_order(db: Database, seller: Seller) -> None:
    made = begin(db, seller)
    seller.kill()
    for _ in range(7):
        work(db, made.id)
        clock.advance(timedelta(minutes=5))
    reasons = [attempt[3] for attempt in attempts_of(db, made.run_id)]
    # After five failures in a row the endpoint rests: nothing is sent, and nothing is lost.
    assert reasons[:5] == ["connect_failed"] * 5
    assert "breaker_open" in reasons
    assert shown(db, made)[:2] == ("queued", "pending")
    seller.start()
    register()
    clock.advance(timedelta(hours=1))
    work(db, made.id)
    assert shown(db, made)[:2] == ("succeeded", "active")
    assert effects(seller, made) == ["instance_created"]


def test_the_end_is_told_and_stays(db: Database, seller: Seller) -> None:
    made = begin(db, seller)
    work(db, made.id)
    with unit_of_work(db, SYSTEM) as uow:
        end_entitlement(uow, made.id, reason="refunded")
    work(db, made.id)
    with unit_of_work(db, SYSTEM) as uow:
        assert [run.state for run in runs_of(uow, made.id)] == ["succeeded", "succeeded"]
    assert effects(seller, made) == ["instance_created", "instance_ended"]
