"""The money of an order of a subscription went back: what it paid for is taken back with it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kernel.db.uow import UnitOfWork
from orders.amendments.amend import find_amendment, take_back_amendment
from orders.order.instalments import Instalment, cancel_instalments
from orders.order.models import Order
from orders.subscriptions.next_term import take_back_term


def take_back_paid(uow: UnitOfWork, order: Order) -> Sequence[UUID]:
    """Take back what a locked, refunded order of a subscription gave: a term, or a change of one.

    What was used stays used; an instalment that its seller gave back is none that is owed, and its term goes on.

    Returns the orders whose money goes back with it. Locks: as `take_back_term`, `take_back_amendment`.
    """
    if order.instalment_id is not None:
        cancel_instalments(uow, Instalment.id == order.instalment_id, ("asked", "paid"))
    if order.is_owed:
        return ()
    amendment = find_amendment(uow, order)
    if amendment is None:
        return take_back_term(uow, order)
    take_back_amendment(uow, order, amendment)
    return ()
