"""What both sides read of credit: the buyer of its own, the seller of what its customers have with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, select

from billing.store_credit.models import StoreCredit, StoreCreditMovement
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from orders.order.models import Order
from orders.store_credit.pay_back import goes_on

CreditSide = Literal["buyer", "seller"]
MOST_MOVEMENTS = 200


@dataclass(frozen=True, slots=True)
class CreditMovementView:
    """One change: positive into the balance. `order_id`: whose refund gave it, or which used it; none of what is paid back."""

    kind: str
    amount_minor: int
    order_id: UUID | None
    order_number: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoreCreditView:
    """A balance. `available_minor`: without what payments and a payback that are under way are about to take."""

    id: UUID
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    currency: str
    balance_minor: int
    available_minor: int
    may_be_paid_back: bool
    """Something is left, and nothing of the seller's goes on."""
    movements: tuple[CreditMovementView, ...]
    """The latest first; at most `MOST_MOVEMENTS`."""
    created_at: datetime


def list_credits(
    uow: UnitOfWork, *, side: CreditSide, cursor: str | None = None, limit: int = 20
) -> Page[StoreCreditView]:
    """Those of which the acting organization is the `side`, the newest first; their movements are left out."""
    statement = newest_first(
        select(StoreCredit).where(_of(uow, side)), StoreCredit.created_at, StoreCredit.id, cursor, limit
    )
    page = cut(uow.session.scalars(statement).all(), limit, lambda row: (row.created_at, row.id))
    names = _names(uow, page.items)
    return Page([_view(uow, row, names[row.id]) for row in page.items], page.next_cursor)


def get_credit(uow: UnitOfWork, credit_id: UUID, *, side: CreditSide) -> StoreCreditView:
    """One of the acting organization's, with its movements. Raises: NotFound `store_credit_not_found`."""
    row = uow.session.scalar(select(StoreCredit).where(_of(uow, side), StoreCredit.id == credit_id))
    if row is None:
        raise NotFound("store_credit_not_found")
    moved = uow.session.execute(
        select(StoreCreditMovement, Order.number)
        .join(Order, Order.id == StoreCreditMovement.reference, isouter=True)
        .where(
            StoreCreditMovement.buyer_org_id == row.buyer_org_id,
            StoreCreditMovement.seller_org_id == row.seller_org_id,
            StoreCreditMovement.credit_id == row.id,
        )
        .order_by(StoreCreditMovement.created_at.desc(), StoreCreditMovement.id.desc())
        .limit(MOST_MOVEMENTS)
    )
    movements = tuple(
        CreditMovementView(one.kind, one.amount_minor, one.reference, number, one.created_at) for one, number in moved
    )
    return _view(uow, row, _names(uow, [row])[row.id], movements)


def _of(uow: UnitOfWork, side: CreditSide) -> ColumnElement[bool]:
    column = StoreCredit.buyer_org_id if side == "buyer" else StoreCredit.seller_org_id
    return column == uow.principal.organization()


def _names(uow: UnitOfWork, rows: Sequence[StoreCredit]) -> dict[UUID, tuple[str, str]]:
    """Buyer and seller, as the order named them whose refund gave it first."""
    given = uow.session.execute(
        select(StoreCreditMovement.credit_id, Order.buyer_name, Order.seller_name)
        .join(Order, Order.id == StoreCreditMovement.reference)
        .where(StoreCreditMovement.credit_id.in_([row.id for row in rows]), StoreCreditMovement.kind == "given")
    )
    return {credit_id: (buyer, seller) for credit_id, buyer, seller in given}


def _view(
    uow: UnitOfWork, row: StoreCredit, names: tuple[str, str], movements: tuple[CreditMovementView, ...] = ()
) -> StoreCreditView:
    return StoreCreditView(
        id=row.id,
        buyer_org_id=row.buyer_org_id,
        buyer_name=names[0],
        seller_org_id=row.seller_org_id,
        seller_name=names[1],
        currency=row.currency.strip(),
        balance_minor=row.balance_minor,
        available_minor=row.available_minor,
        may_be_paid_back=row.available_minor > 0 and not goes_on(uow, row),
        movements=movements,
        created_at=row.created_at,
    )
