"""Order sheets: many lines at once, pasted or uploaded, corrected until they are right, priced and ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.payment_methods import parse_method
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.order_sheets.presenter import sheet_view, sheets_view
from api.pages.order_sheets.views import OrderSheetsView, OrderSheetView
from api.problems import headers_of
from api.v1.order_sheet_out import MOST_PASTED, PlaceSheetIn
from api.v1.order_sheets import order_by_sheet, take_sheet_file, template
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from orders.checkout.approval_reasons import BUY
from orders.order_sheets.edit_sheet import (
    MakeSheet,
    correct_rows,
    discard_sheet,
    leave_out_wrong,
    make_sheet,
    replace_rows,
)
from orders.order_sheets.models import OrderSheet
from orders.order_sheets.place_sheet import quote_sheet
from orders.order_sheets.read_sheet import read_sheet
from orders.order_sheets.sheet_rows import MOST_BYTES, MOST_CELL, RowChange, SheetRow

Answer = Response[str] | Response[bytes]
_ACTS: dict[str, tuple[Callable[[UnitOfWork, UUID], OrderSheet], str]] = {
    "leave-out": (leave_out_wrong, "order_sheet_saved"),
    "discard": (discard_sheet, "order_sheet_discarded"),
}
_BODY = MOST_BYTES + 1_000_000
"""A file, or what was pasted, with what a form adds."""


@page(addresses.partners.ORDER_SHEETS, BUY)
def show_order_sheets(page_request: Given[PageRequest]) -> Answer:
    """The sheets, and the form that makes one."""
    return page_request.render(sheets_view(page_request))


@form_post(addresses.partners.ORDER_SHEETS, BUY, request_max_body_size=_BODY)
def add_sheet(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make a draft of a file, or else of what was pasted."""
    try:
        name, rows = _taken(form)
        made = page_request.transact(lambda uow: make_sheet(uow, MakeSheet(name, rows)).id)
    except DomainError as refused:
        typed = form.values.get("lines", "")[:MOST_PASTED]
        view = replace(sheets_view(page_request), lines=typed, name=form.values.get("name", "")[:120])
        return _refused(page_request, view, refused)
    return page_request.redirect(addresses.partners.order_sheet(str(made)))


@page(addresses.partners.ORDER_SHEET_TEMPLATE, BUY)
def download_template(page_request: Given[PageRequest]) -> Answer:
    """The workbook to fill in."""
    return template(page_request.request)


@page("/order-sheets/{order_sheet_id:uuid}", BUY)
def show_order_sheet(order_sheet_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One sheet: what is wrong, what it costs, what was ordered."""
    return page_request.render(sheet_view(page_request, order_sheet_id))


@form_post("/order-sheets/{order_sheet_id:uuid}/lines", BUY, request_max_body_size=_BODY)
def correct(order_sheet_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Correct lines, leave them out, or take them in again."""
    changes = _changes(form)
    return _done(
        page_request, order_sheet_id, lambda uow: correct_rows(uow, order_sheet_id, changes), "order_sheet_saved"
    )


@form_post("/order-sheets/{order_sheet_id:uuid}/file", BUY, request_max_body_size=_BODY)
def replace_sheet(order_sheet_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Put the lines of another file in the place of all."""
    try:
        name, rows = _taken(form)
        page_request.transact(lambda uow: replace_rows(uow, order_sheet_id, rows, name).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, sheet_view(page_request, order_sheet_id), refused)
    return page_request.redirect(addresses.partners.order_sheet(str(order_sheet_id)), notice="order_sheet_saved")


@form_post("/order-sheets/{order_sheet_id:uuid}/quotes", BUY)
def price(order_sheet_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask for its price."""
    chosen = form.text("billing_profile_id", most=36)
    profile_id = parse_uuid_or_404(chosen, "billing_profile_not_found") if chosen else None
    return _done(page_request, order_sheet_id, lambda uow: quote_sheet(uow, order_sheet_id, profile_id), "")


@form_post("/order-sheets/{order_sheet_id:uuid}/order", BUY)
def order(order_sheet_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Order what was quoted; pressed twice, it is ordered once."""
    try:
        gateway, token = parse_method(form.text("payment_method_id"))
        department = form.text("department_id", most=36)
        asked = PlaceSheetIn(
            billing_profile_id=parse_uuid_or_404(form.text("billing_profile_id", most=36), "billing_profile_not_found"),
            gateway=gateway,
            payment_method=token,
            po_number=form.text("po_number", most=64) or None,
            department_id=parse_uuid_or_404(department, "department_unknown") if department else None,
        )
        key = form.text("idempotency_key", most=255) or None
        order_by_sheet(page_request.request, order_sheet_id, asked, key)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, sheet_view(page_request, order_sheet_id), refused)
    return page_request.redirect(addresses.partners.order_sheet(str(order_sheet_id)), notice="order_sheet_ordered")


@form_post("/order-sheets/{order_sheet_id:uuid}/{act:str}", BUY)
def act_on_sheet(
    order_sheet_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Leave out what is wrong, or discard it."""
    del form
    if act not in _ACTS:
        raise NotFound("not_found")
    work, notice = _ACTS[act]
    return _done(page_request, order_sheet_id, lambda uow: work(uow, order_sheet_id), notice)


def _done(page_request: PageRequest, sheet_id: UUID, work: Callable[[UnitOfWork], object], notice: str) -> Answer:
    """The sheet after it, or with what stood in the way."""

    def counted(uow: UnitOfWork) -> bool:
        work(uow)
        uow.flush()
        return True

    try:
        page_request.transact(counted)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, sheet_view(page_request, sheet_id), refused)
    return page_request.redirect(addresses.partners.order_sheet(str(sheet_id)), notice=notice)


def _taken(form: Form) -> tuple[str, tuple[SheetRow, ...]]:
    """What it is called and its lines: of the file, where one was chosen. Called while no transaction is open."""
    name = form.text("name", most=120)
    if form.has_file("file"):
        of_file, rows = take_sheet_file(form.file("file"))
        return name or of_file, rows
    return name, tuple(read_sheet(form.text("lines", most=MOST_PASTED).encode()))


def _changes(form: Form) -> list[RowChange]:
    """What the form says of each line that it shows."""
    numbers = [name.removeprefix("line-") for name in form.values if name.startswith("line-")]
    known = [int(one) for one in numbers if one.isascii() and one.isdigit() and len(one) <= 9]
    return [
        RowChange(
            number,
            form.text(f"code-{number}", most=MOST_CELL),
            form.text(f"quantity-{number}", most=MOST_CELL),
            form.text(f"note-{number}", most=MOST_CELL),
            f"out-{number}" in form.values,
            form.text(f"end_customer-{number}", most=MOST_CELL),
        )
        for number in known
    ]


def _refused(page_request: PageRequest, view: OrderSheetsView | OrderSheetView, refused: DomainError) -> Answer:
    """The page again, with what is wrong at its field where it shows one."""
    named = getattr(refused, "field", None) or ""
    said = failure(page_request, refused)
    shown = replace(view, error=said, error_field=named)
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


routes = [
    show_order_sheets,
    add_sheet,
    download_template,
    show_order_sheet,
    correct,
    replace_sheet,
    price,
    order,
    act_on_sheet,
]
