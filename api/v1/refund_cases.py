"""Money asked back after the window: the buyer's own cases, those about a seller's sales, and what waits for the operator."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import KeyHeader, PageOut, Paging, idempotent_command, list_page
from api.stored_documents import keep_document, scan_answer
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from api.v1.refund_case_out import CreditAnswerIn, RefundAppealIn, RefundCaseIn, RefundCaseOut, RefundDecisionIn
from kernel.db.uow import UnitOfWork
from kernel.storage import StoredObject
from marketplace.access.identity_limits import count_document
from marketplace.onboarding.legal_document import MAX_BYTES, checked_media_type
from orders.refunds.ask_refund import AskForRefund, ask_refund, escalate_refund, withdraw_refund
from orders.refunds.decide_refund import DecideRefund, answer_credit, answer_refund, decide_refund
from orders.refunds.evidence import AddRefundEvidence, add_refund_evidence, evidence_key, find_evidence
from orders.refunds.models import REFUND_CASE, RefundEvidence
from orders.refunds.queries import (
    get_refund_case,
    list_escalated,
    list_refund_cases,
)

Side = Literal["buyer", "seller"]
READ, BUY, SEES, DECIDES = "orders.read", "orders.buy", "money.read", "billing.manage"


@post(
    "/v1/orders/{order_id:uuid}/refund-cases", permission=BUY, refuses=[404, 409], sync_to_thread=True, tags=["buying"]
)
def create_refund_case(
    order_id: FromPath[UUID], data: JSONBody[RefundCaseIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[RefundCaseOut]:
    """Ask the seller for money back, once the refund window is over. Needs an Idempotency-Key."""

    def ask(uow: UnitOfWork) -> RefundCaseOut:
        row = ask_refund(uow, AskForRefund(order_id, data.amount_minor, data.reason, data.as_credit))
        return _shown(uow, row.id, "buyer")

    return idempotent_command(request, idempotency_key, data, ask)


@get("/v1/refund-cases", permission=READ, sync_to_thread=True, tags=["buying"])
def get_refund_cases(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(REFUND_CASE.states)] = None
) -> Response[PageOut[RefundCaseOut]]:
    """What the organization asked back, newest first."""
    return list_page(request, paging, _bought, RefundCaseOut.of, state=only)


@get("/v1/refund-cases/{case_id:uuid}", permission=READ, sync_to_thread=True, tags=["buying"])
def get_bought_case(case_id: FromPath[UUID], request: ApiRequest) -> RefundCaseOut:
    """One of them."""
    with request.transaction() as uow:
        return _shown(uow, case_id, "buyer")


@post(
    "/v1/refund-cases/{case_id:uuid}/escalate",
    permission=BUY,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def escalate_case(case_id: FromPath[UUID], data: JSONBody[RefundAppealIn], request: ApiRequest) -> RefundCaseOut:
    """Take the seller's refusal to the operator, within seven days. Repeating it changes nothing."""

    def work(uow: UnitOfWork) -> RefundCaseOut:
        escalate_refund(uow, case_id, data.appeal)
        return _shown(uow, case_id, "buyer")

    return request.transact(work)


@post(
    "/v1/refund-cases/{case_id:uuid}/credit",
    permission=BUY,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def answer_offered_credit(
    case_id: FromPath[UUID], data: JSONBody[CreditAnswerIn], request: ApiRequest
) -> RefundCaseOut:
    """Take the credit that the seller offers, or insist on money, within seven days. The same answer again changes nothing."""

    def work(uow: UnitOfWork) -> RefundCaseOut:
        answer_credit(uow, case_id, accept=data.accept)
        return _shown(uow, case_id, "buyer")

    return request.transact(work)


@post(
    "/v1/refund-cases/{case_id:uuid}/withdraw",
    permission=BUY,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def withdraw_case(case_id: FromPath[UUID], request: ApiRequest) -> RefundCaseOut:
    """Let it be; another can be asked for. Repeating it changes nothing."""

    def work(uow: UnitOfWork) -> RefundCaseOut:
        withdraw_refund(uow, case_id)
        return _shown(uow, case_id, "buyer")

    return request.transact(work)


@post(
    "/v1/refund-cases/{case_id:uuid}/evidence",
    permission=BUY,
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    refuses=[409, 413, 429],
    sync_to_thread=True,
    tags=["buying"],
)
def create_buyer_evidence(
    case_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> RefundCaseOut:
    """Show a document: a PDF, a JPEG or a PNG of at most 10 MB. The seller and the operator see it."""
    return show_evidence(request, case_id, "buyer", data.file)


@get(
    "/v1/refund-cases/{case_id:uuid}/evidence/{evidence_id:uuid}",
    media_type="application/octet-stream",
    permission=READ,
    sync_to_thread=True,
    tags=["buying"],
)
def get_bought_evidence(case_id: FromPath[UUID], evidence_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """A document of either side."""
    return send_evidence(request, case_id, evidence_id, "buyer")


@get("/v1/seller/refund-cases", permission=SEES, sync_to_thread=True, tags=["seller"])
def get_seller_refund_cases(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(REFUND_CASE.states)] = None
) -> Response[PageOut[RefundCaseOut]]:
    """What customers asked back, newest first."""
    return list_page(request, paging, _sold, RefundCaseOut.of, state=only)


@get("/v1/seller/refund-cases/{case_id:uuid}", permission=SEES, sync_to_thread=True, tags=["seller"])
def get_sold_case(case_id: FromPath[UUID], request: ApiRequest) -> RefundCaseOut:
    """One of them."""
    with request.transaction() as uow:
        return _shown(uow, case_id, "seller")


@post(
    "/v1/seller/refund-cases/{case_id:uuid}/decide",
    permission=DECIDES,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def answer_case(case_id: FromPath[UUID], data: JSONBody[RefundDecisionIn], request: ApiRequest) -> RefundCaseOut:
    """Grant it, in part too, or refuse it, within five days. The same decision again changes nothing."""

    def work(uow: UnitOfWork) -> RefundCaseOut:
        answer_refund(uow, DecideRefund(case_id, data.decision, data.amount_minor, data.words))
        return _shown(uow, case_id, "seller")

    return request.transact(work)


@post(
    "/v1/seller/refund-cases/{case_id:uuid}/evidence",
    permission=DECIDES,
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    refuses=[409, 413, 429],
    sync_to_thread=True,
    tags=["seller"],
)
def create_seller_evidence(
    case_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> RefundCaseOut:
    """Show a document: a PDF, a JPEG or a PNG of at most 10 MB. The buyer and the operator see it."""
    return show_evidence(request, case_id, "seller", data.file)


@get(
    "/v1/seller/refund-cases/{case_id:uuid}/evidence/{evidence_id:uuid}",
    media_type="application/octet-stream",
    permission=SEES,
    sync_to_thread=True,
    tags=["seller"],
)
def get_sold_evidence(case_id: FromPath[UUID], evidence_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """A document of either side."""
    return send_evidence(request, case_id, evidence_id, "seller")


@get("/v1/operator/refund-cases", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_escalated_cases(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[RefundCaseOut]]:
    """What waits for the operator's decision, the longest first."""
    return list_page(request, paging, list_escalated, RefundCaseOut.of)


@get("/v1/operator/refund-cases/{case_id:uuid}", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_any_case(case_id: FromPath[UUID], request: ApiRequest) -> RefundCaseOut:
    """One in any state, with what both sides said and show."""
    with request.transaction() as uow:
        return _shown(uow, case_id, None)


@post(
    "/v1/operator/refund-cases/{case_id:uuid}/decide",
    permission="operator.payouts",
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def decide_case(case_id: FromPath[UUID], data: JSONBody[RefundDecisionIn], request: ApiRequest) -> RefundCaseOut:
    """Decide for good. The same decision again changes nothing."""

    def work(uow: UnitOfWork) -> RefundCaseOut:
        decide_refund(uow, DecideRefund(case_id, data.decision, data.amount_minor, data.words))
        return _shown(uow, case_id, None)

    return request.transact(work)


@get(
    "/v1/operator/refund-cases/{case_id:uuid}/evidence/{evidence_id:uuid}",
    media_type="application/octet-stream",
    permission="operator.read",
    sync_to_thread=True,
    tags=["operator"],
)
def get_any_evidence(case_id: FromPath[UUID], evidence_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """A document of either side."""
    return send_evidence(request, case_id, evidence_id, None)


def show_evidence(request: ApiRequest, case_id: UUID, side: Side, upload: UploadFile) -> RefundCaseOut:
    """Check a form's file, store it and show it on a case; for the JSON route and the page alike.

    Raises: as `count_document`, `checked_media_type` and `add_refund_evidence`; Unavailable `storage_unavailable`.
    """
    with request.transaction() as uow:
        get_refund_case(uow, case_id, side=side)
    request.transact(count_document)
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    media_type = checked_media_type(content)

    def keep(uow: UnitOfWork, stored: StoredObject) -> RefundEvidence:
        return add_refund_evidence(uow, AddRefundEvidence(case_id, side, stored, media_type, upload.filename))

    keep_document(request, evidence_key(case_id), content, keep)
    with request.transaction() as uow:
        return _shown(uow, case_id, side)


def send_evidence(request: ApiRequest, case_id: UUID, evidence_id: UUID, side: Side | None) -> Response[Any]:
    """A document's bytes. A stranger's file runs nothing here: pictures are shown, everything else is downloaded."""
    with request.transaction() as uow:
        row = find_evidence(uow, case_id, evidence_id, side=side)
        key, media_type = row.file_key, row.media_type
    return scan_answer(request, key, media_type, f"refund-evidence-{evidence_id}")


def _shown(uow: UnitOfWork, case_id: UUID, side: Side | None) -> RefundCaseOut:
    uow.flush()
    return RefundCaseOut.of(get_refund_case(uow, case_id, side=side))


def _bought(uow: UnitOfWork, **how: Any) -> Any:
    return list_refund_cases(uow, side="buyer", **how)


def _sold(uow: UnitOfWork, **how: Any) -> Any:
    return list_refund_cases(uow, side="seller", **how)


routes = [
    create_refund_case,
    get_refund_cases,
    get_bought_case,
    escalate_case,
    answer_offered_credit,
    withdraw_case,
    create_buyer_evidence,
    get_bought_evidence,
    get_seller_refund_cases,
    get_sold_case,
    answer_case,
    create_seller_evidence,
    get_sold_evidence,
    get_escalated_cases,
    get_any_case,
    decide_case,
    get_any_evidence,
]
