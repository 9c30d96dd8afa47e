"""One contract, two gateways, for what they do after an end or without a request of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from billing.gateways.models import SandboxOperation
from billing.gateways.ports import (
    GatewayAnswer,
    GatewayRecord,
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
from tests.adapters.stripe_server import LocalStripe, signed_event
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
    assert opened == GatewayRecord(GatewayStatus.PENDING, reference, paid, AMOUNT, "fraudulent")
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
