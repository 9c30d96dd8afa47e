"""Ways in which paying goes another way than at once."""

from __future__ import annotations

from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.gateways.janitor import JANITOR
from billing.gateways.sandbox import SandboxGateway
from billing.ledger.queries import balance_minor
from billing.payments.models import PaymentAllocation
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import suspend_listing
from orders.checkout.create_quote import QuoteItem
from orders.checkout.models import Purchase
from orders.checkout.request_payment import pay_again
from orders.deadlines import expire_purchase, overdue_purchases
from orders.loop import SWEEP_PURCHASES
from tests.factories_marketplace import OPERATOR_PRINCIPAL
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


def expired(stage: Stage, purchase_id: UUID) -> bool:
    """Whether the sweep expires the purchase now, before anything else runs."""
    found = transact(stage.services.db, SYSTEM, overdue_purchases)
    return purchase_id in found and transact(stage.services.db, SYSTEM, lambda uow: expire_purchase(uow, purchase_id))


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

    def test_a_payment_in_doubt_holds_its_purchase_for_a_week_and_then_goes_back(self, stage: Stage) -> None:
        purchase_id = bought(stage, "sbx_delayed_60")
        clock.advance(timedelta(days=8) - timedelta(seconds=1))
        assert not expired(stage, purchase_id)
        clock.advance(timedelta(seconds=1))
        assert expired(stage, purchase_id)
        stage.run()
        assert paid_by(stage, purchase_id) == [("sbx_delayed_60", "succeeded")]
        assert state(stage, purchase_id) == ("expired", "expired")
        (order,) = stage.orders_of(purchase_id)
        assert (order.payment_id, order.paid_at) == (None, None)
        (refund,) = stage.refunds(order.id)
        assert (refund.state, refund.amount_minor, refund.automatic) == ("succeeded", order.gross_minor, True)
        assert stage.papers(order.id) == []
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert balance_minor(uow, stage.buyer.id, "buyer_credit", "CNY") == 0

    def test_a_payment_begun_while_the_sweep_looked_keeps_its_purchase(self, stage: Stage) -> None:
        purchase_id = bought(stage, "sbx_declined")
        transact(
            stage.services.db,
            stage.purchaser,
            lambda uow: pay_again(uow, purchase_id, gateway="sandbox", method_token="sbx_delayed_60"),
        )
        clock.advance(timedelta(hours=24))
        assert not transact(stage.services.db, SYSTEM, lambda uow: expire_purchase(uow, purchase_id))
        assert state(stage, purchase_id) == ("pending_payment", "pending_payment")

    def test_nothing_is_paid_after_the_deadline_nor_for_what_is_off_sale(self, stage: Stage) -> None:
        purchase_id, late = bought(stage, "sbx_declined"), bought(stage, "sbx_declined")
        with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
            suspend_listing(uow, stage.get(Plan, stage.seat_plan).listing_id, "under review")
        with pytest.raises(Conflict, match="listing_suspended"):
            pay(stage, purchase_id, "sbx_ok")
        clock.advance(timedelta(hours=24))
        with pytest.raises(Conflict, match="purchase_not_payable"):
            pay(stage, late, "sbx_ok")


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
        lines = (QuoteItem(stage.seat_plan, 20), QuoteItem(plan_id, 3), QuoteItem(stage.service_plan, 1))
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
        purchase_id = stage.purchase(stage.quote(lines=(QuoteItem(stage.seat_plan, 20), QuoteItem(plan_id, 3))))
        stage.run()
        orders = {order.seller_org_id: order for order in stage.orders_of(purchase_id)}
        assert orders[stage.seller.id].state == "active"
        assert orders[other.id].state == "refunded"
        assert [refund.amount_minor for refund in stage.refunds(orders[other.id].id)] == [59_700]
        assert stage.refunds(orders[stage.seller.id].id) == []

    def test_a_free_order_beside_a_paid_one_is_none_of_its_payment(self, stage: Stage) -> None:
        other, plan_id, _ = stage.second_seller()
        free, _ = stage.offer(other, unit_price_minor=0, connector_id=stage.get(Plan, plan_id).connector_id)
        stage.seller_app.behave(vendor="contoso", mode="fail_permanently")
        purchase_id = stage.purchase(stage.quote(lines=(QuoteItem(stage.seat_plan, 20), QuoteItem(free, 3))))
        stage.run()
        orders = {order.seller_org_id: order for order in stage.orders_of(purchase_id)}
        assert (orders[other.id].state, orders[other.id].payment_id) == ("refunded", None)
        assert stage.refunds(orders[other.id].id) == []
        assert orders[stage.seller.id].state == "active"
