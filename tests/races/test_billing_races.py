"""Races over money, with real commits from several threads: one state, nothing twice, no gap."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from billing.charges.models import Charge
from billing.charges.record_charge import record_charge
from billing.gateways.janitor import JANITOR
from billing.gateways.models import SandboxOperation
from billing.gateways.ports import GatewayAnswer, GatewayStatus, PaymentRequest
from billing.gateways.result import GatewayResult
from billing.invoices.models import Invoice
from billing.invoices.number_document import number_document
from billing.invoices.number_series import take_number
from billing.ledger.models import LedgerTransaction
from billing.payments.apply_gateway_result import apply_gateway_result
from billing.payments.models import Payment, PaymentAllocation
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.settlement.close_statements import Closed
from billing.statements.models import Statement
from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM
from tests.factories_billing import OPERATOR, House, Sale, close_due, do_sweep, facts, make_house, read, seller_of
from tests.races.crowd import ROUNDS, at_once, in_rounds

pytestmark = pytest.mark.races


@pytest.fixture
def house(db: Database, tmp_path: Path, noon: datetime) -> House:
    return make_house(db, tmp_path)


@in_rounds
def test_notice_answer_and_poller_make_one_payment(house: House) -> None:
    payment_id = Sale().start(house.db, "sbx_unreachable")
    house.run()
    result = GatewayResult(
        answer=GatewayAnswer(GatewayStatus.SUCCEEDED, f"sbx_pay_{payment_id.hex}", Money(106_000, "CNY"))
    )

    def hear(payment_id: UUID = payment_id, result: GatewayResult = result) -> object:
        return transact(house.db, SYSTEM, lambda uow: apply_gateway_result(uow, payment_id, result))

    outcomes = at_once([hear] * 6)
    assert sorted(str(outcome) for outcome in outcomes) == ["changed", *["nothing_new"] * 5]
    assert facts(house.db, payment_id) == ["billing.payment_succeeded.v1"]
    with unit_of_work(house.db, SYSTEM) as uow:
        posted = select(func.count()).where(LedgerTransaction.reference == payment_id)
        assert uow.session.scalar(posted) == 1


@in_rounds
def test_a_delayed_success_drained_by_many_workers_is_one(house: House) -> None:
    payments = [Sale().start(house.db, "sbx_delayed") for _ in range(8)]
    at_once([house.run] * 4)
    clock.advance(timedelta(seconds=15))
    at_once([house.run, house.run, lambda: do_sweep(house.db, JANITOR), lambda: do_sweep(house.db, JANITOR)])
    house.run()
    for payment_id in payments:
        assert read(house.db, Payment, payment_id).state == "succeeded"
        assert facts(house.db, payment_id) == ["billing.payment_succeeded.v1"]


@in_rounds
def test_one_key_at_the_gateway_is_one_operation(house: House) -> None:
    key = str(uuid7())
    request = PaymentRequest(key, Money(500, "CNY"), "sbx_ok", "test", {})
    answers = at_once([lambda: house.gateway.submit(request)] * 8)
    assert len({str(answer) for answer in answers}) == 1
    with unit_of_work(house.db, SYSTEM) as uow:
        count = select(func.count()).where(SandboxOperation.idempotency_key == key)
        assert uow.session.scalar(count) == 1


@in_rounds
def test_two_purchases_of_one_reference_start_one_payment(house: House) -> None:
    sale = Sale()
    outcomes = at_once([lambda: sale.start(house.db)] * 8)
    assert outcomes.count("payment_already_running") == 7


@in_rounds
def test_refunds_never_exceed_the_payment(house: House) -> None:
    sale = Sale()
    payment_id = sale.paid(house)
    command = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=40_000)

    def ask(command: RequestRefund = command) -> object:
        return transact(house.db, SYSTEM, lambda uow: request_refund(uow, command))

    outcomes = at_once([ask] * 6)
    # 1060.00 holds two refunds of 400.00, not three.
    assert outcomes.count("refund_exceeds_charge") == 4
    house.run()
    with unit_of_work(house.db, SYSTEM) as uow:
        refunds = uow.session.scalars(select(Refund).where(Refund.reference == sale.order_id)).all()
        allocation = uow.session.scalars(
            select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id)
        ).one()
    assert [refund.state for refund in refunds] == ["succeeded", "succeeded"]
    assert (allocation.reserved_minor, allocation.refunded_minor) == (80_000, 80_000)


@in_rounds
def test_one_line_is_charged_once(house: House) -> None:
    sale = Sale()
    payment_id = sale.start(house.db)
    house.run()
    command = sale.charge_command(payment_id)
    ids = at_once([lambda: transact(house.db, SYSTEM, lambda uow: record_charge(uow, command))] * 8)
    assert len(set(ids)) == 1
    with unit_of_work(house.db, SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).where(Charge.reference == sale.line_id)) == 1


@in_rounds
def test_a_statement_is_closed_once_and_paid_once(house: House) -> None:
    sale = Sale()
    sale.organizations(house.db)
    sale.paid(house)
    sale.deliver(house.db)
    clock.advance(timedelta(days=8))
    closed = at_once([lambda: close_due(house.db, sale.seller_org_id)] * 4)
    assert sorted(len(one.statement_ids) for one in closed if isinstance(one, Closed)) == [0, 0, 0, 1]
    assert all(one.refused == () for one in closed if isinstance(one, Closed))
    with unit_of_work(house.db, SYSTEM) as uow:
        statement_id = uow.session.scalars(select(Statement.id).where(Statement.org_id == sale.seller_org_id)).one()
    outcomes = at_once(
        [lambda: transact(house.db, OPERATOR, lambda uow: pay_out(uow, PayOut(statement_id, "sandbox", "sbx_acct_ok")))]
        * 6
    )
    assert outcomes.count("statement_not_payable") == 5
    house.run()
    with unit_of_work(house.db, SYSTEM) as uow:
        payouts = uow.session.scalars(select(Payout).where(Payout.statement_id == statement_id)).all()
    assert [payout.state for payout in payouts] == ["paid"]


def test_twenty_threads_with_random_rollbacks_leave_no_gap(house: House) -> None:
    issuer = uuid7()
    taken: list[int] = []

    def issue(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(max(10, ROUNDS)):
            try:
                with unit_of_work(house.db, SYSTEM) as uow:
                    number = take_number(uow, issuer, "invoice").sequence
                    if chance.random() < 0.4:
                        raise InterruptedError
            except InterruptedError:
                continue
            taken.append(number)

    at_once([lambda seed=seed: issue(seed) for seed in range(20)])  # type: ignore[misc]
    assert sorted(taken) == list(range(1, len(taken) + 1))
    assert len(taken) > 50


@in_rounds
def test_a_document_numbered_by_many_has_one_number(house: House) -> None:
    sale = Sale()
    sale.organizations(house.db)
    invoice_id = sale.invoice(house.db, seller_of(sale))
    numbers = at_once([lambda: transact(house.db, SYSTEM, lambda uow: number_document(uow, invoice_id))] * 8)
    assert numbers == ["INV-2026-000001"] * 8
    assert read(house.db, Invoice, invoice_id).sequence == 1
