"""Money asked back after the window: who decides, until when, what happens by itself, and that it goes back once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.gateways.ports import GatewayStatus
from kernel import clock
from kernel.db.uow import UnitOfWork, transact
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.principal import SYSTEM, Principal
from kernel.storage import StoredObject
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from orders.order.locking import find_locked_order
from orders.refunds.ask_refund import AskForRefund, ask_refund, askable_minor, escalate_refund, withdraw_refund
from orders.refunds.decide_refund import DecideRefund, answer_refund, decide_refund
from orders.refunds.evidence import AddRefundEvidence, add_refund_evidence, find_evidence
from orders.refunds.jobs import SWEEP_CASES
from orders.refunds.models import RefundCase
from orders.refunds.queries import get_refund_case
from orders.refunds.refund_order import refund_remaining
from tests.factories_marketplace import OPERATOR_PRINCIPAL, Org
from tests.loop.test_after_the_end import say_disputed
from tests.loop_stage import Stage

GROSS = 398_000
T = TypeVar("T")


def late(stage: Stage, *, method: str = "sbx_ok") -> UUID:
    """A delivered order whose window is over."""
    order_id = stage.buy(method=method)
    stage.run()
    clock.advance(timedelta(days=7, seconds=1))
    return order_id


def done(stage: Stage, principal: Principal, work: Callable[[UnitOfWork], T]) -> T:
    """What a principal does in a transaction of its own."""
    return transact(stage.services.db, principal, work)


def ask(stage: Stage, order_id: UUID, amount_minor: int | None = None) -> UUID:
    command = AskForRefund(order_id, amount_minor, "does not do what the video said")
    return done(stage, stage.purchaser, lambda uow: ask_refund(uow, command).id)


def answer(stage: Stage, case_id: UUID, amount_minor: int | None = None, *, refuse: bool = False) -> None:
    command = DecideRefund(case_id, "refuse" if refuse else "grant", amount_minor, "we looked into it")
    done(stage, stage.seller.owner, lambda uow: answer_refund(uow, command).id)
    stage.run()


def decide(stage: Stage, case_id: UUID, amount_minor: int | None = None, *, refuse: bool = False) -> None:
    command = DecideRefund(case_id, "refuse" if refuse else "grant", amount_minor, "both were heard")
    done(stage, OPERATOR_PRINCIPAL, lambda uow: decide_refund(uow, command).id)
    stage.run()


def escalate(stage: Stage, case_id: UUID) -> None:
    done(stage, stage.purchaser, lambda uow: escalate_refund(uow, case_id, "the video says otherwise").id)


def request(stage: Stage, case_id: UUID) -> RefundCase:
    return stage.get(RefundCase, case_id)


def sweep(stage: Stage, days: int) -> None:
    clock.advance(timedelta(days=days, seconds=1))
    stage.tick(SWEEP_CASES)


def sent(stage: Stage, order_id: UUID) -> list[tuple[int, str]]:
    return [(one.amount_minor, one.state) for one in stage.refunds(order_id)]


class TestAsking:
    def test_it_waits_for_the_seller_until_a_deadline(self, stage: Stage) -> None:
        order_id = late(stage)
        row = request(stage, ask(stage, order_id, 100_000))
        assert (row.state, row.asked_minor, row.currency) == ("asked", 100_000, "CNY")
        assert row.deadline_at == clock.now() + timedelta(days=5)
        assert sent(stage, order_id) == []

    def test_inside_the_window_money_goes_back_without_asking(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        with pytest.raises(Conflict, match="refund_window_open"):
            ask(stage, order_id)

    def test_one_is_open_at_a_time(self, stage: Stage) -> None:
        order_id = late(stage)
        first = ask(stage, order_id, 1)
        with pytest.raises(Conflict, match="refund_already_asked"):
            ask(stage, order_id, 1)
        done(stage, stage.purchaser, lambda uow: withdraw_refund(uow, first).id)
        done(stage, stage.purchaser, lambda uow: withdraw_refund(uow, first).id)
        ask(stage, order_id, 1)

    @pytest.mark.parametrize(
        ("amount_minor", "reason", "error"),
        [
            (GROSS + 1, "x", Conflict("refund_exceeds_payment")),
            (0, "x", Invalid("amount_not_positive", field="amount_minor")),
            (None, " ", Invalid("reason_required", field="reason")),
            (None, "x" * 2_001, Invalid("text_too_long", field="reason")),
        ],
    )
    def test_unreadable_input_changes_nothing(
        self, stage: Stage, amount_minor: int | None, reason: str, error: DomainError
    ) -> None:
        order_id = late(stage)
        with pytest.raises(type(error), match=error.code):
            done(stage, stage.purchaser, lambda uow: ask_refund(uow, AskForRefund(order_id, amount_minor, reason)))
        assert done(stage, stage.purchaser, lambda uow: askable_minor(uow, order_id)) == GROSS

    def test_nobody_asks_or_answers_for_another(self, stage: Stage) -> None:
        order_id = late(stage)
        for stranger in (stage.seller.owner, stage.promoter.owner):
            with pytest.raises(NotFound):
                done(stage, stranger, lambda uow: ask_refund(uow, AskForRefund(order_id, None, "x")))
        case_id = ask(stage, order_id)
        for stranger in (stage.purchaser, stage.promoter.owner):
            with pytest.raises(NotFound):
                done(stage, stranger, lambda uow: answer_refund(uow, DecideRefund(case_id, "grant")))
        for stranger in (stage.seller.owner, stage.promoter.owner):
            with pytest.raises(NotFound):
                done(stage, stranger, lambda uow: withdraw_refund(uow, case_id))
            with pytest.raises(NotFound):
                done(stage, stranger, lambda uow: escalate_refund(uow, case_id, "x"))


class TestSellerDecides:
    def test_all_of_it_ends_the_order_as_any_refund(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)
        answer(stage, case_id)
        row = request(stage, case_id)
        (refund,) = stage.refunds(order_id)
        assert (row.state, row.granted_minor, row.refund_id) == ("granted", GROSS, refund.id)
        assert (refund.state, refund.amount_minor) == ("succeeded", GROSS)
        assert stage.order(order_id).state == "refunded"
        assert stage.entitlement(order_id).state == "ended"
        (note,) = stage.papers(order_id, "credit_note")
        assert note.gross_minor == GROSS
        assert {share.state for share in stage.shares(order_id).values()} == {"reversed"}

    def test_a_part_leaves_the_order_and_the_rest_can_be_asked_for(self, stage: Stage) -> None:
        order_id = late(stage)
        answer(stage, ask(stage, order_id, 100_000), 40_000)
        assert sent(stage, order_id) == [(40_000, "succeeded")]
        assert stage.order(order_id).state == "active"
        with pytest.raises(Conflict, match="refund_exceeds_payment"):
            ask(stage, order_id, GROSS - 39_999)
        answer(stage, ask(stage, order_id))
        assert sent(stage, order_id) == [(40_000, "succeeded"), (GROSS - 40_000, "succeeded")]
        assert stage.order(order_id).state == "refunded"

    def test_decided_twice_alike_is_decided_once(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)
        for _ in range(2):
            answer(stage, case_id, 1_000)
        with pytest.raises(Conflict, match="refund_case_moved"):
            answer(stage, case_id, 2_000)
        with pytest.raises(Conflict, match="refund_case_moved"):
            answer(stage, case_id, refuse=True)
        assert sent(stage, order_id) == [(1_000, "succeeded")]

    @pytest.mark.parametrize(
        ("command", "error"),
        [
            (("grant", 2_001, ""), "refund_exceeds_asked"),
            (("grant", 0, ""), "amount_not_positive"),
            (("refuse", None, " "), "reason_required"),
        ],
    )
    def test_more_than_was_asked_or_a_bare_no_is_refused(
        self, stage: Stage, command: tuple[str, int | None, str], error: str
    ) -> None:
        case_id = ask(stage, late(stage), 2_000)
        with pytest.raises(Invalid, match=error):
            done(stage, stage.seller.owner, lambda uow: answer_refund(uow, DecideRefund(case_id, *command)))  # type: ignore[arg-type]
        assert request(stage, case_id).state == "asked"

    def test_a_gateway_that_refuses_is_asked_again_until_the_money_is_back(self, stage: Stage) -> None:
        order_id = late(stage, method="sbx_refund_fails")
        case_id = ask(stage, order_id, 5_000)
        answer(stage, case_id)
        assert sent(stage, order_id) == [(5_000, "failed")]
        clock.advance(timedelta(days=1, seconds=1))
        stage.run()
        assert [amount for amount, _ in sent(stage, order_id)] == [5_000, 5_000]
        assert request(stage, case_id).refund_id == stage.refunds(order_id)[1].id

    @pytest.mark.parametrize("granted_minor", [5_000, None])
    def test_what_was_granted_and_not_sent_yet_is_not_asked_for_twice(
        self, stage: Stage, granted_minor: int | None
    ) -> None:
        order_id = late(stage, method="sbx_refund_fails")
        case_id = ask(stage, order_id, granted_minor)
        answer(stage, case_id)
        for _ in range(2):
            with pytest.raises(Conflict, match="refund_owed"):
                ask(stage, order_id, 5_000)
            assert done(stage, stage.purchaser, lambda uow: askable_minor(uow, order_id)) == 0
            for side, who in (("buyer", stage.purchaser), ("seller", stage.seller.owner)):
                found = done(stage, who, lambda uow: get_refund_case(uow, case_id, side=side))  # noqa: B023 - called at once
                assert (found.state, found.is_owed) == ("granted", True)
            clock.advance(timedelta(days=1, seconds=1))
            stage.run()


class TestOperatorDecides:
    def test_a_refusal_is_taken_further_and_granted_in_part(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)
        with pytest.raises(Conflict, match="refund_case_moved"):
            escalate(stage, case_id)
        answer(stage, case_id, refuse=True)
        assert request(stage, case_id).deadline_at == clock.now() + timedelta(days=7)
        for _ in range(2):
            escalate(stage, case_id)
        with pytest.raises(Conflict, match="refund_case_moved"):
            answer(stage, case_id)
        for _ in range(2):
            decide(stage, case_id, 123_456)
        row = request(stage, case_id)
        assert (row.state, row.granted_minor) == ("granted", 123_456)
        assert (row.answer, row.appeal, row.decision) == (
            "we looked into it",
            "the video says otherwise",
            "both were heard",
        )
        assert sent(stage, order_id) == [(123_456, "succeeded")]

    def test_a_refusal_by_the_operator_is_the_end(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)
        answer(stage, case_id, refuse=True)
        escalate(stage, case_id)
        decide(stage, case_id, refuse=True)
        assert request(stage, case_id).state == "rejected"
        with pytest.raises(Conflict, match="refund_case_moved"):
            escalate(stage, case_id)
        assert sent(stage, order_id) == []

    def test_only_operators_of_money_decide(self, stage: Stage) -> None:
        case_id = ask(stage, late(stage))
        with pytest.raises(DomainError, match="permission_missing"):
            done(stage, stage.seller.owner, lambda uow: decide_refund(uow, DecideRefund(case_id, "grant")))


class TestDeadlines:
    def test_a_silent_seller_is_no_answer_and_a_silent_operator_then_grants(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id, 9_000)
        sweep(stage, 4)
        assert request(stage, case_id).state == "asked"
        sweep(stage, 1)
        assert request(stage, case_id).state == "escalated"
        sweep(stage, 14)
        assert request(stage, case_id).state == "granted"
        assert sent(stage, order_id) == [(9_000, "succeeded")]

    def test_a_refusal_that_nobody_takes_further_stands(self, stage: Stage) -> None:
        case_id = ask(stage, late(stage))
        answer(stage, case_id, refuse=True)
        sweep(stage, 7)
        assert request(stage, case_id).state == "closed"

    def test_a_refusal_that_the_operator_does_not_decide_about_stands(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)
        answer(stage, case_id, refuse=True)
        escalate(stage, case_id)
        sweep(stage, 14)
        assert request(stage, case_id).state == "rejected"
        assert sent(stage, order_id) == []

    def test_what_went_back_in_another_way_leaves_nothing_to_decide(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id)

        def all_of_it(uow: UnitOfWork) -> None:
            order = find_locked_order(uow, order_id)
            assert order is not None
            assert order.payment_id is not None
            refund_remaining(uow, order, order.payment_id, reason="renewed_order_refunded")

        done(stage, SYSTEM, all_of_it)
        with pytest.raises(Conflict, match="refund_exceeds_charge"):
            answer(stage, case_id)
        stage.run()
        assert request(stage, case_id).state == "closed"
        assert sent(stage, order_id) == [(GROSS, "succeeded")]


class TestDisputedPayment:
    """A bank that decides about the payment freezes the request: nothing goes back twice."""

    def test_nothing_is_granted_and_no_time_runs_until_the_bank_has_decided(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id, 5_000)
        say_disputed(stage, order_id, GatewayStatus.PENDING)
        with pytest.raises(Conflict, match="payment_disputed"):
            answer(stage, case_id)
        sweep(stage, 6)
        assert request(stage, case_id).state == "asked"
        say_disputed(stage, order_id, GatewayStatus.SUCCEEDED)
        assert request(stage, case_id).deadline_at == clock.now() + timedelta(days=5)
        answer(stage, case_id)
        assert sent(stage, order_id) == [(5_000, "succeeded")]

    def test_lost_there_is_nothing_left_to_decide(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id, 5_000)
        say_disputed(stage, order_id, GatewayStatus.PENDING)
        say_disputed(stage, order_id, GatewayStatus.FAILED)
        row = request(stage, case_id)
        assert (row.state, row.deadline_at) == ("closed", None)
        assert sent(stage, order_id) == [(GROSS, "succeeded")]

    def test_what_is_disputed_cannot_be_asked_for(self, stage: Stage) -> None:
        order_id = late(stage)
        say_disputed(stage, order_id, GatewayStatus.PENDING)
        with pytest.raises(Conflict, match="payment_disputed"):
            ask(stage, order_id)

    def test_what_was_granted_and_not_sent_waits_for_the_bank(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id, 5_000)
        done(stage, stage.seller.owner, lambda uow: answer_refund(uow, DecideRefund(case_id, "grant")).id)
        say_disputed(stage, order_id, GatewayStatus.PENDING)
        assert sent(stage, order_id) == [(5_000, "failed")]
        for _ in range(2):
            clock.advance(timedelta(days=1, seconds=1))
            stage.run()
        assert sent(stage, order_id) == [(5_000, "failed")]
        say_disputed(stage, order_id, GatewayStatus.SUCCEEDED)
        clock.advance(timedelta(days=1, seconds=1))
        stage.run()
        assert sent(stage, order_id) == [(5_000, "failed"), (5_000, "succeeded")]


class TestEvidence:
    def test_each_side_shows_documents_that_all_three_see(self, stage: Stage) -> None:
        case_id = ask(stage, late(stage))
        sides = {"buyer": stage.purchaser, "seller": stage.seller.owner}

        def show(side: str, digest: str) -> UUID:
            stored = StoredObject(f"refunds/{digest}", 10, digest)
            command = AddRefundEvidence(case_id, side, stored, "image/png", "shot.png")
            return done(stage, sides[side], lambda uow: add_refund_evidence(uow, command).id)

        shown = [show("buyer", "a" * 64), show("seller", "a" * 64)]
        assert show("buyer", "a" * 64) == shown[0]
        for evidence_id in shown:
            for side, principal in sides.items():
                found = done(
                    stage,
                    principal,
                    lambda uow, one=evidence_id, side=side: find_evidence(uow, case_id, one, side=side).id,  # type: ignore[misc]
                )
                assert found == evidence_id
            done(
                stage,
                OPERATOR_PRINCIPAL,
                lambda uow, one=evidence_id: find_evidence(uow, case_id, one, side=None).id,  # type: ignore[misc]
            )
            with pytest.raises(NotFound):
                done(
                    stage,
                    stage.promoter.owner,
                    lambda uow, one=evidence_id: find_evidence(uow, case_id, one, side="buyer").id,  # type: ignore[misc]
                )
        for number in range(9):
            show("buyer", str(number) * 64)
        with pytest.raises(Conflict, match="refund_evidence_full"):
            show("buyer", "b" * 64)
        answer(stage, case_id)
        with pytest.raises(Conflict, match="refund_case_moved"):
            show("seller", "c" * 64)


class TestNotices:
    def kinds(self, stage: Stage, org: Org) -> list[str]:
        """What the organization was told of the case, in order, each kind once."""
        stage.tick(NOTIFY)
        wanted = select(Notification.kind).where(Notification.org_id == org.id, Notification.kind.like("refund_%"))
        return list(dict.fromkeys(stage.rows(wanted.order_by(Notification.created_at, Notification.id))))

    def test_each_side_is_told_whose_turn_it_is_and_how_it_ended(self, stage: Stage) -> None:
        order_id = late(stage)
        case_id = ask(stage, order_id, 10_000)
        assert self.kinds(stage, stage.seller) == ["refund_asked"]
        clock.advance(timedelta(hours=1))
        answer(stage, case_id, refuse=True)
        assert self.kinds(stage, stage.buyer) == ["refund_refused"]
        clock.advance(timedelta(hours=1))
        escalate(stage, case_id)
        assert self.kinds(stage, stage.seller) == ["refund_asked", "refund_escalated_to_us"]
        clock.advance(timedelta(hours=1))
        decide(stage, case_id, 4_000)
        assert self.kinds(stage, stage.seller)[-1] == "refund_granted_over_seller"
        assert set(self.kinds(stage, stage.buyer)) == {"refund_refused", "refund_granted", "refund_sent"}
        (told,) = stage.rows(
            select(Notification).where(
                Notification.person_id == stage.purchaser.person(), Notification.kind == "refund_granted"
            )
        )
        assert told.params["amount_minor"] == 4_000

    def test_a_silent_seller_is_told_to_both(self, stage: Stage) -> None:
        ask(stage, late(stage))
        assert self.kinds(stage, stage.seller) == ["refund_asked"]
        sweep(stage, 5)
        assert self.kinds(stage, stage.buyer) == ["refund_escalated"]
        assert self.kinds(stage, stage.seller) == ["refund_asked", "refund_escalated_to_us"]
