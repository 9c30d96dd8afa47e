"""An order sheet is priced by ordinary quotes and ordered by ordinary purchases: one for each currency, all of them or none."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.gateways.call import Submission
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.quote_models import Quote
from orders.order_sheets.check_rows import CheckedSheet
from orders.order_sheets.edit_sheet import lock_draft, lock_sheet, look_at
from orders.order_sheets.models import ORDER_SHEET, OrderSheet
from orders.order_sheets.sheet_rows import ordered_plan, rows_of

MOST_PLANS = 200
"""Different plans of one currency in a sheet: each is a line of its purchase, however many lines of the sheet order it."""


@dataclass(frozen=True, slots=True)
class PlaceSheet:
    """How what a sheet orders is paid and invoiced, as of `PlacePurchase`; once for all its purchases."""

    sheet_id: UUID
    billing_profile_id: UUID
    gateway: str
    method_token: str
    po_number: str | None = None
    department_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PlacedSheet:
    """The sheet as it was ordered. `submissions` call the gateways for its payments, the caller's to run after the commit."""

    sheet: OrderSheet
    submissions: tuple[Submission, ...]


def quote_sheet(uow: UnitOfWork, sheet_id: UUID, billing_profile_id: UUID | None = None) -> list[Quote]:
    """Price a sheet that has no wrong line: a quote for each currency, at the buyer's own prices. They bind us as every quote
    does; nothing is ordered.

    Raises: as `lock_draft`, `create_quote`; Conflict `order_sheet_wrong`, `order_sheet_no_lines`, `order_sheet_too_many_plans`.
    Locks: the sheet, then as `create_quote`.
    """
    sheet = lock_draft(uow, sheet_id)
    checked = look_at(uow, rows_of(sheet.rows))
    _require_right(sheet, checked)
    items: dict[str, list[QuoteItem]] = {}
    for (plan_id, end_customer_id), quantity in checked.totals.items():
        item = QuoteItem(plan_id, quantity, end_customer_id)
        items.setdefault(checked.plans[plan_id].currency, []).append(item)
    if any(len(one) > MOST_PLANS for one in items.values()):
        raise Conflict("order_sheet_too_many_plans", most=MOST_PLANS)
    quotes = [
        create_quote(
            uow, CreateQuote(tuple(lines), currency, billing_profile_id=billing_profile_id), most_lines=MOST_PLANS
        )
        for currency, lines in sorted(items.items())
    ]
    uow.flush()
    sheet.quote_ids = [quote.id for quote in quotes]
    # What a line means is fixed with its price.
    meant = {one.row.number: one.plan for one in checked.rows if not one.row.left_out}
    sheet.rows = [
        (ordered_plan(row, plan.plan_id) if (plan := meant.get(row.number)) is not None else row).stored()
        for row in rows_of(sheet.rows)
    ]
    uow.flush()
    return quotes


def place_sheet(uow: UnitOfWork, command: PlaceSheet) -> PlacedSheet:
    """Order what a sheet was quoted: a purchase of each quote, with one order for each seller, all in one transaction.

    The amounts are the quotes'. Approval is asked for and credit held as of any purchase. Ordered already, nothing is ordered
    again: the answer is the same sheet.

    Raises: as `lock_sheet`, `place_purchase`; Conflict `order_sheet_ended`, `order_sheet_unpriced` (nobody saw its price since it
    was changed last). Locks: the sheet, then as `place_purchase`. Idempotent by the sheet's state.
    """
    sheet = lock_sheet(uow, command.sheet_id)
    if sheet.state == "ordered":
        return PlacedSheet(sheet, ())
    if sheet.state != "draft":
        raise Conflict("order_sheet_ended", state=sheet.state)
    if not sheet.quote_ids:
        raise Conflict("order_sheet_unpriced")
    placed = [
        place_purchase(
            uow,
            PlacePurchase(
                quote_id,
                command.billing_profile_id,
                command.gateway,
                command.method_token,
                command.po_number,
                command.department_id,
                pay_at_once=True,
            ),
        )
        for quote_id in sheet.quote_ids
    ]
    uow.flush()
    sheet.purchase_ids, sheet.ended_at, sheet.wrong = [one.purchase.id for one in placed], clock.now(), 0
    ORDER_SHEET.move(uow, sheet, "ordered", org_ids=[sheet.buyer_org_id])
    uow.flush()
    return PlacedSheet(sheet, tuple(one.submission for one in placed if one.submission is not None))


def quotes_of(uow: UnitOfWork, sheet: OrderSheet) -> list[Quote]:
    """What a draft was quoted, where all of it still binds us."""
    found = uow.session.scalars(select(Quote).where(Quote.id.in_(sheet.quote_ids))).all() if sheet.quote_ids else []
    bind = [one for one in found if one.used_at is None and one.expires_at > clock.now()]
    return sorted(bind, key=lambda one: one.currency) if len(bind) == len(sheet.quote_ids) else []


def _require_right(sheet: OrderSheet, checked: CheckedSheet) -> None:
    sheet.wrong = checked.wrong
    if checked.wrong:
        raise Conflict("order_sheet_wrong", wrong=checked.wrong)
    if not checked.totals:
        raise Conflict("order_sheet_no_lines")
