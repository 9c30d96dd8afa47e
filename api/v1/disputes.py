"""Disputed payments: the buyer's own, those about a seller's orders, and the operator's, which tells the bank."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.dispute_documents import send_document, take_document
from api.known_values import state_in
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from billing.disputes.models import DISPUTE
from billing.disputes.submit_evidence import MAX_TEXT
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.paging import Page
from orders.disputes.assign import assign_lines
from orders.disputes.queries import DisputeCaseView, get_dispute, list_cases, list_open_cases
from orders.disputes.say import MAX_DOCUMENT_BYTES, SayAboutDispute, Side, say_about_dispute
from orders.disputes.submit import TellBank, tell_bank

READ, BUY, SEES, ANSWERS = "orders.read", "orders.buy", "money.read", "billing.manage"
Minor = Annotated[int, Field(strict=True, gt=0, le=10**15)]


class DisputedPartOut(Out):
    """An order that it is about, or one line of it."""

    order_id: UUID
    order_number: str
    line_id: Annotated[UUID | None, Meta(description="None: all lines of the order")]
    title: str
    title_en: str
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    amount: MoneyOut


class DisputeWordsOut(Out):
    """What one side says."""

    side: str
    org_id: UUID
    words: str
    withdraws: Annotated[bool, Meta(description="The buyer lets the dispute be; the bank decides all the same")]
    changed_at: datetime


class DisputeDocumentOut(Out):
    """A document that one side shows."""

    id: UUID
    side: str
    org_id: UUID
    file_name: str
    media_type: str
    size_bytes: int
    created_at: datetime


class DisputeSentOut(Out):
    """What the bank was told, or is being told."""

    id: UUID
    text: str
    document_ids: list[UUID]
    file_names: list[str]
    made_by: Annotated[str, Meta(description="`operator`, `clock` before its deadline, or `refund`: it had gone back")]
    state: Annotated[str, Meta(description="`sending`, `sent` or `failed`")]
    error_code: str | None
    created_at: datetime
    ended_at: datetime | None


class DisputeCaseOut(Out):
    """A disputed payment, as the side that asks may see it. The bank decides; what it is about stands still until then."""

    id: UUID
    payment_id: UUID
    gateway: str
    gateway_reference: str
    state: Annotated[str, Meta(description="`open`, then `won`: the money stays, or `lost`: it is the payer's")]
    reason: Annotated[str, Meta(description="The payer's reason, in the gateway's word")]
    amount: Annotated[MoneyOut, Meta(description="What is disputed; of a seller what is about its orders")]
    frozen: Annotated[MoneyOut, Meta(description="What of the seller's shares stands still")]
    basis: Annotated[str, Meta(description="`whole` payment, `pro_rata` of it, or lines named by an `operator`")]
    answer_by: Annotated[datetime, Meta(description="Until when both sides may say their part")]
    submit_at: Annotated[datetime, Meta(description="When what is there is sent by itself")]
    due_by: Annotated[datetime, Meta(description="Until when the bank takes evidence")]
    submitted_at: datetime | None
    is_answerable: bool
    fee: Annotated[MoneyOut | None, Meta(description="What the gateway keeps; for operators")]
    loss: Annotated[MoneyOut, Meta(description="What of a lost one had gone back before; for operators")]
    loss_left: Annotated[MoneyOut, Meta(description="What of the loss is still to be recovered; for operators")]
    created_at: datetime
    ended_at: datetime | None
    parts: list[DisputedPartOut]
    words: list[DisputeWordsOut]
    documents: list[DisputeDocumentOut]
    sent: list[DisputeSentOut]

    @classmethod
    def of(cls, row: DisputeCaseView) -> DisputeCaseOut:
        """From the query's row."""
        return cls.of_row(
            row,
            frozen=MoneyOut.of(row.frozen_minor, row.currency),
            loss=MoneyOut.of(row.loss_minor, row.currency),
            loss_left=MoneyOut.of(row.loss_left_minor, row.currency),
            amount=MoneyOut.of(row.amount_minor, row.currency),
            fee=MoneyOut.of(row.fee_minor, row.fee_currency) if row.fee_currency is not None else None,
            parts=[
                DisputedPartOut.of_row(one, amount=MoneyOut.of(one.amount_minor, row.currency)) for one in row.parts
            ],
            words=[DisputeWordsOut.of_row(one) for one in row.words],
            documents=[DisputeDocumentOut.of_row(one) for one in row.documents],
            sent=[
                DisputeSentOut.of_row(one, document_ids=list(one.document_ids), file_names=list(one.file_names))
                for one in row.sent
            ],
        )


class DisputeWordsIn(Wire):
    """What speaks for one's side; the bank reads it. `withdraws`: the buyer lets the dispute be."""

    words: Annotated[str, Field(min_length=1, max_length=2_000)]
    withdraws: bool = False


class DisputeLineIn(Wire):
    """What of the disputed amount is about this order line."""

    line_id: UUID
    amount_minor: Minor


class DisputeLinesIn(Wire):
    """The lines that it is about; together they are the disputed amount."""

    lines: Annotated[list[DisputeLineIn], Field(min_length=1, max_length=100)]


class TellBankIn(Wire):
    """Without a text: as it is composed of the orders and of what the sides say. Without documents: the latest of each side."""

    text: Annotated[str | None, Field(max_length=MAX_TEXT)] = None
    document_ids: Annotated[list[UUID] | None, Field(max_length=3)] = None


@get("/v1/disputes", permission=READ, sync_to_thread=True, tags=["buying"])
def get_disputes(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(DISPUTE.states)] = None
) -> Response[PageOut[DisputeCaseOut]]:
    """The organization's own payments that its bank was asked to take back, newest first."""
    return list_page(request, paging, _bought, DisputeCaseOut.of, state=only)


@get("/v1/disputes/{dispute_id:uuid}", permission=READ, sync_to_thread=True, tags=["buying"])
def get_bought_dispute(dispute_id: FromPath[UUID], request: ApiRequest) -> DisputeCaseOut:
    """One of them, with what the bank was told."""
    with request.transaction() as uow:
        return _shown(uow, dispute_id, "buyer")


@put("/v1/disputes/{dispute_id:uuid}/words", permission=BUY, refuses=[409], sync_to_thread=True, tags=["buying"])
def put_buyer_words(dispute_id: FromPath[UUID], data: JSONBody[DisputeWordsIn], request: ApiRequest) -> DisputeCaseOut:
    """Say something about it, or let it be. Repeating it changes nothing."""
    return request.transact(lambda uow: _say(uow, SayAboutDispute(dispute_id, "buyer", data.words, data.withdraws)))


@post(
    "/v1/disputes/{dispute_id:uuid}/documents",
    permission=BUY,
    request_max_body_size=MAX_DOCUMENT_BYTES + FORM_OVERHEAD,
    refuses=[409, 413, 429],
    sync_to_thread=True,
    tags=["buying"],
)
def create_buyer_document(
    dispute_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> DisputeCaseOut:
    """Show a document: a PDF, a JPEG or a PNG of at most 1.5 MB."""
    return _take(request, dispute_id, "buyer", data.file)


@get(
    "/v1/disputes/{dispute_id:uuid}/documents/{document_id:uuid}",
    media_type="application/octet-stream",
    permission=READ,
    sync_to_thread=True,
    tags=["buying"],
)
def get_bought_document(dispute_id: FromPath[UUID], document_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """A document of one's own, or one that the bank was sent."""
    return send_document(request, dispute_id, document_id, "buyer")


@get("/v1/seller/disputes", permission=SEES, sync_to_thread=True, tags=["seller"])
def get_seller_disputes(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(DISPUTE.states)] = None
) -> Response[PageOut[DisputeCaseOut]]:
    """Disputes about the seller's orders, newest first."""
    return list_page(request, paging, _sold, DisputeCaseOut.of, state=only)


@get("/v1/seller/disputes/{dispute_id:uuid}", permission=SEES, sync_to_thread=True, tags=["seller"])
def get_sold_dispute(dispute_id: FromPath[UUID], request: ApiRequest) -> DisputeCaseOut:
    """One of them: what of it is about the seller's orders, and what stands still."""
    with request.transaction() as uow:
        return _shown(uow, dispute_id, "seller")


@put(
    "/v1/seller/disputes/{dispute_id:uuid}/words",
    permission=ANSWERS,
    refuses=[409],
    sync_to_thread=True,
    tags=["seller"],
)
def put_seller_words(dispute_id: FromPath[UUID], data: JSONBody[DisputeWordsIn], request: ApiRequest) -> DisputeCaseOut:
    """Say what speaks for the sale, until `answer_by`; said again, the words are changed."""
    return request.transact(lambda uow: _say(uow, SayAboutDispute(dispute_id, "seller", data.words, data.withdraws)))


@post(
    "/v1/seller/disputes/{dispute_id:uuid}/documents",
    permission=ANSWERS,
    request_max_body_size=MAX_DOCUMENT_BYTES + FORM_OVERHEAD,
    refuses=[409, 413, 429],
    sync_to_thread=True,
    tags=["seller"],
)
def create_seller_document(
    dispute_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> DisputeCaseOut:
    """Show a document: a PDF, a JPEG or a PNG of at most 1.5 MB. The operator sees it, and the buyer if the bank is sent it."""
    return _take(request, dispute_id, "seller", data.file)


@get(
    "/v1/seller/disputes/{dispute_id:uuid}/documents/{document_id:uuid}",
    media_type="application/octet-stream",
    permission=SEES,
    sync_to_thread=True,
    tags=["seller"],
)
def get_sold_document(dispute_id: FromPath[UUID], document_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """A document of one's own, or the buyer's."""
    return send_document(request, dispute_id, document_id, "seller")


@get("/v1/operator/disputes/open", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_open_disputes(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[DisputeCaseOut]]:
    """What banks are deciding, the nearest deadline first."""
    return list_page(request, paging, list_open_cases, DisputeCaseOut.of)


@get("/v1/operator/disputes/{dispute_id:uuid}", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_any_dispute(dispute_id: FromPath[UUID], request: ApiRequest) -> DisputeCaseOut:
    """One in any state, with what both sides say and show and what the bank was told."""
    with request.transaction() as uow:
        return _shown(uow, dispute_id, None)


@post(
    "/v1/operator/disputes/{dispute_id:uuid}/lines",
    permission="operator.payouts",
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def post_dispute_lines(
    dispute_id: FromPath[UUID], data: JSONBody[DisputeLinesIn], request: ApiRequest
) -> DisputeCaseOut:
    """Say, once, which lines a dispute about a part of a payment is about. All others go on. The same again changes nothing."""
    named = {one.line_id: one.amount_minor for one in data.lines}
    if len(named) != len(data.lines):
        raise Invalid("dispute_parts_differ", field="lines")

    def work(uow: UnitOfWork) -> DisputeCaseOut:
        assign_lines(uow, dispute_id, named)
        return _shown(uow, dispute_id, None)

    return request.transact(work)


@post(
    "/v1/operator/disputes/{dispute_id:uuid}/evidence",
    permission="operator.payouts",
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def post_dispute_evidence(
    dispute_id: FromPath[UUID], data: JSONBody[TellBankIn], request: ApiRequest
) -> DisputeCaseOut:
    """Tell the bank, once and for all. The same again changes nothing; what came of it stands in `sent`."""

    def work(uow: UnitOfWork) -> DisputeCaseOut:
        tell_bank(uow, TellBank(dispute_id, data.text, data.document_ids))
        return _shown(uow, dispute_id, None)

    return request.transact(work)


@get(
    "/v1/operator/disputes/{dispute_id:uuid}/documents/{document_id:uuid}",
    media_type="application/octet-stream",
    permission="operator.read",
    sync_to_thread=True,
    tags=["operator"],
)
def get_any_document(dispute_id: FromPath[UUID], document_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """A document of either side."""
    return send_document(request, dispute_id, document_id, None)


def _take(request: ApiRequest, dispute_id: UUID, side: Side, upload: UploadFile) -> DisputeCaseOut:
    take_document(request, dispute_id, side, upload)
    with request.transaction() as uow:
        return _shown(uow, dispute_id, side)


def _say(uow: UnitOfWork, command: SayAboutDispute) -> DisputeCaseOut:
    say_about_dispute(uow, command)
    return _shown(uow, command.dispute_id, command.side)


def _shown(uow: UnitOfWork, dispute_id: UUID, side: Side | None) -> DisputeCaseOut:
    uow.flush()
    return DisputeCaseOut.of(get_dispute(uow, dispute_id, side=side))


def _bought(uow: UnitOfWork, **how: Any) -> Page[DisputeCaseView]:
    return list_cases(uow, side="buyer", **how)


def _sold(uow: UnitOfWork, **how: Any) -> Page[DisputeCaseView]:
    return list_cases(uow, side="seller", **how)


routes = [
    get_disputes,
    get_bought_dispute,
    put_buyer_words,
    create_buyer_document,
    get_bought_document,
    get_seller_disputes,
    get_sold_dispute,
    put_seller_words,
    create_seller_document,
    get_sold_document,
    get_open_disputes,
    get_any_dispute,
    post_dispute_lines,
    post_dispute_evidence,
    get_any_document,
]
