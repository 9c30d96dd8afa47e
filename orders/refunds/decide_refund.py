"""The seller, then the operator, decides what a buyer asks back; what is granted goes back once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.jobs.outbox import emit
from marketplace.input_text import paragraphs
from orders.order.models import Order
from orders.refunds.ask_refund import BUYER_APPEALS, MAX_WORDS, SELLER_DECIDES, end_case, lock_case, words
from orders.refunds.events import CreditDeclined, CreditOffered, RefundGranted, RefundRefused, RefundRejected
from orders.refunds.models import REFUND_CASE, RefundCase
from orders.refunds.refund_order import refundable_minor

MAX_REASON = 500
"""Of a refund, which its credit note repeats."""


@dataclass(frozen=True, slots=True)
class DecideRefund:
    """`grant` all that was asked for, or `amount_minor` of it; or `refuse`, with words that the buyer reads. A seller may offer
    so much as `credit` instead of money: then the buyer has the word.
    """

    case_id: UUID
    decision: Literal["grant", "refuse", "credit"]
    amount_minor: int | None = None
    words: str = ""


def answer_refund(uow: UnitOfWork, command: DecideRefund) -> RefundCase:
    """The seller decides. Decided alike already, nothing changes.

    Raises: NotFound `refund_case_not_found`; Invalid `reason_required`, `text_too_long`, `amount_not_positive`,
    `refund_exceeds_asked`; Conflict `refund_case_moved`: it waits for somebody else, or for nobody any more;
    `credit_declined`: the buyer wants money; `payment_disputed`, and as `billing.refunds.request_refund` above what is left.
    Emits: RefundGranted, CreditOffered or RefundRefused. Locks: the order, the case, then what billing locks.
    """
    row = lock_case(uow, command.case_id, side="seller")
    text, granted_minor = _checked(row, command)
    if (
        row.decided_at is None
        and row.answered_at is not None
        and _is_decided_alike(row, row.answer, command, (text, granted_minor), no="refused")
    ):
        return row
    if row.state != "asked":
        raise Conflict("refund_case_moved", state=row.state)
    is_offer = command.decision == "credit" and not row.as_credit
    if is_offer and row.offered_minor is not None:
        raise Conflict("credit_declined")
    row.answer, row.answered_at = text, clock.now()
    if is_offer:
        _offer(uow, row, granted_minor)
        return row
    if granted_minor:
        grant(uow, row, granted_minor)
        return row
    REFUND_CASE.move(uow, row, "refused", org_ids=row.parties)
    row.deadline_at = row.answered_at + BUYER_APPEALS
    emit(uow, RefundRefused(**row.fact))
    uow.flush()
    return row


def decide_refund(uow: UnitOfWork, command: DecideRefund) -> RefundCase:
    """The operator decides, and nobody after it. Decided alike already, nothing changes.

    Raises: as `answer_refund`, Forbidden `permission_missing` without operator.payouts, and Conflict `credit_not_agreed`: it
    decides on credit where the buyer has asked for that.
    Emits: RefundGranted or RefundRejected. Locks: the order, the case, then what billing locks.
    """
    uow.principal.require("operator.payouts")
    row = lock_case(uow, command.case_id)
    text, granted_minor = _checked(row, command)
    if row.decided_at is not None and _is_decided_alike(
        row, row.decision, command, (text, granted_minor), no="rejected"
    ):
        return row
    if row.state != "escalated":
        raise Conflict("refund_case_moved", state=row.state)
    if command.decision == "credit" and not row.as_credit:
        raise Conflict("credit_not_agreed")
    row.decision, row.decided_at, row.decided_by = text, clock.now(), uow.principal.person_id
    if granted_minor:
        grant(uow, row, granted_minor)
    else:
        reject(uow, row)
    audit.record(uow, "refund_case.decided", subject_id=row.id, decision=command.decision)
    return row


def _offer(uow: UnitOfWork, row: RefundCase, amount_minor: int) -> None:
    order = uow.session.get_one(Order, row.order_id)
    if order.payment_id is None or amount_minor > refundable_minor(uow, order.id, order.payment_id):
        raise Conflict("refund_exceeds_payment")
    row.offered_minor = amount_minor
    REFUND_CASE.move(uow, row, "credit_offered", org_ids=row.parties)
    row.deadline_at = clock.now() + BUYER_APPEALS
    emit(uow, CreditOffered(**row.fact))
    uow.flush()


def answer_credit(uow: UnitOfWork, case_id: UUID, *, accept: bool) -> RefundCase:
    """The buyer takes the credit that its seller offers, or insists on money. Answered alike already, nothing changes.

    Raises: NotFound `refund_case_not_found`; Conflict `refund_case_moved`, `payment_disputed`, and as
    `billing.refunds.request_refund` above what is left by now.
    Emits: RefundGranted or CreditDeclined. Locks: the order, the case, then what billing locks.
    """
    row = lock_case(uow, case_id, side="buyer")
    if row.state != "credit_offered":
        answered = ("granted", True) if accept else ("asked", False)
        if row.offered_minor is not None and (row.state, row.as_credit) == answered:
            return row
        raise Conflict("refund_case_moved", state=row.state)
    assert row.offered_minor is not None  # noqa: S101 - it waits for that
    if accept:
        row.as_credit = True
        grant(uow, row, row.offered_minor)
    else:
        decline_credit(uow, row)
    return row


def decline_credit(uow: UnitOfWork, row: RefundCase, reason: str | None = None) -> None:
    """Of a locked case: it is to be money. Its seller has the whole of its days anew to decide on that. Emits: CreditDeclined."""
    REFUND_CASE.move(uow, row, "asked", org_ids=row.parties, reason=reason)
    row.answered_at, row.deadline_at = None, clock.now() + SELLER_DECIDES
    emit(uow, CreditDeclined(**row.fact))
    uow.flush()


def grant(uow: UnitOfWork, row: RefundCase, amount_minor: int, reason: str | None = None) -> None:
    """Send an amount of a locked case back, or make it credit where its buyer is content with that.

    Raises: Conflict `payment_disputed`, or as `request_refund` above what is left.
    """
    row.refund_id, row.granted_minor = _send(uow, row, amount_minor), amount_minor
    REFUND_CASE.move(uow, row, "granted", org_ids=row.parties, reason=reason)
    row.deadline_at, row.ended_at = None, clock.now()
    emit(uow, RefundGranted(**row.fact))
    uow.flush()


def reject(uow: UnitOfWork, row: RefundCase, reason: str | None = None) -> None:
    """Let the refusal of a locked case stand for good."""
    end_case(uow, row, "rejected", reason)
    emit(uow, RefundRejected(**row.fact))


def grant_again(uow: UnitOfWork, refund_id: UUID) -> None:
    """Send what was granted once more, after a gateway refused it; what went back in another way meanwhile does not.

    Raises: Conflict `payment_disputed`. Locks: as `grant`.
    """
    refund = uow.session.get_one(Refund, refund_id)
    row = find_granted(uow, refund)
    if row is None:
        return
    order = uow.session.get_one(Order, row.order_id)
    left_minor = refundable_minor(uow, order.id, refund.payment_id)
    if left_minor > 0 and row.granted_minor is not None:
        amount_minor = min(row.granted_minor, left_minor)
        row.refund_id, row.granted_minor = _send(uow, row, amount_minor), amount_minor
        uow.flush()


def find_granted(uow: UnitOfWork, refund: Refund) -> RefundCase | None:
    """The case, locked, whose latest refund this is."""
    case_id = uow.session.scalar(select(RefundCase.id).where(RefundCase.refund_id == refund.id))
    row = lock_case(uow, case_id) if case_id is not None else None
    return row if row is not None and row.refund_id == refund.id else None


def _checked(row: RefundCase, command: DecideRefund) -> tuple[str, int]:
    """The words, and what is granted (0: nothing)."""
    if command.decision == "refuse":
        return words("words", command.words), 0
    granted_minor = row.asked_minor if command.amount_minor is None else command.amount_minor
    if granted_minor <= 0:
        raise Invalid("amount_not_positive", field="amount_minor")
    if granted_minor > row.asked_minor:
        raise Invalid("refund_exceeds_asked", field="amount_minor")
    return paragraphs("words", command.words, MAX_WORDS), granted_minor


def _is_decided_alike(row: RefundCase, said: str, command: DecideRefund, asked: tuple[str, int], *, no: str) -> bool:
    """In the same words, too: other ones would be lost without anybody noticing."""
    text, granted_minor = asked
    if said != text:
        return False
    if command.decision == "refuse":
        return row.state == no
    if command.decision == "credit" and not row.as_credit:
        return row.state == "credit_offered" and row.offered_minor == granted_minor
    return row.state == "granted" and row.granted_minor == granted_minor


def _send(uow: UnitOfWork, row: RefundCase, amount_minor: int) -> UUID:
    order = uow.session.get_one(Order, row.order_id)
    assert order.payment_id is not None  # noqa: S101 - what is asked back was paid
    return request_refund(
        uow,
        RequestRefund(
            reference=order.id,
            payment_id=order.payment_id,
            reason=row.reason[:MAX_REASON],
            automatic=False,
            amount_minor=amount_minor,
            as_credit=row.as_credit,
        ),
    )
