"""Cases that waited as long as they may, and what then happens by itself.

A silent seller is no answer: the operator decides. A buyer that says nothing to an offer of credit wants money. One who does not
take a refusal further agrees. An operator that does not decide leaves things as the sides left them: what a seller never answered
is granted, what it refused stays refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select

from billing.disputes.queries import disputed_orders, is_disputed
from billing.payments.models import PaymentAllocation
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from marketplace.test_clocks.own_time import lives_now
from orders.order.models import Order
from orders.refunds.ask_refund import TAKES, end_case, escalate, lock_case
from orders.refunds.decide_refund import decline_credit, grant, reject
from orders.refunds.models import OPEN, RefundCase
from orders.refunds.refund_order import refundable_minor

BATCH_SIZE = 100


def cases_run_out(uow: UnitOfWork) -> Sequence[UUID]:
    """Cases past their time, the longest first. While a bank decides about the payment they stand still."""
    disputed = disputed_orders().where(PaymentAllocation.reference == RefundCase.order_id).exists()
    return uow.session.scalars(
        select(RefundCase.id)
        .where(_run_out(), ~disputed, lives_now(RefundCase.buyer_org_id))
        .order_by(RefundCase.deadline_at, RefundCase.id)
        .limit(BATCH_SIZE)
    ).all()


def run_out(uow: UnitOfWork, case_id: UUID) -> bool:
    """Do the default of a case. Returns False when somebody acted meanwhile.

    Emits: RefundEscalated, CreditDeclined, RefundGranted or RefundRejected. Locks: the order, the case, then what billing locks.
    """
    row = lock_case(uow, case_id)
    if row.deadline_at is None or row.deadline_at > clock.now():
        return False
    order = uow.session.get_one(Order, row.order_id)
    if order.payment_id is None or is_disputed(uow, order.payment_id):
        return False
    left_minor = refundable_minor(uow, order.id, order.payment_id)
    if left_minor <= 0:
        end_case(uow, row, "closed", "nothing_left")
    elif row.state == "credit_offered":
        decline_credit(uow, row, "buyer_silent")
    elif row.state == "asked":
        escalate(uow, row, by_clock=True)
    elif row.state == "refused":
        end_case(uow, row, "closed", "not_taken_further")
    elif row.answered_at is None:
        grant(uow, row, min(row.asked_minor, left_minor), "nobody_decided")
    else:
        reject(uow, row, "nobody_decided")
    return True


def resume(uow: UnitOfWork, payment_id: UUID) -> None:
    """A bank has decided about a payment: whoever a case of its orders waits for has the whole of its days anew."""
    paid = select(PaymentAllocation.reference).where(PaymentAllocation.payment_id == payment_id)
    open_ids = select(RefundCase.id).where(RefundCase.order_id.in_(paid), state_in(RefundCase.state, *OPEN))
    for case_id in uow.session.scalars(open_ids.order_by(RefundCase.order_id)).all():
        row = lock_case(uow, case_id)
        if row.state in OPEN:
            row.deadline_at = clock.now() + TAKES[row.state]
    uow.flush()


def close_if_nothing_left(uow: UnitOfWork, order: Order) -> None:
    """End the open case of a locked order whose whole money went back in another way."""
    open_id = uow.session.scalar(
        select(RefundCase.id).where(RefundCase.order_id == order.id, state_in(RefundCase.state, *OPEN))
    )
    if open_id is None or order.payment_id is None or refundable_minor(uow, order.id, order.payment_id) > 0:
        return
    end_case(uow, lock_case(uow, open_id), "closed", "nothing_left")


def _run_out() -> ColumnElement[bool]:
    return RefundCase.deadline_at <= clock.now()
