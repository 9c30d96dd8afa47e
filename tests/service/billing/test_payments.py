"""Payments: every documented token ends where it should, by whichever way the outcome becomes known."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.scheduler import run_sweep
from billing.gateways import janitor
from billing.gateways.janitor import JANITOR, WEBHOOKS
from billing.gateways.models import SandboxOperation
from billing.gateways.ports import GatewayAnswer, GatewayStatus, GatewayWebhook, OutcomeUnknown, PaymentRequest
from billing.gateways.result import NOT_REACHED, ApplyOutcome, GatewayResult
from billing.gateways.sandbox import SandboxGateway
from billing.gateways.webhooks import ANSWER_FIRST, store_webhook
from billing.ledger.models import LedgerTransaction
from billing.payments.apply_gateway_result import apply_gateway_result
from billing.payments.models import Payment, PaymentAttempt
from billing.payments.start_payment import start_payment
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.jobs.models import Inbox
from kernel.jobs.runner import Runner, drain, due
from kernel.money import Money
from kernel.principal import SYSTEM, Principal, PrincipalKind
from tests.factories_billing import House, Sale, do_sweep, facts, make_house, read

SUCCEEDED = ["billing.payment_succeeded.v1"]
FAILED = ["billing.payment_failed.v1"]


class TestStartPayment:
    def test_a_second_payment_waits_for_the_definite_failure_of_the_first(self, house: House) -> None:
        sale = Sale()
        sale.start(house.db, "sbx_declined")
        with pytest.raises(Conflict, match="payment_already_running"):
            sale.start(house.db)
        house.run()
        assert read(house.db, Payment, sale.start(house.db)).state == "processing"

    def test_a_paid_purchase_is_not_paid_again(self, house: House) -> None:
        sale = Sale()
        sale.start(house.db)
        house.run()
        with pytest.raises(Conflict, match="payment_already_running"):
            sale.start(house.db)

    def test_an_unknown_outcome_blocks_another_payment(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.start(house.db, "sbx_request_lost")
        house.run()
        assert read(house.db, Payment, payment_id).state == "unknown"
        with pytest.raises(Conflict, match="payment_already_running"):
            sale.start(house.db)

    @pytest.mark.parametrize(("net", "code"), [(0, "amount_not_positive"), (-1, "amount_not_positive")])
    def test_amounts_are_positive(self, house: House, net: int, code: str) -> None:
        with pytest.raises(Invalid, match=code):
            Sale(net_minor=net, tax_minor=0).start(house.db)

    def test_another_organization_cannot_be_made_to_pay(self, house: House) -> None:
        sale, thief = Sale(), Principal(PrincipalKind.PERSON, org_id=Sale().buyer_org_id)
        command = sale.start_command()
        with pytest.raises(NotFound), unit_of_work(house.db, thief) as uow:
            start_payment(uow, command)


class TestTokens:
    @pytest.mark.parametrize(
        ("token", "state", "error"),
        [
            ("sbx_ok", "succeeded", None),
            ("sbx_declined", "failed", "card_declined"),
            ("sbx_insufficient", "failed", "insufficient_funds"),
            ("sbx_delayed", "succeeded", None),
            ("sbx_delayed_5", "succeeded", None),
            ("sbx_delayed_fail", "failed", "card_declined"),
            ("sbx_timeout", "succeeded", None),
            ("sbx_request_lost", "succeeded", None),
            ("sbx_nonsense", "failed", "invalid_method"),
        ],
    )
    def test_a_token_ends_where_it_is_documented_to(
        self, house: House, token: str, state: str, error: str | None
    ) -> None:
        payment_id = Sale().start(house.db, token)
        house.run()
        clock.advance(timedelta(seconds=15))
        do_sweep(house.db, JANITOR)
        payment = read(house.db, Payment, payment_id)
        assert (payment.state, payment.error_code) == (state, error)
        assert facts(house.db, payment_id) == (SUCCEEDED if state == "succeeded" else FAILED)

    def test_authentication_asked_for_and_given(self, house: House) -> None:
        payment_id = Sale().start(house.db, "sbx_requires_action")
        house.run()
        waiting = read(house.db, Payment, payment_id)
        assert waiting.state == "requires_action"
        assert waiting.gateway_reference is not None
        house.gateway.authenticate(waiting.gateway_reference, approve=True)
        house.run()
        assert read(house.db, Payment, payment_id).state == "succeeded"
        assert facts(house.db, payment_id) == ["billing.payment_needs_action.v1", *SUCCEEDED]

    def test_authentication_refused(self, house: House) -> None:
        payment_id = Sale().start(house.db, "sbx_requires_action")
        house.run()
        house.gateway.authenticate(read(house.db, Payment, payment_id).gateway_reference or "", approve=False)
        house.run()
        assert read(house.db, Payment, payment_id).error_code == "authentication_failed"

    def test_what_nobody_authenticates_in_time_is_withdrawn(self, house: House) -> None:
        payment_id = Sale().start(house.db, "sbx_requires_action")
        house.run()
        clock.advance(timedelta(hours=1))
        do_sweep(house.db, JANITOR)
        assert read(house.db, Payment, payment_id).error_code == "cancelled"

    def test_an_unreachable_gateway_is_tried_until_the_deadline_and_no_longer(self, house: House) -> None:
        payment_id = Sale().start(house.db, "sbx_unreachable")
        house.run()
        clock.advance(timedelta(minutes=10))
        do_sweep(house.db, JANITOR)
        assert read(house.db, Payment, payment_id).state == "processing"
        clock.advance(timedelta(hours=2))
        do_sweep(house.db, JANITOR)
        assert read(house.db, Payment, payment_id).error_code == "payment_expired"

    def test_a_lost_request_is_sent_again_with_its_key_and_taken_once(self, house: House) -> None:
        payment_id = Sale().start(house.db, "sbx_request_lost")
        house.run()
        clock.advance(timedelta(seconds=15))
        do_sweep(house.db, JANITOR)
        with unit_of_work(house.db, SYSTEM) as uow:
            attempt = uow.session.scalars(select(PaymentAttempt).where(PaymentAttempt.payment_id == payment_id)).one()
            taken = select(func.count()).where(SandboxOperation.idempotency_key == str(attempt.id))
            assert uow.session.scalar(taken) == 1


class LaggingGateway(SandboxGateway):
    """The sandbox on a bad day: its answers are lost, and its search does not find yet what was made, as Stripe's may not."""

    lags = True

    def submit(self, request: PaymentRequest) -> GatewayAnswer:
        super().submit(request)
        raise OutcomeUnknown

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        return None if self.lags and reference is None else super().find_payment(request, reference)


class SlowGateway(SandboxGateway):
    """The sandbox, with answers that take their time."""

    asked = 0

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        self.asked += 1
        time.sleep(0.02)
        return super().find_payment(request, reference)


class TestJanitor:
    def test_what_the_gateway_does_not_find_yet_has_not_failed(
        self, db: Database, tmp_path: Path, house: House
    ) -> None:
        gateway = LaggingGateway(db)
        make_house(db, tmp_path, {"sandbox": gateway})
        payment_id = Sale().start(db)
        house.run()
        clock.advance(timedelta(minutes=31))
        do_sweep(db, JANITOR)
        assert read(db, Payment, payment_id).state == "unknown"
        gateway.lags = False
        clock.advance(timedelta(hours=1))
        do_sweep(db, JANITOR)
        assert read(db, Payment, payment_id).state == "succeeded"

    @pytest.mark.usefixtures("noon")
    def test_each_row_in_doubt_is_asked_about_by_a_job_of_its_own(self, clean_db: Database, tmp_path: Path) -> None:
        gateway = SlowGateway(clean_db)
        make_house(clean_db, tmp_path, {"sandbox": gateway})
        for _ in range(3):
            Sale().start(clean_db, "sbx_request_lost")
        drain(clean_db)
        clock.advance(timedelta(seconds=15))
        for _ in range(2):
            run_sweep(clean_db, next(item for item in sweeps() if item.name == JANITOR))
        assert gateway.asked == 0, "the scheduler asks nobody"
        jobs = due(clean_db, ["default"])
        assert len(jobs) == 3, "one job a row, however often the janitor comes by"
        for asked, signal in enumerate(jobs, 1):
            Runner(clean_db, "test").run(signal.job_id)
            assert gateway.asked == asked


class TestApplyTold:
    def _answers(self, reference: str) -> dict[str, GatewayResult]:
        money = Money(106_000, "CNY")
        return {
            "pending": GatewayResult(answer=GatewayAnswer(GatewayStatus.PENDING, reference, money)),
            "action": GatewayResult(answer=GatewayAnswer(GatewayStatus.REQUIRES_ACTION, reference, money)),
            "success": GatewayResult(answer=GatewayAnswer(GatewayStatus.SUCCEEDED, reference, money)),
            "doubt": GatewayResult(unknown=True),
            "silence": NOT_REACHED,
        }

    @pytest.mark.parametrize("order", list(permutations(["pending", "action", "success", "doubt", "silence"], 4)))
    def test_in_whatever_order_news_come_a_success_is_a_success_once(
        self, house: House, order: tuple[str, ...]
    ) -> None:
        payment_id = Sale().start(house.db, "sbx_unreachable")
        house.run()
        for news in order:
            with unit_of_work(house.db, SYSTEM) as uow:
                apply_gateway_result(uow, payment_id, self._answers(f"sbx_pay_{payment_id.hex}")[news])
        topics = facts(house.db, payment_id)
        assert topics.count("billing.payment_succeeded.v1") == int("success" in order)
        assert (read(house.db, Payment, payment_id).state == "succeeded") == ("success" in order)

    @pytest.mark.parametrize("money", [Money(105_999, "CNY"), Money(106_000, "USD"), Money(106_001, "CNY")])
    def test_another_amount_is_not_believed(self, house: House, money: Money) -> None:
        payment_id = Sale().start(house.db, "sbx_unreachable")
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            result = GatewayResult(answer=GatewayAnswer(GatewayStatus.SUCCEEDED, f"sbx_pay_{payment_id.hex}", money))
            assert apply_gateway_result(uow, payment_id, result) is ApplyOutcome.CONTRADICTS
        assert read(house.db, Payment, payment_id).error_code == "answer_contradicts"
        assert facts(house.db, payment_id) == []

    def test_money_after_a_definite_failure_is_put_before_a_person(self, house: House) -> None:
        payment_id = Sale().start(house.db, "sbx_declined")
        house.run()
        reference = read(house.db, Payment, payment_id).gateway_reference or ""
        with unit_of_work(house.db, SYSTEM) as uow:
            assert (
                apply_gateway_result(uow, payment_id, self._answers(reference)["success"]) is ApplyOutcome.CONTRADICTS
            )
        assert read(house.db, Payment, payment_id).state == "failed"

    def test_a_capture_is_one_fact_in_the_books(self, house: House) -> None:
        payment_id = Sale().start(house.db)
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            keys = uow.session.scalars(
                select(LedgerTransaction.business_key).where(LedgerTransaction.reference == payment_id)
            ).all()
        assert keys == [f"payment:{payment_id}"]


class TestNotices:
    def test_every_change_at_the_gateway_was_told_and_looked_into(self, house: House) -> None:
        payment_id = Sale().start(house.db, "sbx_delayed")
        house.run()
        clock.advance(timedelta(seconds=3))
        house.run()
        assert read(house.db, Payment, payment_id).state == "succeeded"
        with unit_of_work(house.db, SYSTEM) as uow:
            reference = uow.session.get_one(Payment, payment_id).gateway_reference
            rows = uow.session.scalars(
                select(Inbox).where(Inbox.event_id.startswith(f"{reference}:")).order_by(Inbox.id)
            ).all()
        assert [(row.kind, row.state) for row in rows] == [
            ("payment.pending", "processed"),
            ("payment.succeeded", "processed"),
        ]

    def test_what_only_a_person_can_settle_waits_for_one(self, house: House) -> None:
        event_id = str(uuid7())
        notice = GatewayWebhook(event_id, "charge.dispute.created", "dp_9", {}, subject="dispute", needs_person=True)
        with unit_of_work(house.db, SYSTEM) as uow:
            assert store_webhook(uow, "stripe", notice)
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            assert uow.session.scalar(select(Inbox.state).where(Inbox.event_id == event_id)) == "quarantined"

    def test_however_many_wait_what_agrees_is_closed_and_the_rest_is_looked_into(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(janitor, "PAGE", 2)
        payments = [Sale().start(house.db) for _ in range(5)]
        house.run()
        references = [str(read(house.db, Payment, payment).gateway_reference) for payment in payments]
        other = GatewayWebhook(str(uuid7()), "payment.failed", references[0], {})
        ours = select(Inbox).where(Inbox.body["reference"].astext.in_(references)).order_by(Inbox.id)
        with unit_of_work(house.db, SYSTEM) as uow:
            assert store_webhook(uow, "sandbox", other, beside_answer=True)
            assert {row.state for row in uow.session.scalars(ours)} == {"received"}
        clock.advance(ANSWER_FIRST)
        do_sweep(house.db, WEBHOOKS)
        with unit_of_work(house.db, SYSTEM) as uow:
            *agreeing, last = [(row.kind, row.state, row.note) for row in uow.session.scalars(ours)]
        assert agreeing == [("payment.succeeded", "processed", "agrees")] * 5
        assert last == ("payment.failed", "processed", f"payment {payments[0]}: nothing_new")
