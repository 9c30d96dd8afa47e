"""A buyer makes an order sheet, corrects, leaves out or replaces its lines, or discards it. Nothing is ordered by any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.text import plain_text
from orders.checkout.approval_reasons import BUY
from orders.order_sheets.check_rows import CheckedSheet, check_rows
from orders.order_sheets.for_whom import end_customers_by_key, unfit_for
from orders.order_sheets.models import ORDER_SHEET, OrderSheet
from orders.order_sheets.orderable import by_key, orderable_plans
from orders.order_sheets.sheet_rows import RowChange, SheetRow, changed_row, rows_of

MOST_DRAFTS = 50
MOST_NAME = 120


@dataclass(frozen=True, slots=True)
class MakeSheet:
    """A sheet of these lines (`read_sheet`), and what it is called."""

    name: str
    rows: tuple[SheetRow, ...]


def make_sheet(uow: UnitOfWork, command: MakeSheet) -> OrderSheet:
    """Keep the lines as a draft, each looked at already.

    Raises: Forbidden `permission_missing` without orders.buy; Conflict `order_sheets_too_many`.
    """
    uow.principal.require(BUY)
    buyer_id = uow.principal.organization()
    drafts = select(func.count()).where(OrderSheet.buyer_org_id == buyer_id, OrderSheet.state == "draft")
    if (uow.session.scalar(drafts) or 0) >= MOST_DRAFTS:
        raise Conflict("order_sheets_too_many", most=MOST_DRAFTS)
    sheet = OrderSheet(
        id=uuid7(),
        buyer_org_id=buyer_id,
        made_by=uow.principal.person_id,
        name=plain_text(command.name)[:MOST_NAME],
        rows=[],
        wrong=0,
        quote_ids=[],
        purchase_ids=[],
        created_at=clock.now(),
        ended_at=None,
    )
    _keep(uow, sheet, command.rows)
    ORDER_SHEET.begin(uow, sheet, org_ids=[buyer_id])
    uow.session.add(sheet)
    uow.flush()
    return sheet


def replace_rows(uow: UnitOfWork, sheet_id: UUID, rows: Sequence[SheetRow], name: str = "") -> OrderSheet:
    """Put other lines in the place of all. Raises and locks as `lock_draft`."""
    sheet = lock_draft(uow, sheet_id)
    sheet.name = plain_text(name)[:MOST_NAME] or sheet.name
    _keep(uow, sheet, rows)
    uow.flush()
    return sheet


def correct_rows(uow: UnitOfWork, sheet_id: UUID, changes: Sequence[RowChange]) -> OrderSheet:
    """Change what is written in lines, or whether they are left out. Raises as `lock_draft`; Invalid `order_line_unknown`."""
    sheet = lock_draft(uow, sheet_id)
    rows = {row.number: row for row in rows_of(sheet.rows)}
    for change in changes:
        if change.number not in rows:
            raise Invalid("order_line_unknown", field="rows", row=change.number)
        rows[change.number] = changed_row(rows[change.number], change)
    _keep(uow, sheet, list(rows.values()))
    uow.flush()
    return sheet


def leave_out_wrong(uow: UnitOfWork, sheet_id: UUID) -> OrderSheet:
    """Leave out every line that is wrong now. Where others are short of a number then, they are wrong in their turn.

    Raises and locks as `lock_draft`.
    """
    sheet = lock_draft(uow, sheet_id)
    checked = look_at(uow, rows_of(sheet.rows))
    _keep(uow, sheet, [replace(one.row, left_out=True) if one.faults else one.row for one in checked.rows])
    uow.flush()
    return sheet


def discard_sheet(uow: UnitOfWork, sheet_id: UUID) -> OrderSheet:
    """Order nothing of it. Discarded already, nothing changes. Raises and locks as `lock_sheet`; Conflict `order_sheet_ended`."""
    sheet = lock_sheet(uow, sheet_id)
    if sheet.state == "discarded":
        return sheet
    _require_draft(sheet)
    sheet.ended_at, sheet.quote_ids = clock.now(), []
    ORDER_SHEET.move(uow, sheet, "discarded", org_ids=[sheet.buyer_org_id])
    uow.flush()
    return sheet


def look_at(uow: UnitOfWork, rows: Sequence[SheetRow]) -> CheckedSheet:
    """What is wrong with lines of the acting organization as things stand; a few statements, however many lines there are."""
    plans = orderable_plans(uow, {row.key for row in rows})
    buyer_id = uow.principal.organization()
    if not any(row.end_customer for row in rows):
        # Whoever orders for nobody else is asked nothing more.
        return check_rows(rows, by_key(plans), buyer_id)
    customers = end_customers_by_key(uow)
    return check_rows(rows, by_key(plans), buyer_id, customers, unfit_for(uow, rows, plans, customers))


def lock_sheet(uow: UnitOfWork, sheet_id: UUID) -> OrderSheet:
    """One of the acting organization's.

    Raises: Forbidden `permission_missing` without orders.buy; NotFound `order_sheet_not_found`. Locks: the sheet.
    """
    sheet = lock_row(uow.session, OrderSheet, sheet_id)
    if sheet is None or sheet.buyer_org_id != uow.principal.organization():
        raise NotFound("order_sheet_not_found")
    uow.principal.require(BUY)
    return sheet


def lock_draft(uow: UnitOfWork, sheet_id: UUID) -> OrderSheet:
    """One that can still be changed. Raises as `lock_sheet`; Conflict `order_sheet_ended`. Locks: the sheet."""
    sheet = lock_sheet(uow, sheet_id)
    _require_draft(sheet)
    return sheet


def _require_draft(sheet: OrderSheet) -> None:
    if sheet.state != "draft":
        raise Conflict("order_sheet_ended", state=sheet.state)


def _keep(uow: UnitOfWork, sheet: OrderSheet, rows: Sequence[SheetRow]) -> None:
    """These lines from now on: what was quoted was another sheet."""
    sheet.rows, sheet.quote_ids = [replace(row, plan_id=None).stored() for row in rows], []
    sheet.wrong = look_at(uow, rows).wrong
