"""Order sheets: many lines at once, pasted or uploaded, corrected until they are right, and then ordered as any basket is."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter

from api.language import language_of
from api.request import ApiRequest
from api.schema import KeyHeader, PageOut, Paging, answered, idempotent_command, list_page, run_command
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from api.v1.order_sheet_out import (
    OrderablePlanOut,
    OrderLinesIn,
    OrderSheetIn,
    OrderSheetItemOut,
    OrderSheetOut,
    PlaceSheetIn,
    QuoteSheetIn,
)
from api.v1.order_sheet_template import template_workbook
from api.v1.purchases import chosen_gateway
from billing.gateways.call import Submission
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, TooLarge
from kernel.idempotency import Answer
from orders.checkout.approval_reasons import BUY
from orders.order_sheets.edit_sheet import (
    MakeSheet,
    correct_rows,
    discard_sheet,
    leave_out_wrong,
    make_sheet,
    replace_rows,
)
from orders.order_sheets.orderable import MOST_OFFERED, orderable_plans
from orders.order_sheets.place_sheet import PlaceSheet, place_sheet, quote_sheet
from orders.order_sheets.queries import get_sheet, list_sheets
from orders.order_sheets.read_sheet import read_sheet
from orders.order_sheets.sheet_rows import MOST_BYTES, SheetRow

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OnlyWrong = Annotated[
    bool, QueryParameter(name="only_wrong", required=False, description="Whether only lines that are wrong are listed")
]


@get("/v1/order-sheets", permission=BUY, sync_to_thread=True, tags=["buying"])
def get_order_sheets(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[OrderSheetItemOut]]:
    """The organization's order sheets, newest first."""
    return list_page(request, paging, list_sheets, OrderSheetItemOut.of_row)


@get("/v1/order-sheets/plans", permission=BUY, sync_to_thread=True, tags=["buying"])
def get_orderable_plans(request: ApiRequest) -> list[OrderablePlanOut]:
    """What may be ordered by a code: all that the sellers have on sale whose partner the organization is."""
    with request.transaction() as uow:
        return [OrderablePlanOut.of(one) for one in orderable_plans(uow)[:MOST_OFFERED]]


@get("/v1/order-sheets/template", permission=BUY, refuses=[409], sync_to_thread=True, media_type=XLSX, tags=["buying"])
def get_order_sheet_template(request: ApiRequest) -> Response[bytes]:
    """The same as a workbook to fill in. A line whose quantity stays empty orders nothing."""
    return template(request)


@post("/v1/order-sheets", permission=BUY, refuses=[409], sync_to_thread=True, tags=["buying"])
def post_order_sheet(
    data: JSONBody[OrderSheetIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[OrderSheetOut]:
    """Make a draft of pasted lines. Every line is looked at; what is wrong is said by line and column. Nothing is ordered."""
    rows = tuple(read_sheet(data.text.encode()))
    return idempotent_command(
        request, idempotency_key, data, lambda uow: _view(request, uow, make_sheet(uow, MakeSheet(data.name, rows)).id)
    )


@post(
    "/v1/order-sheets/files",
    permission=BUY,
    refuses=[409],
    sync_to_thread=True,
    request_max_body_size=MOST_BYTES + FORM_OVERHEAD,
    tags=["buying"],
)
def post_order_sheet_file(
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)], request: ApiRequest
) -> OrderSheetOut:
    """The same of a file: CSV (UTF-8 or GB 18030; comma, semicolon or tab) or XLSX, up to 5,000 lines."""
    name, rows = take_sheet_file(data.file)
    return request.transact(lambda uow: _view(request, uow, make_sheet(uow, MakeSheet(name, rows)).id))


@get("/v1/order-sheets/{order_sheet_id:uuid}", permission=BUY, sync_to_thread=True, tags=["buying"])
def get_order_sheet(
    order_sheet_id: FromPath[UUID],
    request: ApiRequest,
    only_wrong: OnlyWrong = False,  # noqa: FBT002 - a query parameter
) -> OrderSheetOut:
    """One sheet, with each of its lines as it stands now."""
    with request.transaction() as uow:
        return OrderSheetOut.of(get_sheet(uow, order_sheet_id), language_of(request), only_wrong=only_wrong)


@post(
    "/v1/order-sheets/{order_sheet_id:uuid}/files",
    permission=BUY,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=MOST_BYTES + FORM_OVERHEAD,
    tags=["buying"],
)
def post_order_sheet_replacement(
    order_sheet_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> OrderSheetOut:
    """Put the lines of another file in the place of a draft's."""
    name, rows = take_sheet_file(data.file)
    return request.transact(lambda uow: _view(request, uow, replace_rows(uow, order_sheet_id, rows, name).id))


@put(
    "/v1/order-sheets/{order_sheet_id:uuid}/lines",
    permission=BUY,
    refuses=[409],
    sync_to_thread=True,
    tags=["buying"],
)
def put_order_sheet_lines(
    order_sheet_id: FromPath[UUID], data: JSONBody[OrderLinesIn], request: ApiRequest
) -> OrderSheetOut:
    """Correct lines of a draft, or leave them out, by their numbers. Its quotes are over with that."""
    changes = data.changes()
    return request.transact(lambda uow: _view(request, uow, correct_rows(uow, order_sheet_id, changes).id))


def _on_sheet(act: str, **more: Any) -> dict[str, Any]:
    return {
        "path": f"/v1/order-sheets/{{order_sheet_id:uuid}}/{act}",
        "permission": BUY,
        "refuses": [409],
        "status_code": 200,
        "sync_to_thread": True,
        "tags": ["buying"],
    } | more


@post(**_on_sheet("leave-out"))
def post_order_sheet_leave_out(order_sheet_id: FromPath[UUID], request: ApiRequest) -> OrderSheetOut:
    """Leave out every line that is wrong now."""
    return request.transact(lambda uow: _view(request, uow, leave_out_wrong(uow, order_sheet_id).id))


@post(**_on_sheet("discard"))
def post_order_sheet_discard(order_sheet_id: FromPath[UUID], request: ApiRequest) -> OrderSheetOut:
    """Order nothing of it. Discarded already, nothing changes."""
    return request.transact(lambda uow: _view(request, uow, discard_sheet(uow, order_sheet_id).id))


@post(**_on_sheet("quotes"))
def post_order_sheet_quotes(
    order_sheet_id: FromPath[UUID], data: JSONBody[QuoteSheetIn], request: ApiRequest
) -> OrderSheetOut:
    """Price a sheet without wrong lines: one quote for each currency, all lines of a plan together. They live 30 minutes."""

    def work(uow: UnitOfWork) -> OrderSheetOut:
        quote_sheet(uow, order_sheet_id, data.billing_profile_id)
        return _view(request, uow, order_sheet_id)

    return request.transact(work)


@post(**_on_sheet("order"))
def post_order_sheet_order(
    order_sheet_id: FromPath[UUID], data: JSONBody[PlaceSheetIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[OrderSheetOut]:
    """Order what was quoted: a purchase for each quote with one order for each seller, all or none. Ordered once, however often
    it is asked for.
    """
    return answered(order_by_sheet(request, order_sheet_id, data, idempotency_key))


def order_by_sheet(request: ApiRequest, order_sheet_id: UUID, data: PlaceSheetIn, key: str | None) -> Answer:
    """Order the sheet, and ask the gateways for its money, for the JSON route and the page alike. Raises as `place_sheet`."""
    gateway = chosen_gateway(request.services, data.gateway)
    command = PlaceSheet(
        order_sheet_id,
        data.billing_profile_id,
        gateway,
        data.payment_method,
        data.po_number,
        data.department_id,
    )
    started: list[Submission] = []

    def work(uow: UnitOfWork) -> OrderSheetOut:
        started[:] = place_sheet(uow, command).submissions
        return _view(request, uow, order_sheet_id)

    answer = run_command(request, key, data, work, status=200, route=f"POST /v1/order-sheets/{order_sheet_id}/order")
    if not answer.replayed:
        for one in started:
            request.services.runner.run_prepared(one.claim, one.request)
    return answer


def take_sheet_file(upload: UploadFile) -> tuple[str, tuple[SheetRow, ...]]:
    """What a form's file is called, and its lines. Called while no transaction is open. Raises as `read_sheet`."""
    upload.file.seek(0)
    content = upload.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge("order_sheet_too_large", most_mb=MOST_BYTES // 1_000_000)
    return upload.filename or "", tuple(read_sheet(content))


def template(request: ApiRequest) -> Response[bytes]:
    """The workbook, for the JSON route and the page alike. Raises Conflict `order_sheet_nothing_offered`."""
    with request.transaction() as uow:
        plans = orderable_plans(uow)[:MOST_OFFERED]
    if not plans:
        raise Conflict("order_sheet_nothing_offered")
    return Response(
        template_workbook(plans, language_of(request)),
        media_type=XLSX,
        headers={
            "Content-Disposition": 'attachment; filename="order-sheet.xlsx"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _view(request: ApiRequest, uow: UnitOfWork, order_sheet_id: UUID) -> OrderSheetOut:
    uow.flush()
    return OrderSheetOut.of(get_sheet(uow, order_sheet_id), language_of(request))


routes = [
    get_order_sheets,
    get_orderable_plans,
    get_order_sheet_template,
    post_order_sheet,
    post_order_sheet_file,
    get_order_sheet,
    post_order_sheet_replacement,
    put_order_sheet_lines,
    post_order_sheet_leave_out,
    post_order_sheet_discard,
    post_order_sheet_quotes,
    post_order_sheet_order,
]
