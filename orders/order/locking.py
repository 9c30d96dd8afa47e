"""An order's rows, for the verbs that work on them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select

from fulfillment.entitlements.models import Entitlement
from kernel.db.locks import lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.test_clocks.own_time import enter_time_of
from orders.order.models import Order, OrderLine, Subscription

_LINES = Read(select(OrderLine).where(OrderLine.order_id == bindparam("order_id")).order_by(OrderLine.id))


_LOCKED_ORDERS = Read(
    select(Order)
    .where(Order.purchase_id == bindparam("purchase_id"))
    .order_by(Order.id)
    .with_for_update(key_share=True)
)


_LOCKED_ORDER = Read(select(Order).where(Order.id == bindparam("order_id")).with_for_update(key_share=True))


_DELIVERIES = Read(
    select(
        OrderLine,
        Entitlement,
        # As a question of each line: a join in the order of the lines may read every subscription there is.
        select(Subscription.id)
        .where(Subscription.order_line_id == OrderLine.id)
        .scalar_subquery()
        .label("subscription_id"),
    )
    .join(Entitlement, Entitlement.reference == OrderLine.id, isouter=True)
    .where(OrderLine.order_id == bindparam("order_id"))
    .order_by(OrderLine.id),
    lasting=True,
)


_BEGAN = Read(
    select(OrderLine.order_id)
    .join(Subscription, Subscription.order_line_id == OrderLine.id)
    .where(Subscription.id == bindparam("subscription_id"))
)


_LINE = Read(select(OrderLine).where(OrderLine.id == bindparam("line_id")))


@dataclass(frozen=True, slots=True)
class LineDelivery:
    """A line, what delivers it, and the subscription it began."""

    line: OrderLine
    entitlement: Entitlement | None
    subscription_id: UUID | None


def lines_of(uow: UnitOfWork, order_id: UUID) -> list[OrderLine]:
    """The lines of an order in the order they were placed."""
    return uow.fetch(_LINES, order_id=order_id)


def deliveries_of(uow: UnitOfWork, order_id: UUID) -> list[LineDelivery]:
    """The lines of an order with what delivers them, as this transaction has changed it."""
    return [LineDelivery(*row) for row in uow.fetch(_DELIVERIES, order_id=order_id)]


def subscriptions_of(uow: UnitOfWork, order_id: UUID) -> list[Subscription]:
    """The subscriptions that a locked order began, as this transaction has changed them. Locks: them."""
    lines = select(OrderLine.id).where(OrderLine.order_id == order_id)
    found = select(Subscription).where(Subscription.order_line_id.in_(lines)).order_by(Subscription.id)
    return list(uow.session.scalars(found.with_for_update()))


def lock_subscription(uow: UnitOfWork, subscription_id: UUID) -> Subscription:
    """A subscription, locked as all are: behind the order that began it."""
    lock_began(uow, subscription_id)
    return uow.session.scalars(select(Subscription).where(Subscription.id == subscription_id).with_for_update()).one()


def lock_began(uow: UnitOfWork, subscription_id: UUID) -> Order | None:
    """The order that began a subscription, locked. Locks: as `find_locked_order`."""
    order_id = uow.find(_BEGAN, subscription_id=subscription_id)
    return find_locked_order(uow, order_id) if order_id is not None else None


def line_of(uow: UnitOfWork, line_id: UUID) -> OrderLine:
    """A line, as this transaction holds it, when it does."""
    held = uow.held(OrderLine, line_id)
    found: OrderLine | None = held if held is not None else uow.find(_LINE, line_id=line_id)
    assert found is not None  # noqa: S101 - whoever names one has read its id
    return found


def lock_orders(uow: UnitOfWork, purchase_id: UUID) -> list[Order]:
    """The orders of a purchase, locked in id order. Their purchase is locked as an aggregate already."""
    found = uow.fetch(_LOCKED_ORDERS, purchase_id=purchase_id)
    for order in found[:1]:
        enter_time_of(uow, order.buyer_org_id)
    return found


def ask_order(uow: UnitOfWork, order_id: UUID) -> None:
    """Ask ahead, behind the order's lock, what `find_locked_order` and `deliveries_of` take."""
    lock_aggregate(uow, order_id)
    uow.ask_ahead(_LOCKED_ORDER, order_id=order_id)
    uow.ask_ahead(_DELIVERIES, order_id=order_id)


def find_locked_order(uow: UnitOfWork, order_id: UUID) -> Order | None:
    """An order, locked; as this transaction holds it, when it does. Locks: the order, as an aggregate and as a row."""
    held = uow.held(Order, order_id)
    if held is None:
        lock_aggregate(uow, order_id)
        held = uow.find(_LOCKED_ORDER, order_id=order_id)
    if held is not None:
        enter_time_of(uow, held.buyer_org_id)
    return held
