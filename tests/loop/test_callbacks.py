"""Callbacks of a whole life, in every order and twice each: one final state, and the seller's own log agrees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

from tests.adapters.seller_process import until
from tests.loop_stage import Stage


def accepted(stage: Stage, count: int) -> list[UUID]:
    """Orders whose seller will answer later, and has made its tenants already; it calls nobody by itself."""
    stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
    orders = [stage.buy() for _ in range(count)]
    stage.run()
    until(lambda: all(stage.effects(order_id) == ["instance_created"] for order_id in orders))
    stage.seller_app.behave()
    return orders


def at(step: int) -> dict[str, Any]:
    return {"status": "progress", "sequence": step, "percent": step * 25, "message_zh": f"第 {step} 步"}


def done(stage: Stage, order_id: UUID) -> dict[str, Any]:
    tenant = stage.seller_log(order_id)["effects"][0]["tenant_id"]
    launch_url = f"{stage.seller_app.address}/t/{tenant}"
    return {"status": "succeeded", "sequence": 9, "external_id": tenant, "launch_url": launch_url}


def deliver(stage: Stage, order_id: UUID, messages: Sequence[dict[str, Any]], *, at_once: bool) -> None:
    """Each message twice; applied one by one, or all after the last one came."""
    token = stage.token(stage.delivery(order_id))
    for message in messages:
        assert stage.call_back(token, message)
        assert not stage.call_back(token, message)
        if not at_once:
            stage.run()


class TestEveryOrder:
    def test_progress_and_success_end_in_one_active_order(self, stage: Stage) -> None:
        orders = accepted(stage, 24)
        for number, (order_id, picked) in enumerate(zip(orders, permutations(range(4)), strict=True)):
            messages = [at(1), at(2), at(3), done(stage, order_id)]
            deliver(stage, order_id, [messages[index] for index in picked], at_once=number % 2 == 0)
        stage.run()
        for order_id in orders:
            run, entitlement = stage.delivery(order_id), stage.entitlement(order_id)
            assert (stage.order(order_id).state, run.state, run.percent) == ("active", "succeeded", 100)
            assert (entitlement.state, entitlement.external_id) == ("active", done(stage, order_id)["external_id"])
            assert stage.effects(order_id) == ["instance_created"]
            assert len(stage.papers(order_id)) == 1
        topics = stage.topics()
        for once in ("orders.order_activated", "fulfillment.entitlement_activated", "billing.invoice_issued"):
            assert topics.count(once) == len(orders)

    def test_a_no_and_a_yes_end_delivered_or_refunded_as_the_seller_has_it(self, stage: Stage) -> None:
        orders = accepted(stage, 6)
        no = {"status": "failed", "sequence": 8, "message_zh": "没有库存"}
        for order_id, picked in zip(orders, permutations(range(3)), strict=True):
            messages = [at(1), no, done(stage, order_id)]
            deliver(stage, order_id, [messages[index] for index in picked], at_once=False)
            stage.run()
            said = [messages[index]["status"] for index in picked if index]
            order, effects = stage.order(order_id), stage.effects(order_id)
            # The first definite word counts; what contradicts it afterwards is undone in the seller's system.
            if said[0] == "succeeded":
                assert (order.state, effects) == ("active", ["instance_created"])
            else:
                assert (order.state, effects) == ("refunded", ["instance_created", "instance_ended"])
                assert order.failure == "没有库存"
                assert [refund.amount_minor for refund in stage.refunds(order_id)] == [order.gross_minor]
