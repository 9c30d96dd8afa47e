"""Delivered or refunded: refusals for good, answers that come late, sellers that never answer."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from fulfillment.jobs import SWEEP_OVERDUE
from fulfillment.runs.models import Run
from kernel import clock
from kernel.errors import Conflict
from tests.adapters.seller_process import until
from tests.loop_stage import Stage

FAILED = [
    "orders.purchase_placed",
    "billing.payment_succeeded",
    "orders.order_paid",
    "billing.charge_recorded",
    "fulfillment.delivery_failed",
    "fulfillment.entitlement_ended",
    "orders.order_delivery_failed",
    "billing.refund_succeeded",
    "orders.order_refunded",
]
DEADLINE = timedelta(hours=24)


def everything_went_back(stage: Stage, order_id: UUID) -> None:
    order = stage.order(order_id)
    assert order.state == "refunded"
    assert stage.entitlement(order.id).state == "ended"
    (refund,) = stage.refunds(order.id)
    assert (refund.state, refund.amount_minor, refund.automatic) == ("succeeded", order.gross_minor, True)
    assert {share.state for share in stage.shares(order.id).values()} == {"reversed"}
    assert stage.papers(order.id) == []
    assert stage.papers(order.id, "credit_note") == []


def accepted(stage: Stage) -> UUID:
    """An order whose seller said "later" and then made the tenant, but whose callbacks were all lost."""
    stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
    order_id = stage.buy()
    stage.run()
    assert stage.delivery(order_id).state == "waiting"
    until(lambda: stage.effects(order_id) == ["instance_created"])
    stage.seller_app.behave()
    return order_id


class TestProvisioningFailsForGood:
    def test_refund_follows_by_itself(self, stage: Stage) -> None:
        stage.seller_app.behave(mode="fail_permanently")
        order_id = stage.buy()
        stage.run()
        assert stage.topics() == FAILED
        everything_went_back(stage, order_id)
        assert stage.effects(order_id) == []
        order = stage.order(order_id)
        assert order.failure == "供应商无法交付此订单。 / The vendor cannot deliver this order."
        for principal in (stage.purchaser, stage.seller.owner):
            assert stage.trace(principal, order_id).is_whole
        with pytest.raises(Conflict, match="order_not_refundable"):
            stage.refund(order_id)
        stage.settle()
        assert stage.statements(stage.seller) == []

    def test_a_free_order_ends_without_money(self, stage: Stage) -> None:
        plan_id, card = stage.offer(unit_price_minor=0)
        stage.seller_app.behave(mode="fail_permanently")
        order_id = stage.place(stage.quote(plan_id, context=card))
        stage.run()
        assert stage.order(order_id).state == "refunded"
        assert stage.topics()[-1] == "orders.order_refunded"
        assert stage.refunds(order_id) == []
        assert stage.entitlement(order_id).state == "ended"

    def test_a_refund_that_the_gateway_refuses_is_asked_for_again_every_day(self, stage: Stage) -> None:
        stage.seller_app.behave(mode="fail_permanently")
        order_id = stage.buy(method="sbx_refund_fails")
        stage.run()
        assert [refund.state for refund in stage.refunds(order_id)] == ["failed"]
        assert stage.order(order_id).state == "delivery_failed"
        clock.advance(timedelta(days=1))
        stage.run()
        assert [(refund.state, refund.reason) for refund in stage.refunds(order_id)] == [
            ("failed", "delivery_failed")
        ] * 2

    def test_a_seller_that_is_down_for_a_while_delivers_once(self, stage: Stage) -> None:
        stage.seller_app.behave(fail_times=3)
        order_id = stage.buy()
        for _ in range(3):
            stage.run()
            assert stage.delivery(order_id).state == "queued"
            clock.advance(timedelta(minutes=1))
        stage.run()
        assert stage.order(order_id).state == "active"
        assert stage.delivery(order_id).tries == 4
        assert stage.effects(order_id) == ["instance_created"]

    def test_an_answer_that_is_lost_is_asked_for_again_and_makes_nothing_twice(self, stage: Stage) -> None:
        stage.seller_app.behave(lose_answers=1)
        order_id = stage.buy()
        stage.run()
        clock.advance(timedelta(minutes=1))
        stage.run()
        assert stage.order(order_id).state == "active"
        assert stage.effects(order_id) == ["instance_created"]


class TestLateAnswer:
    def test_after_the_deadline_the_order_is_refunded_and_the_orphan_taken_down(self, stage: Stage) -> None:
        order_id = accepted(stage)
        run, tenant = stage.delivery(order_id), stage.seller_log(order_id)["effects"][0]["tenant_id"]
        clock.advance(DEADLINE - timedelta(seconds=1))
        stage.tick(SWEEP_OVERDUE)
        assert stage.order(order_id).state == "fulfilling"
        clock.advance(timedelta(seconds=1))
        stage.tick(SWEEP_OVERDUE)
        assert stage.topics() == FAILED
        everything_went_back(stage, order_id)
        answer = {"status": "succeeded", "external_id": tenant, "launch_url": f"{stage.seller_app.address}/t/{tenant}"}
        clock.advance(timedelta(days=2))
        assert stage.call_back(stage.token(run), answer)
        stage.run()
        assert stage.topics() == FAILED
        everything_went_back(stage, order_id)
        assert stage.effects(order_id) == ["instance_created", "instance_ended"]
        runs = stage.rows(select(Run).where(Run.entitlement_id == run.entitlement_id).order_by(Run.id))
        assert {(row.operation, row.state) for row in runs} == {("provision", "dead"), ("deprovision", "succeeded")}

    def test_in_time_the_order_is_active(self, stage: Stage) -> None:
        order_id = accepted(stage)
        tenant = stage.seller_log(order_id)["effects"][0]["tenant_id"]
        clock.advance(DEADLINE - timedelta(seconds=1))
        answer = {"status": "succeeded", "external_id": tenant, "launch_url": f"{stage.seller_app.address}/t/{tenant}"}
        assert stage.call_back(stage.token(stage.delivery(order_id)), answer)
        stage.run()
        clock.advance(timedelta(seconds=1))
        stage.tick(SWEEP_OVERDUE)
        assert stage.order(order_id).state == "active"
        entitlement = stage.entitlement(order_id)
        assert (entitlement.state, entitlement.external_id) == ("active", tenant)
        # Nobody pays for waiting: the term begins with the delivery.
        assert entitlement.valid_from == clock.now() - timedelta(seconds=1)
        assert stage.effects(order_id) == ["instance_created"]
