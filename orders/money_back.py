"""Money back: by the loop when delivery fails, by the buyer inside the refund window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from billing.invoices.issue_credit_note import IssueCreditNote, issue_credit_note
from billing.payments.models import PaymentAllocation
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from orders.agreements.models import Order
from orders.agreements.states import ORDER
from orders.deliver import lines_of
from orders.paper import invoice_of
from orders.purchases.models import Purchase
from orders.purchases.pay import locked_orders


@dataclass(frozen=True, slots=True)
class RequestOrderRefund:
    """`amount_minor` None: everything that is left."""

    order_id: UUID
    amount_minor: int | None
    reason: str


def request_order_refund(uow: UnitOfWork, command: RequestOrderRefund) -> Refund:
    """The buyer asks for money back; inside the window of every line it is granted at once.

    Raises: NotFound, Conflict `order_not_refundable`, `refund_window_over`, `order_still_settling`, and what
    `billing.refunds.request_refund` raises above what is left. Locks: the order, then what billing locks.
    """
    order = lock_row(uow.session, Order, command.order_id)
    if order is None or order.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if order.state not in ("active", "completed") or order.payment_id is None or order.active_at is None:
        raise Conflict("order_not_refundable", state=order.state)
    window_days = min(line.refund_window_days for line in lines_of(uow, order.id))
    if clock.now() > order.active_at + timedelta(days=window_days):
        raise Conflict("refund_window_over", days=window_days)
    if invoice_of(uow, order.id) is None:
        # The invoice follows activation within moments; a refund before it would have nothing to credit.
        raise Conflict("order_still_settling")
    return _request(uow, order, command.amount_minor, reason=command.reason, automatic=False)


def is_refundable(uow: UnitOfWork, order_id: UUID) -> bool:
    """Whether the acting buyer could ask for money back now: what `request_order_refund` checks, without locking."""
    order = uow.session.get(Order, order_id)
    if order is None or order.buyer_org_id != uow.principal.organization():
        return False
    if order.state not in ("active", "completed") or order.payment_id is None or order.active_at is None:
        return False
    window_days = min(line.refund_window_days for line in lines_of(uow, order.id))
    in_window = clock.now() <= order.active_at + timedelta(days=window_days)
    return in_window and invoice_of(uow, order.id) is not None and _left(uow, order) > 0


def give_back(uow: UnitOfWork, order: Order, *, reason: str, automatic: bool) -> None:
    """Refund everything that was paid for a locked order; one without a payment has nothing to give back."""
    if order.payment_id is None:
        ORDER.move(uow, order, "refunded", org_ids=[order.buyer_org_id, order.seller_org_id], reason="nothing_paid")
        return
    if _left(uow, order) > 0:
        _request(uow, order, None, reason=reason, automatic=automatic)


def give_back_late_payment(uow: UnitOfWork, purchase: Purchase, payment_id: UUID) -> None:
    """Money that came for a purchase which no longer waits for it provisions nothing and goes back."""
    for order in locked_orders(uow, purchase.id):
        if order.payment_id is None:
            order.payment_id = payment_id
            uow.flush()
            give_back(uow, order, reason="payment_came_too_late", automatic=True)


def is_given_back(uow: UnitOfWork, order: Order) -> bool:
    """Whether everything that was paid for the order has gone back."""
    row = uow.session.execute(
        select(PaymentAllocation.amount_minor, PaymentAllocation.refunded_minor).where(
            PaymentAllocation.reference == order.id, PaymentAllocation.payment_id == order.payment_id
        )
    ).first()
    return row is not None and row.amount_minor == row.refunded_minor


def credit_what_was_invoiced(uow: UnitOfWork, refund_id: UUID, order_id: UUID) -> None:
    """Credit the refunded part of an order's invoice, if there is one. Idempotent by the refund."""
    invoice_id = invoice_of(uow, order_id)
    if invoice_id is not None:
        issue_credit_note(uow, IssueCreditNote(invoice_id=invoice_id, refund_id=refund_id))


def _left(uow: UnitOfWork, order: Order) -> int:
    return (
        uow.session.scalar(
            select(func.sum(PaymentAllocation.amount_minor - PaymentAllocation.reserved_minor)).where(
                PaymentAllocation.reference == order.id, PaymentAllocation.payment_id == order.payment_id
            )
        )
        or 0
    )


def _request(uow: UnitOfWork, order: Order, amount_minor: int | None, *, reason: str, automatic: bool) -> Refund:
    assert order.payment_id is not None  # noqa: S101 - asked by the callers
    refund_id = request_refund(
        uow,
        RequestRefund(
            reference=order.id,
            payment_id=order.payment_id,
            reason=reason,
            automatic=automatic,
            amount_minor=amount_minor,
        ),
    )
    return uow.session.get_one(Refund, refund_id)
