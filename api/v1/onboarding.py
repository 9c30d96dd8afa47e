"""A seller's start: the checklist, its document, the accounts it is paid to; and what the platform decides about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import CountryIn, CurrencyIn, Out, PageOut, Paging, ShortText, Wire, linked
from api.stored_documents import keep_document, scan_answer
from api.v1.legal_proof_out import LegalProofOut
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from kernel.storage import StoredObject
from marketplace.access.identity_limits import count_document
from marketplace.onboarding.accept_agreement import AcceptAgreement, accept_agreement
from marketplace.onboarding.agreement_text import agreement_text
from marketplace.onboarding.become_seller import become_seller
from marketplace.onboarding.checklist import Step
from marketplace.onboarding.confirm_tax import confirm_tax
from marketplace.onboarding.legal_document import MAX_BYTES, checked_media_type
from marketplace.onboarding.models import LegalProof
from marketplace.onboarding.queries import (
    Checklist,
    LegalDocument,
    WaitingProof,
    find_document,
    get_checklist,
    list_payout_accounts,
    list_waiting_proofs,
    reveal_payout_account,
    to_proof_view,
    view_payout_account,
)
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.onboarding.save_payout_account import SavePayoutAccount, save_payout_account
from marketplace.onboarding.submit_legal_proof import SubmitLegalProof, document_key, submit_legal_proof

FORM_OVERHEAD = 64 * 1024
"""Bytes of a multipart form beside its file."""


class OnboardingIn(Wire):
    """What a step needs: the tax identifier, where none is registered; the version of the agreement, and its language."""

    tax_id: Annotated[str, Field(max_length=40)] | None = None
    agreement_version: Annotated[str, Field(max_length=20)] = ""
    locale: Literal["zh-CN", "en"] = "zh-CN"


class StepOut(Out):
    """A step of the checklist. `reason`: why the platform rejected what was handed in."""

    step: str
    state: Literal["todo", "waiting", "rejected", "done"]
    done_at: datetime | None
    reason: str


class OnboardingOut(Out):
    """The checklist; nothing can be published while `missing` is not empty."""

    missing: list[str]
    steps: list[StepOut]
    legal_proof: LegalProofOut | None
    agreement_version: str
    completed_at: datetime | None

    @classmethod
    def of(cls, row: Checklist) -> OnboardingOut:
        """From the query's row."""
        proof = LegalProofOut.of(row.legal_proof) if row.legal_proof else None
        return cls.of_row(row, steps=[StepOut.of_row(step) for step in row.steps], legal_proof=proof)


class SectionOut(Out):
    """A section of the agreement."""

    heading: str
    text: str


class AgreementOut(Out):
    """The seller agreement in force. `sha256` names the text that is accepted."""

    version: str
    locale: str
    title: str
    sections: list[SectionOut]
    sha256: str


class PayoutAccountIn(Wire):
    """The account for payouts in one currency.

    `bank_code`: CNAPS number of the branch (CN), routing number (US), sort code (GB), else a BIC, which an IBAN does not need.
    """

    currency: CurrencyIn
    country: CountryIn
    holder: ShortText
    bank_name: ShortText
    account: Annotated[str, Field(max_length=60)]
    bank_code: Annotated[str, Field(max_length=40)] = ""


class PayoutAccountOut(Out):
    """A payout account; its number is never shown again, but for its last four characters."""

    id: UUID
    currency: str
    country: str
    holder: str
    bank_name: str
    bank_code: str
    account_last4: str
    rail: Annotated[str, Meta(description="bank, or the gateway that it is at")]
    trouble: Annotated[
        str | None,
        Meta(
            description="Why nothing is paid to it: held (until `held_until`), or holder_differs (from the legal name)"
        ),
    ]
    held_until: datetime | None
    created_at: datetime


class PayoutAccountsOut(Out):
    """The organization's present accounts, by currency."""

    items: list[PayoutAccountOut]


class RevealedOut(PayoutAccountOut):
    """A payout account with its whole number, for whoever sets a payout up."""

    account: str


class WaitingProofOut(Out):
    """A document that waits for a decision, with what is registered of its seller."""

    proof: LegalProofOut
    org_id: UUID
    legal_name: str
    display_name: str
    country: str
    tax_id: str | None

    @classmethod
    def of(cls, row: WaitingProof) -> WaitingProofOut:
        """From the query's row."""
        return cls.of_row(row, proof=LegalProofOut.of(row.proof), org_id=row.proof.org_id)


class LegalReviewIn(Wire):
    """The decision; a refusal says why."""

    approve: bool
    reason: Annotated[str, Field(max_length=500)] = ""


class DocumentForm(BaseModel):
    """The document as the part `file` of a multipart form."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile


@get("/v1/onboarding", permission=SIGNED_IN, refuses=[404], sync_to_thread=True, tags=["people"])
def get_onboarding(request: ApiRequest) -> OnboardingOut:
    """The seller's checklist and what is missing of it."""
    with request.transaction() as uow:
        return OnboardingOut.of(get_checklist(uow))


@post("/v1/onboarding", permission="members.manage", sync_to_thread=True, status_code=200, tags=["people"])
def begin_onboarding(request: ApiRequest) -> OnboardingOut:
    """Begin to sell: the organization gets its checklist. One that sells already is answered with the one it has."""

    def work(uow: UnitOfWork) -> OnboardingOut:
        become_seller(uow)
        return OnboardingOut.of(get_checklist(uow))

    return request.transact(work)


@get("/v1/seller-agreement", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_agreement(
    request: ApiRequest,
    locale: Annotated[
        Literal["zh-CN", "en"], QueryParameter(name="locale", required=False, description="The language of the text")
    ] = "zh-CN",
) -> AgreementOut:
    """The text that a seller accepts."""
    del request
    said = agreement_text(locale)
    return AgreementOut.of_row(said, sections=[SectionOut(heading=one[0], text=one[1]) for one in said.sections])


@post(
    "/v1/onboarding/legal-proof",
    permission="members.manage",
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    refuses=[404, 413, 429],
    sync_to_thread=True,
    tags=["people"],
)
def create_legal_proof(
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)], request: ApiRequest
) -> LegalProofOut:
    """Hand in a document that shows that the organization exists: a PDF, a JPEG or a PNG of at most 10 MB."""
    with request.transaction() as uow:
        get_checklist(uow)
    return hand_in(request, data.file)


@get(
    "/v1/onboarding/legal-proof/{proof_id:uuid}",
    media_type="application/octet-stream",
    permission="members.manage",
    sync_to_thread=True,
    tags=["people"],
)
def get_own_document(proof_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The bytes of one's own document."""
    return send_document(request, proof_id)


@post("/v1/onboarding/{step:str}", permission="members.manage", sync_to_thread=True, status_code=200, tags=["people"])
def complete_step(
    step: FromPath[Literal["tax", "agreement"]], data: JSONBody[OnboardingIn], request: ApiRequest
) -> OnboardingOut:
    """Do a step. `legal` is done by the platform's approval, `bank` by a payout account, `connector` by a passed test."""

    def work(uow: UnitOfWork) -> OnboardingOut:
        do_step(request, uow, step, data.tax_id, data.agreement_version, data.locale)
        return OnboardingOut.of(get_checklist(uow))

    return request.transact(work)


@get("/v1/payout-accounts", permission="billing.manage", sync_to_thread=True, tags=["people"])
def get_payout_accounts(request: ApiRequest) -> PayoutAccountsOut:
    """Where the organization is paid, by currency."""
    with request.transaction() as uow:
        return PayoutAccountsOut(items=[PayoutAccountOut.of_row(row) for row in list_payout_accounts(uow)])


@post("/v1/payout-accounts", permission="billing.manage", refuses=[409], sync_to_thread=True, tags=["people"])
def create_payout_account(data: JSONBody[PayoutAccountIn], request: ApiRequest) -> PayoutAccountOut:
    """Let payouts in a currency go to this account from now on. The same account again changes nothing."""
    command = SavePayoutAccount(**data.model_dump())
    box = request.services.secrets

    def work(uow: UnitOfWork) -> PayoutAccountOut:
        return PayoutAccountOut.of_row(view_payout_account(uow, save_payout_account(uow, command, box)))

    return request.transact(work)


@get("/v1/operator/legal-proofs", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def get_waiting_proofs(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[WaitingProofOut]]:
    """Documents that wait for a decision, the oldest first."""
    with request.transaction() as uow:
        page = list_waiting_proofs(uow, cursor=paging.cursor, limit=paging.limit)
    return linked(page, WaitingProofOut.of, "/v1/operator/legal-proofs", limit=paging.limit)


@get(
    "/v1/operator/legal-proofs/{proof_id:uuid}/file",
    media_type="application/octet-stream",
    permission="operator.reviews",
    sync_to_thread=True,
    tags=["operator"],
)
def get_document(proof_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The bytes of a seller's document."""
    return send_document(request, proof_id)


@post(
    "/v1/operator/legal-proofs/{proof_id:uuid}",
    permission="operator.reviews",
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def decide_legal_proof(proof_id: FromPath[UUID], data: JSONBody[LegalReviewIn], request: ApiRequest) -> LegalProofOut:
    """Approve a document, or reject it with a reason that the seller reads."""
    command = ReviewLegalProof(proof_id, data.approve, data.reason)
    return LegalProofOut.of(request.transact(lambda uow: to_proof_view(review_legal_proof(uow, command))))


@post(
    "/v1/operator/payout-accounts/{account_id:uuid}/reveal",
    permission="operator.payouts",
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def reveal(account_id: FromPath[UUID], request: ApiRequest) -> RevealedOut:
    """A party's account with its whole number, for setting a payout up. Who looked is kept in the audit log."""

    def work(uow: UnitOfWork) -> RevealedOut:
        view, account = reveal_payout_account(uow, account_id, request.services.secrets)
        return RevealedOut.of_row(view, account=account)

    return request.transact(work)


def do_step(
    request: ApiRequest, uow: UnitOfWork, step: Step, tax_id: str | None, agreement_version: str, locale: str
) -> None:
    """For the JSON route and the page alike. Raises as `confirm_tax` and `accept_agreement`."""
    if step == "tax":
        confirm_tax(uow, tax_id)
        return
    if request.signed_in is None:
        raise Forbidden("person_required")
    accept_agreement(uow, AcceptAgreement(agreement_version, locale, request.signed_in.person_name))


def hand_in(request: ApiRequest, upload: UploadFile) -> LegalProofOut:
    """Check a form's file, store it and let it be reviewed; for the JSON route and the page alike.

    Raises: as `count_document`, `checked_media_type` and `submit_legal_proof`; Unavailable `storage_unavailable`.
    """
    org_id = request.principal.organization()
    request.transact(count_document)
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    media_type = checked_media_type(content)

    def keep(uow: UnitOfWork, stored: StoredObject) -> LegalProof:
        return submit_legal_proof(uow, SubmitLegalProof(stored, media_type, upload.filename))

    row = keep_document(request, document_key(org_id), content, keep)
    return LegalProofOut.of(to_proof_view(row))


def send_document(request: ApiRequest, proof_id: UUID) -> Response[Any]:
    """A document's bytes. A stranger's file runs nothing here: pictures are shown, everything else is downloaded."""
    with request.transaction() as uow:
        document: LegalDocument = find_document(uow, proof_id)
    return scan_answer(request, document.key, document.media_type, f"legal-proof-{proof_id}")


routes = [
    get_onboarding,
    begin_onboarding,
    get_agreement,
    create_legal_proof,
    get_own_document,
    complete_step,
    get_payout_accounts,
    create_payout_account,
    get_waiting_proofs,
    get_document,
    decide_legal_proof,
    reveal,
]
