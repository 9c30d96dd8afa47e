"""The operator decides whose a tax identifier is that several organizations claim."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure, seconds_since
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.translations import translations
from api.pages.tax_id_disputes.views import TaxIdDisputeRow, TaxIdDisputesView, TaxIdDisputeView
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.onboarding.decide_tax_id_dispute import DecideTaxIdDispute, Decision, decide_tax_id_dispute
from marketplace.onboarding.tax_id_queries import DisputeView, get_tax_id_dispute, list_tax_id_disputes
from marketplace.parties.open_tax_id_dispute import UNDECIDED

Answer = Response[str] | Response[bytes]
REVIEW = "operator.reviews"
_PAGE = 20
_DECISIONS: dict[str, tuple[Decision, str]] = {
    "ask_evidence": ("ask_evidence", "tax_id_ask_evidence"),
    "settle": ("settle", "tax_id_settle"),
    "dismiss": ("dismiss", "tax_id_dismiss"),
}
"""What the buttons say, and the notice after it."""


@page(addresses.TAX_ID_DISPUTES, REVIEW)
def show_disputes(page_request: Given[PageRequest]) -> Answer:
    """What is not decided, the oldest first."""
    with page_request.work() as uow:
        found = list_tax_id_disputes(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
    rows = tuple(
        TaxIdDisputeRow(
            id=str(one.id),
            tax_id=one.tax_id,
            country_name=_country(page_request, one),
            state=one.state,
            names=tuple(claimant.display_name for claimant in one.claimants),
            waiting_s=seconds_since(one.created_at),
        )
        for one in found.items
    )
    return page_request.render(
        TaxIdDisputesView(rows, addresses.next_page(addresses.TAX_ID_DISPUTES, found.next_cursor))
    )


@page("/operator/tax-id-disputes/{tax_id_dispute_id:uuid}", REVIEW)
def show_dispute(tax_id_dispute_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of them, with the documents of everybody who claims it."""
    return page_request.render(_view(page_request, tax_id_dispute_id))


@form_post("/operator/tax-id-disputes/{tax_id_dispute_id:uuid}", REVIEW)
def decide(tax_id_dispute_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask for documents, say whose it is, or close it. Pressed twice, the second finds it decided alike."""
    action, reason, chosen = form.text("action", most=20), form.text("reason", most=2_000), form.text("org_id", most=40)
    try:
        if action not in _DECISIONS:
            raise Invalid("validation_failed", field="action")
        decision, notice = _DECISIONS[action]
        command = DecideTaxIdDispute(tax_id_dispute_id, decision, _organization(decision, chosen), reason)
        page_request.transact(lambda uow: decide_tax_id_dispute(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        view = _view(page_request, tax_id_dispute_id, action, chosen, reason, refused)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.TAX_ID_DISPUTES, notice=notice)


def _organization(decision: Decision, chosen: str) -> UUID | None:
    if decision != "settle":
        return None
    try:
        return UUID(chosen)
    except ValueError as error:
        raise Invalid("dispute_party_invalid", field="org_id") from error


def _view(
    page_request: PageRequest,
    dispute_id: UUID,
    decision: str = "",
    org_id: str = "",
    reason: str = "",
    refused: DomainError | None = None,
) -> TaxIdDisputeView:
    with page_request.work() as uow:
        found = get_tax_id_dispute(uow, dispute_id)
    return TaxIdDisputeView(
        found=found,
        country_name=_country(page_request, found),
        is_open=found.state in UNDECIDED,
        decision=decision,
        org_id=org_id,
        reason=reason,
        error=failure(page_request, refused) if refused else None,
        error_field=(getattr(refused, "field", None) or "") if refused else "",
    )


def _country(page_request: PageRequest, one: DisputeView) -> str:
    return str(translations(page_request.language).locale.territories.get(one.country, one.country))


routes = [show_disputes, show_dispute, decide]
