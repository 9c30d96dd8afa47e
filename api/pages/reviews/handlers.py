"""The reviewer's desk: the queue with its clock, one version with what it changes, and taking listings off sale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.listings.shown import shown_listing
from api.pages.reviews import presenter
from api.pages.reviews.views import ReviewQueueView
from fulfillment.entitlements.queries import count_customers
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.catalog.queries import get_versions_compared, list_sold_listings, review_queue
from marketplace.catalog.review_desk import CHECKLIST, list_sale_changes, require_checklist
from marketplace.catalog.review_listing import ReviewListing, resume_listing, review_listing, suspend_listing
from marketplace.discovery.count_cards import count_cards
from marketplace.onboarding.queries import is_onboarded

REVIEW = "operator.reviews"
_PAGE = 20


@page(addresses.REVIEWS, REVIEW)
def show_queue(page_request: Given[PageRequest]) -> Response[str]:
    """What waits, the longest first; below it, listings to look up."""
    query, cursor = page_request.query("q"), page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        waiting = review_queue(uow)
        sold = list_sold_listings(uow, cursor=cursor, limit=_PAGE, query=query or None)
    view = ReviewQueueView(
        tuple(presenter.waiting(page_request, row) for row in waiting),
        tuple(presenter.sold(page_request, row) for row in sold.items),
        query,
        addresses.next_page(addresses.REVIEWS, sold.next_cursor, q=query),
    )
    return page_request.render(view)


@page("/operator/reviews/{listing_id:uuid}", REVIEW)
def show_review(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One listing with what is to be decided about it."""
    return _review(page_request, listing_id)


@form_post("/operator/reviews/{listing_id:uuid}", REVIEW)
def decide(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Approve, which publishes, or return with reasons at their fields. Pressed twice, the second finds it decided."""
    approve = form.text("action", most=10) == "approve"

    def work(uow: UnitOfWork) -> None:
        if approve:
            require_checklist([one for one in CHECKLIST if form.text(f"check_{one}")])
        reasons = () if approve else presenter.reasons_of(form)
        review_listing(uow, ReviewListing(listing_id, approve, reasons, form.text("seen", most=60)))

    done = "listing_approved" if approve else "listing_rejected"
    return _done(page_request, listing_id, form, work, done, addresses.REVIEWS)


@form_post("/operator/listings/{listing_id:uuid}/suspend", REVIEW)
def suspend(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take a listing off sale. Pressed twice, the second finds it suspended."""

    def work(uow: UnitOfWork) -> None:
        reason = form.text("reason", most=500)
        if not reason:
            raise Invalid("text_required", field="reason")
        suspend_listing(uow, listing_id, reason)

    target = addresses.operator_review(str(listing_id))
    return _done(page_request, listing_id, form, work, "listing_suspended", target)


@form_post("/operator/listings/{listing_id:uuid}/resume", REVIEW)
def resume(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Put a suspended listing back on sale. Pressed twice, the second finds it on sale."""
    target = addresses.operator_review(str(listing_id))
    return _done(page_request, listing_id, form, lambda uow: resume_listing(uow, listing_id), "listing_resumed", target)


def _done(
    page_request: PageRequest,
    listing_id: UUID,
    form: Form,
    work: Callable[[UnitOfWork], object],
    notice: str,
    target: str,
) -> Response[Any]:
    """Do `work` and go on; a refusal is told on the listing's page, with all that was typed."""
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return _review(page_request, listing_id, form, refused)
    return page_request.redirect(target, notice=notice)


def _review(
    page_request: PageRequest, listing_id: UUID, form: Form | None = None, refused: DomainError | None = None
) -> Response[str]:
    with page_request.work() as uow:
        versions = get_versions_compared(uow, listing_id)
        data = presenter.ReviewData(
            versions,
            shown_listing(page_request, uow, versions.latest),
            onboarded=is_onboarded(uow, versions.latest.org_id),
            customers=count_customers(uow, listing_id),
            cards=count_cards(uow, listing_id),
            sale_changes=list_sale_changes(uow, listing_id),
        )
    typed = form.values if form is not None else {}
    error = failure(page_request, refused) if refused is not None else None
    view = presenter.review(page_request, data, typed, error)
    return page_request.render(view, status=refused.status if refused is not None else 200)


routes = [show_queue, show_review, decide, suspend, resume]
