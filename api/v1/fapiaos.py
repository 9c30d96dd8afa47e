"""Chinese tax invoices (数电票): asked for by the buyer of bills, answered by an issuer, taken back by red letters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from billing.fapiao.queries import (
    FapiaoRequestRow,
    FapiaoRow,
    FapiaoSide,
    RedLetterRow,
    TrailRow,
    fapiao_row,
    find_fapiao_file,
    get_fapiao_request,
    get_red_letter,
    list_fapiao_requests,
    list_red_letters,
)
from billing.fapiao.red_letters import Decision, decide_red_letter, use_fapiao
from billing.fapiao.request_fapiao import RequestFapiao, request_fapiao, retry_fapiao
from kernel.db.uow import UnitOfWork

READ, SELLS, ASK = "invoices.read", "money.read", "billing.manage"
"""A buyer's finance, a seller's, and who may ask and answer for either."""
SideParameter = Annotated[
    Literal["buyer", "seller"] | None,
    QueryParameter(name="side", required=False, description="Only those in which the organization is this side"),
]


class FapiaoRequestIn(Wire):
    """Bills of one seller and one title. What is above the issuer's limit is split."""

    invoice_ids: Annotated[list[UUID], Field(min_length=1, max_length=50)]
    kind: Literal["ordinary", "special"] = Field(
        default="ordinary",
        description="special (专用发票): the buyer may deduct its tax; needs their Chinese tax number",
    )
    remarks: Annotated[str, Field(max_length=200)] = ""


class FapiaoRetryIn(Wire):
    """What the remarks say this time."""

    remarks: Annotated[str, Field(max_length=200)] = ""


class RedLetterDecisionIn(Wire):
    """What the organization says about a red letter."""

    decision: Literal["confirm", "deny", "withdraw", "revoke", "again"] = Field(
        description="confirm or deny what the other side entered; withdraw what one entered oneself; revoke what both confirmed "
        "before the red invoice is issued; enter a void one again"
    )


class FapiaoOut(Out):
    """A tax invoice. Amounts are positive; `direction` says which way."""

    id: UUID
    direction: Annotated[str, Meta(description="blue, or red: it takes `original_id` back")]
    number: Annotated[str | None, Meta(description="Twenty digits; none until it is issued")]
    original_id: UUID | None
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    issued_on: date | None
    used_at: Annotated[datetime | None, Meta(description="When its buyer booked it or deducted its tax")]

    @classmethod
    def of(cls, row: FapiaoRow) -> FapiaoOut:
        """From the query's row."""
        return cls.of_row(row)


class FapiaoTrailOut(Out):
    """One step of a request, and when."""

    state: str
    at: datetime
    reason: str | None

    @classmethod
    def of(cls, row: TrailRow) -> FapiaoTrailOut:
        """From the query's row."""
        return cls.of_row(row)


class FapiaoRequestOut(Out):
    """A request with what came of it."""

    id: UUID
    state: Annotated[
        str, Meta(description="requested, queued (with the issuer), issued, failed (`failure_code` says why)")
    ]
    kind: str
    buyer_name: str
    buyer_tax_id: str
    seller_name: str
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    remarks: str
    issuer: str
    sandbox: Annotated[bool, Meta(description="Numbered by a sandbox: no tax documents")]
    failure_code: str | None
    attempts: int
    created_at: datetime
    concluded_at: datetime | None
    bills: list[str]
    documents: list[FapiaoOut]
    trail: list[FapiaoTrailOut]

    @classmethod
    def of(cls, row: FapiaoRequestRow) -> FapiaoRequestOut:
        """From the query's row."""
        return cls.of_row(
            row,
            bills=list(row.bills),
            documents=[FapiaoOut.of(one) for one in row.documents],
            trail=[FapiaoTrailOut.of(one) for one in row.trail],
        )


class RedLetterOut(Out):
    """A red letter (红字发票信息确认单): by it a tax invoice is taken back, before a refund or for a credit note."""

    id: UUID
    side: Annotated[str, Meta(description="Which side the organization is")]
    state: str
    official: Annotated[str, Meta(description="The tax administration's code of the state, 01 to 09")]
    number: str | None
    fapiao_id: UUID
    fapiao_number: str
    red_id: UUID
    red_number: str | None
    note_id: Annotated[UUID | None, Meta(description="The credit note; none while its refund waits for it")]
    refund_id: Annotated[UUID | None, Meta(description="The refund that waits, or waited, for it")]
    reason: str
    buyer_name: str
    seller_name: str
    gross: MoneyOut
    expires_at: Annotated[datetime | None, Meta(description="Until when it has to be confirmed; void then")]
    failure_code: str | None
    created_at: datetime
    may_say: Annotated[list[str], Meta(description="Decisions that the organization may take now")]

    @classmethod
    def of(cls, row: RedLetterRow) -> RedLetterOut:
        """From the query's row."""
        return cls.of_row(row, may_say=list(row.may_say))


@post("/v1/fapiao-requests", permission=ASK, refuses=[404, 409], sync_to_thread=True, tags=["invoices"])
def ask_fapiao(data: JSONBody[FapiaoRequestIn], request: ApiRequest) -> FapiaoRequestOut:
    """Ask for tax invoices of bills; each bill can be asked for once."""

    def work(uow: UnitOfWork) -> FapiaoRequestOut:
        command = RequestFapiao(data.invoice_ids, data.kind, data.remarks)
        made = request_fapiao(uow, command, request.services.fapiao_issuer)
        uow.flush_outbox()
        return FapiaoRequestOut.of(get_fapiao_request(uow, made.id))

    return request.transact(work)


@get("/v1/fapiao-requests", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_fapiao_requests(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[FapiaoRequestOut]]:
    """Requests that the organization made, newest first."""
    return list_page(request, paging, _asked, FapiaoRequestOut.of)


@get("/v1/seller/fapiao-requests", permission=SELLS, sync_to_thread=True, tags=["invoices"])
def get_customers_fapiao_requests(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[FapiaoRequestOut]]:
    """Requests that customers made to the organization, newest first."""
    return list_page(request, paging, _answered, FapiaoRequestOut.of)


@get("/v1/fapiao-requests/{fapiao_request_id:uuid}", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_one_fapiao_request(fapiao_request_id: FromPath[UUID], request: ApiRequest) -> FapiaoRequestOut:
    """One that the organization made, or that was made to it."""
    with request.transaction() as uow:
        return FapiaoRequestOut.of(get_fapiao_request(uow, fapiao_request_id))


@post(
    "/v1/fapiao-requests/{fapiao_request_id:uuid}/retry",
    permission=ASK,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["invoices"],
)
def retry_fapiao_request(
    fapiao_request_id: FromPath[UUID], data: JSONBody[FapiaoRetryIn], request: ApiRequest
) -> FapiaoRequestOut:
    """Ask the issuer again for what it refused. What has its number keeps it."""

    def work(uow: UnitOfWork) -> FapiaoRequestOut:
        retry_fapiao(uow, fapiao_request_id, data.remarks)
        uow.flush_outbox()
        return FapiaoRequestOut.of(get_fapiao_request(uow, fapiao_request_id))

    return request.transact(work)


@post(
    "/v1/fapiaos/{fapiao_id:uuid}/use",
    permission=ASK,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["invoices"],
)
def use(fapiao_id: FromPath[UUID], request: ApiRequest) -> FapiaoOut:
    """Say that a document was booked or its tax deducted: it is taken back with the organization's word only from now on."""
    return request.transact(lambda uow: FapiaoOut.of(fapiao_row(use_fapiao(uow, fapiao_id))))


@get(
    "/v1/fapiaos/{fapiao_id:uuid}/pdf",
    permission=READ,
    refuses=[404, 409],
    sync_to_thread=True,
    media_type="application/pdf",
    tags=["invoices"],
)
def download_fapiao_pdf(fapiao_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """The face of a tax invoice as PDF/A-3, with its data embedded."""
    return _download(request, fapiao_id, "pdf")


@get(
    "/v1/fapiaos/{fapiao_id:uuid}/xml",
    permission=READ,
    refuses=[404, 409],
    sync_to_thread=True,
    media_type="application/xml",
    tags=["invoices"],
)
def download_fapiao_xml(fapiao_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """A tax invoice as the tax administration's data."""
    return _download(request, fapiao_id, "xml")


@get("/v1/red-letters", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_red_letters(
    request: ApiRequest, paging: Given[Paging], side: SideParameter = None
) -> Response[PageOut[RedLetterOut]]:
    """Red letters of the organization, newest first."""
    return list_page(request, paging, list_red_letters, RedLetterOut.of, side=side)


@get("/v1/red-letters/{red_letter_id:uuid}", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_one_red_letter(red_letter_id: FromPath[UUID], request: ApiRequest) -> RedLetterOut:
    """One of them."""
    with request.transaction() as uow:
        return RedLetterOut.of(get_red_letter(uow, red_letter_id))


@post(
    "/v1/red-letters/{red_letter_id:uuid}/decision",
    permission=ASK,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["invoices"],
)
def post_red_letter_decision(
    red_letter_id: FromPath[UUID], data: JSONBody[RedLetterDecisionIn], request: ApiRequest
) -> RedLetterOut:
    """Confirm, deny, withdraw or revoke one; enter a void one again: the answer is the new one. Repeated, it was said once."""
    return request.transact(lambda uow: RedLetterOut.of(decided(uow, red_letter_id, data.decision)))


def decided(uow: UnitOfWork, red_letter_id: UUID, decision: Decision) -> RedLetterRow:
    """For the route and the page alike. Raises as `decide_red_letter`."""
    return get_red_letter(uow, decide_red_letter(uow, red_letter_id, decision).id)


def _asked(uow: UnitOfWork, **how: Any) -> Any:
    side: FapiaoSide = "buyer"
    return list_fapiao_requests(uow, side=side, **how)


def _answered(uow: UnitOfWork, **how: Any) -> Any:
    side: FapiaoSide = "seller"
    return list_fapiao_requests(uow, side=side, **how)


def _download(request: ApiRequest, fapiao_id: UUID, form: Literal["pdf", "xml"]) -> Stream:
    with request.transaction() as uow:
        found = find_fapiao_file(uow, fapiao_id, form)
    # Read after the transaction: nothing outside is asked while it is open.
    return Stream(
        request.services.storage.stream(found.key),
        media_type="application/pdf" if form == "pdf" else "application/xml",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


routes = [
    ask_fapiao,
    get_fapiao_requests,
    get_customers_fapiao_requests,
    get_one_fapiao_request,
    retry_fapiao_request,
    use,
    download_fapiao_pdf,
    download_fapiao_xml,
    get_red_letters,
    get_one_red_letter,
    post_red_letter_decision,
]
