"""Money between two that meet, in every order there is: what the random races may miss, forced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from billing.charges.models import Charge
from billing.charges.record_charge import record_charge
from billing.disputes.apply_gateway_record import apply_gateway_record as apply_dispute
from billing.disputes.models import Dispute
from billing.gateways.ports import GatewayAnswer, GatewayRecord, GatewayStatus, PaymentRequest
from billing.gateways.result import ApplyOutcome, GatewayResult
from billing.incidents.close_incident import CloseIncident, close_incident
from billing.incidents.models import Incident
from billing.invoices.number_document import number_document
from billing.invoices.number_series import take_number
from billing.ledger.models import LedgerTransaction
from billing.payments.apply_gateway_result import apply_gateway_result
from billing.payments.models import Payment, PaymentAllocation
from billing.payouts.apply_gateway_result import apply_gateway_result as apply_payout_result
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.payouts.submit_payout import PayoutOperation
from billing.refunds.apply_external import apply_external
from billing.refunds.apply_gateway_result import apply_gateway_result as apply_refund_result
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.refunds.submit_refund import RefundOperation
from billing.shares.models import Share
from billing.shares.release import release_due
from billing.statements.models import Statement
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs import kinds
from kernel.money import Money
from kernel.principal import SYSTEM, Principal
from tests.factories_billing import OPERATOR, House, Sale, close_due, facts, make_house, owed, read, seller_of
from tests.races.forced import (
    FIRST_THEN_SECOND,
    OF_TWINS,
    SECOND_THEN_FIRST,
    WHILE_FIRST_HAS_READ,
    WHILE_FIRST_HAS_WRITTEN,
    WHILE_SECOND_HAS_READ,
    every_order,
    every_order_of_twins,
    interleaved,
)

pytestmark = pytest.mark.races


@pytest.fixture
def house(db: Database, tmp_path: Path, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> House:
    """Billing by itself: with followers that fail for want of an order, every transaction would be tried twice."""
    monkeypatch.setattr(kinds, "_followers", {})
    made = make_house(db, tmp_path)
    made.run()
    return made


def acting(
    house: House, verb: Callable[..., object], *arguments: object, by: Principal = SYSTEM
) -> Callable[[], object]:
    """The verb in a transaction of its own."""
    return lambda: transact(house.db, by, lambda uow: verb(uow, *arguments))


def answered(subject: object, status: GatewayStatus, reference: str, minor: int = 106_000) -> GatewayResult:
    """What a gateway says of an operation of ours."""
    code = "account_closed" if status is GatewayStatus.FAILED else None
    return GatewayResult(answer=GatewayAnswer(status, reference, Money(minor, "CNY"), code))


def postings_of(house: House, subject_id: UUID) -> int:
    with unit_of_work(house.db, SYSTEM) as uow:
        found = select(func.count()).where(LedgerTransaction.reference == subject_id)
        return uow.session.scalar(found) or 0


def allocation_of(house: House, payment_id: UUID) -> PaymentAllocation:
    with unit_of_work(house.db, SYSTEM) as uow:
        return uow.session.scalars(select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id)).one()


def reference_of(house: House, payment_id: UUID) -> str:
    return read(house.db, Payment, payment_id).gateway_reference or ""


def disputed(house: House, payment_id: UUID) -> GatewayRecord:
    reference = reference_of(house, payment_id)
    return GatewayRecord(GatewayStatus.PENDING, f"dis_{payment_id.hex}", reference, Money(106_000, "CNY"))


def under_way(house: House, asked: RequestRefund) -> UUID:
    """A refund that the gateway is being asked for."""
    refund_id = transact(house.db, SYSTEM, lambda uow: request_refund(uow, asked))
    transact(house.db, SYSTEM, lambda uow: RefundOperation().open(uow, refund_id, first=True))
    return refund_id


class TestPaying:
    @every_order_of_twins
    def test_webhook_and_answer_make_one_payment(self, house: House, order: str) -> None:
        payment_id = Sale().start(house.db, "sbx_unreachable")
        house.run()
        result = answered(payment_id, GatewayStatus.SUCCEEDED, f"sbx_pay_{payment_id.hex}")
        hear = acting(house, apply_gateway_result, payment_id, result)
        assert interleaved(house.db, order, hear, hear) == (ApplyOutcome.CHANGED, ApplyOutcome.NOTHING_NEW)
        assert facts(house.db, payment_id) == ["billing.payment_succeeded.v1"]
        assert postings_of(house, payment_id) == 1

    @every_order
    def test_webhook_against_poller(self, house: House, order: str) -> None:
        """The gateway is asked by a job, which concludes while a webhook says the same."""
        payment_id = Sale().start(house.db, "sbx_delayed")
        house.run()
        clock.advance(timedelta(seconds=15))
        result = answered(payment_id, GatewayStatus.SUCCEEDED, reference_of(house, payment_id))
        hear = acting(house, apply_gateway_result, payment_id, result)
        interleaved(house.db, order, hear, house.run, table="billing.payment")
        house.run()
        assert read(house.db, Payment, payment_id).state == "succeeded"
        assert facts(house.db, payment_id) == ["billing.payment_succeeded.v1"]
        assert postings_of(house, payment_id) == 1

    @every_order
    def test_success_against_failure(self, house: House, order: str) -> None:
        """Whichever ends the payment, the other is seen to come after it: money back, or money that waits for a person."""
        payment_id = Sale().start(house.db, "sbx_unreachable")
        house.run()
        said = {
            status: acting(
                house, apply_gateway_result, payment_id, answered(payment_id, status, f"sbx_pay_{payment_id.hex}")
            )
            for status in (GatewayStatus.SUCCEEDED, GatewayStatus.FAILED)
        }
        interleaved(house.db, order, said[GatewayStatus.SUCCEEDED], said[GatewayStatus.FAILED])
        is_captured_first = order in OF_TWINS
        told = facts(house.db, payment_id)
        assert told.count("billing.payment_succeeded.v1") == (1 if is_captured_first else 0)
        assert told.count("billing.payment_failed.v1") == (0 if is_captured_first else 1)
        assert told.count("billing.payment_reversed.v1") == (1 if is_captured_first else 0)
        assert read(house.db, Payment, payment_id).state == ("reversed" if is_captured_first else "failed")

    @every_order_of_twins
    def test_one_key_at_the_gateway_is_one_operation(self, house: House, order: str) -> None:
        request = PaymentRequest(str(uuid7()), Money(500, "CNY"), "sbx_ok", "test", {})
        first, second = interleaved(
            house.db, order, lambda: house.gateway.submit(request), lambda: house.gateway.submit(request)
        )
        assert first == second

    @every_order_of_twins
    def test_one_purchase_starts_one_payment(self, house: House, order: str) -> None:
        sale = Sale()
        started = interleaved(house.db, order, lambda: sale.start(house.db), lambda: sale.start(house.db))
        assert sorted(map(type, started), key=str) == [str, UUID]
        assert "payment_already_running" in started

    @every_order_of_twins
    def test_one_line_is_charged_once(self, house: House, order: str) -> None:
        sale = Sale()
        payment_id = sale.start(house.db)
        house.run()
        charge = acting(house, record_charge, sale.charge_command(payment_id))
        first, second = interleaved(house.db, order, charge, charge)
        assert first == second
        with unit_of_work(house.db, SYSTEM) as uow:
            assert uow.session.scalar(select(func.count()).where(Charge.reference == sale.line_id)) == 1


class TestRefunding:
    @every_order_of_twins
    def test_the_second_of_two_refunds_sees_what_the_first_reserved(self, house: House, order: str) -> None:
        sale = Sale()
        payment_id = sale.paid(house)
        asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=60_000)
        ask = acting(house, request_refund, asked)
        assert interleaved(house.db, order, ask, ask)[1] == "refund_exceeds_charge"
        house.run()
        left = allocation_of(house, payment_id)
        assert (left.reserved_minor, left.refunded_minor) == (60_000, 60_000)

    @every_order
    def test_a_refund_that_fails_against_a_second_one(self, house: House, order: str) -> None:
        """What the first had reserved is free once it has failed, and not a moment before."""
        sale = Sale()
        payment_id = sale.paid(house)
        asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=60_000)
        refund_id = under_way(house, asked)
        failed = answered(refund_id, GatewayStatus.FAILED, f"sbx_ref_{refund_id.hex}", 60_000)
        fail = acting(house, apply_refund_result, refund_id, failed)
        _, second = interleaved(house.db, order, fail, acting(house, request_refund, asked))
        is_granted = isinstance(second, UUID)
        # Nothing is locked for a refund that may yet fail: beside one that only read, the second is refused.
        assert is_granted == (order in (FIRST_THEN_SECOND, WHILE_FIRST_HAS_WRITTEN))
        assert allocation_of(house, payment_id).reserved_minor == (60_000 if is_granted else 0)

    @every_order
    def test_a_refund_made_by_hand_against_one_of_ours(self, house: House, order: str) -> None:
        sale = Sale()
        payment_id = sale.paid(house)
        by_hand = GatewayRecord(
            GatewayStatus.SUCCEEDED, f"hand_{payment_id.hex}", reference_of(house, payment_id), Money(60_000, "CNY")
        )
        asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=60_000)
        interleaved(
            house.db,
            order,
            acting(house, apply_external, "sandbox", by_hand),
            acting(house, request_refund, asked),
        )
        with unit_of_work(house.db, SYSTEM) as uow:
            refunds = uow.session.scalars(select(Refund).where(Refund.payment_id == payment_id)).all()
            (incident,) = uow.session.scalars(select(Incident).where(Incident.subject_id == payment_id)).all()
        assert sum(one.amount_minor for one in refunds) == allocation_of(house, payment_id).reserved_minor <= 106_000
        by_itself = sum(one.amount_minor for one in refunds if one.origin == "gateway")
        assert by_itself + incident.suspense_minor == 60_000

    @every_order
    def test_a_refund_against_a_dispute(self, house: House, order: str) -> None:
        """The bank may give back what is disputed: it is never asked for a refund that was requested after it."""
        sale = Sale()
        payment_id = sale.paid(house)
        asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=60_000)
        ask = acting(house, request_refund, asked)
        dispute = acting(house, apply_dispute, "sandbox", disputed(house, payment_id))
        refunded, _ = interleaved(house.db, order, ask, dispute)
        if order == SECOND_THEN_FIRST:
            assert refunded == "payment_disputed"
        assert isinstance(refunded, UUID) or refunded == "payment_disputed"
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            assert uow.session.scalar(select(func.count()).where(Dispute.payment_id == payment_id)) == 1
            states = set(uow.session.scalars(select(Refund.state).where(Refund.payment_id == payment_id)))
        assert "succeeded" not in states


class TestSettling:
    def sold(self, house: House) -> tuple[Sale, UUID]:
        """Delivered, and past its hold."""
        sale = Sale()
        sale.organizations(house.db)
        payment_id = sale.paid(house)
        sale.deliver(house.db)
        clock.advance(timedelta(days=8))
        return sale, payment_id

    def closed(self, house: House) -> tuple[Sale, UUID]:
        sale, _ = self.sold(house)
        (statement_id,) = close_due(house.db, sale.seller_org_id).statement_ids
        return sale, statement_id

    @every_order_of_twins
    def test_a_period_is_closed_once(self, house: House, order: str) -> None:
        sale, _ = self.sold(house)

        def close() -> int:
            closed = close_due(house.db, sale.seller_org_id)
            assert closed.refused == ()
            return len(closed.statement_ids)

        assert interleaved(house.db, order, close, close, table="billing.statement") == (1, 0)

    @every_order_of_twins
    def test_a_share_is_released_once(self, house: House, order: str) -> None:
        sale, _ = self.sold(house)
        release = acting(house, release_due, clock.now())
        interleaved(house.db, order, release, release)
        assert owed(house.db, sale.seller_org_id) == (0, 86_000)

    @every_order_of_twins
    def test_a_statement_is_paid_once(self, house: House, order: str) -> None:
        _, statement_id = self.closed(house)
        pay = acting(house, pay_out, PayOut(statement_id, "sandbox", "sbx_acct_ok"), by=OPERATOR)
        assert interleaved(house.db, order, pay, pay)[1] == "statement_not_payable"
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            payouts = uow.session.scalars(select(Payout).where(Payout.statement_id == statement_id)).all()
        assert [payout.state for payout in payouts] == ["paid"]

    @every_order
    def test_a_payout_that_fails_against_another_try(self, house: House, order: str) -> None:
        """A statement is payable again once its payout has failed, and not a moment before."""
        sale, statement_id = self.closed(house)
        command = PayOut(statement_id, "sandbox", "sbx_acct_ok")
        payout_id = transact(house.db, OPERATOR, lambda uow: pay_out(uow, command))
        transact(house.db, SYSTEM, lambda uow: PayoutOperation().open(uow, payout_id, first=True))
        minor = read(house.db, Payout, payout_id).amount_minor
        failed = answered(payout_id, GatewayStatus.FAILED, f"sbx_out_{payout_id.hex}", minor)
        fail = acting(house, apply_payout_result, payout_id, failed)
        _, again = interleaved(house.db, order, fail, acting(house, pay_out, command, by=OPERATOR))
        has_failed_first = isinstance(again, UUID)
        if order not in {WHILE_FIRST_HAS_READ, WHILE_SECOND_HAS_READ}:  # who has only read may be overtaken
            assert has_failed_first == (order in OF_TWINS), again
        assert read(house.db, Statement, statement_id).state == ("paying" if has_failed_first else "closed")
        available = owed(house.db, sale.seller_org_id)[1]
        assert available == (0 if has_failed_first else minor)

    @every_order
    def test_a_refund_that_succeeds_against_the_close_of_its_period(self, house: House, order: str) -> None:
        """The refunded line is on this statement with what is left of it, or taken back on the next: never both or neither."""
        sale, payment_id = self.sold(house)
        asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=53_000)
        refund_id = under_way(house, asked)
        done = answered(refund_id, GatewayStatus.SUCCEEDED, f"sbx_ref_{refund_id.hex}", 53_000)
        refund = acting(house, apply_refund_result, refund_id, done)
        interleaved(house.db, order, refund, lambda: close_due(house.db, sale.seller_org_id), table="billing.share")
        clock.advance(timedelta(seconds=1))
        assert close_due(house.db, sale.seller_org_id).refused == ()
        with unit_of_work(house.db, SYSTEM) as uow:
            statements = uow.session.scalars(select(Statement).where(Statement.org_id == sale.seller_org_id)).all()
        assert sum(one.net_minor for one in statements) == owed(house.db, sale.seller_org_id)[1]

    @every_order
    def test_a_dispute_against_the_release_of_its_shares(self, house: House, order: str) -> None:
        sale, payment_id = self.sold(house)
        dispute = acting(house, apply_dispute, "sandbox", disputed(house, payment_id))
        interleaved(house.db, order, dispute, acting(house, release_due, clock.now()))
        with unit_of_work(house.db, SYSTEM) as uow:
            before = uow.session.execute(select(Share.id, Share.state).where(Share.reference == sale.line_id)).all()
            assert {state for _, state in before} == ({"pending"} if order == FIRST_THEN_SECOND else {"releasable"})
        assert acting(house, release_due, clock.now())() == 0

    @every_order_of_twins
    def test_an_incident_is_closed_by_one_operator(self, house: House, order: str) -> None:
        payment_id = Sale().paid(house)
        record = GatewayRecord(
            GatewayStatus.SUCCEEDED, f"hand_{payment_id.hex}", reference_of(house, payment_id), Money(1, "CNY")
        )
        acting(house, apply_external, "sandbox", record)()
        with unit_of_work(house.db, SYSTEM) as uow:
            incident_id = uow.session.scalars(select(Incident.id).where(Incident.subject_id == payment_id)).one()
        close = acting(house, close_incident, CloseIncident(incident_id, "agreed"), by=OPERATOR)
        assert interleaved(house.db, order, close, close)[1] == "incident_closed"


class TestNumbering:
    @every_order_of_twins
    def test_a_document_has_one_number(self, house: House, order: str) -> None:
        sale = Sale()
        sale.organizations(house.db)
        number = acting(house, number_document, sale.invoice(house.db, seller_of(sale)))
        first, second = interleaved(house.db, order, number, number)
        assert first == second == "INV-2026-000001"

    @every_order_of_twins
    def test_two_first_documents_of_an_issuer_have_the_first_two_numbers(self, house: House, order: str) -> None:
        take = acting(house, self.sequence, uuid7())
        assert set(interleaved(house.db, order, take, take)) == {1, 2}

    @every_order_of_twins
    def test_a_number_that_was_rolled_back_is_the_next_ones(self, house: House, order: str) -> None:
        issuer = uuid7()

        def fail() -> str:
            try:
                with unit_of_work(house.db, SYSTEM) as uow:
                    take_number(uow, issuer, "invoice")
                    # Written, and as far as its commit, where the server refuses it.
                    uow.execute_deferred("SELECT 1 / 0", ())
            except Exception:  # noqa: BLE001 - as it should
                return "rolled back"
            return "committed"

        take = acting(house, self.sequence, issuer)
        assert interleaved(house.db, order, fail, take) == ("rolled back", 1)

    def sequence(self, uow: UnitOfWork, issuer: UUID) -> int:
        return take_number(uow, issuer, "invoice").sequence
