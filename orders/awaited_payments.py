"""What of their sales sellers wait for their buyers' money for: owed on account, or asked for by bank transfer.

How much a buyer sent for a purchase of several sellers, and by which account, stays the buyer's: a seller is told its own
order's amount, since when it waits, and until when. Of an order that nothing was paid for yet, not even who placed it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Select, or_, select, tuple_

from billing.bank.models import BANK_TRANSFER, BankTransfer
from billing.credit_lines.models import ON_ACCOUNT
from billing.payments.models import PaymentAllocation
from kernel import clock
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, bounded, cut, decode
from kernel.states import state_in
from orders.order.models import Order, OrderLine
from orders.order.views import OrderView
from orders.queries import get_seller_order, list_seller_orders

OPEN_ORDER: Final = "pending_payment"
ALL_BACK: Final = "refunded"
"""Of a purchase from several sellers the others may still be owed."""


@dataclass(frozen=True, slots=True)
class AwaitedPayment:
    """That an order waits for its buyer's transfer. `days_overdue` is 0 until it is due."""

    id: UUID
    since: datetime
    due_at: datetime
    days_overdue: int
    on_account: bool
    """Whether it is delivered already, and owed; else nothing is delivered before the money is here."""

    @property
    def state(self) -> Literal["awaited", "overdue"]:
        """Whether the money should be here by now."""
        return "overdue" if self.days_overdue else "awaited"


@dataclass(frozen=True, slots=True)
class AwaitedOrder:
    """A sale whose buyer has not paid. `buyer_name` is empty until it was delivered on account."""

    order_id: UUID
    number: str
    buyer_name: str
    titles: tuple[tuple[str, str], ...]
    """Of its lines, in Chinese and in English."""
    gross_minor: int
    currency: str
    awaited: AwaitedPayment

    @property
    def id(self) -> UUID:
        """Of the transfer that is awaited."""
        return self.awaited.id


@dataclass(frozen=True, slots=True)
class SoldOrder:
    """A paid or delivered order, and that its buyer still owes it, where it does."""

    order: OrderView
    awaited: AwaitedPayment | None

    @property
    def id(self) -> UUID:
        """Of the order."""
        return self.order.id


def get_sold(uow: UnitOfWork, order_id: UUID) -> SoldOrder:
    """An order of the acting seller. Raises NotFound."""
    order = get_seller_order(uow, order_id)
    return SoldOrder(order, awaited_of(uow, [order.id]).get(order.id))


def list_sold(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    text: str | None = None,
) -> Page[SoldOrder]:
    """The acting seller's orders, as `list_seller_orders`."""
    page = list_seller_orders(uow, cursor=cursor, limit=limit, state=state, text=text)
    awaited = awaited_of(uow, [one.id for one in page.items])
    return Page([SoldOrder(one, awaited.get(one.id)) for one in page.items], page.next_cursor)


def awaited_of(uow: UnitOfWork, order_ids: Collection[UUID]) -> dict[UUID, AwaitedPayment]:
    """By order, which of these sales of the acting organization wait for their buyer's payment on account."""
    if uow.principal.is_platform or not order_ids:
        return {}
    sold = PaymentAllocation.seller_org_id == uow.principal.organization()
    statement = (
        select(PaymentAllocation.reference, BankTransfer)
        .join(BankTransfer, BankTransfer.payment_id == PaymentAllocation.payment_id)
        .join(Order, Order.id == PaymentAllocation.reference)
        .where(
            PaymentAllocation.reference.in_(list(order_ids)),
            sold,
            Order.state != ALL_BACK,
            state_in(BankTransfer.state, "awaited"),
            state_in(BankTransfer.gateway, ON_ACCOUNT),
        )
    )
    # What is asked of a payer is its own and the platform's; of that these instants are told to whom it is owed.
    with reading_as_platform(uow):
        rows = uow.session.execute(statement).all()
    return {order_id: _awaited(transfer) for order_id, transfer in rows}


def list_awaited(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[AwaitedOrder]:
    """The acting organization's sales whose buyers have not paid, the first due first."""
    statement = _sold(uow.principal.organization())
    if cursor:
        statement = statement.where(tuple_(BankTransfer.deadline_at, BankTransfer.id) > tuple_(*decode(cursor)))
    with reading_as_platform(uow):
        rows = uow.session.execute(statement.limit(bounded(limit) + 1)).all()
        lines = _titles(uow, [row.Order.id for row in rows])
    found = [_row(row, lines.get(row.Order.id, ())) for row in rows]
    return cut(found, limit, lambda one: (one.awaited.due_at, one.id))


def _sold(seller_org_id: UUID) -> Select[Order, BankTransfer]:
    """Of a purchase from several sellers each has one order."""
    return (
        select(Order, BankTransfer)
        .join(PaymentAllocation, PaymentAllocation.reference == Order.id)
        .join(BankTransfer, BankTransfer.payment_id == PaymentAllocation.payment_id)
        .where(
            Order.seller_org_id == seller_org_id,
            PaymentAllocation.seller_org_id == seller_org_id,
            state_in(BankTransfer.state, "awaited"),
            or_(
                (BankTransfer.gateway == ON_ACCOUNT) & (Order.state != ALL_BACK),
                (BankTransfer.gateway == BANK_TRANSFER) & (Order.state == OPEN_ORDER),
            ),
        )
        .order_by(BankTransfer.deadline_at, BankTransfer.id)
    )


def _titles(uow: UnitOfWork, order_ids: Sequence[UUID]) -> dict[UUID, tuple[tuple[str, str], ...]]:
    found: dict[UUID, tuple[tuple[str, str], ...]] = {}
    lines = select(OrderLine).where(OrderLine.order_id.in_(order_ids)).order_by(OrderLine.id)
    for line in uow.session.scalars(lines):
        found[line.order_id] = (*found.get(line.order_id, ()), (line.plan["title"], line.plan["title_en"]))
    return found


def _row(row: Any, titles: tuple[tuple[str, str], ...]) -> AwaitedOrder:
    order: Order = row.Order
    return AwaitedOrder(
        order_id=order.id,
        number=order.number,
        buyer_name=order.buyer_name if order.paid_at is not None else "",
        titles=titles,
        gross_minor=order.gross_minor,
        currency=order.currency.strip(),
        awaited=_awaited(row.BankTransfer),
    )


def _awaited(transfer: BankTransfer) -> AwaitedPayment:
    days = max(0, -(-(clock.now() - transfer.deadline_at) // timedelta(days=1)))
    return AwaitedPayment(
        id=transfer.id,
        since=transfer.created_at,
        due_at=transfer.deadline_at,
        days_overdue=days,
        on_account=transfer.gateway == ON_ACCOUNT,
    )
