"""The reviewer's dashboard: what waits for a decision, and taking listings off sale."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, list_page
from api.v1.listing_out import ListingOut
from fulfillment.entitlements.queries import count_customers
from marketplace.catalog.content_hash import version_hash
from marketplace.catalog.queries import get_versions_compared, list_in_review
from marketplace.catalog.review_desk import CHECKLIST, REASONS, list_sale_changes, require_checklist
from marketplace.catalog.review_listing import ReviewListing, resume_listing, review_listing, suspend_listing
from marketplace.catalog.submit_listing import Reason, check_version
from marketplace.discovery.count_cards import count_cards
from marketplace.onboarding.queries import is_onboarded


class ReasonIn(Wire):
    """Why a version may not be sold: the field, an error code, and the reviewer's own words."""

    field: Annotated[str, Field(max_length=60)]
    code: Annotated[str, Field(max_length=60, pattern="^[a-z][a-z0-9_]*$")]
    note: Annotated[str, Field(max_length=500)] = ""


class ReviewIn(Wire):
    """A reviewer's decision; a rejection names its reasons. `seen`, of what was read, refuses what was changed since.

    An approval vouches for every point of the desk's `checklist`.
    """

    approve: bool
    checklist: Annotated[list[Annotated[str, Field(max_length=40)]], Field(default_factory=list, max_length=20)]
    reasons: Annotated[list[ReasonIn], Field(default_factory=list, max_length=20)]
    seen: Annotated[str | None, Field(max_length=60)] = None


class ReviewReasonOut(Out):
    """A field and a code with its words among the errors'; `note`: the reviewer's own words."""

    field: str
    code: str
    note: str


class SaleChangeOut(Out):
    """A listing was taken off sale (`suspended`) or put back (`published`)."""

    state: str
    reason: str | None
    at: datetime


class ReviewDeskOut(Out):
    """A listing before its reviewer: what waits beside what is on sale, and what to go by.

    `checklist`: the points to vouch for. `reasons`: codes offered for a rejection. `found`: what the automatic checks find now.
    `customers` have it in use and `cards` show it: they keep it, and disappear, when it is suspended.
    """

    latest: ListingOut
    published: ListingOut | None
    seen: str
    found: list[ReviewReasonOut]
    checklist: list[str]
    reasons: list[str]
    customers: int
    cards: int
    sale_changes: list[SaleChangeOut]


class SuspendIn(Wire):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


@get("/v1/operator/reviews", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def get_reviews(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ListingOut]]:
    """Versions waiting for a reviewer."""
    return list_page(request, paging, list_in_review, ListingOut.of)


@get("/v1/operator/reviews/{listing_id:uuid}", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def get_review(listing_id: FromPath[UUID], request: ApiRequest) -> ReviewDeskOut:
    """One listing with what is to be decided about it, and when it was taken off sale and put back."""
    with request.transaction() as uow:
        versions = get_versions_compared(uow, listing_id)
        latest, published = versions.latest, versions.published
        found = check_version(latest, latest.plans, onboarded=is_onboarded(uow, latest.org_id))
        return ReviewDeskOut(
            latest=ListingOut.of(latest),
            published=ListingOut.of(published) if published else None,
            seen=version_hash(latest, latest.kind, latest.category, latest.plans),
            found=[ReviewReasonOut(field=one["field"], code=one["code"], note=one.get("note", "")) for one in found],
            checklist=list(CHECKLIST),
            reasons=list(REASONS),
            customers=count_customers(uow, listing_id),
            cards=count_cards(uow, listing_id),
            sale_changes=[SaleChangeOut.of_row(row) for row in list_sale_changes(uow, listing_id)],
        )


@post(
    "/v1/operator/reviews/{listing_id:uuid}",
    permission="operator.reviews",
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def decide_review(listing_id: FromPath[UUID], data: JSONBody[ReviewIn], request: ApiRequest) -> None:
    """Approve, which publishes, or reject with reasons."""
    if data.approve:
        require_checklist(data.checklist)
    reasons = tuple(
        Reason(field=one.field, code=one.code, note=one.note) if one.note else Reason(field=one.field, code=one.code)
        for one in data.reasons
    )
    request.transact(lambda uow: review_listing(uow, ReviewListing(listing_id, data.approve, reasons, data.seen)))


@post(
    "/v1/operator/listings/{listing_id:uuid}/suspend",
    permission="operator.reviews",
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def suspend(listing_id: FromPath[UUID], data: JSONBody[SuspendIn], request: ApiRequest) -> None:
    """Take a listing off sale and off every card at once."""
    request.transact(lambda uow: suspend_listing(uow, listing_id, data.reason))


@post(
    "/v1/operator/listings/{listing_id:uuid}/resume",
    permission="operator.reviews",
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def resume(listing_id: FromPath[UUID], request: ApiRequest) -> None:
    """Put a suspended listing back on sale."""
    request.transact(lambda uow: resume_listing(uow, listing_id))


routes = [get_reviews, get_review, decide_review, suspend, resume]
