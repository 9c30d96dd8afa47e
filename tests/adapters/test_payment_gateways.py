"""One contract, two gateways: what billing relies on holds for the sandbox and for Stripe's SDK alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from app.local_stripe.parameters import problem_of
from app.local_stripe.server import LocalStripe, signed_event
from billing.gateways.ports import (
    GatewayAnswer,
    GatewayRefused,
    GatewayStatus,
    GatewayWebhook,
    KeyReused,
    NotReached,
    OutcomeUnknown,
    PaymentGateway,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.gateways.sandbox import SandboxGateway
from billing.gateways.stripe import StripeGateway
from kernel import clock
from kernel.db.uow import Database
from kernel.ids import uuid7
from kernel.money import Money
from tests.factories_billing import make_house

SECRET = "whsec_local"
AMOUNT = Money(106_000, "CNY")


@dataclass(frozen=True)
class Side:
    """A gateway and what its counterpart calls the cases of the contract."""

    gateway: PaymentGateway
    ok: str
    action: str
    pending: str
    lost: str
    declined: str
    turned_away: str
    nonsense: str
    account: str
    answer_bank: Callable[[GatewayAnswer, bool], None]
    """The payer confirms, or refuses, what waits for it."""


@pytest.fixture(params=["sandbox", "stripe"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "stripe":
        with LocalStripe() as server:
            at = "https://market.example/payments"
            gateway = StripeGateway("sk_test_local", SECRET, base_address=server.address, payments_at=at)

            def press(answer: GatewayAnswer, approve: bool) -> None:  # noqa: FBT001 - as the sandbox's
                assert answer.next_action is not None
                server.press(answer.next_action["url"], "confirm" if approve else "refuse")

            names = ("pm_card_visa", "pm_card_authenticationRequired", "pm_processing", "pm_lost")
            yield Side(gateway, *names, "pm_card_chargeDeclined", "pm_429", "card", "acct_1", press)
        return
    db: Database = request.getfixturevalue("db")
    make_house(db, request.getfixturevalue("tmp_path"))
    names = ("sbx_ok", "sbx_requires_action", "sbx_delayed_900", "sbx_timeout")
    sandbox = SandboxGateway(db)

    def answer_bank(answer: GatewayAnswer, approve: bool) -> None:  # noqa: FBT001 - as Stripe's
        sandbox.authenticate(answer.reference, approve=approve)
        clock.advance(timedelta(seconds=3))

    yield Side(sandbox, *names, "sbx_declined", "sbx_unreachable", "card", "sbx_acct_ok", answer_bank)


def _now() -> int:
    return int(clock.wall_now().timestamp())


def payment(token: str, amount: Money = AMOUNT) -> PaymentRequest:
    return PaymentRequest(str(uuid7()), amount, token, "test", {"payment_id": str(uuid7())})


def refund_of(reference: str, amount_minor: int = AMOUNT.amount_minor) -> RefundRequest:
    return RefundRequest(str(uuid7()), reference, Money(amount_minor, "CNY"), {})


class TestPayments:
    def test_a_payment_is_made_and_found_by_key_and_by_reference(self, side: Side) -> None:
        request = payment(side.ok)
        made = side.gateway.submit(request)
        assert (made.status, made.amount) == (GatewayStatus.SUCCEEDED, AMOUNT)
        assert side.gateway.find_payment(request, None) == made
        assert side.gateway.find_payment(request, made.reference) == made

    def test_one_key_is_one_payment(self, side: Side) -> None:
        request = payment(side.ok)
        assert side.gateway.submit(request) == side.gateway.submit(request)
        assert side.gateway.submit(payment(side.ok)).reference != side.gateway.submit(request).reference

    def test_a_key_with_another_request_is_no_definite_failure(self, side: Side) -> None:
        request = payment(side.ok)
        side.gateway.submit(request)
        other = PaymentRequest(request.key, Money(1, "CNY"), request.method_token, "test", request.metadata)
        with pytest.raises(KeyReused):
            side.gateway.submit(other)

    def test_what_was_never_sent_is_not_found(self, side: Side) -> None:
        assert side.gateway.find_payment(payment(side.ok), None) is None

    def test_a_lost_answer_is_doubt_and_the_payment_is_found_once(self, side: Side) -> None:
        request = payment(side.lost)
        with pytest.raises(OutcomeUnknown):
            side.gateway.submit(request)
        found = side.gateway.find_payment(request, None)
        assert found is not None
        assert found.status is GatewayStatus.SUCCEEDED
        assert side.gateway.submit(request).reference == found.reference

    def test_a_decline_is_definite(self, side: Side) -> None:
        code: str | None
        try:
            code = side.gateway.submit(payment(side.declined)).error_code
        except GatewayRefused as refusal:
            code = refusal.code
        assert code in {"card_declined", "generic_decline"}

    def test_nonsense_is_refused(self, side: Side) -> None:
        with pytest.raises(GatewayRefused):
            side.gateway.submit(payment(side.nonsense))

    def test_being_turned_away_is_no_outcome(self, side: Side) -> None:
        request = payment(side.turned_away)
        with pytest.raises(NotReached):
            side.gateway.submit(request)
        assert side.gateway.find_payment(request, None) is None

    def test_authentication_waits_and_can_be_withdrawn(self, side: Side) -> None:
        answer = side.gateway.submit(payment(side.action))
        assert answer.status is GatewayStatus.REQUIRES_ACTION
        assert answer.next_action
        assert side.gateway.cancel(answer.reference).status is GatewayStatus.FAILED

    @pytest.mark.parametrize(("approve", "status"), [(True, GatewayStatus.SUCCEEDED), (False, GatewayStatus.FAILED)])
    def test_the_payers_word_decides_and_is_final(
        self, side: Side, noon: object, *, approve: bool, status: str
    ) -> None:
        request = payment(side.action)
        answer = side.gateway.submit(request)
        side.answer_bank(answer, approve)
        for reference in (answer.reference, None):
            found = side.gateway.find_payment(request, reference)
            assert found is not None
            assert (found.status, found.amount, found.reference) == (status, AMOUNT, answer.reference)
        assert side.gateway.cancel(answer.reference).status is status

    def test_a_made_payment_is_not_withdrawn(self, side: Side) -> None:
        answer = side.gateway.submit(payment(side.ok))
        assert side.gateway.cancel(answer.reference).status is GatewayStatus.SUCCEEDED

    def test_what_takes_time_is_pending(self, side: Side) -> None:
        assert side.gateway.submit(payment(side.pending)).status is GatewayStatus.PENDING


class TestRefunds:
    def test_a_refund_is_made_once_and_found(self, side: Side) -> None:
        request = refund_of(side.gateway.submit(payment(side.ok)).reference, 6_000)
        assert side.gateway.find_refund(request, None) is None
        made = side.gateway.refund(request)
        assert (made.status, made.amount) == (GatewayStatus.SUCCEEDED, Money(6_000, "CNY"))
        assert side.gateway.refund(request) == made
        assert side.gateway.find_refund(request, None) == made
        assert side.gateway.find_refund(request, made.reference) == made

    def test_never_more_than_was_paid(self, side: Side) -> None:
        paid = side.gateway.submit(payment(side.ok)).reference
        side.gateway.refund(refund_of(paid, 100_000))
        with pytest.raises(GatewayRefused):
            side.gateway.refund(refund_of(paid, 6_001))
        side.gateway.refund(refund_of(paid, 6_000))


class TestPayouts:
    def test_a_payout_is_made_once_and_found(self, side: Side) -> None:
        request = PayoutRequest(str(uuid7()), AMOUNT, side.account, "statement", {})
        assert side.gateway.find_payout(request, None) is None
        made = side.gateway.pay_out(request)
        assert (made.status, made.amount) == (GatewayStatus.SUCCEEDED, AMOUNT)
        assert side.gateway.pay_out(request) == made
        assert side.gateway.find_payout(request, None) == made
        assert side.gateway.find_payout(request, made.reference) == made


class TestNotices:
    def test_what_is_not_signed_is_refused(self, side: Side) -> None:
        body, _ = signed_event(SECRET, _now(), {"id": "pi_1"})
        for headers in ({}, {"Stripe-Signature": ""}, {"Stripe-Signature": f"t={_now()},v1=00"}):
            with pytest.raises(GatewayRefused, match="signature_invalid"):
                side.gateway.read_notice(body, headers, clock.now())


class TestStripeNotices:
    """Stripe's own: signatures by its scheme, modes kept apart."""

    subject = {"id": "pi_9", "object": "payment_intent", "metadata": {"payment_id": "p-1"}}  # noqa: RUF012 - never changed

    def gateway(self) -> StripeGateway:
        return StripeGateway("sk_test_local", SECRET, base_address="http://127.0.0.1:9")

    def test_a_signed_notice_names_its_subject(self) -> None:
        body, headers = signed_event(SECRET, _now(), self.subject)
        notice = self.gateway().read_notice(body, headers, clock.now())
        assert (notice.kind, notice.reference) == ("payment_intent.succeeded", "pi_9")
        assert notice.body["metadata"] == {"payment_id": "p-1"}

    @pytest.mark.parametrize(
        ("about", "read"),
        [
            ({"object": "payment_intent", "status": "succeeded"}, {"says": GatewayStatus.SUCCEEDED}),
            ({"object": "payment_intent", "status": "canceled"}, {"says": GatewayStatus.FAILED}),
            ({"object": "payment_intent", "status": "processing"}, {}),
            ({"object": "payment_intent", "status": "warning_needs_response"}, {}),
            ({"object": "refund", "status": "succeeded"}, {"subject": "refund", "says": GatewayStatus.SUCCEEDED}),
            ({"object": "refund", "status": "pending"}, {"subject": "refund"}),
            ({"object": "dispute", "status": "lost"}, {"subject": "dispute"}),
            ({"object": "dispute", "status": "warning_needs_response"}, {"subject": "dispute", "needs_person": True}),
            ({"object": "dispute"}, {"subject": "dispute"}),
            ({"object": "charge", "status": "succeeded"}, {}),
            ({"status": "succeeded"}, {}),
        ],
    )
    def test_what_a_notice_tells_of_and_what_it_does_not(self, about: dict[str, str], read: dict[str, Any]) -> None:
        body, headers = signed_event(SECRET, _now(), {"id": "x_1", **about}, id="evt_1", type="some.type")
        notice = self.gateway().read_notice(body, headers, clock.now())
        assert notice == GatewayWebhook("evt_1", "some.type", "x_1", {"metadata": {}, "type": "some.type"}, **read)

    def test_a_notice_about_something_without_an_id_is_read(self) -> None:
        body, headers = signed_event(SECRET, _now(), {"object": "balance", "livemode": False}, type="balance.available")
        notice = self.gateway().read_notice(body, headers, clock.now())
        assert (notice.kind, notice.reference) == ("balance.available", "")

    def test_a_thin_event_is_read_and_names_what_it_is_about(self) -> None:
        """They cannot be told not to come: refused ones are sent again for three days, and their endpoint is switched off."""
        body, headers = signed_event(
            SECRET,
            _now(),
            {},
            object="v2.core.event",
            type="v2.core.account.closed",
            data={},
            related_object={"id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1"},
        )
        notice = self.gateway().read_notice(body, headers, clock.now())
        assert (notice.kind, notice.reference, notice.subject) == ("v2.core.account.closed", "acct_1", "")

    @pytest.mark.parametrize(
        "changes", [{"id": None}, {"type": 7}, {"data": []}, {"data": {"object": 1}}, {"livemode": None}]
    )
    def test_what_is_signed_and_no_event_is_refused(self, changes: dict[str, Any]) -> None:
        body, headers = signed_event(SECRET, _now(), self.subject, **changes)
        with pytest.raises(GatewayRefused, match="event_unreadable"):
            self.gateway().read_notice(body, headers, clock.now())

    def test_another_body_another_secret_and_an_old_stamp_are_refused(self) -> None:
        now = _now()
        body, headers = signed_event(SECRET, now, self.subject)
        other = signed_event("whsec_other", now, self.subject)
        old = signed_event(SECRET, now - 301, self.subject)
        for planted in ((body + b" ", headers), other, old, (b"\xff", headers)):
            with pytest.raises(GatewayRefused) as refused:
                self.gateway().read_notice(planted[0], planted[1], clock.now())
            assert str(refused.value) == "signature_invalid"

    def test_a_live_event_is_not_for_a_test_key(self) -> None:
        body, headers = signed_event(SECRET, _now(), self.subject, livemode=True)
        with pytest.raises(GatewayRefused) as refused:
            self.gateway().read_notice(body, headers, clock.now())
        assert str(refused.value) == "mode_differs"

    @pytest.mark.parametrize("secret", ["", " , "])
    def test_without_a_secret_there_is_no_gateway(self, secret: str) -> None:
        with pytest.raises(ValueError, match="must not be empty"):
            StripeGateway("sk_test_local", secret)

    @pytest.mark.parametrize("secret", [SECRET, "whsec_new"])
    def test_while_a_secret_is_replaced_both_are_taken(self, secret: str) -> None:
        gateway = StripeGateway("sk_test_local", f"whsec_new, {SECRET}", base_address="http://127.0.0.1:9")
        body, headers = signed_event(secret, _now(), self.subject)
        assert gateway.read_notice(body, headers, clock.now()).reference == "pi_9"

    @pytest.mark.parametrize(
        ("subject", "before", "read"),
        [
            ({"object": "checkout.session", "id": "cs_1", "mode": "payment"}, None, {"about": "payment"}),
            (
                {"object": "checkout.session", "id": "cs_1", "mode": "setup", "customer": "cus_1"},
                None,
                {"customer": "cus_1"},
            ),
            ({"object": "setup_intent", "id": "seti_1", "customer": "cus_1"}, None, {"customer": "cus_1"}),
            ({"object": "payment_method", "id": "pm_1", "customer": "cus_1"}, None, {"customer": "cus_1"}),
            (
                {"object": "payment_method", "id": "pm_1", "customer": None},
                {"customer": "cus_1"},
                {"customer": "cus_1"},
            ),
        ],
    )
    def test_what_pages_and_kept_methods_are_about(
        self, subject: dict[str, Any], before: dict[str, Any] | None, read: dict[str, str]
    ) -> None:
        body, headers = signed_event(SECRET, _now(), subject, data={"object": subject, "previous_attributes": before})
        notice = self.gateway().read_notice(body, headers, clock.now())
        assert {"about": notice.about, "customer": notice.customer} == {"about": "", "customer": ""} | read

    def test_what_stripe_does_not_describe_is_refused_by_the_local_one(self) -> None:
        """The tests' own server checks each request against the parameters that the SDK was made from."""
        assert problem_of("POST", "checkout/sessions", {"mode": "payment"}) is None
        assert problem_of("POST", "checkout/sessions", {"mode": "pay"}) == ("mode", "parameter_invalid_word")
        assert problem_of("POST", "payment_intents", {"amount": "1"}) == ("currency", "parameter_missing")
        assert problem_of("POST", "refunds", {"amount": "x"}) == ("amount", "parameter_invalid_integer")
        assert problem_of("POST", "refunds", {"sum": "1"}) == ("sum", "parameter_unknown")

    def test_a_payer_with_a_way_back_is_sent_to_the_banks_page(self) -> None:
        with LocalStripe() as server:
            at = "https://market.example/payments"
            gateway = StripeGateway("sk_test_local", SECRET, base_address=server.address, payments_at=at)
            request = payment("pm_card_authenticationRequired")
            answer = gateway.submit(request)
            bank = server.objects[answer.reference]["next_action"]["redirect_to_url"]
        assert answer.next_action == {"kind": "redirect", "url": f"{server.address}/bank/{answer.reference}"}
        assert bank["return_url"] == f"{at}/{request.metadata['payment_id']}/return"

    def test_nobody_answering_is_doubt(self) -> None:
        with pytest.raises(OutcomeUnknown):
            self.gateway().submit(payment("pm_card_visa"))

    def test_what_is_told_to_have_failed_cannot_be_paid_any_more(self) -> None:
        with LocalStripe() as server:
            gateway = StripeGateway("sk_test_local", SECRET, base_address=server.address)
            request = payment("pm_card_authenticationRequired")
            reference = gateway.submit(request).reference
            for known in (None, reference):
                server.objects[reference]["status"] = "requires_payment_method"
                found = gateway.find_payment(request, known)
                assert found is not None
                assert (found.status, server.objects[reference]["status"]) == (GatewayStatus.FAILED, "canceled")

    def test_a_server_error_after_the_deed_is_doubt(self) -> None:
        with LocalStripe() as server:
            gateway = StripeGateway("sk_test_local", SECRET, base_address=server.address)
            request = payment("pm_500")
            with pytest.raises(OutcomeUnknown):
                gateway.submit(request)
            found = gateway.find_payment(request, None)
        assert found is not None
        assert found.status is GatewayStatus.SUCCEEDED
