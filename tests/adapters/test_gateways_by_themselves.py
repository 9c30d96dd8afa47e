"""One contract, two gateways, for what they do after an end or without a request of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.local_stripe.server import LocalStripe, signed_event
from billing.gateways.models import SandboxOperation
from billing.gateways.ports import (
    EvidenceFile,
    EvidenceRequest,
    GatewayAnswer,
    GatewayRefused,
    GatewayStatus,
    PaymentGateway,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.gateways.stripe import StripeGateway
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM
from tests.factories_billing import House, make_house

SECRET = "whsec_local"
AMOUNT = Money(106_000, "CNY")


@dataclass(frozen=True)
class Side:
    """A gateway, and how its counterpart does what nobody asked for: each answers the references of payment and deed."""

    gateway: PaymentGateway
    dispute: Callable[[], tuple[str, str]]
    decide: Callable[[str, GatewayStatus], None]
    refund_by_hand: Callable[[], tuple[str, str]]
    give_back_refund: Callable[[], GatewayAnswer | None]
    give_back_payout: Callable[[], GatewayAnswer | None]


def pay(gateway: PaymentGateway, token: str) -> str:
    return gateway.submit(PaymentRequest(str(uuid7()), AMOUNT, token, "test", {"payment_id": str(uuid7())})).reference


def _stripe(server: LocalStripe) -> Side:
    gateway = StripeGateway("sk_test_local", SECRET, base_address=server.address)

    def dispute() -> tuple[str, str]:
        paid = pay(gateway, "pm_card_visa")
        return paid, server.dispute(paid)

    def by_hand() -> tuple[str, str]:
        paid = pay(gateway, "pm_card_visa")
        return paid, server.refund_by_hand(paid, AMOUNT.amount_minor)

    def refund() -> GatewayAnswer | None:
        request = RefundRequest(str(uuid7()), pay(gateway, "pm_card_visa"), AMOUNT, {})
        made = gateway.refund(request)
        server.objects[made.reference] |= {"status": "failed", "failure_reason": "account_closed"}
        return gateway.find_refund(request, made.reference)

    def payout() -> GatewayAnswer | None:
        request = PayoutRequest(str(uuid7()), AMOUNT, "acct_1", "statement", {})
        made = gateway.pay_out(request)
        server.objects[made.reference] |= {"reversed": True, "amount_reversed": AMOUNT.amount_minor}
        return gateway.find_payout(request, made.reference)

    def decide(reference: str, status: GatewayStatus) -> None:
        server.objects[reference]["status"] = {"succeeded": "won", "failed": "lost"}[status.value]

    return Side(gateway, dispute, decide, by_hand, refund, payout)


def _sandbox(house: House) -> Side:
    gateway = house.gateway

    def soon() -> None:
        clock.advance(timedelta(seconds=3))
        house.run()

    def by_itself(token: str, kind: str) -> tuple[str, str]:
        paid = pay(gateway, token)
        soon()
        with unit_of_work(house.db, SYSTEM) as uow:
            made = select(SandboxOperation.reference).where(
                SandboxOperation.parent_reference == paid, SandboxOperation.kind == kind
            )
            return paid, uow.session.scalars(made).one()

    def refund() -> GatewayAnswer | None:
        request = RefundRequest(str(uuid7()), pay(gateway, "sbx_refund_returned"), AMOUNT, {"refund_id": "r"})
        assert gateway.refund(request).status is GatewayStatus.SUCCEEDED
        soon()
        found = gateway.find_refund(request, None)
        # It may be given back once more.
        again = RefundRequest(str(uuid7()), request.payment_reference, AMOUNT, {"refund_id": "s"})
        assert gateway.refund(again).status is GatewayStatus.SUCCEEDED
        return found

    def payout() -> GatewayAnswer | None:
        request = PayoutRequest(str(uuid7()), AMOUNT, "sbx_acct_returned", "statement", {})
        assert gateway.pay_out(request).status is GatewayStatus.SUCCEEDED
        soon()
        return gateway.find_payout(request, None)

    return Side(
        gateway,
        lambda: by_itself("sbx_disputed", "dispute"),
        gateway.decide,
        lambda: by_itself("sbx_refunded_by_hand", "refund"),
        refund,
        payout,
    )


@pytest.fixture(params=["sandbox", "stripe"])
def side(request: pytest.FixtureRequest, noon: datetime) -> Iterator[Side]:
    if request.param == "stripe":
        with LocalStripe() as server:
            yield _stripe(server)
        return
    db: Database = request.getfixturevalue("db")
    yield _sandbox(make_house(db, request.getfixturevalue("tmp_path")))


@pytest.mark.parametrize("status", [GatewayStatus.SUCCEEDED, GatewayStatus.FAILED])
def test_a_dispute_is_looked_up_while_it_is_open_and_after(side: Side, status: GatewayStatus) -> None:
    paid, reference = side.dispute()
    opened = side.gateway.look_up("dispute", reference)
    assert opened is not None
    known = opened.status, opened.reference, opened.payment_reference, opened.amount, opened.code, opened.submitted
    assert known == (GatewayStatus.PENDING, reference, paid, AMOUNT, "fraudulent", False)
    assert opened.due_by is not None
    assert timedelta(days=6, hours=23) < opened.due_by - clock.now() <= timedelta(days=7)
    assert opened.fee == Money(1_500, "CNY")
    side.decide(reference, status)
    ended = side.gateway.look_up("dispute", reference)
    assert ended is not None
    assert (ended.status, ended.amount) == (status, AMOUNT)


def test_a_refund_made_by_hand_names_its_payment(side: Side) -> None:
    paid, reference = side.refund_by_hand()
    found = side.gateway.look_up("refund", reference)
    assert found is not None
    assert (found.status, found.payment_reference, found.amount) == (GatewayStatus.SUCCEEDED, paid, AMOUNT)


def test_what_it_does_not_know_is_nothing(side: Side) -> None:
    assert side.gateway.look_up("refund", "re_nowhere") is None
    assert side.gateway.look_up("dispute", "dp_nowhere") is None


def test_a_refund_that_came_back_has_failed(side: Side) -> None:
    found = side.give_back_refund()
    assert found is not None
    assert (found.status, found.amount, found.error_code) == (GatewayStatus.FAILED, AMOUNT, "account_closed")


def test_a_payout_that_came_back_has_failed(side: Side) -> None:
    found = side.give_back_payout()
    assert found is not None
    assert (found.status, found.amount) == (GatewayStatus.FAILED, AMOUNT)


class TestStripe:
    """Stripe's own words for it."""

    def gateway(self, server: LocalStripe) -> StripeGateway:
        return StripeGateway("sk_test_local", SECRET, base_address=server.address)

    def test_of_a_transfer_that_came_back_in_part_it_is_told_how_much(self) -> None:
        with LocalStripe() as server:
            request = PayoutRequest(str(uuid7()), AMOUNT, "acct_1", "statement", {})
            made = self.gateway(server).pay_out(request)
            server.objects[made.reference]["amount_reversed"] = 6_000
            found = self.gateway(server).find_payout(request, made.reference)
        assert found is not None
        assert (found.status, found.amount, found.returned_minor) == (GatewayStatus.SUCCEEDED, AMOUNT, 6_000)

    @pytest.mark.parametrize(
        ("kind", "status", "says"),
        [
            ("refund", "succeeded", GatewayStatus.SUCCEEDED),
            ("refund", "failed", GatewayStatus.FAILED),
            ("refund", "pending", None),
            ("payment_intent", "succeeded", GatewayStatus.SUCCEEDED),
            ("payment_intent", "processing", None),
            ("dispute", "lost", None),
        ],
    )
    def test_an_event_says_what_it_is_about(self, kind: str, status: str, says: GatewayStatus | None) -> None:
        subject = {"id": "x_1", "object": kind, "status": status, "metadata": {}}
        body, headers = signed_event(SECRET, int(clock.wall_now().timestamp()), subject, type=f"{kind}.updated")
        notice = StripeGateway("sk_test_local", SECRET).read_notice(body, headers, clock.now())
        assert (notice.reference, notice.says, notice.needs_person) == ("x_1", says, False)
        assert notice.subject == ("" if kind == "payment_intent" else kind)

    def test_an_inquiry_before_a_dispute_is_for_a_person(self) -> None:
        subject = {"id": "dp_1", "object": "dispute", "status": "warning_needs_response", "metadata": {}}
        body, headers = signed_event(SECRET, int(clock.wall_now().timestamp()), subject, type="charge.dispute.created")
        assert StripeGateway("sk_test_local", SECRET).read_notice(body, headers, clock.now()).needs_person


class TestEvidence:
    def told(self, reference: str, text: str = "It was delivered.") -> EvidenceRequest:
        files = (
            EvidenceFile("service", "交付记录 delivery.pdf", "application/pdf", b"%PDF-1.7 delivered %%EOF"),
            EvidenceFile("communication", "mail.png", "image/png", b"\x89PNG"),
        )
        return EvidenceRequest(str(uuid7()), reference, text, files)

    def test_the_bank_has_it_once(self, side: Side) -> None:
        _, reference = side.dispute()
        request = self.told(reference)
        sent = side.gateway.submit_evidence(request)
        assert (sent.status, sent.submitted) == (GatewayStatus.PENDING, True)
        # The same key is the same submission; another is refused, whatever it says.
        assert side.gateway.submit_evidence(request) == sent
        with pytest.raises(GatewayRefused):
            side.gateway.submit_evidence(self.told(reference))
        found = side.gateway.look_up("dispute", reference)
        assert found is not None
        assert found.submitted

    @pytest.mark.parametrize(
        ("word", "status"),
        [("winning_evidence", GatewayStatus.SUCCEEDED), ("losing_evidence", GatewayStatus.FAILED)],
    )
    def test_words_of_test_modes_decide(self, side: Side, word: str, status: GatewayStatus) -> None:
        _, reference = side.dispute()
        side.gateway.submit_evidence(self.told(reference, f"See {word}."))
        clock.advance(timedelta(seconds=3))
        found = side.gateway.look_up("dispute", reference)
        assert found is not None
        assert found.status is status

    def test_a_decided_dispute_takes_none(self, side: Side) -> None:
        _, reference = side.dispute()
        side.decide(reference, GatewayStatus.FAILED)
        with pytest.raises(GatewayRefused):
            side.gateway.submit_evidence(self.told(reference))

    def test_of_an_unknown_dispute_nothing_is_told(self, side: Side) -> None:
        with pytest.raises(GatewayRefused):
            side.gateway.submit_evidence(self.told("dp_unknown"))


def test_files_are_uploaded_to_stripe_with_names_that_it_takes(noon: datetime) -> None:
    with LocalStripe() as server:
        side = _stripe(server)
        _, reference = side.dispute()
        side.gateway.submit_evidence(TestEvidence().told(reference))
        evidence = server.objects[reference]["evidence"]
        assert evidence["uncategorized_text"] == "It was delivered."
        kept = server.objects[evidence["service_documentation"]]
        assert (kept["filename"], kept["purpose"]) == ("delivery.pdf", "dispute_evidence")
        assert server.objects[evidence["customer_communication"]]["filename"] == "mail.png"
