"""What a gateway changes after an end, or does by itself, moves the books, reaches the operators, and is told truthfully."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import select

from app.embedded.engines import Addresses
from app.verify.check import verify
from app.verify.rule import Outside
from app.verify.rules import RULES
from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.disputes.models import Dispute
from billing.gateways.ports import GatewayAnswer, GatewayRecord, GatewayStatus, GatewayWebhook
from billing.gateways.result import ApplyOutcome, GatewayResult
from billing.gateways.sandbox import SandboxGateway
from billing.gateways.webhooks import store_webhook
from billing.incidents.close_incident import CloseIncident, close_incident
from billing.incidents.models import Incident
from billing.ledger.queries import balance_minor
from billing.payouts.apply_gateway_result import apply_gateway_result as apply_payout
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.refunds.apply_gateway_result import apply_gateway_result
from billing.refunds.models import Refund, RefundAttempt
from billing.refunds.resend_refund import resend_refund
from billing.shares.release import release_due
from billing.statements.models import Statement
from billing.statements.queries import get_statement
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Invalid
from kernel.jobs.models import Inbox
from kernel.money import Money
from kernel.principal import SYSTEM
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.checkout.create_quote import QuoteItem
from tests.emptied import empty
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop_stage import Stage

SOON = timedelta(seconds=3)
"""Longer than the sandbox takes for what it does by itself."""
KINDS = "ledger payments refunds charges shares statements payouts incidents orders states purchases".split()
BY_THE_CLOCK = {"shares.held", "orders.not_stuck", "ledger.sealed", "states.walked"}
"""Each test begins at noon again, before rows of others; days pass unsealed; organizations outlive their histories."""
MONEY = tuple(rule for rule in RULES if rule.name.split(".")[0] in KINDS and rule.name not in BY_THE_CLOCK)


@pytest.fixture(scope="module", autouse=True)
def _nobody_elses_books(addresses: Addresses) -> None:
    """Tests of other folders leave payments without orders."""
    empty(addresses)


def later(stage: Stage) -> None:
    clock.advance(SOON)
    stage.run()


def incidents(stage: Stage, subject_id: UUID) -> list[tuple[str, str, int, int]]:
    rows = stage.rows(select(Incident).where(Incident.subject_id == subject_id).order_by(Incident.id))
    return [(row.kind, row.state, row.amount_minor, row.suspense_minor) for row in rows]


def close(stage: Stage, subject_id: UUID, why: str = "paid by bank transfer of 2026-11-23") -> None:
    (row,) = stage.rows(select(Incident).where(Incident.subject_id == subject_id, Incident.state == "open"))
    command = CloseIncident(row.id, why, "bank reference 2026-0001")
    transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: close_incident(uow, command))
    stage.run()


def credit(stage: Stage) -> int:
    """What the platform owes the buyer."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return -balance_minor(uow, stage.buyer.id, "buyer_credit", "CNY")


def suspense(stage: Stage) -> int:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return balance_minor(uow, PLATFORM_ORG_ID, "suspense", "CNY")


def left(stage: Stage, order_id: UUID) -> dict[str, int]:
    return {kind: one.amount_minor - one.reversed_minor for kind, one in stage.shares(order_id).items()}


def sound(stage: Stage) -> None:
    """Nothing is wrong with the books and all that they are about."""
    report = verify(stage.services.db, Outside(), rules=MONEY, comparisons=())
    assert {one.name: one.found for one in report.outcomes if one.found.violations} == {}


def notice(stage: Stage, reference: str, kind: str, says: GatewayStatus | None, number: int = 0) -> str:
    """Tell it again, with another event id; returns what became of it."""
    told = GatewayWebhook(
        f"{reference}:{kind}:{number}", kind, reference, {}, subject=kind.split(".", maxsplit=1)[0], says=says
    )
    transact(stage.services.db, SYSTEM, lambda uow: store_webhook(uow, "sandbox", told))
    stage.run()
    (row,) = stage.rows(select(Inbox).where(Inbox.event_id == told.event_id))
    return str(row.state)


def refunded(stage: Stage, method: str = "sbx_refund_returned") -> tuple[UUID, UUID]:
    order_id = stage.buy(method=method)
    stage.run()
    refund_id = stage.refund(order_id)
    stage.run()
    assert stage.get(Refund, refund_id).state == "succeeded"
    return order_id, refund_id


class TestRefundThatComesBack:
    def test_it_is_the_buyers_credit_until_an_operator_has_paid_it_otherwise(self, stage: Stage) -> None:
        before = suspense(stage)
        order_id, refund_id = refunded(stage)
        assert incidents(stage, refund_id) == []
        later(stage)
        refund = stage.get(Refund, refund_id)
        assert (refund.state, refund.error_code) == ("returned", "account_closed")
        assert incidents(stage, refund_id) == [("refund_returned", "open", 398_000, 0)]
        # The sale stays undone: it is the money alone that is here again.
        assert (stage.order(order_id).state, set(left(stage, order_id).values())) == ("refunded", {0})
        assert (credit(stage), len(stage.papers(order_id, "credit_note"))) == (398_000, 1)
        sound(stage)
        close(stage, refund_id)
        assert stage.get(Refund, refund_id).state == "settled"
        assert (credit(stage), suspense(stage) - before) == (0, -398_000)
        sound(stage)

    def test_told_in_any_order_and_number_it_came_back_once(self, stage: Stage) -> None:
        _, refund_id = refunded(stage)
        later(stage)
        reference = stage.get(Refund, refund_id).gateway_reference or ""
        told = [
            ("refund.failed", GatewayStatus.FAILED),
            ("refund.succeeded", GatewayStatus.SUCCEEDED),
            ("refund.updated", None),
        ]
        for number, order in enumerate(permutations(told)):
            assert {notice(stage, reference, kind, says, number) for kind, says in order} == {"processed"}
        assert stage.get(Refund, refund_id).state == "returned"
        assert incidents(stage, refund_id) == [("refund_returned", "open", 398_000, 0)]
        assert credit(stage) == 398_000

    def test_nothing_more_is_refunded_of_it(self, stage: Stage) -> None:
        order_id, _ = refunded(stage)
        later(stage)
        with pytest.raises(Conflict, match="order_not_refundable"):
            stage.refund(order_id)

    def test_an_incident_is_closed_once_and_with_words(self, stage: Stage) -> None:
        _, refund_id = refunded(stage)
        later(stage)
        with pytest.raises(Invalid, match="resolution_required"):
            close(stage, refund_id, "  ")
        close(stage, refund_id)
        (row,) = stage.rows(select(Incident).where(Incident.subject_id == refund_id))
        with pytest.raises(Conflict, match="incident_closed"):
            transact(
                stage.services.db, OPERATOR_PRINCIPAL, lambda uow: close_incident(uow, CloseIncident(row.id, "x", "y"))
            )


class TestRefundSentAgain:
    """What came back can go the same way once more: the same money, another attempt, never twice."""

    def returned(self, stage: Stage, method: str = "sbx_refund_returned_once") -> tuple[UUID, UUID]:
        order_id, refund_id = refunded(stage, method)
        later(stage)
        assert stage.get(Refund, refund_id).state == "returned"
        return order_id, refund_id

    def resend(self, stage: Stage, refund_id: UUID) -> None:
        (row,) = stage.rows(select(Incident).where(Incident.subject_id == refund_id, Incident.state != "closed"))
        transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: resend_refund(uow, row.id))

    def test_the_incident_closes_by_it_and_the_buyer_has_its_money(self, stage: Stage) -> None:
        before = suspense(stage)
        order_id, refund_id = self.returned(stage)
        came_back = stage.get(Refund, refund_id).gateway_reference
        self.resend(stage, refund_id)
        assert stage.get(Refund, refund_id).state == "resending"
        assert incidents(stage, refund_id) == [("refund_returned", "resending", 398_000, 0)]
        sound(stage)
        stage.run()
        refund = stage.get(Refund, refund_id)
        assert (refund.state, refund.error_code, refund.returns) == ("succeeded", None, 1)
        assert refund.gateway_reference not in {None, came_back}
        assert incidents(stage, refund_id) == [("refund_returned", "closed", 398_000, 0)]
        attempts = stage.rows(select(RefundAttempt).where(RefundAttempt.refund_id == refund_id))
        assert sorted((one.number, one.outcome) for one in attempts) == [(0, "answered"), (1, "answered")]
        # The sale was undone once: no share, no credit note, no order hears of it again.
        assert (credit(stage), suspense(stage), len(stage.papers(order_id, "credit_note"))) == (0, before, 1)
        assert len(stage.refunds(order_id)) == 1
        sound(stage)
        for number, reference in enumerate((came_back, refund.gateway_reference)):
            assert notice(stage, reference or "", "refund.failed", GatewayStatus.FAILED, number + 40) in {
                "processed",
                "ignored",
            }
        assert stage.get(Refund, refund_id).state == "succeeded"

    def test_what_comes_back_again_is_an_incident_of_its_own(self, stage: Stage) -> None:
        _, refund_id = self.returned(stage, "sbx_refund_returned")
        self.resend(stage, refund_id)
        stage.run()
        assert (stage.get(Refund, refund_id).state, credit(stage)) == ("succeeded", 0)
        sound(stage)
        later(stage)
        refund = stage.get(Refund, refund_id)
        assert (refund.state, refund.returns, credit(stage)) == ("returned", 2, 398_000)
        assert [state for _, state, *_ in incidents(stage, refund_id)] == ["closed", "open"]
        sound(stage)
        close(stage, refund_id)
        assert (stage.get(Refund, refund_id).state, credit(stage)) == ("settled", 0)
        sound(stage)
        with pytest.raises(ValueError, match="not enough values"):
            self.resend(stage, refund_id)

    def test_what_the_gateway_refuses_is_open_again(self, stage: Stage) -> None:
        _, refund_id = self.returned(stage)
        self.resend(stage, refund_id)
        refused = GatewayResult(refused="payment_method_gone")
        transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_result(uow, refund_id, refused))
        refund = stage.get(Refund, refund_id)
        assert (refund.state, refund.error_code, refund.returns) == ("returned", "payment_method_gone", 1)
        assert incidents(stage, refund_id) == [("refund_returned", "open", 398_000, 0)]
        assert credit(stage) == 398_000
        sound(stage)
        self.resend(stage, refund_id)
        stage.run()
        assert (stage.get(Refund, refund_id).state, credit(stage)) == ("succeeded", 0)
        sound(stage)

    def test_in_doubt_it_is_asked_about_and_not_sent_beside(self, stage: Stage) -> None:
        _, refund_id = self.returned(stage)
        self.resend(stage, refund_id)
        transact(
            stage.services.db, SYSTEM, lambda uow: apply_gateway_result(uow, refund_id, GatewayResult(unknown=True))
        )
        assert stage.get(Refund, refund_id).state == "resending"
        with pytest.raises(Conflict, match="incident_resending"):
            self.resend(stage, refund_id)
        (row,) = stage.rows(select(Incident).where(Incident.subject_id == refund_id))
        by_hand = CloseIncident(row.id, "paid by bank transfer", "BANK-1")
        with pytest.raises(Conflict, match="incident_resending"):
            transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: close_incident(uow, by_hand))
        stage.run()
        assert (stage.get(Refund, refund_id).state, credit(stage)) == ("succeeded", 0)

    def test_by_hand_it_takes_evidence(self, stage: Stage) -> None:
        _, refund_id = self.returned(stage)
        (row,) = stage.rows(select(Incident).where(Incident.subject_id == refund_id))
        with pytest.raises(Invalid, match="evidence_required"):
            transact(
                stage.services.db, OPERATOR_PRINCIPAL, lambda uow: close_incident(uow, CloseIncident(row.id, "paid"))
            )
        assert stage.get(Refund, refund_id).state == "returned"
        close(stage, refund_id)
        assert stage.get(Incident, row.id).evidence == "bank reference 2026-0001"

    def test_only_a_refund_that_came_back_can_be_sent_again(self, stage: Stage) -> None:
        order_id = stage.buy(method="sbx_refunded_by_hand")
        stage.run()
        later(stage)
        (refund,) = stage.refunds(order_id)
        with pytest.raises(Conflict, match="incident_not_resendable"):
            self.resend(stage, refund.payment_id)


class TestRefundMadeByHand:
    def test_of_one_order_it_is_that_orders_refund(self, stage: Stage) -> None:
        order_id = stage.buy(method="sbx_refunded_by_hand")
        stage.run()
        later(stage)
        (refund,) = stage.refunds(order_id)
        assert (refund.state, refund.origin, refund.amount_minor) == ("succeeded", "gateway", 398_000)
        assert (stage.order(order_id).state, set(left(stage, order_id).values())) == ("refunded", {0})
        assert len(stage.papers(order_id, "credit_note")) == 1
        assert incidents(stage, refund.payment_id) == [("external_refund", "open", 398_000, 0)]
        assert notice(stage, refund.gateway_reference or "", "refund.updated", None) == "processed"
        assert len(stage.refunds(order_id)) == 1
        sound(stage)

    def test_after_one_of_ours_what_nobody_bears_is_a_loss_in_suspense(self, stage: Stage) -> None:
        before = suspense(stage)
        order_id = stage.buy(method="sbx_disputed")
        stage.run()
        refund_id = stage.refund(order_id, 100_000)
        stage.run()
        assert stage.get(Refund, refund_id).state == "succeeded"
        later(stage)
        end_dispute(stage, GatewayStatus.FAILED)
        # The bank took all of it, a part of which the buyer had back already.
        (dispute,) = stage.rows(select(Dispute).where(Dispute.payer_org_id == stage.buyer.id))
        assert incidents(stage, dispute.id) == [("dispute_lost", "open", 398_000, 100_000)]
        assert suspense(stage) - before == 100_000
        assert (stage.order(order_id).state, set(left(stage, order_id).values())) == ("refunded", {0})
        sound(stage)


def end_dispute(stage: Stage, status: GatewayStatus) -> None:
    """The bank decides."""
    (dispute,) = stage.rows(select(Dispute).where(Dispute.payer_org_id == stage.buyer.id, Dispute.state == "open"))
    gateway = stage.services.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    gateway.decide(dispute.gateway_reference, status)
    stage.run()


class TestReversedPayment:
    def test_its_orders_lose_the_money(self, stage: Stage) -> None:
        order_id = stage.buy(method="sbx_reversed")
        stage.run()
        assert stage.order(order_id).state == "active"
        later(stage)
        (payment,) = stage.payments(stage.order(order_id).purchase_id)
        assert (payment.state, payment.error_code) == ("reversed", "payment_reversed")
        (refund,) = stage.refunds(order_id)
        assert (refund.state, refund.origin) == ("succeeded", "reversal")
        assert (stage.order(order_id).state, stage.entitlement(order_id).state) == ("refunded", "ended")
        assert incidents(stage, payment.id) == [("payment_reversed", "open", 398_000, 0)]
        assert notice(stage, payment.gateway_reference or "", "payment.failed", GatewayStatus.FAILED, 7) == "processed"
        assert len(stage.refunds(order_id)) == 1
        sound(stage)

    def test_before_delivery_too(self, stage: Stage) -> None:
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        order_id = stage.buy(method="sbx_reversed")
        stage.run()
        assert stage.order(order_id).state == "fulfilling"
        later(stage)
        assert stage.order(order_id).state == "refunded"
        sound(stage)

    def test_of_several_orders_each_loses_its_part(self, stage: Stage) -> None:
        _, other, _ = stage.second_seller()
        quote_id = stage.quote(lines=(QuoteItem(stage.seat_plan, 20), QuoteItem(other, 3)))
        purchase_id = stage.purchase(quote_id, method="sbx_reversed")
        stage.run()
        later(stage)
        orders = stage.orders_of(purchase_id)
        assert [(order.state, [one.amount_minor for one in stage.refunds(order.id)]) for order in orders] == [
            ("refunded", [order.gross_minor]) for order in orders
        ]
        sound(stage)


class TestPayoutThatComesBack:
    def paid(self, stage: Stage, account: str) -> UUID:
        order_id = stage.buy()
        stage.run()
        stage.settle()
        (statement,) = stage.statements(stage.seller)
        command = PayOut(statement.id, "sandbox", account)
        payout_id = transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: pay_out(uow, command))
        stage.run()
        assert stage.get(Payout, payout_id).state == "paid"
        assert stage.shares(order_id)["seller"].state == "paid"
        return payout_id

    def test_its_statement_can_be_paid_again(self, stage: Stage) -> None:
        payout_id = self.paid(stage, "sbx_acct_returned")
        later(stage)
        payout = stage.get(Payout, payout_id)
        assert (payout.state, payout.error_code) == ("returned", "account_closed")
        (statement,) = stage.statements(stage.seller)
        assert statement.state == "closed"
        assert incidents(stage, payout_id) == [("payout_returned", "open", payout.amount_minor, 0)]
        sound(stage)
        again = stage.pay_out(statement.id)
        assert (again.state, again.amount_minor) == ("paid", payout.amount_minor)
        (statement,) = stage.statements(stage.seller)
        assert statement.state == "paid"
        close(stage, payout_id, "paid again to the new account")
        sound(stage)


class TestDispute:
    def disputed(self, stage: Stage, method: str = "sbx_disputed") -> UUID:
        order_id = stage.buy(method=method)
        stage.run()
        clock.advance(SOON)
        stage.run()
        return order_id

    def test_shares_stand_still_until_it_is_won(self, stage: Stage) -> None:
        before = suspense(stage)
        order_id = self.disputed(stage)
        assert suspense(stage) - before == 398_000
        stage.settle()
        assert {one.state for one in stage.shares(order_id).values()} == {"pending"}
        assert stage.statements(stage.seller) == []
        sound(stage)
        end_dispute(stage, GatewayStatus.SUCCEEDED)
        assert suspense(stage) == before
        stage.settle()
        assert stage.shares(order_id)["seller"].state == "in_statement"
        sound(stage)

    def test_what_was_released_already_is_in_no_statement(self, stage: Stage) -> None:
        order_id = stage.buy(method="sbx_disputed")
        stage.run()
        clock.advance(timedelta(days=8))
        # Released before the bank's notice is looked into.
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert release_due(uow, clock.now()) > 0
        assert stage.shares(order_id)["seller"].state == "releasable"
        stage.run()
        stage.close(stage.seller)
        assert stage.shares(order_id)["seller"].state == "releasable"
        sound(stage)
        end_dispute(stage, GatewayStatus.FAILED)
        assert {one.state for one in stage.shares(order_id).values()} == {"reversed"}
        sound(stage)

    def test_nothing_is_refunded_meanwhile(self, stage: Stage) -> None:
        order_id = self.disputed(stage)
        with pytest.raises(Conflict, match="payment_disputed"):
            stage.refund(order_id)
        end_dispute(stage, GatewayStatus.SUCCEEDED)
        stage.refund(order_id)
        stage.run()
        assert stage.order(order_id).state == "refunded"
        sound(stage)

    def test_a_refund_on_its_way_is_not_sent(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        refund_id = stage.refund(order_id)
        (payment,) = stage.payments(stage.order(order_id).purchase_id)
        # Opened after it was asked for, before its job has run.
        opened = GatewayRecord(
            GatewayStatus.PENDING,
            f"sbx_dis_{order_id.hex}",
            payment.gateway_reference or "",
            Money(398_000, "CNY"),
            "fraud",
        )
        transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_record(uow, "sandbox", opened))
        stage.run()
        refund = stage.get(Refund, refund_id)
        assert (refund.state, refund.error_code) == ("failed", "payment_disputed")
        sound(stage)

    def test_lost_the_orders_lose_the_money(self, stage: Stage) -> None:
        order_id = self.disputed(stage, "sbx_disputed_lost")
        later(stage)
        (dispute,) = stage.rows(select(Dispute).where(Dispute.payer_org_id == stage.buyer.id))
        assert (dispute.state, dispute.amount_minor) == ("lost", 398_000)
        (refund,) = stage.refunds(order_id)
        assert (refund.state, refund.origin, refund.amount_minor) == ("succeeded", "dispute", 398_000)
        assert (stage.order(order_id).state, stage.entitlement(order_id).state) == ("refunded", "ended")
        assert incidents(stage, dispute.id) == [("dispute_lost", "open", 398_000, 0)]
        sound(stage)

    def test_what_is_owed_back_meanwhile_waits_for_the_bank(self, stage: Stage) -> None:
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        order_id = self.disputed(stage)
        assert stage.order(order_id).state == "fulfilling"
        run = stage.delivery(order_id)
        assert stage.call_back(stage.token(run), {"status": "failed", "reason": "no capacity"})
        stage.run()
        assert (stage.order(order_id).state, stage.refunds(order_id)) == ("delivery_failed", [])
        sound(stage)
        end_dispute(stage, GatewayStatus.SUCCEEDED)
        assert stage.order(order_id).state == "refunded"
        sound(stage)


class TestOverturnedDispute:
    """A bank may reverse its own decision: the money moves once more, and a person is told."""

    def decided(self, stage: Stage, status: GatewayStatus, amount_minor: int = 398_000) -> tuple[UUID, Dispute]:
        order_id = stage.buy()
        stage.run()
        self.say(stage, order_id, GatewayStatus.PENDING, amount_minor)
        self.say(stage, order_id, status, amount_minor)
        (dispute,) = stage.rows(select(Dispute).where(Dispute.payer_org_id == stage.buyer.id))
        return order_id, dispute

    def say(
        self, stage: Stage, order_id: UUID, status: GatewayStatus, amount_minor: int = 398_000
    ) -> ApplyOutcome | None:
        (payment,) = stage.payments(stage.order(order_id).purchase_id)
        record = GatewayRecord(
            status,
            f"sbx_dis_{order_id.hex}",
            payment.gateway_reference or "",
            Money(amount_minor, "CNY"),
            "fraud",
        )
        outcome = transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_record(uow, "sandbox", record))
        stage.run()
        return outcome

    def test_won_and_then_lost_the_orders_lose_the_money(self, stage: Stage) -> None:
        before = suspense(stage)
        order_id, dispute = self.decided(stage, GatewayStatus.SUCCEEDED)
        assert stage.order(order_id).state == "active"
        for _ in range(2):
            self.say(stage, order_id, GatewayStatus.FAILED)
        assert (stage.get(Dispute, dispute.id).state, stage.order(order_id).state) == ("lost", "refunded")
        assert set(left(stage, order_id).values()) == {0}
        assert incidents(stage, dispute.id) == [("dispute_lost", "open", 398_000, 0)]
        assert suspense(stage) == before
        sound(stage)

    def test_lost_and_then_won_the_money_is_here_and_nobodys(self, stage: Stage) -> None:
        before = suspense(stage)
        order_id, dispute = self.decided(stage, GatewayStatus.FAILED)
        for _ in range(2):
            self.say(stage, order_id, GatewayStatus.SUCCEEDED)
        assert (stage.get(Dispute, dispute.id).state, stage.order(order_id).state) == ("won", "refunded")
        assert incidents(stage, dispute.id) == [
            ("dispute_lost", "open", 398_000, 0),
            ("dispute_overturned", "open", 398_000, -398_000),
        ]
        assert suspense(stage) - before == -398_000
        sound(stage)

    def test_turned_round_again_and_again_the_books_follow_each_time_once(self, stage: Stage) -> None:
        before = suspense(stage)
        order_id, dispute = self.decided(stage, GatewayStatus.SUCCEEDED, 100_000)
        for number, status in enumerate([GatewayStatus.FAILED, GatewayStatus.SUCCEEDED] * 3):
            assert self.say(stage, order_id, status, 100_000) is ApplyOutcome.CHANGED
            assert self.say(stage, order_id, status, 100_000) is ApplyOutcome.NOTHING_NEW
            assert suspense(stage) - before == (-100_000 if status is GatewayStatus.SUCCEEDED else 0)
            assert stage.get(Dispute, dispute.id).overturned == number + 1
            assert len(incidents(stage, dispute.id)) == number + 1
            sound(stage)
        assert [one.amount_minor for one in stage.refunds(order_id)] == [100_000]

    def test_what_is_left_of_a_failed_delivery_goes_back_after_a_lost_dispute_too(self, stage: Stage) -> None:
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        order_id = stage.buy()
        stage.run()
        self.say(stage, order_id, GatewayStatus.PENDING, 100_000)
        assert stage.call_back(stage.token(stage.delivery(order_id)), {"status": "failed", "reason": "no capacity"})
        stage.run()
        self.say(stage, order_id, GatewayStatus.FAILED, 100_000)
        assert [(one.origin, one.amount_minor) for one in stage.refunds(order_id)] == [
            ("dispute", 100_000),
            ("request", 298_000),
        ]
        assert stage.order(order_id).state == "refunded"
        sound(stage)


def say_disputed(stage: Stage, order_id: UUID, status: GatewayStatus) -> None:
    """What the gateway tells of a dispute about this order's whole payment."""
    (payment,) = stage.payments(stage.order(order_id).purchase_id)
    money = Money(payment.amount_minor, payment.currency)
    record = GatewayRecord(status, f"sbx_dis_{order_id.hex}", payment.gateway_reference or "", money, "fraud")
    transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_record(uow, "sandbox", record))
    stage.run()


def scheduled(stage: Stage, statement_id: UUID, account: str = "sbx_acct_ok") -> UUID:
    command = PayOut(statement_id, "sandbox", account)
    return transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: pay_out(uow, command))


class TestDisputeOfWhatIsSettled:
    """A dispute that opens after the statement closed: that part alone is held, until the bank has decided."""

    def closed(self, stage: Stage) -> tuple[UUID, UUID, Statement]:
        calm, disputed = stage.buy(), stage.buy()
        stage.run()
        stage.settle()
        (statement,) = stage.statements(stage.seller)
        return calm, disputed, statement

    def part(self, stage: Stage, order_id: UUID) -> int:
        return left(stage, order_id)["seller"]

    def test_its_part_is_held_and_the_rest_is_paid(self, stage: Stage) -> None:
        calm, disputed, statement = self.closed(stage)
        say_disputed(stage, disputed, GatewayStatus.PENDING)
        held = self.part(stage, disputed)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert get_statement(uow, statement.id)[0].held_minor == held
        payout = stage.pay_out(statement.id)
        assert (payout.state, payout.amount_minor) == ("paid", statement.net_minor - held)
        assert (stage.shares(calm)["seller"].state, stage.shares(disputed)["seller"].state) == ("paid", "in_statement")
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert get_statement(uow, statement.id)[0].held_minor == held
        sound(stage)
        clock.advance(timedelta(days=1))
        assert stage.close(stage.seller) == []
        say_disputed(stage, disputed, GatewayStatus.SUCCEEDED)
        stage.close(stage.seller)
        _, following = stage.statements(stage.seller)
        assert (following.adjustments_minor, following.net_minor) == (held, held)
        assert stage.pay_out(following.id).amount_minor == held
        assert stage.shares(disputed)["seller"].state == "paid"
        sound(stage)

    def test_lost_it_is_netted_with_what_is_taken_back(self, stage: Stage) -> None:
        _, disputed, statement = self.closed(stage)
        say_disputed(stage, disputed, GatewayStatus.PENDING)
        held = self.part(stage, disputed)
        stage.pay_out(statement.id)
        say_disputed(stage, disputed, GatewayStatus.FAILED)
        clock.advance(timedelta(days=1))
        stage.close(stage.seller)
        _, following = stage.statements(stage.seller)
        assert (following.adjustments_minor, following.net_minor, following.state) == (held, 0, "carried")
        sound(stage)

    def test_where_nothing_else_is_due_nothing_is_paid(self, stage: Stage) -> None:
        calm, disputed, statement = self.closed(stage)
        for order_id in (calm, disputed):
            say_disputed(stage, order_id, GatewayStatus.PENDING)
        with pytest.raises(Conflict, match="payout_held_by_dispute"):
            scheduled(stage, statement.id)
        for order_id in (calm, disputed):
            say_disputed(stage, order_id, GatewayStatus.SUCCEEDED)
        assert stage.pay_out(statement.id).amount_minor == statement.net_minor
        sound(stage)

    def test_a_payout_that_was_not_sent_yet_is_not_sent_and_one_under_way_is_an_incident(self, stage: Stage) -> None:
        _, disputed, statement = self.closed(stage)
        payout_id = scheduled(stage, statement.id)
        say_disputed(stage, disputed, GatewayStatus.PENDING)
        payout = stage.get(Payout, payout_id)
        assert (payout.state, payout.error_code) == ("failed", "payment_disputed")
        held = self.part(stage, disputed)
        assert incidents(stage, payout_id) == [("payout_disputed", "open", held, 0)]
        again = stage.pay_out(statement.id)
        assert (again.state, again.amount_minor) == ("paid", statement.net_minor - held)
        sound(stage)

    def test_a_payout_with_a_hold_that_comes_back_is_paid_again_without_what_was_taken_up(self, stage: Stage) -> None:
        _, disputed, statement = self.closed(stage)
        say_disputed(stage, disputed, GatewayStatus.PENDING)
        held = self.part(stage, disputed)
        payout_id = scheduled(stage, statement.id, "sbx_acct_returned")
        stage.run()
        say_disputed(stage, disputed, GatewayStatus.SUCCEEDED)
        clock.advance(timedelta(seconds=1))
        stage.close(stage.seller)
        later(stage)
        assert stage.get(Payout, payout_id).state == "returned"
        sound(stage)
        assert stage.pay_out(statement.id).amount_minor == statement.net_minor - held
        (_, following) = stage.statements(stage.seller)
        assert stage.pay_out(following.id).amount_minor == held
        sound(stage)


def test_a_part_of_a_payout_that_comes_back_is_booked_once_and_in_the_next_statement(stage: Stage) -> None:
    stage.buy()
    stage.run()
    stage.settle()
    (statement,) = stage.statements(stage.seller)
    payout = stage.pay_out(statement.id)
    money, reference = Money(payout.amount_minor, payout.currency), payout.gateway_reference or ""

    def told(returned_minor: int, status: GatewayStatus = GatewayStatus.SUCCEEDED) -> None:
        answer = GatewayAnswer(status, reference, money, returned_minor=returned_minor)
        transact(stage.services.db, SYSTEM, lambda uow: apply_payout(uow, payout.id, GatewayResult(answer=answer)))
        sound(stage)

    for returned_minor in (1_000, 1_000, 0, 1_500, 1_000):
        told(returned_minor)
    assert incidents(stage, payout.id) == [
        ("payout_partly_returned", "open", 1_000, 0),
        ("payout_partly_returned", "open", 500, 0),
    ]
    clock.advance(timedelta(days=1))
    stage.close(stage.seller)
    _, following = stage.statements(stage.seller)
    assert (following.adjustments_minor, following.net_minor) == (1_500, 1_500)
    for _ in range(2):
        told(0, GatewayStatus.FAILED)
    assert stage.get(Payout, payout.id).state == "paid"
    clock.advance(timedelta(days=1))
    stage.close(stage.seller)
    last = stage.statements(stage.seller)[-1]
    assert last.adjustments_minor == payout.amount_minor - 1_500
    sound(stage)
