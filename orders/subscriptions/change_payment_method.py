"""Another card for what recurs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from orders.checkout.approval_reasons import BUY
from orders.checkout.locking import find_locked_purchase
from orders.checkout.payer_charges import pay_otherwise
from orders.checkout.store_method import store_method
from orders.order.models import Order, OrderLine, Subscription
from orders.subscriptions.past_due import lock_renewal
from orders.subscriptions.renew import lock_subscription


@dataclass(frozen=True, slots=True)
class ChangePaymentMethod:
    """Which subscription, and by what it is paid from now on. `method_token` is the gateway's, never a card number."""

    subscription_id: UUID
    gateway: str
    method_token: str


def change_payment_method(uow: UnitOfWork, command: ChangePaymentMethod) -> None:
    """Ask another method for the next terms of a subscription and for its usage, as for all that was bought with it.

    Nothing is charged now. A renewal that waits for its money is asked by it at the next try.

    Raises: Forbidden `permission_missing` without orders.buy, NotFound, Invalid `payment_method_missing`, Conflict
    `subscription_ended`.
    Emits: as `store_method`. Locks: an open purchase of the next term, the one that began it, its order, the subscription.
    Idempotent.
    """
    uow.principal.require(BUY)
    if not command.method_token:
        raise Invalid("payment_method_missing", field="payment_method")
    began = (
        select(Order.purchase_id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .where(Subscription.id == command.subscription_id, Order.buyer_org_id == uow.principal.organization())
    )
    purchase_id = uow.session.scalar(began)
    if purchase_id is None:
        raise NotFound("not_found")
    renewal, first = lock_renewal(uow, command.subscription_id), find_locked_purchase(uow, purchase_id)
    found = lock_subscription(uow, command.subscription_id)
    assert first is not None and found is not None  # noqa: PT018, S101 - a subscription has both
    if found[0].state == "ended":
        raise Conflict("subscription_ended")
    for purchase in filter(None, (first, renewal)):
        pay_otherwise(uow, purchase)
    store_method(uow, [command.subscription_id], command.gateway, command.method_token)
    if renewal is not None:
        renewal.gateway, renewal.method_token = command.gateway, command.method_token
