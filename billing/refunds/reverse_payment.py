"""Money of a payment went back to its payer without us: its orders are refunded by what is gone, as the gateway says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select

from billing.charges.models import Charge
from billing.disputes.queries import is_disputed
from billing.incidents.models import IncidentKind
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.payments.models import Payment, PaymentAllocation
from billing.refunds.apply_gateway_result import succeed
from billing.refunds.models import REFUND, Refund, RefundAttempt
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.money import Money, allocate


@dataclass(frozen=True, slots=True)
class LostPart:
    """What of the amount an order has lost, or one line of it. Together they are the amount."""

    order_id: UUID
    line_id: UUID | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ReversePayment:
    """`amount_minor` of the payment is gone, at most all of it. `gateway_reference` is what the gateway calls that."""

    payment_id: UUID
    amount_minor: int
    origin: Literal["gateway", "reversal", "dispute"]
    incident: IncidentKind
    subject_id: UUID
    gateway_reference: str
    code: str
    parts: tuple[LostPart, ...] = ()


def reverse_payment(uow: UnitOfWork, command: ReversePayment) -> int:
    """Refund what is gone to the orders that it paid for, and tell an operator. Returns what no order could bear.

    It is borne as `parts` say, else in proportion to what is left of each order. What no order can bear (it was refunded
    before, is on its way to the buyer, or not charged yet) waits in suspense. So does a part of a payment for several orders
    that was given back by hand: nobody knows for which of them.

    Emits: RefundSucceeded for each order. Locks: the purchase and its orders (as aggregates), the payment, what refunds lock.
    Idempotent by: the incident.
    """
    payment = _lock_payment(uow, command.payment_id)
    amount = Money(command.amount_minor, payment.currency)
    parts = _named_parts(uow, command) if command.parts else _parts(uow, command)
    uncovered_minor = command.amount_minor - sum(part.amount_minor for part in parts)
    incident = OpenIncident(
        command.incident,
        command.subject_id,
        payment.gateway,
        command.gateway_reference,
        amount,
        command.code,
        suspense_minor=uncovered_minor,
    )
    if not open_incident(uow, incident):
        return 0
    for part in parts:
        refund = record_lost(uow, command, part)
        # Of one that no other bears a part of, so that the gateway speaks of the same amount.
        is_all = len(parts) == 1 and not uncovered_minor and command.origin == "gateway"
        refund.gateway_reference = command.gateway_reference if is_all else None
        succeed(uow, refund)
    if command.origin == "reversal":
        _return_credit(uow, command)
    return uncovered_minor


def bearable(uow: UnitOfWork, payment_id: UUID, wanted: Sequence[LostPart]) -> list[LostPart]:
    """What orders can bear of what they are to have lost: at most what is left of each, and of each line. The orders are locked
    by the caller; those that bear nothing are left out.
    """
    ids = uow.session.scalars(select(PaymentAllocation.id).where(PaymentAllocation.payment_id == payment_id)).all()
    allocations = lock_rows(uow.session, PaymentAllocation, ids)
    left = {one.reference: _money_left(one) for one in allocations}
    borne = []
    for part in wanted:
        here_minor = left[part.order_id]
        bears_minor = min(part.amount_minor, here_minor)
        if bears_minor < here_minor or part.line_id is not None:
            # What is about to be charged is not taken in part: the order could not be charged any more.
            bears_minor = min(bears_minor, _charged_minor(uow, payment_id, part.order_id, part.line_id))
        if bears_minor:
            left[part.order_id] -= bears_minor
            borne.append(LostPart(part.order_id, part.line_id, bears_minor))
    return borne


def _money_left(allocation: PaymentAllocation) -> int:
    """What of an order's part can have gone back as money."""
    return max(0, min(allocation.amount_minor - allocation.reserved_minor, allocation.money_left_minor))


def _return_credit(uow: UnitOfWork, command: ReversePayment) -> None:
    """The money is gone, and the sale with it: what credit paid beside it is credit again."""
    rows = uow.session.scalars(
        select(PaymentAllocation)
        .where(PaymentAllocation.payment_id == command.payment_id, PaymentAllocation.credit_minor > 0)
        .order_by(PaymentAllocation.id)
    ).all()
    for one in rows:
        if one.amount_minor > one.reserved_minor and not is_disputed(uow, command.payment_id, one.reference):
            request_refund(
                uow, RequestRefund(one.reference, command.payment_id, command.code, automatic=True, as_credit=True)
            )


def _named_parts(uow: UnitOfWork, command: ReversePayment) -> list[LostPart]:
    return bearable(uow, command.payment_id, command.parts)


def _lock_payment(uow: UnitOfWork, payment_id: UUID) -> Payment:
    reference = uow.session.scalar(select(Payment.reference).where(Payment.id == payment_id))
    if reference is None:
        raise NotFound("payment_not_found")
    lock_aggregate(uow, reference)
    orders = select(PaymentAllocation.reference).where(PaymentAllocation.payment_id == payment_id)
    for order_id in sorted(uow.session.scalars(orders)):
        lock_aggregate(uow, order_id)
    payment = lock_row(uow.session, Payment, payment_id)
    assert payment is not None  # noqa: S101 - payments are never deleted
    return payment


def _parts(uow: UnitOfWork, command: ReversePayment) -> list[LostPart]:
    """What each order bears; those that bear nothing are left out."""
    allocations = uow.session.execute(
        select(PaymentAllocation)
        .where(PaymentAllocation.payment_id == command.payment_id)
        .order_by(PaymentAllocation.id)
    ).scalars()
    left = {one.reference: _money_left(one) for one in allocations}
    whole_minor = sum(left.values())
    covered_minor = min(command.amount_minor, whole_minor)
    is_ambiguous = command.origin == "gateway" and len(left) > 1 and command.amount_minor < whole_minor
    if not covered_minor or is_ambiguous:
        return []
    spread = zip(left, allocate(covered_minor, list(left.values())), strict=True)
    return bearable(uow, command.payment_id, [LostPart(order_id, None, minor) for order_id, minor in spread])


def _charged_minor(uow: UnitOfWork, payment_id: UUID, order_id: UUID, line_id: UUID | None) -> int:
    charged = select(func.sum(Charge.gross_minor - Charge.reserved_minor)).where(
        Charge.payment_id == payment_id, Charge.group_reference == order_id
    )
    if line_id is not None:
        charged = charged.where(Charge.reference == line_id)
    return int(uow.session.scalar(charged) or 0)


def record_lost(uow: UnitOfWork, command: ReversePayment, part: LostPart) -> Refund:
    """The refund of a part as if it had been asked for, with the gateway's answer; `succeed` books it."""
    wanted = RequestRefund(
        reference=part.order_id,
        payment_id=command.payment_id,
        reason=command.code,
        automatic=False,
        amounts={} if part.line_id is None else {part.line_id: part.amount_minor},
        amount_minor=part.amount_minor if part.line_id is None else None,
        origin=command.origin,
    )
    refund = uow.session.get_one(Refund, request_refund(uow, wanted))
    parties = [refund.buyer_org_id, refund.seller_org_id]
    REFUND.move(uow, refund, "processing", org_ids=parties)
    uow.session.add(
        RefundAttempt(
            id=uuid7(),
            buyer_org_id=refund.buyer_org_id,
            seller_org_id=refund.seller_org_id,
            refund_id=refund.id,
            outcome="answered",
            detail="succeeded",
            started_at=refund.created_at,
            ended_at=clock.now(),
        )
    )
    return refund
