"""What was taken back of usage and can be drawn from nothing any more goes back as money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from billing.disputes.queries import is_disputed
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.models import UsageChallenge, UsageLine, UsagePeriod
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.money import allocate
from kernel.states import state_in
from marketplace.test_clocks.own_time import lives_now
from orders.invoicing.invoice_order import invoice_of
from orders.invoicing.unbilled import waits_or_waited
from orders.order.locking import find_locked_order
from orders.order.models import Order, OrderLine
from orders.refunds.refund_order import refundable_minor

REASON = "usage_credit"
RETURNED_AT_ONCE = 100
AGAIN_AFTER = timedelta(days=1)
"""So long after a gateway refused it is asked anew."""


def credits_to_return(uow: UnitOfWork, limit: int = RETURNED_AT_ONCE) -> Sequence[UUID]:
    """Credits that are left of what has ended and is charged to its end, the oldest first; also where a refund failed."""
    statement = (
        select(UsageChallenge.id)
        .join(UsageLine, UsageLine.id == UsageChallenge.line_id)
        .join(Order, Order.usage_period_id == UsageLine.period_id)
        .where(
            UsageChallenge.drawn_minor < UsageChallenge.credit_minor, lives_now(UsageChallenge.buyer_org_id), _is_owed()
        )
        .order_by(UsageChallenge.id)
    )
    return uow.session.scalars(statement.limit(limit)).all()


def return_credit(uow: UnitOfWork, challenge_id: UUID) -> UUID | None:
    """Pay what is left of a credit back, from the order of the period that was questioned. Returns the refund's id.

    The credit is of the line's amount; what goes back is that part of what was paid, tax included, at most what is left of
    it. None where there is nothing to do, or not yet: the bank decides about the payment, or no invoice is there to be
    credited.

    Locks: the order, then the credit. Idempotent by the refund that the credit names, unless that failed.
    """
    period_of_line = (
        select(Order.id)
        .join(UsageLine, UsageLine.period_id == Order.usage_period_id)
        .join(UsageChallenge, UsageChallenge.line_id == UsageLine.id)
    )
    order_id = uow.session.scalars(period_of_line.where(UsageChallenge.id == challenge_id)).one()
    order = find_locked_order(uow, order_id)
    row = lock_row(uow.session, UsageChallenge, challenge_id)
    is_owed = period_of_line.where(UsageChallenge.id == challenge_id, _is_owed())
    if order is None or order.payment_id is None or row is None or uow.session.scalar(is_owed) is None:
        return None
    is_settled = invoice_of(uow, order.id) is not None or waits_or_waited(uow, order.id)
    if not is_settled or is_disputed(uow, order.payment_id):
        return None
    line = uow.session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)).one()
    charged_minor = line.list_minor - line.discount_minor
    left_minor = min(row.credit_minor - row.drawn_minor, charged_minor)
    share_minor = allocate(line.gross_minor, [left_minor, charged_minor - left_minor])[0]
    amount_minor = min(share_minor, refundable_minor(uow, order.id, order.payment_id))
    if amount_minor <= 0:
        return None
    wanted = RequestRefund(order.id, order.payment_id, REASON, automatic=False, amount_minor=amount_minor)
    row.refund_id = request_refund(uow, wanted)
    return row.refund_id


def _is_owed() -> ColumnElement[bool]:
    """Nothing will be charged any more that it could be drawn from, and its order was paid."""
    period, later = aliased(UsagePeriod), aliased(UsagePeriod)
    may_be_drawn = or_(later.state == "open", and_(later.state == "closed", later.credited_minor < later.amount_minor))
    return and_(
        state_in(Order.state, "active", "completed"),
        Order.payment_id.is_not(None),
        exists().where(
            period.id == UsageLine.period_id,
            Entitlement.id == period.entitlement_id,
            state_in(Entitlement.state, "ended"),
        ),
        ~exists().where(period.id == UsageLine.period_id, later.entitlement_id == period.entitlement_id, may_be_drawn),
        ~exists().where(
            Refund.id == UsageChallenge.refund_id,
            or_(Refund.state != "failed", Refund.created_at > clock.now() - AGAIN_AFTER),
        ),
    )
