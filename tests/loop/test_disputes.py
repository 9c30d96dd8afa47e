"""A disputed payment: what stands still, what the bank is told and by whom, and that money never goes out twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.embedded.engines import Addresses
from app.verify.check import verify
from app.verify.disputes import BORNE, PARTS
from app.verify.rule import Outside
from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.disputes.models import Dispute, DisputePart, DisputeSubmission
from billing.gateways.models import SandboxOperation
from billing.gateways.ports import GatewayAnswer, GatewayRecord, GatewayStatus, PaymentRequest
from billing.gateways.result import GatewayResult
from billing.incidents.models import Incident
from billing.payments.models import Payment, PaymentAllocation
from billing.refunds.apply_gateway_result import apply_gateway_result
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.refunds.resend_refund import resend_refund
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.money import Money
from kernel.principal import SYSTEM, Principal
from orders.checkout.create_quote import QuoteItem
from orders.disputes.assign import assign_lines
from orders.disputes.jobs import SWEEP_DISPUTES
from orders.disputes.say import (
    AddDisputeEvidence,
    SayAboutDispute,
    add_dispute_evidence,
    dispute_evidence_key,
    say_about_dispute,
)
from orders.disputes.submit import TellBank, tell_bank
from orders.order.models import OrderLine
from tests.emptied import empty
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop.test_after_the_end import MONEY, later
from tests.loop_stage import Stage

RULES = (*MONEY, PARTS, BORNE)


@pytest.fixture(scope="module", autouse=True)
def _nobody_elses_books(addresses: Addresses) -> None:
    """Tests of other folders leave payments without orders."""
    empty(addresses)


def sound(stage: Stage) -> None:
    report = verify(stage.services.db, Outside(), rules=RULES, comparisons=())
    assert {one.name: one.found for one in report.outcomes if one.found.violations} == {}


def disputed(stage: Stage, method: str = "sbx_disputed") -> tuple[UUID, Dispute]:
    """An order whose whole payment the payer disputes."""
    order_id = stage.buy(method=method)
    stage.run()
    later(stage)
    return order_id, dispute_of(stage, order_id)


def dispute_of(stage: Stage, order_id: UUID) -> Dispute:
    payment_id = stage.order(order_id).payment_id
    (row,) = stage.rows(select(Dispute).where(Dispute.payment_id == payment_id))
    assert isinstance(row, Dispute)
    return row


def two_orders(stage: Stage, disputed_minor: int | None = None) -> tuple[list[UUID], Dispute]:
    """One payment for orders of two sellers, disputed in whole or in part."""
    _, other, _ = stage.second_seller()
    quote_id = stage.quote(lines=(QuoteItem(stage.seat_plan, 20), QuoteItem(other, 3)))
    purchase_id = stage.purchase(quote_id)
    stage.run()
    orders = [order.id for order in stage.orders_of(purchase_id)]
    say(stage, orders[0], GatewayStatus.PENDING, disputed_minor)
    return orders, dispute_of(stage, orders[0])


def say(stage: Stage, order_id: UUID, status: GatewayStatus, amount_minor: int | None = None, number: int = 0) -> None:
    """What the gateway says of a dispute about the payment of this order."""
    payment = stage.get(Payment, stage.order(order_id).payment_id or order_id)
    money = Money(amount_minor or payment.amount_minor, payment.currency)
    reference = f"sbx_dis_{payment.id.hex}_{number}"
    record = GatewayRecord(status, reference, payment.gateway_reference or "", money, "fraudulent")
    transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_record(uow, "sandbox", record))
    stage.run()


def line_of(stage: Stage, order_id: UUID) -> UUID:
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    return UUID(str(line.id))


def parts(stage: Stage, dispute: Dispute) -> dict[tuple[UUID, UUID | None], int]:
    rows = stage.rows(select(DisputePart).where(DisputePart.dispute_id == dispute.id))
    return {(row.reference, row.line_id): row.amount_minor for row in rows}


def told(stage: Stage, dispute: Dispute) -> str | None:
    """What the bank has."""
    (row,) = stage.rows(select(SandboxOperation).where(SandboxOperation.reference == dispute.gateway_reference))
    return None if row.evidence is None else str(row.evidence["text"])


def sellers(stage: Stage) -> Principal:
    return replace(stage.purchaser, org_id=stage.seller.id, permissions=frozenset({"billing.manage", "money.read"}))


class TestWhatItIsAbout:
    def test_a_whole_payment_holds_every_order_of_it(self, stage: Stage) -> None:
        orders, dispute = two_orders(stage)
        gross = {order_id: stage.order(order_id).gross_minor for order_id in orders}
        assert dispute.basis == "whole"
        assert parts(stage, dispute) == {(order_id, None): minor for order_id, minor in gross.items()}
        stage.settle()
        for order_id in orders:
            assert {one.state for one in stage.shares(order_id).values()} == {"pending"}
        sound(stage)

    def test_a_part_holds_every_order_until_an_operator_names_the_line(self, stage: Stage) -> None:
        orders, dispute = two_orders(stage, 50_000)
        assert (dispute.basis, sum(parts(stage, dispute).values())) == ("pro_rata", 50_000)
        line = line_of(stage, orders[1])
        transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: assign_lines(uow, dispute.id, {line: 50_000}))
        assert parts(stage, dispute) == {(orders[1], line): 50_000}
        stage.settle()
        assert stage.shares(orders[0])["seller"].state == "in_statement"
        assert {one.state for one in stage.shares(orders[1]).values()} == {"pending"}
        sound(stage)
        say(stage, orders[0], GatewayStatus.FAILED, 50_000)
        assert stage.refunds(orders[0]) == []
        assert [(one.origin, one.amount_minor) for one in stage.refunds(orders[1])] == [("dispute", 50_000)]
        # What was lost is credited, and what is left goes on.
        assert (stage.order(orders[1]).state, len(stage.papers(orders[1], "credit_note"))) == ("active", 1)
        sound(stage)

    def test_an_order_that_it_is_not_about_can_be_refunded(self, stage: Stage) -> None:
        orders, dispute = two_orders(stage, 50_000)
        with pytest.raises(Conflict, match="payment_disputed"):
            stage.refund(orders[0])
        line = line_of(stage, orders[1])
        transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: assign_lines(uow, dispute.id, {line: 50_000}))
        stage.refund(orders[0])
        with pytest.raises(Conflict, match="payment_disputed"):
            stage.refund(orders[1])
        stage.run()
        assert stage.order(orders[0]).state == "refunded"
        sound(stage)

    def test_lines_are_named_once_and_are_the_amount(self, stage: Stage) -> None:
        orders, dispute = two_orders(stage, 50_000)
        lines = [line_of(stage, order_id) for order_id in orders]

        def assign(named: dict[UUID, int], by: Principal = OPERATOR_PRINCIPAL) -> None:
            transact(stage.services.db, by, lambda uow: assign_lines(uow, dispute.id, named))

        with pytest.raises(Forbidden):
            assign({lines[0]: 50_000}, stage.purchaser)
        for wrong, code in (
            ({lines[0]: 49_999}, "dispute_parts_differ"),
            ({lines[0]: 60_000, lines[1]: -10_000}, "amount_not_positive"),
            ({lines[0]: 10**9}, "dispute_exceeds_line"),
        ):
            with pytest.raises(Invalid, match=code):
                assign(wrong)
        with pytest.raises(NotFound, match="charge_not_found"):
            assign({orders[0]: 50_000})
        split = {lines[0]: 20_000, lines[1]: 30_000}
        for _ in range(2):
            assign(split)
        with pytest.raises(Conflict, match="dispute_assigned"):
            assign({lines[0]: 50_000})
        say(stage, orders[0], GatewayStatus.FAILED, 50_000)
        borne = [[one.amount_minor for one in stage.refunds(order_id)] for order_id in orders]
        assert borne == [[20_000], [30_000]]
        sound(stage)

    def test_a_whole_payment_is_not_assigned(self, stage: Stage) -> None:
        orders, dispute = two_orders(stage)
        named = {line_of(stage, order_id): stage.order(order_id).gross_minor for order_id in orders}
        with pytest.raises(Conflict, match="dispute_whole"):
            transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: assign_lines(uow, dispute.id, named))


class TestEvidence:
    def show(
        self, stage: Stage, dispute: Dispute, side: str, by: Principal, content: bytes = b"%PDF-1.7 x %%EOF"
    ) -> UUID:
        stored = stage.services.storage.put_bytes(dispute_evidence_key(dispute.id), content)
        command = AddDisputeEvidence(dispute.id, side, stored, "application/pdf", "shown.pdf")  # type: ignore[arg-type]
        return transact(stage.services.db, by, lambda uow: add_dispute_evidence(uow, command).id)

    def words(self, stage: Stage, dispute: Dispute, side: str, by: Principal, words: str, **more: bool) -> None:
        command = SayAboutDispute(dispute.id, side, words, **more)  # type: ignore[arg-type]
        transact(stage.services.db, by, lambda uow: say_about_dispute(uow, command))

    def test_the_bank_hears_both_sides_once(self, stage: Stage) -> None:
        order_id, dispute = disputed(stage)
        self.words(stage, dispute, "seller", sellers(stage), "It was opened on the day.")
        self.words(stage, dispute, "buyer", stage.purchaser, "We did not know our own card.", withdraws=True)
        for by, side in ((sellers(stage), "seller"), (stage.purchaser, "buyer")):
            assert self.show(stage, dispute, side, by) == self.show(stage, dispute, side, by)
        sent = [
            transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: tell_bank(uow, TellBank(dispute.id)).id)
            for _ in range(2)
        ]
        assert sent[0] == sent[1]
        stage.run()
        text = told(stage, dispute) or ""
        assert "It was opened on the day." in text
        assert "withdraws the dispute" in text
        assert stage.order(order_id).number in text
        (row,) = stage.rows(select(DisputeSubmission).where(DisputeSubmission.dispute_id == dispute.id))
        assert (row.state, row.made_by, {one["side"] for one in row.documents}) == (
            "sent",
            "operator",
            {"buyer", "seller"},
        )
        assert dispute_of(stage, order_id).submitted_at is not None
        with pytest.raises(Conflict, match="dispute_evidence_submitted"):
            self.words(stage, dispute, "seller", sellers(stage), "One thing more.")
        tell = TellBank(dispute.id, "Something else.")
        with pytest.raises(Conflict, match="dispute_evidence_submitted"):
            transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: tell_bank(uow, tell))
        sound(stage)

    def test_the_bank_decides_by_it_and_the_shares_go_on(self, stage: Stage) -> None:
        order_id, dispute = disputed(stage)
        tell = TellBank(dispute.id, "winning_evidence")
        transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: tell_bank(uow, tell))
        stage.run()
        later(stage)
        row = dispute_of(stage, order_id)
        assert (row.state, row.fee_minor) == ("won", 0)
        stage.settle()
        assert stage.shares(order_id)["seller"].state == "in_statement"
        sound(stage)

    def test_what_is_there_goes_by_itself_before_the_banks_deadline(self, stage: Stage) -> None:
        _, dispute = disputed(stage)
        assert dispute.created_at < dispute.answer_by < dispute.submit_at < dispute.due_by
        self.words(stage, dispute, "seller", sellers(stage), "It was opened on the day.")
        stage.tick(SWEEP_DISPUTES)
        assert told(stage, dispute) is None
        clock.advance(dispute.answer_by - clock.now())
        with pytest.raises(Conflict, match="dispute_answer_over"):
            self.words(stage, dispute, "seller", sellers(stage), "Too late.")
        clock.advance(dispute.submit_at - clock.now())
        for _ in range(2):
            stage.tick(SWEEP_DISPUTES)
        assert "It was opened on the day." in (told(stage, dispute) or "")
        (row,) = stage.rows(select(DisputeSubmission).where(DisputeSubmission.dispute_id == dispute.id))
        assert (row.state, row.made_by) == ("sent", "clock")

    def test_strangers_and_the_other_side_say_nothing(self, stage: Stage) -> None:
        _, dispute = disputed(stage)
        with pytest.raises(NotFound):
            self.words(stage, dispute, "seller", stage.purchaser, "I am the seller.")
        with pytest.raises(NotFound):
            self.words(stage, dispute, "buyer", sellers(stage), "I am the buyer.")
        with pytest.raises(Invalid, match="only_buyer_withdraws"):
            self.words(stage, dispute, "seller", sellers(stage), "Let it be.", withdraws=True)
        with pytest.raises(Invalid, match="reason_required"):
            self.words(stage, dispute, "seller", sellers(stage), " ")
        with pytest.raises(Forbidden):
            transact(stage.services.db, stage.purchaser, lambda uow: tell_bank(uow, TellBank(dispute.id)))


class TestNeverTwice:
    def test_what_had_gone_back_is_told_the_bank_at_once(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        stage.refund(order_id)
        stage.run()
        payment_id = stage.order(order_id).payment_id
        method = "sbx_disputed"
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            paid = uow.session.scalars(
                select(SandboxOperation).where(
                    SandboxOperation.reference == uow.session.get_one(Payment, payment_id).gateway_reference
                )
            ).one()
            paid.method_token, paid.settles_at, paid.becomes = method, clock.now(), None
            reference = paid.reference
        stage.services.gateways["sandbox"].find_payment(payment_key(stage, payment_id), reference)
        stage.run()
        dispute = dispute_of(stage, order_id)
        assert "Already refunded to the payer" in (told(stage, dispute) or "")
        (row,) = stage.rows(select(DisputeSubmission).where(DisputeSubmission.dispute_id == dispute.id))
        assert (row.state, row.made_by) == ("sent", "refund")
        stage.services.gateways["sandbox"].decide(dispute.gateway_reference, GatewayStatus.FAILED)  # type: ignore[attr-defined]
        stage.run()
        lost = dispute_of(stage, order_id)
        assert (lost.state, lost.loss_minor, lost.loss_left_minor) == ("lost", 398_000, 398_000)
        assert [one.origin for one in stage.refunds(order_id)] == ["request"]
        sound(stage)

    def test_lost_after_a_partial_refund_it_takes_the_rest(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        stage.refund(order_id, 100_000)
        stage.run()
        say(stage, order_id, GatewayStatus.PENDING)
        say(stage, order_id, GatewayStatus.FAILED)
        assert [(one.origin, one.amount_minor) for one in stage.refunds(order_id)] == [
            ("request", 100_000),
            ("dispute", 298_000),
        ]
        dispute = dispute_of(stage, order_id)
        assert (dispute.loss_minor, stage.order(order_id).state, stage.entitlement(order_id).state) == (
            100_000,
            "refunded",
            "ended",
        )
        sound(stage)

    def test_a_refund_that_fails_after_the_dispute_was_lost_is_borne_by_its_order(self, stage: Stage) -> None:
        order_id = stage.buy(method="sbx_refund_delayed")
        stage.run()
        refund_id = stage.refund(order_id)
        stage.run()
        assert stage.get(Refund, refund_id).state == "processing"
        say(stage, order_id, GatewayStatus.FAILED)
        assert dispute_of(stage, order_id).loss_left_minor == 398_000
        refund = stage.get(Refund, refund_id)
        answer = GatewayAnswer(GatewayStatus.FAILED, refund.gateway_reference or "", Money(398_000, "CNY"), "closed")
        result = GatewayResult(answer=answer)
        transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_result(uow, refund_id, result))
        stage.run()
        dispute = dispute_of(stage, order_id)
        assert (dispute.loss_minor, dispute.borne_minor) == (398_000, 398_000)
        assert {(one.origin, one.state) for one in stage.refunds(order_id)} == {
            ("request", "failed"),
            ("dispute", "succeeded"),
        }
        assert stage.order(order_id).state == "refunded"
        clock.advance(timedelta(days=2))
        stage.run()
        assert len(stage.refunds(order_id)) == 2
        sound(stage)

    def test_a_refund_that_comes_back_after_the_dispute_was_lost_is_kept(self, stage: Stage) -> None:
        order_id = stage.buy(method="sbx_refund_returned")
        stage.run()
        refund_id = stage.refund(order_id)
        stage.run()
        say(stage, order_id, GatewayStatus.FAILED)
        later(stage)
        dispute = dispute_of(stage, order_id)
        assert (stage.get(Refund, refund_id).state, dispute.kept_minor) == ("settled", 398_000)
        (incident,) = stage.rows(select(Incident).where(Incident.subject_id == refund_id))
        assert incident.state == "closed"
        sound(stage)

    def test_one_that_came_back_in_part_is_not_sent_again(self, stage: Stage) -> None:
        order_id = stage.buy(method="sbx_refund_returned")
        stage.run()
        refund_id = stage.refund(order_id)
        stage.run()
        say(stage, order_id, GatewayStatus.FAILED, 100_000)
        later(stage)
        assert stage.get(Refund, refund_id).state == "returned"
        (incident,) = stage.rows(select(Incident).where(Incident.subject_id == refund_id))
        with pytest.raises(Conflict, match="dispute_loss_open"):
            transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: resend_refund(uow, incident.id))
        sound(stage)


def payment_key(stage: Stage, payment_id: UUID | None) -> PaymentRequest:
    """What the sandbox finds a payment by."""
    from billing.gateways.ports import PaymentRequest

    assert payment_id is not None
    (row,) = stage.rows(
        select(SandboxOperation).where(SandboxOperation.reference == stage.get(Payment, payment_id).gateway_reference)
    )
    return PaymentRequest(row.idempotency_key, Money(row.amount_minor, row.currency), row.method_token, "", {})


DEEDS = ["opened", "won", "lost", "refund", "settled", "refund_failed", "hours"]
STEPS = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 1), st.integers(1, 4)), min_size=3, max_size=9)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_whatever_comes_in_whatever_order_the_books_balance_and_no_order_gives_back_more_than_it_had(
    stage: Stage, steps: list[tuple[str, int, int]]
) -> None:
    order_id = stage.buy(method="sbx_refund_delayed")
    stage.run()
    payment_id = stage.order(order_id).payment_id
    assert payment_id is not None
    amounts = {0: 398_000, 1: 150_000}
    status = {"opened": GatewayStatus.PENDING, "won": GatewayStatus.SUCCEEDED, "lost": GatewayStatus.FAILED}
    for what, number, quarter in steps:
        if what in status:
            say(stage, order_id, status[what], amounts[number], number)
        elif what == "refund":
            asked = RequestRefund(order_id, payment_id, "test", automatic=False, amount_minor=99_500 * quarter)
            try:
                transact(stage.services.db, SYSTEM, lambda uow, asked=asked: request_refund(uow, asked))  # type: ignore[misc]
            except Conflict:
                continue
            stage.run()
        elif what == "settled":
            later(stage)
        elif what == "refund_failed":
            for refund in stage.refunds(order_id):
                if refund.state == "processing" and refund.gateway_reference:
                    money = Money(refund.amount_minor, refund.currency)
                    answer = GatewayAnswer(GatewayStatus.FAILED, refund.gateway_reference, money, "closed")
                    result = GatewayResult(answer=answer)
                    transact(
                        stage.services.db,
                        SYSTEM,
                        lambda uow, refund=refund, result=result: apply_gateway_result(uow, refund.id, result),  # type: ignore[misc]
                    )
                    stage.run()
        else:
            clock.advance(timedelta(hours=quarter))
        stage.run()
        (paid,) = stage.rows(select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id))
        assert paid.refunded_minor <= paid.reserved_minor <= paid.amount_minor == 398_000
        sound(stage)
