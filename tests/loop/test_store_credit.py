"""Credit instead of money: agreed on by both sides, used by what is paid next, never twice, and money again at the end."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.rules import RULES
from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.gateways.ports import GatewayRecord, GatewayStatus
from billing.incidents.close_incident import CloseIncident, close_incident
from billing.incidents.models import Incident
from billing.ledger.models import LedgerAccount, Posting
from billing.payments.models import Payment
from billing.refunds.models import Refund
from billing.store_credit.models import StoreCredit, StoreCreditMovement
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict, NotFound
from kernel.money import Money
from kernel.principal import SYSTEM
from orders.checkout.request_payment import pay_again
from orders.loop import SWEEP_PURCHASES
from orders.refunds.ask_refund import AskForRefund, ask_refund
from orders.refunds.decide_refund import DecideRefund, answer_credit, answer_refund, decide_refund
from orders.refunds.models import RefundCase
from orders.store_credit.pay_back import ask_payback
from orders.store_credit.queries import get_credit, list_credits
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop.test_after_the_end import later
from tests.loop.test_refund_cases import GROSS, answer, ask, decide, done, escalate, late, request, sweep
from tests.loop.test_renewals import renewals, subscribed, until
from tests.loop_stage import Stage
from tests.races.crowd import at_once

CHECKED = (
    "ledger.",
    "store_credit.",
    "refunds.",
    "refund_cases.",
    "payments.",
    "charges.",
    "shares.reversed",
    "incidents.",
)

BY_THE_CLOCK = ("ledger.sealed", "refund_cases.waiting")
"""What other tests of the database leave behind with another time."""


def offer(stage: Stage, case_id: UUID, amount_minor: int | None = None) -> None:
    command = DecideRefund(case_id, "credit", amount_minor, "we would rather keep you")
    done(stage, stage.seller.owner, lambda uow: answer_refund(uow, command).id)
    stage.run()


def reply(stage: Stage, case_id: UUID, *, accept: bool) -> None:
    done(stage, stage.purchaser, lambda uow: answer_credit(uow, case_id, accept=accept).id)
    stage.run()


def credit_of(stage: Stage) -> StoreCredit | None:
    found = stage.rows(
        select(StoreCredit).where(
            StoreCredit.buyer_org_id == stage.buyer.id, StoreCredit.seller_org_id == stage.seller.id
        )
    )
    return found[0] if found else None


def have(stage: Stage) -> tuple[int, int]:
    """What the buyer has with the seller, and what of it is about to be used."""
    credit = credit_of(stage)
    return (0, 0) if credit is None else (credit.balance_minor, credit.reserved_minor)


def owed(stage: Stage) -> int:
    """The same as the books have it."""
    booked = select(Posting.amount_minor).join(LedgerAccount, LedgerAccount.id == Posting.account_id)
    mine = (LedgerAccount.org_id == stage.buyer.id) & (LedgerAccount.kind == "store_credit")
    return -sum(int(minor) for minor in stage.rows(booked.where(mine)))


def given(stage: Stage, amount_minor: int = GROSS, *, method: str = "sbx_ok") -> UUID:
    """An order of which so much went back as credit."""
    order_id = late(stage, method=method)
    case_id = ask(stage, order_id, amount_minor)
    offer(stage, case_id)
    reply(stage, case_id, accept=True)
    return order_id


def payment_of(stage: Stage, order_id: UUID) -> Payment:
    payment_id = stage.order(order_id).payment_id
    assert payment_id is not None
    return stage.get(Payment, payment_id)


def bought(stage: Stage, *, method: str = "sbx_ok", quantity: int = 20) -> UUID:
    order_id = stage.buy(method=method, quantity=quantity)
    stage.run()
    return order_id


@pytest.fixture(autouse=True)
def _clean(stage: Stage) -> object:
    """Every rule about money holds before and after."""
    rules = [rule for rule in RULES if rule.name.startswith(CHECKED) and rule.name not in BY_THE_CLOCK]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        before = {rule.name: rule.find(uow).violations for rule in rules}
    yield
    stage.run()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert {rule.name: rule.find(uow).violations for rule in rules} == before


class TestAgreed:
    def test_offered_and_taken_it_is_credit_with_a_credit_note_and_no_money_moves(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)
        offer(stage, case_id, 100_000)
        assert (request(stage, case_id).state, request(stage, case_id).offered_minor) == ("credit_offered", 100_000)
        assert stage.refunds(order_id) == []
        for _ in range(2):
            reply(stage, case_id, accept=True)
        case = request(stage, case_id)
        assert (case.state, case.as_credit, case.granted_minor) == ("granted", True, 100_000)
        (refund,) = stage.refunds(order_id)
        assert (refund.state, refund.amount_minor, refund.credit_minor) == ("succeeded", 100_000, 100_000)
        assert have(stage) == (100_000, 0)
        assert owed(stage) == 100_000
        (note,) = stage.papers(order_id, "credit_note")
        assert abs(note.gross_minor) == 100_000
        assert sum(share.reversed_minor for share in stage.shares(order_id).values()) == 100_000

    def test_whoever_asked_for_credit_is_granted_credit(self, stage: Stage) -> None:
        order_id = late(stage)
        command = AskForRefund(order_id, 50_000, "credit will do", as_credit=True)
        case_id = done(stage, stage.purchaser, lambda uow: ask_refund(uow, command).id)
        answer(stage, case_id)
        assert (request(stage, case_id).state, have(stage)) == ("granted", (50_000, 0))

    def test_who_insists_on_money_has_the_sellers_word_on_that(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)
        offer(stage, case_id)
        for _ in range(2):
            reply(stage, case_id, accept=False)
        assert request(stage, case_id).state == "asked"
        with pytest.raises(Conflict, match="credit_declined"):
            offer(stage, case_id)
        with pytest.raises(Conflict, match="refund_case_moved"):
            reply(stage, case_id, accept=True)
        answer(stage, case_id)
        (refund,) = stage.refunds(order_id)
        assert (refund.credit_minor, refund.state, have(stage)) == (0, "succeeded", (0, 0))

    def test_a_silent_buyer_has_not_agreed(self, stage: Stage) -> None:
        case_id = ask(stage, late(stage))
        offer(stage, case_id)
        sweep(stage, 7)
        assert (request(stage, case_id).state, have(stage)) == ("asked", (0, 0))
        sweep(stage, 5)
        assert request(stage, case_id).state == "escalated"

    def test_the_operator_gives_credit_to_nobody_who_wants_money(self, stage: Stage) -> None:
        case_id = ask(stage, late(stage))
        answer(stage, case_id, refuse=True)
        escalate(stage, case_id)
        with pytest.raises(Conflict, match="credit_not_agreed"):
            done(stage, OPERATOR_PRINCIPAL, lambda uow: decide_refund(uow, DecideRefund(case_id, "credit")).id)
        decide(stage, case_id)
        assert (request(stage, case_id).state, have(stage)) == ("granted", (0, 0))

    def test_nobody_else_answers(self, stage: Stage) -> None:
        case_id = ask(stage, late(stage))
        offer(stage, case_id)
        with pytest.raises(NotFound):
            done(stage, stage.seller.owner, lambda uow: answer_credit(uow, case_id, accept=True).id)

    def test_taken_and_refused_at_once_one_holds(self, stage: Stage) -> None:
        case_id = ask(stage, late(stage))
        offer(stage, case_id)
        at_once([partial(reply, stage, case_id, accept=accept) for accept in (True, False, True, False)])
        stage.run()
        case = stage.get(RefundCase, case_id)
        assert (case.state, have(stage)) in {("granted", (GROSS, 0)), ("asked", (0, 0))}


class TestUsed:
    def test_it_pays_first_and_the_card_the_rest(self, stage: Stage) -> None:
        given(stage, 100_000)
        order_id = bought(stage)
        payment = payment_of(stage, order_id)
        assert (payment.amount_minor, payment.credit_minor, payment.gateway) == (GROSS, 100_000, "sandbox")
        assert (stage.order(order_id).state, have(stage), owed(stage)) == ("active", (0, 0), 0)
        assert sum(share.amount_minor for share in stage.shares(order_id).values()) == GROSS
        (paper,) = stage.papers(order_id)
        assert paper.gross_minor == GROSS

    def test_it_pays_all_and_no_gateway_is_asked(self, stage: Stage) -> None:
        given(stage)
        order_id = bought(stage, quantity=10, method="sbx_declined")
        payment = payment_of(stage, order_id)
        assert (payment.gateway, payment.money_minor, payment.state) == ("store_credit", 0, "succeeded")
        assert (stage.order(order_id).state, have(stage)) == ("active", (GROSS // 2, 0))

    def test_a_refused_payment_lets_it_go_and_the_next_one_uses_it(self, stage: Stage) -> None:
        given(stage, 100_000)
        order_id = bought(stage, method="sbx_declined")
        assert have(stage) == (100_000, 0)
        pay = partial(
            pay_again, purchase_id=stage.order(order_id).purchase_id, gateway="sandbox", method_token="sbx_ok"
        )
        done(stage, stage.purchaser, pay)
        assert have(stage) == (100_000, 100_000)
        stage.run()
        assert (payment_of(stage, order_id).credit_minor, have(stage)) == (100_000, (0, 0))

    def test_while_a_payment_waits_nobody_else_uses_it(self, stage: Stage) -> None:
        given(stage, 100_000)
        waiting = stage.buy(method="sbx_delayed_60")
        stage.run()
        other = bought(stage)
        assert payment_of(stage, other).credit_minor == 0
        assert have(stage) == (100_000, 100_000)
        clock.advance(timedelta(days=9))
        stage.tick(SWEEP_PURCHASES)
        stage.run()
        assert stage.order(waiting).state in {"active", "expired"}

    def test_at_once_it_is_used_once(self, stage: Stage) -> None:
        given(stage, 100_000)
        quotes = [stage.quote() for _ in range(4)]
        at_once([partial(stage.place, one) for one in quotes])
        stage.run()
        used = stage.rows(select(StoreCreditMovement).where(StoreCreditMovement.kind == "used"))
        mine = [one for one in used if one.buyer_org_id == stage.buyer.id]
        assert (sum(one.amount_minor for one in mine), have(stage)) == (-100_000, (0, 0))

    def test_a_renewal_uses_it(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        given(stage, 100_000)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        assert (renewal.state, payment_of(stage, renewal.id).credit_minor) == ("active", 100_000)

    def test_it_is_the_sellers_alone(self, stage: Stage) -> None:
        given(stage, 100_000)
        _, plan, card = stage.second_seller()
        order_id = stage.place(stage.quote(plan, context=card))
        stage.run()
        assert (payment_of(stage, order_id).credit_minor, have(stage)) == (0, (100_000, 0))


class TestGoesBack:
    def test_money_goes_back_first_and_the_rest_as_credit(self, stage: Stage) -> None:
        given(stage, 100_000)
        order_id = bought(stage)
        stage.refund(order_id, 200_000)
        stage.run()
        assert have(stage) == (0, 0)
        stage.refund(order_id)
        stage.run()
        parts = [(one.amount_minor, one.credit_minor, one.state) for one in stage.refunds(order_id)]
        assert parts == [(200_000, 0, "succeeded"), (198_000, 100_000, "succeeded")]
        assert (stage.order(order_id).state, have(stage), owed(stage)) == ("refunded", (100_000, 0), 100_000)

    def test_what_credit_paid_whole_goes_back_as_credit(self, stage: Stage) -> None:
        given(stage)
        order_id = bought(stage)
        assert payment_of(stage, order_id).money_minor == 0
        stage.refund(order_id)
        stage.run()
        assert (stage.order(order_id).state, have(stage)) == ("refunded", (GROSS, 0))

    def test_a_gateway_that_refuses_gives_nothing_back_of_either(self, stage: Stage) -> None:
        given(stage, 100_000)
        order_id = bought(stage, method="sbx_refund_fails")
        stage.refund(order_id)
        stage.run()
        assert [one.state for one in stage.refunds(order_id)] == ["failed"]
        assert have(stage) == (0, 0)

    def test_what_came_back_from_a_bank_is_the_money_alone(self, stage: Stage) -> None:
        given(stage, 100_000)
        order_id = bought(stage, method="sbx_refund_returned")
        stage.refund(order_id)
        stage.run()
        clock.advance(timedelta(seconds=5))
        stage.run()
        (refund,) = stage.refunds(order_id)
        assert (refund.amount_minor, refund.credit_minor, have(stage)) == (GROSS, 100_000, (100_000, 0))


class TestPaidBack:
    def test_at_the_end_an_operator_pays_it_once(self, stage: Stage) -> None:
        first = late(stage)
        case_id = ask(stage, first, 100_000)
        offer(stage, case_id)
        reply(stage, case_id, accept=True)
        credit = credit_of(stage)
        assert credit is not None
        with pytest.raises(Conflict, match="credit_still_used"):
            done(stage, stage.purchaser, lambda uow: ask_payback(uow, credit.id).id)
        case_id = ask(stage, first)
        answer(stage, case_id)
        assert stage.order(first).state == "refunded"
        with pytest.raises(NotFound):
            done(stage, stage.seller.owner, lambda uow: ask_payback(uow, credit.id).id)
        done(stage, stage.purchaser, lambda uow: ask_payback(uow, credit.id).id)
        with pytest.raises(Conflict, match="no_credit_left"):
            done(stage, stage.purchaser, lambda uow: ask_payback(uow, credit.id).id)
        stage.run()
        assert (have(stage), owed(stage)) == ((0, 0), 0)
        (incident,) = stage.rows(
            select(Incident).where(Incident.kind == "credit_paid_back", Incident.gateway_reference == str(credit.id))
        )
        assert incident.amount_minor == 100_000
        paid = CloseIncident(incident.id, "paid to the buyer's account", "BANK-42")
        done(stage, OPERATOR_PRINCIPAL, lambda uow: close_incident(uow, paid).id)
        stage.run()
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            shown = get_credit(uow, credit.id, side="buyer")
            assert [one.kind for one in shown.movements] == ["paid_back", "given"]
            assert not shown.may_be_paid_back

    def test_each_side_sees_its_own(self, stage: Stage) -> None:
        given(stage, 100_000)
        credit = credit_of(stage)
        assert credit is not None
        for who, side in ((stage.purchaser, "buyer"), (stage.seller.owner, "seller")):
            with unit_of_work(stage.services.db, who) as uow:
                (row,) = [one for one in list_credits(uow, side=side).items if one.id == credit.id]  # type: ignore[arg-type]  # one of the sides
                assert (row.balance_minor, row.seller_name != "", row.buyer_name != "") == (100_000, True, True)
                with pytest.raises(NotFound):
                    get_credit(uow, credit.id, side="seller" if side == "buyer" else "buyer")


def test_a_reversed_payment_takes_its_money_and_what_credit_paid_is_credit_again(stage: Stage) -> None:
    given(stage, 100_000)
    order_id = bought(stage, method="sbx_reversed")
    later(stage)
    assert payment_of(stage, order_id).state == "reversed"
    assert (stage.order(order_id).state, have(stage), owed(stage)) == ("refunded", (100_000, 0), 100_000)
    refunds = stage.rows(select(Refund).where(Refund.reference == order_id))
    assert sorted((one.money_minor, one.credit_minor) for one in refunds) == [(0, 100_000), (GROSS - 100_000, 0)]


def test_a_bank_takes_the_money_alone(stage: Stage) -> None:
    given(stage, 100_000)
    order_id = bought(stage)
    taken = GROSS - 100_000
    for status in (GatewayStatus.PENDING, GatewayStatus.FAILED):
        disputed(stage, order_id, taken, status)
    assert [(one.money_minor, one.credit_minor) for one in stage.refunds(order_id)] == [(taken, 0)]
    stage.refund(order_id)
    stage.run()
    assert (stage.order(order_id).state, have(stage)) == ("refunded", (100_000, 0))


def disputed(stage: Stage, order_id: UUID, amount_minor: int, status: GatewayStatus) -> None:
    payment = payment_of(stage, order_id)
    money = Money(amount_minor, payment.currency)
    record = GatewayRecord(status, f"sbx_dis_{order_id.hex}", payment.gateway_reference or "", money, "fraud")
    done(stage, SYSTEM, lambda uow: apply_gateway_record(uow, "sandbox", record))
    stage.run()
