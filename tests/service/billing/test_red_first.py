"""A refund of what stands on a 数电票 waits for the red one: who acts, what ends the wait, and no money before it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from billing.fapiao.held_refunds import HeldRefundRow, list_held_refunds
from billing.fapiao.jobs import SWEEP_FAPIAO
from billing.fapiao.models import LIVE, Fapiao, RedLetter
from billing.gateways.ports import GatewayAnswer, GatewayRefused, RefundRequest
from billing.invoices.issue_credit_note import IssueCreditNote, issue_credit_note
from billing.invoices.models import Invoice
from billing.payments.models import PaymentAllocation
from billing.refunds.hold_refund import give_up_refund, release_refund
from billing.refunds.models import EFFECTIVE, Refund, RefundAttempt
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from tests.factories_billing import House, Sale, do_sweep, read, seller_of
from tests.service.billing.test_fapiao import ask, buyer_of, documents, issued, say, use
from tests.service.billing.test_invoices import invoiced

PART = 53_000


def refund(house: House, sale: Sale, payment_id: UUID, amount: int | None = PART, *, automatic: bool = False) -> UUID:
    with unit_of_work(house.db, SYSTEM) as uow:
        wanted = RequestRefund(sale.order_id, payment_id, "退货", automatic=automatic, amount_minor=amount)
        return request_refund(uow, wanted)


def letters_of(house: House, refund_id: UUID) -> list[RedLetter]:
    with unit_of_work(house.db, SYSTEM) as uow:
        found = select(RedLetter).where(RedLetter.refund_id == refund_id).order_by(RedLetter.created_at, RedLetter.id)
        return list(uow.session.scalars(found))


def held(house: House, refund_id: UUID) -> HeldRefundRow:
    with unit_of_work(house.db, SYSTEM) as uow:
        return next(one for one in list_held_refunds(uow, side="operator", limit=100).items if one.id == refund_id)


def state_of(house: House, refund_id: UUID) -> str:
    return read(house.db, Refund, refund_id).state


def sent_at(house: House, refund_id: UUID) -> Any:
    with unit_of_work(house.db, SYSTEM) as uow:
        return uow.session.scalar(
            select(func.min(RefundAttempt.started_at)).where(RefundAttempt.refund_id == refund_id)
        )


def note_of(house: House, invoice_id: UUID, refund_id: UUID) -> Invoice:
    with unit_of_work(house.db, SYSTEM) as uow:
        note_id = issue_credit_note(uow, IssueCreditNote(invoice_id, refund_id))
    assert note_id is not None
    house.run()
    return read(house.db, Invoice, note_id)


def booked(house: House) -> tuple[Sale, UUID, UUID, Fapiao]:
    sale, payment_id, invoice_id, blue = issued(house)
    use(house, sale, blue.id)
    return sale, payment_id, invoice_id, blue


class TestWait:
    def test_unbooked_the_red_one_is_issued_at_once_and_the_money_follows(self, house: House) -> None:
        sale, payment_id, invoice_id, _ = issued(house)
        refund_id = refund(house, sale, payment_id)
        assert state_of(house, refund_id) == "held"
        house.run()
        (letter,) = letters_of(house, refund_id)
        red = read(house.db, Fapiao, letter.red_id)
        assert (letter.state, letter.reason, red.gross_minor) == ("unneeded", "allowance", PART)
        assert state_of(house, refund_id) == "succeeded"
        assert red.issued_at is not None
        assert sent_at(house, refund_id) >= red.issued_at
        note = note_of(house, invoice_id, refund_id)
        assert note.number is not None
        assert [one.id for one in letters_of(house, refund_id)] == [letter.id], "nothing is taken back twice"
        assert letters_of(house, refund_id)[0].note_id == note.id

    def test_booked_it_waits_for_the_buyers_word(self, house: House) -> None:
        sale, payment_id, _, _ = booked(house)
        refund_id = refund(house, sale, payment_id, None)
        house.run()
        (letter,) = letters_of(house, refund_id)
        row = held(house, refund_id)
        assert (row.waits_for, row.until, row.goes_at, row.letter_ids) == (
            "buyer",
            letter.created_at + timedelta(hours=72),
            None,
            (letter.id,),
        )
        assert (state_of(house, refund_id), sent_at(house, refund_id), letter.reason) == ("held", None, "ended")
        say(house, buyer_of(sale), letter.id, "confirm")
        assert state_of(house, refund_id) == "succeeded"

    def test_after_72_hours_another_is_entered_by_itself(self, house: House) -> None:
        sale, payment_id, _, _ = booked(house)
        refund_id = refund(house, sale, payment_id)
        house.run()
        for number in (1, 2):
            clock.advance(timedelta(hours=72))
            do_sweep(house.db, SWEEP_FAPIAO)
            house.run()
            states = [one.state for one in letters_of(house, refund_id)]
            assert states == ["expired"] * number + ["awaiting_buyer"]
        assert (state_of(house, refund_id), sent_at(house, refund_id)) == ("held", None)
        say(house, buyer_of(sale), letters_of(house, refund_id)[-1].id, "confirm")
        assert state_of(house, refund_id) == "succeeded"

    def test_refused_either_enters_it_anew(self, house: House) -> None:
        sale, payment_id, _, _ = booked(house)
        refund_id = refund(house, sale, payment_id)
        house.run()
        say(house, buyer_of(sale), letters_of(house, refund_id)[0].id, "deny")
        do_sweep(house.db, SWEEP_FAPIAO)
        house.run()
        assert (state_of(house, refund_id), held(house, refund_id).waits_for) == ("held", "both")
        assert len(letters_of(house, refund_id)) == 1, "what somebody refused is not pressed on them"
        say(house, buyer_of(sale), letters_of(house, refund_id)[0].id, "again")
        assert held(house, refund_id).waits_for == "seller"
        say(house, seller_of(sale), letters_of(house, refund_id)[-1].id, "confirm")
        assert state_of(house, refund_id) == "succeeded"

    def test_of_a_bill_without_one_nothing_waits(self, house: House) -> None:
        sale, payment_id, _ = invoiced(house)
        refund_id = refund(house, sale, payment_id)
        assert state_of(house, refund_id) == "requested"
        house.run()
        assert (state_of(house, refund_id), letters_of(house, refund_id)) == ("succeeded", [])

    def test_one_that_is_being_issued_is_waited_for(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        request_id = ask(house, sale, invoice_id)
        refund_id = refund(house, sale, payment_id)
        assert state_of(house, refund_id) == "held"
        house.run()
        clock.advance(timedelta(minutes=2))
        house.run()
        assert state_of(house, refund_id) == "succeeded"
        assert [one.gross_minor for one in documents(house, request_id, "red") if one.number] == [PART]

    def test_of_one_that_was_refused_nothing_waits(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        ask(house, sale, invoice_id, remarks="sbx_quota")
        house.run()
        refund_id = refund(house, sale, payment_id)
        house.run()
        assert state_of(house, refund_id) == "succeeded"

    def test_none_is_asked_for_while_money_is_going_back(self, house: House) -> None:
        sale, payment_id, invoice_id = invoiced(house)
        refund(house, sale, payment_id)
        with pytest.raises(Conflict, match="fapiao_refund_under_way"):
            ask(house, sale, invoice_id)
        house.run()
        ask(house, sale, invoice_id)


class TestExceptions:
    @pytest.mark.parametrize("refused", [False, True])
    def test_a_promise_waits_one_letter_long(self, house: House, *, refused: bool) -> None:
        sale, payment_id, invoice_id, _ = booked(house)
        refund_id = refund(house, sale, payment_id, automatic=True)
        house.run()
        (letter,) = letters_of(house, refund_id)
        assert held(house, refund_id).goes_at == letter.created_at + timedelta(hours=72)
        if refused:
            say(house, buyer_of(sale), letter.id, "deny")
        else:
            clock.advance(timedelta(hours=72))
        do_sweep(house.db, SWEEP_FAPIAO)
        house.run()
        row = read(house.db, Refund, refund_id)
        assert (row.state, row.red_waiver) == ("succeeded", "promise")
        note = note_of(house, invoice_id, refund_id)
        assert note.number is None, "the paper waits for the red one as before"

    def test_an_operator_lets_it_go(self, house: House) -> None:
        sale, payment_id, _, _ = booked(house)
        refund_id = refund(house, sale, payment_id)
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            assert not release_refund(uow, refund_id)
            assert release_refund(uow, refund_id, waiver="operator")
        house.run()
        assert state_of(house, refund_id) == "succeeded"

    def test_given_up_it_is_free_again_and_its_letter_withdrawn(self, house: House) -> None:
        sale, payment_id, _, _ = booked(house)
        refund_id = refund(house, sale, payment_id)
        house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            assert give_up_refund(uow, refund_id, "withdrawn_by_buyer")
            assert not give_up_refund(uow, refund_id, "withdrawn_by_buyer")
        (letter,) = letters_of(house, refund_id)
        assert (state_of(house, refund_id), letter.state) == ("failed", "withdrawn")
        with pytest.raises(Conflict, match="red_letter_refund_over"):
            say(house, seller_of(sale), letter.id, "again")
        with unit_of_work(house.db, SYSTEM) as uow:
            allocation = uow.session.scalars(
                select(PaymentAllocation).where(PaymentAllocation.reference == sale.order_id)
            ).one()
            assert allocation.reserved_minor == 0
        again = refund(house, sale, payment_id, None)
        house.run()
        say(house, buyer_of(sale), letters_of(house, again)[0].id, "confirm")
        assert state_of(house, again) == "succeeded"

    def test_after_a_refusal_of_the_gateway_the_red_one_stands_for_the_next(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale, payment_id, invoice_id, blue = issued(house)
        monkeypatch.setattr(house.gateway, "refund", _refuse)
        first = refund(house, sale, payment_id)
        house.run()
        assert state_of(house, first) == "failed"
        assert len(documents(house, blue.request_id, "red")) == 1
        monkeypatch.undo()
        for amount in (23_000, 30_000, None):
            refund_id = refund(house, sale, payment_id, amount)
            house.run()
            assert state_of(house, refund_id) == "succeeded"
            assert note_of(house, invoice_id, refund_id).number is not None
        numbered = [one.gross_minor for one in documents(house, blue.request_id, "red") if one.number]
        assert sum(numbered) == sale.gross_minor


def _refuse(_request: RefundRequest) -> GatewayAnswer:
    raise GatewayRefused("account_closed")


DEEDS = ("ask", "ask", "confirm", "confirm", "deny", "again", "expire", "give_up")


class _Market:
    """One sale on a booked 数电票, and the refunds that were asked for of it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.sale, self.payment_id, self.invoice_id, self.blue = booked(house)
        self.asked: list[UUID] = []

    def act(self, deed: str, which: int, minor: int) -> None:
        if deed == "ask":
            self.asked.append(refund(self.house, self.sale, self.payment_id, minor))
        elif deed == "expire":
            clock.advance(timedelta(hours=73))
            do_sweep(self.house.db, SWEEP_FAPIAO)
        elif deed == "give_up":
            if self.asked:
                with unit_of_work(self.house.db, SYSTEM) as uow:
                    give_up_refund(uow, self.asked[which % len(self.asked)], "withdrawn_by_buyer")
        else:
            self.decide(deed, which)

    def decide(self, deed: str, which: int) -> None:
        found = [letter for one in self.asked for letter in letters_of(self.house, one)]
        if found:
            letter = found[which % len(found)]
            who = seller_of(self.sale) if letter.state == "awaiting_seller" else buyer_of(self.sale)
            say(self.house, who, letter.id, deed)  # type: ignore[arg-type]  # one of the decisions

    def check(self) -> None:
        gone = select(Refund.amount_minor).where(
            Refund.reference == self.sale.order_id, Refund.state.in_(("processing", "unknown", *EFFECTIVE))
        )
        with unit_of_work(self.house.db, SYSTEM) as uow:
            out_minor = sum(uow.session.scalars(gone))
        assert out_minor <= self.red_minor() <= self.sale.gross_minor

    def red_minor(self) -> int:
        return sum(one.gross_minor for one in documents(self.house, self.blue.request_id, "red") if one.number)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 5), st.integers(1, 60_000)), min_size=4, max_size=10))
def test_never_more_money_out_than_red_ones_issued(house: House, deeds: list[tuple[str, int, int]]) -> None:
    market = _Market(house)
    for deed, which, minor in deeds:
        with suppress(Conflict):
            market.act(deed, which, minor)
        market.check()
        house.run()
        market.check()
    for refund_id in market.asked:
        for letter in letters_of(house, refund_id):
            if letter.state == "awaiting_buyer":
                with suppress(Conflict):
                    say(house, buyer_of(market.sale), letter.id, "confirm")
    market.check()
    for refund_id in market.asked:
        live = [one.fapiao_id for one in letters_of(house, refund_id) if one.state in LIVE]
        assert len(live) == len(set(live)), "of each document one at a time"
        if state_of(house, refund_id) == "succeeded":
            assert note_of(house, market.invoice_id, refund_id).number is not None
