"""Order sheets, as their buyer reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from orders.checkout.approval_reasons import BUY
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.order.models import Order
from orders.order_sheets.check_rows import CheckedRow, CheckedSheet
from orders.order_sheets.edit_sheet import look_at
from orders.order_sheets.models import OrderSheet
from orders.order_sheets.place_sheet import quotes_of
from orders.order_sheets.sheet_rows import rows_of


@dataclass(frozen=True, slots=True)
class SheetItem:
    """A sheet in a list. `wrong`: as of when it was last changed or priced."""

    id: UUID
    name: str
    state: str
    lines: int
    wrong: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """An order that a sheet was ordered by."""

    id: UUID
    number: str
    purchase_id: UUID
    seller_name: str
    state: str
    currency: str
    gross_minor: int


@dataclass(frozen=True, slots=True)
class SheetView:
    """A sheet with its lines as they stand now; of a draft what is wrong with them and what it was quoted."""

    item: SheetItem
    rows: tuple[CheckedRow, ...]
    left_out: int
    quotes: tuple[Quote, ...]
    purchase_ids: tuple[UUID, ...]
    orders: tuple[SheetOrder, ...]


def list_sheets(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[SheetItem]:
    """The acting organization's, newest first. Raises Forbidden `permission_missing` without orders.buy."""
    uow.principal.require(BUY)
    mine = select(OrderSheet).where(OrderSheet.buyer_org_id == uow.principal.organization())
    rows = uow.session.scalars(newest_first(mine, OrderSheet.created_at, OrderSheet.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([_item(row, row.wrong) for row in page.items], page.next_cursor)


def get_sheet(uow: UnitOfWork, sheet_id: UUID) -> SheetView:
    """One of the acting organization's. Raises NotFound `order_sheet_not_found`; Forbidden `permission_missing`."""
    sheet = uow.session.get(OrderSheet, sheet_id)
    if sheet is None or sheet.buyer_org_id != uow.principal.organization():
        raise NotFound("order_sheet_not_found")
    uow.principal.require(BUY)
    rows = rows_of(sheet.rows)
    if sheet.state == "draft":
        checked = look_at(uow, rows)
    else:
        checked = CheckedSheet(tuple(CheckedRow(row, None, row.whole) for row in rows), {}, {})
    return SheetView(
        item=_item(sheet, checked.wrong),
        rows=checked.rows,
        left_out=sum(row.left_out for row in rows),
        quotes=tuple(quotes_of(uow, sheet)) if sheet.state == "draft" and not checked.wrong else (),
        purchase_ids=tuple(sheet.purchase_ids),
        orders=_orders(uow, sheet),
    )


def _item(sheet: OrderSheet, wrong: int) -> SheetItem:
    return SheetItem(sheet.id, sheet.name, sheet.state, len(sheet.rows), wrong, sheet.created_at, sheet.ended_at)


def _orders(uow: UnitOfWork, sheet: OrderSheet) -> tuple[SheetOrder, ...]:
    if not sheet.purchase_ids:
        return ()
    found = uow.session.scalars(
        select(Order)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .where(Purchase.id.in_(sheet.purchase_ids), Purchase.buyer_org_id == sheet.buyer_org_id)
        .order_by(Order.id)
    )
    return tuple(
        SheetOrder(
            one.id, one.number, one.purchase_id, one.seller_name, one.state, one.currency.strip(), one.gross_minor
        )
        for one in found
    )
