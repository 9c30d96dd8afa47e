"""Whose a tax identifier is: the organization's own proof of it, and what the platform decides where several claim one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, linked
from api.v1.legal_proof_out import LegalProofOut
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm, hand_in
from api.v1.organizations import require_own_organization
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.access.identity_limits import count_document, count_tax_id
from marketplace.onboarding.change_tax_id import change_tax_id
from marketplace.onboarding.decide_tax_id_dispute import DecideTaxIdDispute, decide_tax_id_dispute
from marketplace.onboarding.legal_document import MAX_BYTES
from marketplace.onboarding.queries import to_proof_view
from marketplace.onboarding.request_transfer import request_transfer
from marketplace.onboarding.tax_id_queries import (
    ClaimantView,
    DisputeView,
    Verification,
    get_tax_id_dispute,
    get_verification,
    list_tax_id_disputes,
)


class VerificationOut(Out):
    """How the organization's identity stands. `state` is `verified` once the platform saw a proof of it."""

    org_id: UUID
    legal_name: str
    display_name: str
    country: str
    tax_id: str | None
    state: Literal["missing", "unverified", "waiting", "rejected", "verified"]
    verified_at: datetime | None
    proof: LegalProofOut | None
    transfer_account: Annotated[
        str, Meta(description="The platform's account for verification transfers; empty where it takes none")
    ]

    @classmethod
    def of(cls, row: Verification, transfer_account: str) -> VerificationOut:
        """From the query's row."""
        proof = LegalProofOut.of(row.proof) if row.proof else None
        return cls.of_row(row, proof=proof, transfer_account=transfer_account)


class TaxIdIn(Wire):
    """The right identifier: China's unified social credit code, Europe's VAT identifier."""

    tax_id: Annotated[str, Field(max_length=40)]


class ClaimantOut(Out):
    """One of the organizations that claim the identifier, with its latest document."""

    org_id: UUID
    legal_name: str
    display_name: str
    is_seller: bool
    registered_at: datetime
    verified_at: datetime | None
    proof: LegalProofOut | None

    @classmethod
    def of(cls, row: ClaimantView) -> ClaimantOut:
        """From the query's row."""
        return cls.of_row(row, proof=LegalProofOut.of(row.proof) if row.proof else None)


class TaxIdDisputeOut(Out):
    """A tax identifier that several organizations claim, the first registered first."""

    id: UUID
    country: str
    tax_id: str
    state: Literal["open", "evidence_asked", "settled", "dismissed"]
    reason: str
    winner_id: UUID | None
    created_at: datetime
    asked_at: datetime | None
    decided_at: datetime | None
    claimants: list[ClaimantOut]

    @classmethod
    def of(cls, row: DisputeView) -> TaxIdDisputeOut:
        """From the query's row."""
        return cls.of_row(row, claimants=[ClaimantOut.of(one) for one in row.claimants])


class TaxIdDecisionIn(Wire):
    """`ask_evidence`: everybody is asked for a document; `settle`: it is `org_id`'s; `dismiss`: nothing is wrong.

    The last two say why; whoever has to give another identifier reads it.
    """

    decision: Literal["ask_evidence", "settle", "dismiss"]
    org_id: UUID | None = None
    reason: Annotated[str, Field(max_length=500)] = ""


@get("/v1/organizations/{org_id:uuid}/verification", permission="members.manage", sync_to_thread=True, tags=["people"])
def get_own_verification(org_id: FromPath[UUID], request: ApiRequest) -> VerificationOut:
    """Name, tax identifier, whether it is verified, and the latest document."""
    require_own_organization(request.principal, org_id)
    with request.transaction() as uow:
        return _shown(request, uow)


@post(
    "/v1/organizations/{org_id:uuid}/verification",
    permission="members.manage",
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    refuses=[413, 429],
    sync_to_thread=True,
    tags=["people"],
)
def create_verification(
    org_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> LegalProofOut:
    """Hand in a document that shows that the tax identifier is yours: a PDF, a JPEG or a PNG of at most 10 MB."""
    require_own_organization(request.principal, org_id)
    return hand_in(request, data.file)


@put(
    "/v1/organizations/{org_id:uuid}/tax-id",
    permission="members.manage",
    refuses=[409, 429],
    sync_to_thread=True,
    tags=["people"],
)
def replace_tax_id(org_id: FromPath[UUID], data: JSONBody[TaxIdIn], request: ApiRequest) -> VerificationOut:
    """Correct the identifier, as long as it is not verified. A document that waits was about the old one: hand in another."""
    require_own_organization(request.principal, org_id)

    def work(uow: UnitOfWork) -> VerificationOut:
        correct_tax_id(uow, data.tax_id)
        return _shown(request, uow)

    return request.transact(work)


@post(
    "/v1/organizations/{org_id:uuid}/verification-transfer",
    permission="members.manage",
    refuses=[409, 429],
    sync_to_thread=True,
    tags=["people"],
)
def create_verification_transfer(org_id: FromPath[UUID], request: ApiRequest) -> LegalProofOut:
    """In place of a document: what to transfer from an account in the organization's name to `transfer_account`.

    It is verified once the platform has seen it arrive. Asked for again while one waits, that one is answered.
    """
    require_own_organization(request.principal, org_id)
    return ask_transfer(request)


def ask_transfer(request: ApiRequest) -> LegalProofOut:
    """What to transfer, for the JSON route and the page alike.

    Raises: as `count_document` and `request_transfer`; Conflict `transfer_unavailable` where the platform takes none.
    """
    settings = request.services.settings
    if not settings.transfer_account:
        raise Conflict("transfer_unavailable")
    request.transact(count_document)
    currency = settings.verification_currency
    return LegalProofOut.of(request.transact(lambda uow: to_proof_view(request_transfer(uow, currency))))


def _shown(request: ApiRequest, uow: UnitOfWork) -> VerificationOut:
    return VerificationOut.of(get_verification(uow), request.services.settings.transfer_account)


def correct_tax_id(uow: UnitOfWork, tax_id: str) -> None:
    """For the JSON route and the page alike. Raises as `count_tax_id` and `change_tax_id`."""
    count_tax_id(uow)
    change_tax_id(uow, tax_id)


@get("/v1/operator/tax-id-disputes", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def get_tax_id_disputes(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[TaxIdDisputeOut]]:
    """Identifiers that several organizations claim and nobody has decided, the oldest first."""
    with request.transaction() as uow:
        page = list_tax_id_disputes(uow, cursor=paging.cursor, limit=paging.limit)
    return linked(page, TaxIdDisputeOut.of, "/v1/operator/tax-id-disputes", limit=paging.limit)


@get(
    "/v1/operator/tax-id-disputes/{tax_id_dispute_id:uuid}",
    permission="operator.reviews",
    sync_to_thread=True,
    tags=["operator"],
)
def get_one_tax_id_dispute(tax_id_dispute_id: FromPath[UUID], request: ApiRequest) -> TaxIdDisputeOut:
    """One of them, in any state."""
    with request.transaction() as uow:
        return TaxIdDisputeOut.of(get_tax_id_dispute(uow, tax_id_dispute_id))


@post(
    "/v1/operator/tax-id-disputes/{tax_id_dispute_id:uuid}",
    permission="operator.reviews",
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def decide_dispute(
    tax_id_dispute_id: FromPath[UUID], data: JSONBody[TaxIdDecisionIn], request: ApiRequest
) -> TaxIdDisputeOut:
    """Decide whose the identifier is, or ask everybody who claims it for a document. Nobody loses their account by it."""

    def work(uow: UnitOfWork) -> TaxIdDisputeOut:
        command = DecideTaxIdDispute(tax_id_dispute_id, data.decision, data.org_id, data.reason)
        decide_tax_id_dispute(uow, command)
        return TaxIdDisputeOut.of(get_tax_id_dispute(uow, tax_id_dispute_id))

    return request.transact(work)


routes = [
    get_own_verification,
    create_verification,
    create_verification_transfer,
    replace_tax_id,
    get_tax_id_disputes,
    get_one_tax_id_dispute,
    decide_dispute,
]
