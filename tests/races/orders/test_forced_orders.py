"""One order or purchase between two that meet, in every order there is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from billing.gateways.ports import GatewayAnswer, GatewayStatus
from billing.gateways.result import GatewayResult
from billing.payments.apply_gateway_result import apply_gateway_result
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.money import Money
from kernel.principal import SYSTEM
from orders.approval_rules.models import PurchaseRule
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.cancel_purchase import cancel_purchase
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.request_payment import pay_again
from orders.deadlines import UNRESOLVED_PAYMENT_WAITS, expire_purchase
from tests.loop_stage import Stage
from tests.races.forced import (
    OF_TWINS,
    Side,
    every_order,
    every_order_of_twins,
    interleaved,
)

pytestmark = pytest.mark.races
GROSS = 398_000


def overdue(stage: Stage, purchase_id: UUID, by: timedelta = timedelta(seconds=1)) -> None:
    """Let the purchase's time have passed."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        values = {"deadline_at": clock.now() - by}
        uow.session.execute(update(Purchase).where(Purchase.id == purchase_id).values(**values))


def expiring(stage: Stage, purchase_id: UUID) -> Side:
    return lambda: transact(stage.services.db, SYSTEM, lambda uow: expire_purchase(uow, purchase_id))


def when_it_strikes(stage: Stage, purchase_id: UUID) -> Side:
    """The clock reaches the purchase's deadline, and it expires. The clock is frozen by the caller."""
    expire, deadline_at = expiring(stage, purchase_id), stage.get(Purchase, purchase_id).deadline_at
    assert deadline_at is not None
    waits = deadline_at - clock.now()

    def strikes() -> object:
        clock.advance(waits)
        return expire()

    return strikes


def deciding(stage: Stage, purchase_id: UUID, decision: str) -> Side:
    def decide() -> str:
        command = DecidePurchase(purchase_id, decision, "because")  # type: ignore[arg-type]
        transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, command))
        return decision

    return decide


def calling_off(stage: Stage, purchase_id: UUID) -> Side:
    def call_off() -> str:
        return transact(stage.services.db, stage.purchaser, lambda uow: cancel_purchase(uow, purchase_id).state)

    return call_off


def paying_again(stage: Stage, purchase_id: UUID) -> Side:
    def pay_in(uow: UnitOfWork) -> UUID:
        submission = pay_again(uow, purchase_id, gateway="sandbox", method_token="sbx_ok")
        assert submission is not None
        return submission.request.row_id

    def pay() -> UUID:
        return transact(stage.services.db, stage.purchaser, pay_in)

    return pay


def state_of(stage: Stage, purchase_id: UUID) -> tuple[str, str]:
    """Of the purchase, and of its only order."""
    (order,) = stage.orders_of(purchase_id)
    return stage.get(Purchase, purchase_id).state, order.state


@every_order_of_twins
def test_one_quote_is_one_purchase(stage: Stage, order: str) -> None:
    command = PlacePurchase(stage.quote(), stage.profile, "sandbox", "sbx_ok")

    def place() -> UUID:
        return transact(stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id)

    assert interleaved(stage.services.db, order, place, place)[1] == "quote_used"
    assert len(stage.rows(select(Purchase.id).where(Purchase.buyer_org_id == stage.buyer.id))) == 1


@every_order_of_twins
def test_two_purchases_do_not_share_what_is_left_of_a_month(stage: Stage, order: str) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", None, max_month_minor=2 * GROSS - 1))

    def placing() -> Side:
        command = PlacePurchase(stage.quote(), stage.profile, "sandbox", "sbx_ok")
        return lambda: transact(
            stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id
        )

    placed = interleaved(stage.services.db, order, placing(), placing())
    assert [state_of(stage, one)[0] for one in placed] == ["pending_payment", "pending_approval"]  # type: ignore[arg-type]  # ids


@every_order_of_twins
def test_one_payment_is_tried_at_a_time(stage: Stage, order: str) -> None:
    purchase_id = stage.purchase(stage.quote(), method="sbx_declined")
    stage.run()
    pay = paying_again(stage, purchase_id)
    assert interleaved(stage.services.db, order, pay, pay)[1] == "payment_already_running"
    stage.run()
    assert [payment.state for payment in stage.payments(purchase_id)] == ["failed", "succeeded"]
    assert state_of(stage, purchase_id) == ("paid", "active")


@every_order
def test_another_payment_against_expiry(stage: Stage, order: str) -> None:
    """A payment that begins in time holds its purchase open; what has expired is not paid for."""
    purchase_id = stage.purchase(stage.quote(), method="sbx_declined")
    stage.run()
    with clock.frozen(clock.now()):
        paid, expired = interleaved(
            stage.services.db, order, paying_again(stage, purchase_id), when_it_strikes(stage, purchase_id)
        )
    assert (isinstance(paid, UUID), expired) == ((True, False) if order in OF_TWINS else (False, True))
    state = "expired" if expired else "pending_payment"
    assert state_of(stage, purchase_id) == (state, state)
    tried = [payment.state for payment in stage.payments(purchase_id)]
    assert tried == (["failed"] if expired else ["failed", "processing"])


@every_order
def test_another_payment_against_calling_off(stage: Stage, order: str) -> None:
    """What is being paid is not called off, and what was called off is not paid."""
    purchase_id = stage.purchase(stage.quote(), method="sbx_declined")
    stage.run()
    paid, called_off = interleaved(
        stage.services.db, order, paying_again(stage, purchase_id), calling_off(stage, purchase_id)
    )
    if order in OF_TWINS:
        assert (isinstance(paid, UUID), called_off) == (True, "payment_already_running")
    else:
        assert (paid, called_off) == ("purchase_not_payable", "cancelled")
    stage.run()
    assert state_of(stage, purchase_id) == (("paid", "active") if order in OF_TWINS else ("cancelled",) * 2)
    tried = [payment.state for payment in stage.payments(purchase_id)]
    assert tried == (["failed", "succeeded"] if order in OF_TWINS else ["failed"])


@every_order
def test_expiry_against_calling_off(stage: Stage, order: str) -> None:
    purchase_id = stage.purchase(stage.quote(), method="sbx_declined")
    stage.run()
    overdue(stage, purchase_id)
    expired, called_off = interleaved(
        stage.services.db, order, expiring(stage, purchase_id), calling_off(stage, purchase_id)
    )
    expected = (True, "purchase_not_cancellable") if order in OF_TWINS else (False, "cancelled")
    assert (expired, called_off) == expected
    assert state_of(stage, purchase_id) == (("expired",) * 2 if order in OF_TWINS else ("cancelled",) * 2)


@every_order_of_twins
def test_calling_off_twice_is_once(stage: Stage, order: str) -> None:
    purchase_id = stage.purchase(stage.quote(), method="sbx_declined")
    stage.run()
    call_off = calling_off(stage, purchase_id)
    assert interleaved(stage.services.db, order, call_off, call_off) == ("cancelled", "cancelled")
    assert stage.topics().count("orders.purchase_cancelled") == 1


@every_order
def test_a_success_that_was_in_doubt_against_calling_off(stage: Stage, order: str) -> None:
    """A payment in doubt is never called off under: the money that came is an order."""
    purchase_id = stage.purchase(stage.quote(), method="sbx_unreachable")
    stage.run()
    (payment,) = stage.payments(purchase_id)
    answer = GatewayAnswer(GatewayStatus.SUCCEEDED, f"sbx_pay_{payment.id.hex}", Money(payment.amount_minor, "CNY"))

    def succeed() -> None:
        result = GatewayResult(answer=answer)
        transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_result(uow, payment.id, result))

    _, called_off = interleaved(stage.services.db, order, succeed, calling_off(stage, purchase_id))
    assert called_off in ("payment_already_running", "purchase_not_cancellable")
    assert state_of(stage, purchase_id)[0] == "paid"


@every_order
def test_a_success_that_was_long_in_doubt_against_expiry(stage: Stage, order: str) -> None:
    """Money that came in time is an order; money that came too late goes back whole."""
    purchase_id = stage.purchase(stage.quote(), method="sbx_unreachable")
    stage.run()
    (payment,) = stage.payments(purchase_id)
    overdue(stage, purchase_id, UNRESOLVED_PAYMENT_WAITS + timedelta(seconds=1))
    answer = GatewayAnswer(GatewayStatus.SUCCEEDED, f"sbx_pay_{payment.id.hex}", Money(payment.amount_minor, "CNY"))

    def succeed() -> None:
        result = GatewayResult(answer=answer)
        transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_result(uow, payment.id, result))

    _, expired = interleaved(stage.services.db, order, succeed, expiring(stage, purchase_id))
    (bought,) = stage.orders_of(purchase_id)
    assert expired == (order not in OF_TWINS)
    assert stage.payments(purchase_id)[0].state == "succeeded"
    if expired:
        (refund,) = stage.refunds(bought.id)
        assert (refund.amount_minor, bought.state) == (payment.amount_minor, "expired")
    else:
        assert (stage.refunds(bought.id), bought.state) == ([], "fulfilling")


class TestDeciding:
    def pending(self, stage: Stage) -> UUID:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", 0))
        return stage.purchase(stage.quote())

    @every_order
    def test_approval_against_rejection(self, stage: Stage, order: str) -> None:
        purchase_id = self.pending(stage)
        told = interleaved(
            stage.services.db,
            order,
            deciding(stage, purchase_id, "approved"),
            deciding(stage, purchase_id, "rejected"),
        )
        is_approved = order in OF_TWINS
        expected = ("approved", "purchase_not_pending") if is_approved else ("purchase_not_pending", "rejected")
        assert told == expected
        assert state_of(stage, purchase_id) == (("pending_payment",) * 2 if is_approved else ("rejected",) * 2)
        assert len(stage.payments(purchase_id)) == int(is_approved)

    @every_order
    def test_approval_against_calling_off(self, stage: Stage, order: str) -> None:
        purchase_id = self.pending(stage)
        told = interleaved(
            stage.services.db, order, deciding(stage, purchase_id, "approved"), calling_off(stage, purchase_id)
        )
        is_approved = order in OF_TWINS
        expected = ("approved", "payment_already_running") if is_approved else ("purchase_not_pending", "cancelled")
        assert told == expected
        assert state_of(stage, purchase_id) == (("pending_payment",) * 2 if is_approved else ("cancelled",) * 2)
        assert len(stage.payments(purchase_id)) == int(is_approved)

    @every_order
    def test_approval_against_expiry(self, stage: Stage, order: str) -> None:
        """The approver is in time; the clock strikes before the approval is written."""
        purchase_id = self.pending(stage)
        with clock.frozen(clock.now()):
            told, expired = interleaved(
                stage.services.db,
                order,
                deciding(stage, purchase_id, "approved"),
                when_it_strikes(stage, purchase_id),
            )
        assert (told, expired) == (("approved", False) if order in OF_TWINS else ("purchase_not_pending", True))
        state = "expired" if expired else "pending_payment"
        assert state_of(stage, purchase_id) == (state, state)
        assert len(stage.payments(purchase_id)) == int(not expired)


class TestRefunding:
    @every_order_of_twins
    @pytest.mark.parametrize("amount_minor", [250_000, None])
    def test_the_second_refund_sees_the_first(self, stage: Stage, order: str, amount_minor: int | None) -> None:
        order_id = stage.buy()
        stage.run()
        _, second = interleaved(
            stage.services.db,
            order,
            lambda: stage.refund(order_id, amount_minor),
            lambda: stage.refund(order_id, amount_minor),
        )
        assert second in ("refund_exceeds_charge", "nothing_left_to_refund")
        stage.run()
        (refund,) = stage.refunds(order_id)
        assert refund.amount_minor == (amount_minor or GROSS)


@every_order_of_twins
def test_the_first_limit_of_a_currency_is_one_row(stage: Stage, order: str) -> None:
    def limit(minor: int) -> Side:
        command = SetRule("CNY", minor)
        return lambda: transact(
            stage.services.db, stage.buyer.owner, lambda uow: set_rule(uow, command).max_order_minor
        )

    assert interleaved(stage.services.db, order, limit(1), limit(2)) == (1, 2)
    (rule,) = stage.rows(select(PurchaseRule).where(PurchaseRule.org_id == stage.buyer.id))
    assert rule.max_order_minor in (1, 2)
