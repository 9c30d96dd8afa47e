"""Who the organization is: its tax identifier, whether it is verified, and the document that proves it."""

from __future__ import annotations

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.translations import translations
from api.pages.verification.views import VerificationView
from api.problems import headers_of
from api.v1.onboarding import hand_in
from api.v1.verification import ask_transfer, correct_tax_id
from kernel.errors import DomainError
from marketplace.onboarding.legal_document import MAX_BYTES
from marketplace.onboarding.tax_id_queries import get_verification

Answer = Response[str] | Response[bytes]
OWN = "members.manage"
REFUSED = 422


@page(addresses.VERIFICATION, OWN)
def show_verification(page_request: Given[PageRequest]) -> Answer:
    """How the identity stands, and what to do next."""
    return page_request.render(_view(page_request))


@form_post(addresses.VERIFICATION, OWN, file_bytes=MAX_BYTES)
def hand_in_evidence(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take a document, to be looked at by the platform."""
    try:
        hand_in(page_request.request, form.file("file"))
    except DomainError as refused:
        view = _view(page_request, "", refused)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.VERIFICATION, notice="legal_handed_in")


@form_post(addresses.VERIFICATION_TRANSFER, OWN)
def begin_transfer(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say what to transfer; pressed twice, it is the same."""
    del form
    try:
        ask_transfer(page_request.request)
    except DomainError as refused:
        view = _view(page_request, "", refused)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.VERIFICATION, notice="transfer_asked")


@form_post(addresses.VERIFICATION_TAX_ID, OWN)
def save_tax_id(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Give another identifier, as long as none is verified."""
    tax_id = form.text("tax_id", most=60)
    try:
        page_request.transact(lambda uow: correct_tax_id(uow, tax_id))
    except DomainError as refused:
        status = refused.status if refused.status in {409, 429} else REFUSED
        return page_request.render(_view(page_request, tax_id, refused), status=status, headers=headers_of(refused))
    return page_request.redirect(addresses.VERIFICATION, notice="tax_id_changed")


def _view(page_request: PageRequest, tax_id: str | None = None, refused: DomainError | None = None) -> VerificationView:
    with page_request.work() as uow:
        found = get_verification(uow)
    names = translations(page_request.language).locale.territories
    return VerificationView(
        found=found,
        country_name=str(names.get(found.country, found.country)),
        max_bytes=MAX_BYTES,
        transfer_account=page_request.services.settings.transfer_account,
        tax_id=tax_id or found.tax_id or "",
        error=failure(page_request, refused) if refused else None,
        error_field=(getattr(refused, "field", None) or "") if refused else "",
    )


routes = [show_verification, hand_in_evidence, begin_transfer, save_tax_id]
