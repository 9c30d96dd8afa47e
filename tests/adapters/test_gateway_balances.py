"""One contract, two gateways: every movement of the balance is told, with its fee, until the sum is what the gateway holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from app.local_stripe.server import LocalStripe
from billing.gateways.balance import BalanceEntry, GatewayBalance
from billing.gateways.ports import (
    NotReached,
    OutcomeUnknown,
    PaymentGateway,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.gateways.sandbox import SandboxGateway
from billing.gateways.stripe import StripeGateway
from kernel.db.uow import Database, transact
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM
from tests.factories_billing import make_house

FEE_PPM = 29_000


@dataclass
class Side:
    """A gateway that keeps 2.9 % of a payment, and how far its balance was read."""

    gateway: PaymentGateway
    ok: str
    account: str
    resume: str = ""
    settled: Callable[[], object] = lambda: None
    """Waits until no other transaction of the server keeps back what may be told."""

    @property
    def balance(self) -> GatewayBalance:
        """Both keep one."""
        assert self.gateway.balance is not None
        return self.gateway.balance

    def read(self) -> list[BalanceEntry]:
        """What is new, of all pages."""
        self.settled()
        found: list[BalanceEntry] = []
        while True:
            page = self.balance.list_entries(self.resume)
            found += page.entries
            self.resume = page.resume
            if not page.has_more:
                return found

    def held(self) -> dict[str, int]:
        return {one.currency: one.available_minor + one.pending_minor for one in self.balance.held()}

    def pay(self, minor: int = 10_000) -> str:
        request = PaymentRequest(str(uuid7()), Money(minor, "EUR"), self.ok, "test", {"payment_id": str(uuid7())})
        return self.gateway.submit(request).reference


@pytest.fixture(params=["sandbox", "stripe"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "stripe":
        with LocalStripe() as server:
            server.fee_ppm = FEE_PPM
            yield Side(StripeGateway("sk_test_local", "whsec_x", base_address=server.address), "pm_card_visa", "acct_1")
        return
    db: Database = request.getfixturevalue("db")
    make_house(db, request.getfixturevalue("tmp_path"))
    one = Side(SandboxGateway(db, fee_ppm=FEE_PPM), "sbx_ok", "sbx_acct_ok", settled=lambda: until_settled(db))
    one.read()
    yield one


def until_settled(db: Database) -> None:
    """Other tests' transactions, and the server's own, end within a moment."""
    kept_back = text(
        "SELECT max(written_by) >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM billing.sandbox_operation"
    )
    for _ in range(200):
        if not transact(db, SYSTEM, lambda uow: uow.session.scalar(kept_back)):
            return
        time.sleep(0.05)


def test_payment_refund_and_transfer_are_told_once_with_fee_and_sign(side: Side) -> None:
    before = side.held().get("EUR", 0)
    paid = side.pay()
    refund = side.gateway.refund(RefundRequest(str(uuid7()), paid, Money(3_000, "EUR"), {"refund_id": str(uuid7())}))
    key = str(uuid7())
    sent = side.gateway.pay_out(PayoutRequest(key, Money(5_000, "EUR"), side.account, "test", {"payout_id": key}))
    told = {one.subject: one for one in side.read() if one.subject in {paid, refund.reference, sent.reference}}
    assert [
        (one.kind, one.amount.amount_minor, one.fee_minor, one.presented == one.amount, one.payment_reference)
        for one in (told[paid], told[refund.reference], told[sent.reference])
    ] == [
        ("payment", 10_000, 290, True, paid),
        ("refund", -3_000, 0, True, paid),
        ("transfer", -5_000, 0, True, ""),
    ]
    assert told[sent.reference].attempt == key
    assert side.held()["EUR"] - before == 10_000 - 290 - 3_000 - 5_000


def test_pages_follow_each_other_and_what_comes_later_is_told_the_next_time(side: Side) -> None:
    first = {side.pay(100 + n) for n in range(7)}
    assert first <= {one.subject for one in side.read()}
    later = side.pay(555)
    assert later in {one.subject for one in side.read()}


def test_the_same_entry_has_the_same_name_however_often_it_is_told(side: Side) -> None:
    paid = side.pay()
    told = [one for one in side.read() if one.subject == paid]
    side.resume = ""
    again = [one for one in side.read() if one.subject == paid]
    assert [one.reference for one in told] == [one.reference for one in again]
    assert len(told) == 1


class TestStripe:
    @pytest.fixture
    def server(self) -> Iterator[LocalStripe]:
        with LocalStripe() as server:
            yield server

    @pytest.fixture
    def stripe(self, server: LocalStripe) -> Side:
        return Side(StripeGateway("sk_test_local", "whsec_x", base_address=server.address), "pm_card_visa", "acct_1")

    def test_more_than_a_page_is_read_to_the_end(self, server: LocalStripe, stripe: Side) -> None:
        for _ in range(230):
            server.enter("stripe_fee", -7, "eur", None)
        assert len({one.reference for one in stripe.read()}) == 230

    def test_an_exchanged_payment_says_both_sides(self, server: LocalStripe, stripe: Side) -> None:
        server.settles = {"eur": ("usd", 1_080_000)}
        paid = stripe.pay()
        (one,) = [entry for entry in stripe.read() if entry.subject == paid]
        assert (one.amount, one.presented, one.exchange_rate) == (Money(10_800, "USD"), Money(10_000, "EUR"), "1.08")

    def test_disputes_and_returns_say_what_they_are_about(self, server: LocalStripe, stripe: Side) -> None:
        paid = stripe.pay()
        dispute = server.dispute(paid)
        server.decide(dispute, won=True)
        refund = server.refund_by_hand(stripe.pay(), 400)
        server.fail_refund(refund)
        sent = stripe.gateway.pay_out(PayoutRequest(str(uuid7()), Money(900, "EUR"), "acct_1", "test", {}))
        server.reverse(sent.reference, 300)
        server.pay_to_bank(50, "eur")
        server.enter("reserve_transaction", -1, "eur", None)
        told = [(one.kind, one.subject, one.amount.amount_minor, one.fee_minor) for one in stripe.read()]
        assert set(told) >= {
            ("dispute", dispute, -10_000, 1_500),
            ("dispute_returned", dispute, 10_000, -1_500),
            ("refund", refund, -400, 0),
            ("refund_returned", refund, 400, 0),
            ("transfer_returned", sent.reference, 300, 0),
        }
        assert {kind for kind, *_ in told} >= {"bank", "other"}

    @pytest.mark.parametrize(
        ("fault", "error"), [("429", NotReached), ("500", OutcomeUnknown), ("lost", OutcomeUnknown)]
    )
    def test_a_page_that_is_not_had_is_no_page(
        self, server: LocalStripe, stripe: Side, fault: str, error: type[Exception]
    ) -> None:
        server.chance = lambda _method, _path: fault
        with pytest.raises(error):
            stripe.read()
