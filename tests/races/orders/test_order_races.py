"""Races over one order or purchase: whoever comes first, one outcome, and the money adds up."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.scheduler import run_sweep
from billing.charges.models import Charge
from billing.gateways.janitor import JANITOR
from billing.ledger.models import LedgerTransaction
from fulfillment.jobs import SWEEP_OVERDUE
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.jobs.runner import Runner, due
from kernel.principal import SYSTEM
from orders.approval_rules.models import PurchaseRule
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.approval_reasons import spent_this_month
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.request_payment import pay_again
from orders.loop import SWEEP_PURCHASES
from tests.loop_stage import Stage
from tests.races.crowd import at_once, in_rounds

pytestmark = pytest.mark.races
GROSS = 398_000


def worker(stage: Stage, *periodic: str) -> Callable[[], None]:
    """A worker that runs what is due, as several processes would, until nothing has been for three looks."""

    def run() -> None:
        runner, idle = Runner(stage.services.db, f"worker-{uuid7()}"), 0
        while idle < 3:
            for item in sweeps():
                if item.name in periodic:
                    run_sweep(stage.services.db, item)
            found = due(stage.services.db, ("default",), limit=20)
            ran = [runner.run(signal.job_id) for signal in found]
            idle = 0 if any(ran) and not periodic else idle + 1
            threading.Event().wait(0.05)

    return run


class TestPlacing:
    @in_rounds
    def test_one_quote_sixteen_times(self, stage: Stage) -> None:
        command = PlacePurchase(stage.quote(), stage.profile, "sandbox", "sbx_ok")

        def place() -> UUID:
            return transact(stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id)

        placed = at_once([place] * 16)
        assert placed.count("quote_used") == 15
        assert len(stage.rows(select(Purchase.id).where(Purchase.quote_id == command.quote_id))) == 1

    @in_rounds
    def test_a_months_limit_holds_sixteen_purchases_at_once(self, stage: Stage) -> None:
        fits = 5
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            used = spent_this_month(uow, "Asia/Shanghai").get("CNY", 0)  # by earlier rounds
            set_rule(uow, SetRule("CNY", None, max_month_minor=used + fits * GROSS + GROSS - 1))
        commands = [PlacePurchase(stage.quote(), stage.profile, "sandbox", "sbx_ok") for _ in range(16)]

        def placing(command: PlacePurchase) -> Callable[[], object]:
            return lambda: transact(
                stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command).purchase.state
            )

        states = Counter(at_once([placing(command) for command in commands]))
        assert states == {"pending_payment": fits, "pending_approval": 16 - fits}


class TestPaying:
    @in_rounds
    def test_notice_against_answer_against_poller(self, stage: Stage) -> None:
        methods = ("sbx_ok", "sbx_timeout", "sbx_ok", "sbx_timeout")
        before = Counter(stage.topics())
        purchases = [stage.purchase(stage.quote(), method=method) for method in methods]
        at_once([worker(stage)] * 3 + [worker(stage, JANITOR, SWEEP_PURCHASES, SWEEP_OVERDUE)] * 2)
        stage.run()
        for purchase_id in purchases:
            (payment,), (order,) = stage.payments(purchase_id), stage.orders_of(purchase_id)
            assert (payment.state, order.state) == ("succeeded", "active")
            captured = select(func.count()).where(LedgerTransaction.reference == payment.id)
            charged = select(func.count()).where(Charge.group_reference == order.id)
            assert stage.rows(captured) == stage.rows(charged) == [1]
            assert stage.effects(order.id) == ["instance_created"]
            assert len(stage.papers(order.id)) == 1
        topics = Counter(stage.topics()) - before
        for once in ("billing.payment_succeeded", "orders.order_paid", "orders.order_activated"):
            assert topics[once] == len(purchases)

    @in_rounds
    def test_many_tries_to_pay_again_start_one_payment(self, stage: Stage) -> None:
        purchase_id = stage.purchase(stage.quote(), method="sbx_declined")
        stage.run()

        def pay_in(uow: UnitOfWork) -> UUID:
            submission = pay_again(uow, purchase_id, gateway="sandbox", method_token="sbx_ok")
            assert submission is not None
            return submission.request.row_id

        def pay() -> UUID:
            return transact(stage.services.db, stage.purchaser, pay_in)

        told = at_once([pay] * 12)
        assert told.count("payment_already_running") == 11
        stage.run()
        assert [payment.state for payment in stage.payments(purchase_id)] == ["failed", "succeeded"]
        assert stage.orders_of(purchase_id)[0].state == "active"


class TestRefunding:
    @pytest.mark.parametrize(("amount_minor", "granted"), [(250_000, 1), (100_000, 3), (None, 1), (GROSS, 1)])
    @in_rounds
    def test_refunds_at_once_never_exceed_what_was_paid(
        self, stage: Stage, amount_minor: int | None, granted: int
    ) -> None:
        order_id = stage.buy()
        stage.run()
        told = at_once([lambda: stage.refund(order_id, amount_minor)] * 8)
        assert sum(isinstance(answer, UUID) for answer in told) == granted
        stage.run()
        back = sum(refund.amount_minor for refund in stage.refunds(order_id))
        assert back == sum(note.gross_minor for note in stage.papers(order_id, "credit_note"))
        assert back == granted * (amount_minor or GROSS)
        assert {refund.state for refund in stage.refunds(order_id)} == {"succeeded"}
        assert stage.order(order_id).state == ("refunded" if back == GROSS else "active")

    @in_rounds
    def test_refund_against_delivery_that_fails(self, stage: Stage) -> None:
        stage.seller_app.behave(mode="fail_permanently")
        orders = [stage.buy() for _ in range(4)]
        at_once([worker(stage)] * 3 + [worker(stage, SWEEP_OVERDUE)])
        stage.run()
        for order_id in orders:
            (refund,) = stage.refunds(order_id)
            assert (refund.state, refund.amount_minor, stage.order(order_id).state) == ("succeeded", GROSS, "refunded")


class TestRule:
    @in_rounds
    def test_one_limit_set_by_many(self, stage: Stage) -> None:
        def limit(minor: int) -> Callable[[], int | None]:
            def work() -> int | None:
                command = SetRule("CNY", minor)
                return transact(
                    stage.services.db, stage.buyer.owner, lambda uow: set_rule(uow, command).max_order_minor
                )

            return work

        limits = list(range(8))
        assert at_once([limit(minor) for minor in limits]) == limits
        (rule,) = stage.rows(select(PurchaseRule).where(PurchaseRule.org_id == stage.buyer.id))
        assert rule.max_order_minor in limits


class TestDeciding:
    @in_rounds
    def test_approval_against_rejection_against_expiry(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", 0))
        purchase_id = stage.purchase(stage.quote())
        wait_s = random.choice((0, 0.015, 0.03, 0.06))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            deadline_at = clock.now() + timedelta(seconds=wait_s)
            uow.session.execute(update(Purchase).where(Purchase.id == purchase_id).values(deadline_at=deadline_at))

        def decide(decision: str) -> Callable[[], str]:
            def work() -> str:
                command = DecidePurchase(purchase_id, decision, "because")  # type: ignore[arg-type]
                transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, command))
                return decision

            return work

        def expire() -> str:
            threading.Event().wait(wait_s)
            stage.tick(SWEEP_PURCHASES)
            return "swept"

        told = at_once([decide("approved"), decide("rejected"), decide("approved"), expire, expire])
        stage.tick(SWEEP_PURCHASES)
        (order,) = stage.orders_of(purchase_id)
        decided = [answer for answer in told if answer in ("approved", "rejected")]
        assert len(decided) <= 1
        assert set(told) <= {"approved", "rejected", "swept", "purchase_not_pending", "approval_expired"}
        state = stage.get(Purchase, purchase_id).state
        if decided == ["approved"]:
            assert (state, order.state, len(stage.payments(purchase_id))) == ("paid", "active", 1)
        else:
            end = "rejected" if decided else "expired"
            assert (state, order.state, stage.payments(purchase_id)) == (end, end, [])
