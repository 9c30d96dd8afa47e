"""Ways in which paying goes another way than at once."""

from __future__ import annotations

from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.ledger.queries import balance_minor
from billing.payments.adapters.sandbox import SandboxGateway
from billing.payments.jobs import JANITOR
from billing.payments.models import PaymentAllocation
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from orders.loop import SWEEP_PURCHASES
from orders.purchases.decide_purchase import close_unpaid
from orders.purchases.models import Purchase
from orders.purchases.pay import pay_again
from orders.quotes.give_quote import Asked
from tests.loop_stage import Stage


def bought(stage: Stage, method: str) -> UUID:
    purchase_id = stage.purchase(stage.quote(), method=method)
    stage.run()
    return purchase_id


def state(stage: Stage, purchase_id: UUID) -> tuple[str, str]:
    (order,) = stage.orders_of(purchase_id)
    return stage.get(Purchase, purchase_id).state, order.state


def paid_by(stage: Stage, purchase_id: UUID) -> list[tuple[str, str]]:
    return [(payment.method_token, payment.state) for payment in stage.payments(purchase_id)]


def pay(stage: Stage, purchase_id: UUID, method: str) -> None:
    transact(
        stage.services.db,
        stage.purchaser,
        lambda uow: pay_again(uow, purchase_id, gateway="sandbox", method_token=method),
    )
    stage.run()


class TestOnePayment:
    def test_declined_then_paid_by_another_method(self, stage: Stage) -> None:
        purchase_id = bought(stage, "sbx_declined")
        assert state(stage, purchase_id) == ("pending_payment", "pending_payment")
        pay(stage, purchase_id, "sbx_insufficient")
        pay(stage, purchase_id, "sbx_ok")
        assert state(stage, purchase_id) == ("paid", "active")
        assert paid_by(stage, purchase_id) == [
            ("sbx_declined", "failed"),
            ("sbx_insufficient", "failed"),
            ("sbx_ok", "succeeded"),
        ]
        (order,) = stage.orders_of(purchase_id)
        assert stage.trace(stage.purchaser, order.id).is_whole
        with pytest.raises(Conflict, match="purchase_not_payable"):
            pay(stage, purchase_id, "sbx_ok")

    def test_declined_and_never_paid_it_expires_after_a_day(self, stage: Stage) -> None:
        purchase_id = bought(stage, "sbx_declined")
        clock.advance(timedelta(hours=24))
        stage.tick(SWEEP_PURCHASES)
        assert state(stage, purchase_id) == ("expired", "expired")
        with pytest.raises(Conflict, match="purchase_not_payable"):
            pay(stage, purchase_id, "sbx_ok")

    @pytest.mark.parametrize("approve", [True, False])
    def test_authentication_asked_for(self, stage: Stage, approve: bool) -> None:  # noqa: FBT001
        purchase_id = bought(stage, "sbx_requires_action")
        (payment,) = stage.payments(purchase_id)
        assert payment.state == "requires_action"
        assert state(stage, purchase_id) == ("pending_payment", "pending_payment")
        with pytest.raises(Conflict, match="payment_already_running"):
            pay(stage, purchase_id, "sbx_ok")
        gateway = cast("SandboxGateway", stage.services.gateways["sandbox"])
        gateway.authenticate(payment.gateway_reference or "", approve=approve)
        stage.run()
        expected = ("paid", "active") if approve else ("pending_payment", "pending_payment")
        assert state(stage, purchase_id) == expected

    def test_authentication_that_never_comes_expires_the_purchase(self, stage: Stage) -> None:
        purchase_id = bought(stage, "sbx_requires_action")
        clock.advance(timedelta(hours=24))
        stage.tick(JANITOR)
        stage.tick(SWEEP_PURCHASES)
        assert paid_by(stage, purchase_id) == [("sbx_requires_action", "failed")]
        assert state(stage, purchase_id) == ("expired", "expired")

    def test_a_delayed_one_keeps_the_purchase_waiting_past_its_deadline(self, stage: Stage) -> None:
        purchase_id = bought(stage, "sbx_delayed_86400")
        clock.advance(timedelta(hours=24) - timedelta(seconds=1))
        stage.tick(SWEEP_PURCHASES)
        assert state(stage, purchase_id) == ("pending_payment", "pending_payment")
        clock.advance(timedelta(seconds=1))
        stage.tick(SWEEP_PURCHASES)
        stage.run()
        assert state(stage, purchase_id) == ("paid", "active")

    @pytest.mark.parametrize("method", ["sbx_timeout", "sbx_request_lost"])
    def test_an_unknown_outcome_is_found_out_and_taken_once(self, stage: Stage, method: str) -> None:
        purchase_id = bought(stage, method)
        clock.advance(timedelta(seconds=15))
        stage.tick(JANITOR)
        assert state(stage, purchase_id) == ("paid", "active")
        assert paid_by(stage, purchase_id) == [(method, "succeeded")]
        assert stage.topics().count("billing.payment_succeeded") == 1

    def test_money_for_a_purchase_that_no_longer_waits_goes_back(self, stage: Stage) -> None:
        purchase_id = bought(stage, "sbx_delayed_60")
        # The sweep would spare a purchase with a payment in flight; whatever closed it, no money may stay here.
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            purchase = lock_row(uow.session, Purchase, purchase_id)
            assert purchase is not None
            close_unpaid(uow, purchase, "expired", reason="test")
        clock.advance(timedelta(seconds=61))
        stage.run()
        assert state(stage, purchase_id) == ("expired", "expired")
        (order,) = stage.orders_of(purchase_id)
        (refund,) = stage.refunds(order.id)
        assert (refund.state, refund.amount_minor, refund.automatic) == ("succeeded", order.gross_minor, True)
        assert stage.papers(order.id) == []
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert balance_minor(uow, stage.buyer.id, "buyer_credit", "CNY") == 0


class TestNothingToPay:
    def test_a_free_plan_is_delivered_without_payment_invoice_or_shares(self, stage: Stage) -> None:
        plan_id, card = stage.offer(unit_price_minor=0)
        purchase_id = stage.purchase(stage.quote(plan_id, context=card))
        stage.run()
        assert state(stage, purchase_id) == ("paid", "active")
        (order,) = stage.orders_of(purchase_id)
        assert stage.payments(purchase_id) == []
        assert stage.papers(order.id) == []
        assert stage.shares(order.id) == {}
        assert stage.effects(order.id) == ["instance_created"]
        assert stage.trace(stage.purchaser, order.id).is_whole
        with pytest.raises(Conflict, match="order_not_refundable"):
            stage.refund(order.id)


class TestTwoSellers:
    def test_one_payment_and_an_order_for_each(self, stage: Stage) -> None:
        other, plan_id, _ = stage.second_seller()
        lines = (Asked(stage.seat_plan, 20), Asked(plan_id, 3), Asked(stage.service_plan, 1))
        purchase_id = stage.purchase(stage.quote(lines=lines))
        stage.run()
        orders = {order.seller_org_id: order for order in stage.orders_of(purchase_id)}
        assert {org: order.gross_minor for org, order in orders.items()} == {
            stage.seller.id: 398_000 + 1_280_000,
            other.id: 59_700,
        }
        (payment,) = stage.payments(purchase_id)
        assert payment.amount_minor == 1_737_700
        allocated = stage.rows(select(PaymentAllocation).where(PaymentAllocation.payment_id == payment.id))
        assert {row.reference: row.amount_minor for row in allocated} == {
            order.id: order.gross_minor for order in orders.values()
        }
        assert {order.state for order in orders.values()} == {"active"}
        for order in orders.values():
            (invoice,) = stage.papers(order.id)
            assert (invoice.gross_minor, invoice.seller_org_id) == (order.gross_minor, order.seller_org_id)
        # A seller sees its own order of the purchase and nothing of the other's.
        own = stage.plain(stage.trace(stage.seller.owner, orders[stage.seller.id].id))
        assert str(other.id) not in own
        assert str(orders[other.id].id) not in own

    def test_one_that_cannot_deliver_gets_only_its_own_part_refunded(self, stage: Stage) -> None:
        other, plan_id, _ = stage.second_seller()
        stage.seller_app.behave(vendor="contoso", mode="fail_permanently")
        purchase_id = stage.purchase(stage.quote(lines=(Asked(stage.seat_plan, 20), Asked(plan_id, 3))))
        stage.run()
        orders = {order.seller_org_id: order for order in stage.orders_of(purchase_id)}
        assert orders[stage.seller.id].state == "active"
        assert orders[other.id].state == "refunded"
        assert [refund.amount_minor for refund in stage.refunds(orders[other.id].id)] == [59_700]
        assert stage.refunds(orders[stage.seller.id].id) == []
