"""Lists of dealers: many invitations at once, pasted or uploaded, corrected until they are right, and then sent, all or none."""

from __future__ import annotations

from io import BytesIO
from typing import Annotated, Any, Final
from uuid import UUID

import xlsxwriter
from litestar import Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter

from api.language import Language, language_of
from api.request import ApiRequest
from api.schema import KeyHeader, PageOut, Paging, idempotent_command, list_page
from api.v1.dealer_list_out import (
    DealerLinesIn,
    DealerListIn,
    DealerListItemOut,
    DealerListOut,
    InvitationToMeOut,
)
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from api.v1.order_sheets import XLSX
from kernel.db.uow import UnitOfWork
from kernel.errors import TooLarge
from marketplace.relations.dealer_list_queries import get_dealer_list, list_dealer_lists, list_invitations_to_me
from marketplace.relations.dealer_lists import (
    MakeDealerList,
    correct_dealers,
    discard_dealer_list,
    leave_out_wrong_dealers,
    mail_list_again,
    make_dealer_list,
    replace_dealers,
    send_dealer_list,
)
from marketplace.relations.dealer_rows import DealerRow
from marketplace.relations.mail_invitations import mail_invitation_again
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_queries import list_tiers
from marketplace.relations.save_tier import PERMISSION
from orders.order_sheets.read_dealers import read_dealers
from orders.order_sheets.sheet_rows import MOST_BYTES

OnlyWrong = Annotated[
    bool, QueryParameter(name="only_wrong", required=False, description="Whether only lines that are wrong are listed")
]
HEADERS: Final = {"zh-CN": ("名称", "税号", "邮箱", "等级"), "en": ("Name", "Tax id", "Email", "Tier")}
"""`orders.order_sheets.parse_dealers` knows them in both languages."""


@get("/v1/seller/dealer-lists", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_dealer_lists(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[DealerListItemOut]]:
    """The seller's lists of dealers, the newest first."""
    return list_page(request, paging, list_dealer_lists, DealerListItemOut.of)


@get(
    "/v1/seller/dealer-lists/template",
    permission=PERMISSION,
    sync_to_thread=True,
    media_type=XLSX,
    tags=["seller"],
)
def get_dealer_list_template(request: ApiRequest) -> Response[bytes]:
    """A workbook to fill in, whose column of tiers offers the seller's own."""
    return dealer_template(request)


@post("/v1/seller/dealer-lists", permission=PERMISSION, refuses=[409], sync_to_thread=True, tags=["seller"])
def post_dealer_list(
    data: JSONBody[DealerListIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[DealerListOut]:
    """Make a draft of pasted lines. Every line is looked at; what is wrong is said by line and column. Nobody is invited."""
    rows = tuple(read_dealers(data.text.encode()))

    def work(uow: UnitOfWork) -> DealerListOut:
        return _view(request, uow, make_dealer_list(uow, MakeDealerList(data.name, rows)).id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/seller/dealer-lists/files",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    request_max_body_size=MOST_BYTES + FORM_OVERHEAD,
    tags=["seller"],
)
def post_dealer_list_file(
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)], request: ApiRequest
) -> DealerListOut:
    """The same of a file: CSV (UTF-8 or GB 18030; comma, semicolon or tab) or XLSX, up to 3,000 lines."""
    name, rows = take_dealer_file(data.file)
    return request.transact(lambda uow: _view(request, uow, make_dealer_list(uow, MakeDealerList(name, rows)).id))


@get("/v1/seller/dealer-lists/{dealer_list_id:uuid}", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_one_dealer_list(
    dealer_list_id: FromPath[UUID],
    request: ApiRequest,
    only_wrong: OnlyWrong = False,  # noqa: FBT002 - a query parameter
) -> DealerListOut:
    """One list: of a draft what is wrong with its lines as they stand now, of a sent one what became of each."""
    with request.transaction() as uow:
        view = get_dealer_list(uow, dealer_list_id)
        return DealerListOut.of(view, language_of(request), only_wrong=only_wrong)


@post(
    "/v1/seller/dealer-lists/{dealer_list_id:uuid}/files",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=MOST_BYTES + FORM_OVERHEAD,
    tags=["seller"],
)
def post_dealer_list_replacement(
    dealer_list_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> DealerListOut:
    """Put the lines of another file in the place of a draft's."""
    name, rows = take_dealer_file(data.file)
    return request.transact(lambda uow: _view(request, uow, replace_dealers(uow, dealer_list_id, rows, name).id))


@put(
    "/v1/seller/dealer-lists/{dealer_list_id:uuid}/lines",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    tags=["seller"],
)
def put_dealer_list_lines(
    dealer_list_id: FromPath[UUID], data: JSONBody[DealerLinesIn], request: ApiRequest
) -> DealerListOut:
    """Correct lines of a draft, or leave them out, by their numbers."""
    changes = data.changes()
    return request.transact(lambda uow: _view(request, uow, correct_dealers(uow, dealer_list_id, changes).id))


def _on_list(act: str) -> dict[str, Any]:
    return {
        "path": f"/v1/seller/dealer-lists/{{dealer_list_id:uuid}}/{act}",
        "permission": PERMISSION,
        "refuses": [409],
        "status_code": 200,
        "sync_to_thread": True,
        "tags": ["seller"],
    }


@post(**_on_list("leave-out"))
def post_dealer_list_leave_out(dealer_list_id: FromPath[UUID], request: ApiRequest) -> DealerListOut:
    """Leave out every line that is wrong now."""
    return request.transact(lambda uow: _view(request, uow, leave_out_wrong_dealers(uow, dealer_list_id).id))


@post(**_on_list("discard"))
def post_dealer_list_discard(dealer_list_id: FromPath[UUID], request: ApiRequest) -> DealerListOut:
    """Invite nobody by it. Discarded already, nothing changes."""
    return request.transact(lambda uow: _view(request, uow, discard_dealer_list(uow, dealer_list_id).id))


@post(**_on_list("send"))
def post_dealer_list_send(dealer_list_id: FromPath[UUID], request: ApiRequest) -> DealerListOut:
    """Invite every line that is not left out, all or none; their mails follow. Sent already, nothing changes."""
    return request.transact(lambda uow: _view(request, uow, send_dealer_list(uow, dealer_list_id).id))


@post(**_on_list("mail"))
def post_dealer_list_mail(dealer_list_id: FromPath[UUID], request: ApiRequest) -> DealerListOut:
    """Mail whoever did not answer once more; at most three times, three days apart. Their invitations last anew."""
    return request.transact(lambda uow: _view(request, uow, mail_list_again(uow, dealer_list_id).id))


@post(
    "/v1/seller/partner-invitations/{partner_invitation_id:uuid}/mail",
    permission=PERMISSION,
    refuses=[410],
    status_code=204,
    sync_to_thread=True,
    tags=["seller"],
)
def post_partner_invitation_mail(partner_invitation_id: FromPath[UUID], request: ApiRequest) -> None:
    """Mail an invitation of a list once more; it lasts anew."""
    request.transact(lambda uow: mail_invitation_again(uow, partner_invitation_id).id)


@get("/v1/partner-invitations", permission=PARTNER_PERMISSION, sync_to_thread=True, tags=["buying"])
def get_invitations_to_me(request: ApiRequest) -> list[InvitationToMeOut]:
    """Open invitations of sellers that name your organization by its verified tax identifier; the latest first."""
    with request.transaction() as uow:
        return [InvitationToMeOut.of(one) for one in list_invitations_to_me(uow)]


def take_dealer_file(upload: UploadFile) -> tuple[str, tuple[DealerRow, ...]]:
    """What a form's file is called, and its lines. Called while no transaction is open. Raises as `read_dealers`."""
    upload.file.seek(0)
    content = upload.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge("order_sheet_too_large", most_mb=MOST_BYTES // 1_000_000)
    return upload.filename or "", tuple(read_dealers(content))


def dealer_template(request: ApiRequest) -> Response[bytes]:
    """The workbook, for the JSON route and the page alike."""
    with request.transaction() as uow:
        codes = [one.code for one in list_tiers(uow)]
    return Response(
        _workbook(codes, language_of(request)),
        media_type=XLSX,
        headers={
            "Content-Disposition": 'attachment; filename="dealers.xlsx"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _workbook(codes: list[str], language: Language) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("dealers")
        head, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        for column, name in enumerate(HEADERS["zh-CN" if language.startswith("zh") else "en"]):
            # As text: a tax identifier of digits alone keeps all of them.
            sheet.set_column(column, column, 28, text)
            sheet.write_string(0, column, name, head)
        sheet.freeze_panes(1, 0)
        if codes and len(",".join(codes)) <= _LONGEST_LIST:
            sheet.data_validation(1, 3, 3_000, 3, {"validate": "list", "source": codes})
    return file.getvalue()


_LONGEST_LIST: Final = 255
"""Characters that a cell's list of choices may have (ECMA-376, part 1, 18.3.1.32)."""


def _view(request: ApiRequest, uow: UnitOfWork, dealer_list_id: UUID) -> DealerListOut:
    uow.flush()
    return DealerListOut.of(get_dealer_list(uow, dealer_list_id), language_of(request))


routes = [
    get_dealer_lists,
    get_dealer_list_template,
    post_dealer_list,
    post_dealer_list_file,
    get_one_dealer_list,
    post_dealer_list_replacement,
    put_dealer_list_lines,
    post_dealer_list_leave_out,
    post_dealer_list_discard,
    post_dealer_list_send,
    post_dealer_list_mail,
    post_partner_invitation_mail,
    get_invitations_to_me,
]
