"""The operator looks at sellers' documents and decides."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure, seconds_since
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.translations import translations
from api.pages.seller_reviews.views import RevealedView, SellerReviewsView, SellerReviewView, WaitingRow
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.onboarding.queries import (
    LegalProofView,
    WaitingProof,
    get_proof,
    list_waiting_proofs,
    reveal_payout_account,
)
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.parties.lookups import get_party

Answer = Response[str] | Response[bytes]
REVIEW = "operator.reviews"
_PAGE = 20


@page(addresses.OPERATOR_SELLERS, REVIEW)
def show_waiting(page_request: Given[PageRequest]) -> Answer:
    """What waits for a decision, the oldest first."""
    with page_request.work() as uow:
        found = list_waiting_proofs(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
    rows = tuple(_row(page_request, one) for one in found.items)
    return page_request.render(
        SellerReviewsView(rows, addresses.next_page(addresses.OPERATOR_SELLERS, found.next_cursor))
    )


@page("/operator/sellers/{proof_id:uuid}", REVIEW)
def show_one(proof_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One document, and the form that decides about it."""
    return page_request.render(_one(page_request, proof_id))


@form_post("/operator/sellers/{proof_id:uuid}", REVIEW)
def decide(proof_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Approve, or reject with a reason that the seller reads. Pressed twice, the second finds it decided alike."""
    approve = form.text("action", most=10) == "approve"
    reason = form.text("reason", most=2_000)
    command = ReviewLegalProof(proof_id, approve, "" if approve else reason)
    try:
        page_request.transact(lambda uow: review_legal_proof(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        view = _one(page_request, proof_id, reason, refused)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.OPERATOR_SELLERS, notice="legal_approved" if approve else "legal_rejected")


@form_post("/operator/payout-accounts/{account_id:uuid}", "operator.payouts")
def reveal(account_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Show a party's account whole, for setting a payout up. Who looked is kept."""
    del form
    box = page_request.services.secrets

    def work(uow: UnitOfWork) -> RevealedView:
        account, number = reveal_payout_account(uow, account_id, box)
        party = get_party(uow, account.org_id).display_name
        return RevealedView(party, account, _country(page_request, account.country), number)

    return page_request.render(page_request.transact(work))


def _one(
    page_request: PageRequest, proof_id: UUID, reason: str = "", refused: DomainError | None = None
) -> SellerReviewView:
    with page_request.work() as uow:
        found = get_proof(uow, proof_id)
    return SellerReviewView(
        found,
        _country(page_request, found.country),
        reason,
        page_request.services.settings.transfer_account,
        failure(page_request, refused) if refused else None,
        getattr(refused, "field", None) or "" if refused else "",
    )


def _row(page_request: PageRequest, one: WaitingProof) -> WaitingRow:
    return WaitingRow(
        id=str(one.proof.id),
        seller=one.display_name,
        legal_name=one.legal_name,
        country_name=_country(page_request, one.country),
        file_name=_proof_name(page_request, one.proof),
        waiting_s=seconds_since(one.proof.created_at),
    )


def _proof_name(page_request: PageRequest, proof: LegalProofView) -> str:
    """A document by its file's name, a transfer by what is looked for at the bank."""
    if proof.transfer is None:
        return proof.file_name
    return f"{page_request.formats.money(proof.transfer)} · {proof.transfer_reference}"


def _country(page_request: PageRequest, code: str) -> str:
    return str(translations(page_request.language).locale.territories.get(code, code))


routes = [show_waiting, show_one, decide, reveal]
