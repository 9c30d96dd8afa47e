"""A buyer asks for money back that no window grants, takes a refusal to the operator, or lets it be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.refunds.models import Refund
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.input_text import paragraphs
from orders.order.locking import find_locked_order
from orders.order.milestones import milestones_of
from orders.order.models import Order
from orders.refunds.events import RefundAsked, RefundEscalated
from orders.refunds.models import OPEN, REFUND_CASE, RefundCase
from orders.refunds.refund_order import refundable_minor, require_settled, window_of

SELLER_DECIDES: Final = timedelta(days=5)
BUYER_APPEALS: Final = timedelta(days=7)
OPERATOR_DECIDES: Final = timedelta(days=14)
"""How long each of them may take; `orders.refunds.run_out` says what happens then."""
TAKES: Final = {"asked": SELLER_DECIDES, "refused": BUYER_APPEALS, "escalated": OPERATOR_DECIDES}
MAX_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class AskForRefund:
    """`amount_minor` None: everything that is left. The seller, and perhaps the operator, read the reason."""

    order_id: UUID
    amount_minor: int | None
    reason: str


def ask_refund(uow: UnitOfWork, command: AskForRefund) -> RefundCase:
    """Ask the seller of one of the acting organization's orders for money back.

    Raises:
        NotFound: `not_found`.
        Invalid: `reason_required`, `text_too_long`, `amount_not_positive`.
        Conflict: `refund_window_open`: it goes back at once, for the asking; `order_not_refundable`, `order_still_settling`,
            `payment_disputed`, `milestones_open`;
            `nothing_left_to_refund`, `refund_exceeds_payment`; `refund_already_asked`: one is open; `refund_owed`: one was
            granted, and the gateway has not taken it yet.

    Emits: RefundAsked. Locks: the order.
    """
    order = find_locked_order(uow, command.order_id)
    if order is None or order.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    reason = words("reason", command.reason)
    if command.amount_minor is not None and command.amount_minor <= 0:
        raise Invalid("amount_not_positive", field="amount_minor")
    left_minor = _askable(uow, order)
    asked_minor = left_minor if command.amount_minor is None else command.amount_minor
    if asked_minor > left_minor:
        raise Conflict("refund_exceeds_payment")
    now = clock.now()
    row = RefundCase(
        id=uuid7(),
        buyer_org_id=order.buyer_org_id,
        seller_org_id=order.seller_org_id,
        order_id=order.id,
        currency=order.currency,
        asked_minor=asked_minor,
        reason=reason,
        requested_by=uow.principal.accountable_id,
        deadline_at=now + SELLER_DECIDES,
        answered_at=None,
        answer="",
        escalated_at=None,
        appeal="",
        decision="",
        decided_at=None,
        decided_by=None,
        granted_minor=None,
        refund_id=None,
        created_at=now,
        ended_at=None,
    )
    REFUND_CASE.begin(uow, row, org_ids=row.parties)
    uow.session.add(row)
    emit(uow, RefundAsked(**row.fact))
    uow.flush()
    return row


def askable_minor(uow: UnitOfWork, order_id: UUID) -> int:
    """How much the acting buyer could ask of the seller now: what `ask_refund` checks, without locking. 0: nothing."""
    order = uow.session.get(Order, order_id)
    if order is None or order.buyer_org_id != uow.principal.organization():
        return 0
    try:
        return _askable(uow, order)
    except Conflict:
        return 0


def escalate_refund(uow: UnitOfWork, case_id: UUID, appeal: str) -> RefundCase:
    """Take a seller's refusal to the operator, saying why. Taken there already, nothing changes.

    Raises: NotFound `refund_case_not_found`; Invalid `reason_required`, `text_too_long`;
    Conflict `refund_case_moved`: it waits for somebody else, or for nobody any more.
    Emits: RefundEscalated. Locks: the order, then the case.
    """
    row = lock_case(uow, case_id, side="buyer")
    if row.state == "escalated":
        return row
    text = words("appeal", appeal)
    if row.state != "refused":
        raise Conflict("refund_case_moved", state=row.state)
    row.appeal = text
    escalate(uow, row, by_clock=False)
    return row


def escalate(uow: UnitOfWork, row: RefundCase, *, by_clock: bool) -> None:
    """Let the operator decide a locked case."""
    REFUND_CASE.move(uow, row, "escalated", org_ids=row.parties, reason="seller_silent" if by_clock else None)
    row.escalated_at = clock.now()
    row.deadline_at = row.escalated_at + OPERATOR_DECIDES
    emit(uow, RefundEscalated(**row.fact, by_clock=by_clock))
    uow.flush()


def withdraw_refund(uow: UnitOfWork, case_id: UUID) -> RefundCase:
    """Let it be: another can be asked for. Done already, nothing changes.

    Raises: NotFound `refund_case_not_found`; Conflict `refund_case_moved`: it was decided.
    Locks: the order, then the case.
    """
    row = lock_case(uow, case_id, side="buyer")
    if row.state != "withdrawn":
        if row.state not in OPEN:
            raise Conflict("refund_case_moved", state=row.state)
        end_case(uow, row, "withdrawn")
    return row


def end_case(uow: UnitOfWork, row: RefundCase, state: str, reason: str | None = None) -> None:
    """Bring a locked case to its end."""
    REFUND_CASE.move(uow, row, state, org_ids=row.parties, reason=reason)
    row.deadline_at, row.ended_at = None, clock.now()
    uow.flush()


def lock_case(uow: UnitOfWork, case_id: UUID, *, side: str | None = None) -> RefundCase:
    """A case, locked behind its order. `side`: the acting organization is its `buyer` or its `seller`; none: anybody's.

    Raises: NotFound `refund_case_not_found`.
    """
    found = select(RefundCase.order_id).where(RefundCase.id == case_id)
    if side is not None:
        column = RefundCase.buyer_org_id if side == "buyer" else RefundCase.seller_org_id
        found = found.where(column == uow.principal.organization())
    order_id = uow.session.scalar(found)
    if order_id is None:
        raise NotFound("refund_case_not_found")
    find_locked_order(uow, order_id)
    row = lock_row(uow.session, RefundCase, case_id)
    assert row is not None  # noqa: S101 - cases stay
    return row


def words(field: str, text: str) -> str:
    """What a side says for itself. Raises Invalid `reason_required`, `text_too_long`."""
    cleaned = paragraphs(field, text, MAX_WORDS)
    if not cleaned:
        raise Invalid("reason_required", field=field)
    return cleaned


def _askable(uow: UnitOfWork, order: Order) -> int:
    """What is left to be asked for. Raises as `ask_refund`."""
    window = window_of(uow, order)
    if not window.is_over:
        raise Conflict("refund_window_open", days=window.days)
    require_settled(uow, order)
    if any(one.state not in {"accepted", "cancelled"} for one in milestones_of(uow, order.id)):
        # What is still to be delivered is cancelled and goes back by itself, or is delivered and paid for.
        raise Conflict("milestones_open")
    is_open = select(RefundCase.id).where(RefundCase.order_id == order.id, state_in(RefundCase.state, *OPEN))
    if uow.session.scalar(select(is_open.exists())):
        raise Conflict("refund_already_asked")
    is_owed = (
        select(RefundCase.id)
        .join(Refund, Refund.id == RefundCase.refund_id)
        .where(RefundCase.order_id == order.id, state_in(RefundCase.state, "granted"), state_in(Refund.state, "failed"))
    )
    if uow.session.scalar(select(is_owed.exists())):
        # It is sent again every day, and counts as left until it has gone.
        raise Conflict("refund_owed")
    left_minor = refundable_minor(uow, order.id, window.payment_id)
    if left_minor <= 0:
        raise Conflict("nothing_left_to_refund")
    return left_minor
