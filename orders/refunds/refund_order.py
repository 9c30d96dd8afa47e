"""Money back: by the loop when delivery fails or a payment came too late, by the buyer inside the refund window.

After it the buyer asks the seller: `orders.refunds.ask_refund`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from billing.charges.models import Charge
from billing.disputes.queries import is_disputed
from billing.invoices.issue_credit_note import IssueCreditNote, issue_credit_note
from billing.payments.models import PaymentAllocation
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.text import plain_text
from orders.invoicing.invoice_order import invoice_of
from orders.invoicing.unbilled import waits_or_waited, was_deducted
from orders.milestones.cancel import refund_cancelled
from orders.order.accept_services import finish_milestones
from orders.order.locking import find_locked_order, lines_of
from orders.order.milestones import OrderMilestone, cancel_milestones, milestones_of
from orders.order.models import Order


@dataclass(frozen=True, slots=True)
class RequestOrderRefund:
    """`amount_minor` None: everything that is left."""

    order_id: UUID
    amount_minor: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Window:
    """The days in which an order's money goes back at once, and the payment that it is about."""

    days: int
    is_over: bool
    payment_id: UUID


def request_order_refund(uow: UnitOfWork, command: RequestOrderRefund) -> Refund:
    """The buyer asks for money back; inside the window of every line it is granted at once.

    Of services in milestones all goes back that was not accepted; nothing more of it is delivered then.

    Raises: NotFound, Invalid `reason_required`, Conflict `order_not_refundable`, `refund_window_over`,
    `order_still_settling`, `payment_disputed`, `refund_by_milestone`, and what `billing.refunds.request_refund` raises
    above what is left.
    Locks: the order, then what billing locks.
    """
    order = find_locked_order(uow, command.order_id)
    if order is None or order.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    reason = plain_text(command.reason)
    if not reason:
        raise Invalid("reason_required", field="reason")
    payment_id = _refundable_payment(uow, order)
    milestones = milestones_of(uow, order.id)
    wanted = RequestRefund(order.id, payment_id, reason, automatic=bool(milestones), amount_minor=command.amount_minor)
    if milestones:
        amounts = _not_accepted(uow, order, milestones)
        if command.amount_minor not in {None, sum(amounts.values())}:
            raise Conflict("refund_by_milestone")
        if not amounts:
            raise Conflict("nothing_left_to_refund")
        wanted = replace(wanted, amounts=amounts, amount_minor=None)
        cancel_milestones(uow, order, milestones, reason="refunded")
    refund_id = request_refund(uow, wanted)
    if milestones:
        finish_milestones(uow, order, reason="refunded")
    return uow.session.get_one(Refund, refund_id)


def is_refundable(uow: UnitOfWork, order_id: UUID) -> bool:
    """Whether the acting buyer could ask for money back now: what `request_order_refund` checks, without locking."""
    order = uow.session.get(Order, order_id)
    if order is None or order.buyer_org_id != uow.principal.organization():
        return False
    try:
        payment_id, milestones = _refundable_payment(uow, order), milestones_of(uow, order.id)
        if milestones:
            return bool(_not_accepted(uow, order, milestones))
        return refundable_minor(uow, order.id, payment_id) > 0
    except Conflict:
        return False


def refund_remaining(uow: UnitOfWork, order: Order, payment_id: UUID, *, reason: str) -> None:
    """Refund whatever of a payment is still a locked order's. Nothing left, nothing happens.

    Of an order that is being delivered in milestones it is what was charged for those that are cancelled.
    While a bank decides about the payment it waits for that (`orders.loop.dispute_ended`).
    """
    if (
        payment_id == order.payment_id
        and order.state in ("active", "completed")
        and refund_cancelled(uow, order, reason=reason)
    ):
        return
    if refundable_minor(uow, order.id, payment_id) > 0 and not is_disputed(uow, payment_id, order.id):
        request_refund(uow, RequestRefund(reference=order.id, payment_id=payment_id, reason=reason, automatic=True))


def is_fully_refunded(uow: UnitOfWork, order: Order) -> bool:
    """Whether everything that was paid for the order has gone back."""
    row = uow.session.execute(
        select(PaymentAllocation.amount_minor, PaymentAllocation.refunded_minor).where(
            PaymentAllocation.reference == order.id, PaymentAllocation.payment_id == order.payment_id
        )
    ).first()
    return row is not None and row.amount_minor == row.refunded_minor


def issue_credit_note_for(uow: UnitOfWork, refund_id: UUID, order_id: UUID) -> None:
    """Credit the refunded part of the invoice that stands for an order, if there is one. Idempotent by the refund.

    What went back before the order's month was invoiced is not on that invoice: nothing is credited for it.

    Locks: the order, so that no title is corrected meanwhile, then the invoice.
    """
    find_locked_order(uow, order_id)
    invoice_id = invoice_of(uow, order_id)
    if invoice_id is not None and not was_deducted(uow, order_id, refund_id):
        issue_credit_note(uow, IssueCreditNote(invoice_id=invoice_id, refund_id=refund_id))


def window_of(uow: UnitOfWork, order: Order) -> Window:
    """Until when the buyer of a delivered order has its money back for the asking: what the least of its lines grants.

    Raises: Conflict `order_not_refundable`: it is not delivered, nothing was paid, or all of it went back.
    """
    if order.state not in ("active", "completed") or order.payment_id is None or order.active_at is None:
        raise Conflict("order_not_refundable", state=order.state)
    days = min(line.refund_window_days for line in lines_of(uow, order.id))
    return Window(days, clock.now() > order.active_at + timedelta(days=days), order.payment_id)


def require_settled(uow: UnitOfWork, order: Order) -> None:
    """Raises Conflict `payment_disputed` while a bank decides about its payment, `order_still_settling` before its invoice."""
    assert order.payment_id is not None  # noqa: S101 - a delivered order that was paid for (`window_of`)
    if is_disputed(uow, order.payment_id, order.id):
        raise Conflict("payment_disputed")
    if invoice_of(uow, order.id) is None and not waits_or_waited(uow, order.id):
        # The invoice follows activation within moments; a refund before it would have nothing to credit.
        raise Conflict("order_still_settling")


def _refundable_payment(uow: UnitOfWork, order: Order) -> UUID:
    """The payment of an order that its buyer may have back now. Raises as `request_order_refund`."""
    window = window_of(uow, order)
    if window.is_over:
        raise Conflict("refund_window_over", days=window.days)
    require_settled(uow, order)
    return window.payment_id


def _not_accepted(uow: UnitOfWork, order: Order, milestones: Sequence[OrderMilestone]) -> dict[UUID, int]:
    """What is left of each charge of an order, but for the milestones that were accepted."""
    accepted = {one.id for one in milestones if one.state == "accepted"}
    charges = uow.session.scalars(select(Charge).where(Charge.group_reference == order.id))
    left = {one.charged_for: one.gross_minor - one.reserved_minor for one in charges}
    return {charged_for: minor for charged_for, minor in left.items() if minor and charged_for not in accepted}


def refundable_minor(uow: UnitOfWork, order_id: UUID, payment_id: UUID) -> int:
    """What of an order's payment has neither gone back nor is on its way."""
    statement = select(func.sum(PaymentAllocation.amount_minor - PaymentAllocation.reserved_minor)).where(
        PaymentAllocation.reference == order_id, PaymentAllocation.payment_id == payment_id
    )
    return int(uow.session.scalar(statement) or 0)
