"""Processes killed with -9 in the middle of the loop: every order ends delivered once or refunded, and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from billing.gateways.models import SandboxOperation
from billing.payments.events import PaymentSucceeded
from billing.payments.models import Payment
from billing.payments.submit_payment import SUBMIT
from fulfillment.runs.models import RunAttempt
from fulfillment.runs.start_run import CALL
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from marketplace.access.api_keys import MintApiKey, mint_api_key
from orders.checkout.models import Purchase
from tests.faults.loop.market import Market, wait_for
from tests.faults.machines import PATIENCE_S
from tests.loop_stage import Stage


def end_well(stage: Stage, purchases: list[UUID]) -> None:
    """Every order active and invoiced, paid once by the gateway's books, made once by the seller's."""
    orders = [order.id for purchase_id in purchases for order in stage.orders_of(purchase_id)]

    def done() -> bool:
        return all(stage.order(order_id).state == "active" and stage.papers(order_id) for order_id in orders)

    wait_for(done, "active orders")
    for order_id in orders:
        assert stage.effects(order_id) == ["instance_created"]
        assert len(stage.papers(order_id)) == 1
    for purchase_id in purchases:
        (payment,) = stage.payments(purchase_id)
        assert payment.state == "succeeded"
        taken = select(func.count()).where(
            SandboxOperation.metadata_["payment_id"].astext == str(payment.id), SandboxOperation.state == "succeeded"
        )
        assert stage.rows(taken) == [1]
    ids = {str(purchase_id) for purchase_id in purchases}
    told = select(EventRow.payload["reference"].astext).where(EventRow.topic == PaymentSucceeded.topic)
    assert sorted(reference for reference in stage.rows(told) if reference in ids) == sorted(ids)


def settle(market: Market) -> None:
    """Wait for the follow-up work, then check the whole."""
    wait_for(lambda: not market.holds("first", CALL) and not market.holds("second", CALL), "idle workers")
    market.verify()


class TestWorkerKilled:
    def test_during_provisioning(self, market: Market, stage: Stage) -> None:
        market.seller.behave(slow_ms=8_000)
        purchases = [stage.purchase(stage.quote()) for _ in range(6)]
        wait_for(lambda: market.holds("first", CALL) or market.holds("second", CALL), "a call to the seller")
        victim = "first" if market.holds("first", CALL) else "second"
        # The call itself is under way, not only its job.
        wait_for(lambda: any(stage.rows(self._started(stage))), "a try")
        caught = market.holds(victim, CALL)
        killed_at = market.kill(victim)
        market.seller.behave()
        end_well(stage, purchases)
        assert caught
        market.assert_taken_over(caught, killed_at)
        market.run(victim)
        settle(market)

    def test_before_the_gateway_took_the_payment(self, market: Market, stage: Stage) -> None:
        with market.held("LOCK TABLE billing.sandbox_operation IN EXCLUSIVE MODE"):
            purchases, victim, caught = self._submitting(market, stage)
            killed_at = market.kill(victim)
        end_well(stage, purchases)
        market.assert_taken_over(caught, killed_at)
        market.run(victim)
        settle(market)

    def test_after_the_gateway_took_it_and_before_we_wrote_it_down(self, market: Market, stage: Stage) -> None:
        with market.held("LOCK TABLE billing.sandbox_operation IN EXCLUSIVE MODE"):
            purchases, victim, caught = self._submitting(market, stage)
            (payment,) = stage.payments(purchases[0])
            row = market.held("SELECT id FROM billing.payment WHERE id = :id FOR UPDATE", id=payment.id)
            row.__enter__()
        taken = select(SandboxOperation.id).where(
            SandboxOperation.metadata_["payment_id"].astext == str(payment.id), SandboxOperation.state == "succeeded"
        )
        try:
            wait_for(lambda: stage.rows(taken), "the gateway's own entry")
            killed_at = market.kill(victim)
            assert stage.get(Payment, payment.id).state == "processing"
        finally:
            row.__exit__(None, None, None)
        end_well(stage, purchases)
        market.assert_taken_over(caught, killed_at)
        market.run(victim)
        settle(market)

    def test_at_any_moment_again_and_again(self, market: Market, stage: Stage) -> None:
        seed = random.randrange(10_000)
        chance, methods = random.Random(seed), ("sbx_ok", "sbx_timeout", "sbx_delayed_1")
        purchases: list[UUID] = []
        for round_ in range(3):
            purchases += [stage.purchase(stage.quote(), method=chance.choice(methods)) for _ in range(3)]
            time.sleep(chance.uniform(0.0, 0.4))
            victim = ("first", "second")[round_ % 2]
            market.kill(victim)
            market.run(victim)
        print(f"seed {seed}")
        end_well(stage, purchases)
        settle(market)

    def _submitting(self, market: Market, stage: Stage) -> tuple[list[UUID], str, list[UUID]]:
        """A purchase whose payment a worker has begun to submit; the worker, and its job."""
        purchases = [stage.purchase(stage.quote())]
        wait_for(lambda: market.holds("first", SUBMIT) or market.holds("second", SUBMIT), "a submitted payment")
        victim = "first" if market.holds("first", SUBMIT) else "second"
        caught = market.holds(victim, SUBMIT)
        assert len(caught) == 1
        return purchases, victim, caught

    def _started(self, stage: Stage) -> Any:
        return select(RunAttempt.id).where(RunAttempt.buyer_org_id == stage.buyer.id, RunAttempt.outcome == "started")


class TestDoorbellLost:
    def test_emptied_killed_and_away_for_a_while(self, market: Market, stage: Stage) -> None:
        market.seller.behave(slow_ms=200)
        assert market.engines.valkey is not None
        purchases = [stage.purchase(stage.quote()) for _ in range(3)]
        market.valkey_process().kill()
        wait_for(lambda: market.engines.valkey is not None and market.engines.valkey.pid is None, "the bell's end")
        # Nobody hears the bell; buying goes on and so does the work.
        purchases += [stage.purchase(stage.quote()) for _ in range(3)]
        end_well(stage, purchases[:4])
        # It comes back empty: what was in it is gone for good.
        assert market.engines.mend() == ["valkey"]
        purchases += [stage.purchase(stage.quote()) for _ in range(3)]
        end_well(stage, purchases)
        settle(market)


class TestApiKilled:
    def test_between_commit_and_answer(self, market: Market, stage: Stage) -> None:
        with unit_of_work(market.services.db, stage.purchaser) as uow:
            key = mint_api_key(uow, MintApiKey("faults", ("orders.buy", "orders.read"))).text
        body = {"quote_id": str(stage.quote()), "billing_profile_id": str(stage.profile), "payment_method": "sbx_ok"}
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid7())}

        def ask() -> httpx.Response:
            return httpx.post(f"{market.address}/v1/purchases", json=body, headers=headers, timeout=30, trust_env=False)

        placed = select(Purchase.id).where(Purchase.buyer_org_id == stage.buyer.id)
        bell = market.valkey_process()
        # The bell is rung after the commit and before the answer; one that does not answer holds the request right there.
        os.kill(bell.pid, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(1) as pool:
                first = pool.submit(ask)
                wait_for(lambda: stage.rows(placed), "the commit")
                market.kill("api")
                with pytest.raises(httpx.TransportError):
                    first.result(30)
        finally:
            os.kill(bell.pid, signal.SIGCONT)
        market.run("api")
        # The key stays in use for as long as the first request might still be at it; then how things stand is told.
        refused: list[str] = []
        until = time.monotonic() + PATIENCE_S
        while (again := ask()).status_code == 409 and time.monotonic() < until:
            refused.append(again.json()["code"])
            time.sleep(1.0)
        assert set(refused) <= {"idempotency_key_in_use"}
        assert again.status_code == 201, again.text
        assert again.headers["idempotency-replayed"] == "true"
        purchases = stage.rows(placed)
        assert [str(purchase_id) for purchase_id in purchases] == [again.json()["id"]]
        end_well(stage, purchases)
        settle(market)
