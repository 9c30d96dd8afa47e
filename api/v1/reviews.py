"""The reviewer's dashboard: what waits for a decision, and taking listings off sale."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import PageOut, Paging, Wire, list_page
from api.v1.listings import ListingOut
from marketplace.catalog.queries import list_in_review
from marketplace.catalog.review_listing import ReviewListing, resume_listing, review_listing, suspend_listing
from marketplace.catalog.submit_listing import Reason


class ReasonIn(Wire):
    """Why a version may not be sold: the field, and an error code."""

    field: Annotated[str, Field(max_length=60)]
    code: Annotated[str, Field(max_length=60, pattern="^[a-z][a-z0-9_]*$")]


class ReviewIn(Wire):
    """A reviewer's decision; a rejection names its reasons."""

    approve: bool
    reasons: Annotated[list[ReasonIn], Field(default_factory=list, max_length=20)]


class SuspendIn(Wire):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


@get("/v1/operator/reviews", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def get_reviews(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[ListingOut]]:
    """Versions waiting for a reviewer."""
    return list_page(request, paging, list_in_review, ListingOut.of)


@post(
    "/v1/operator/reviews/{listing_id:uuid}",
    permission="operator.reviews",
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def decide_review(listing_id: FromPath[UUID], data: JSONBody[ReviewIn], request: ApiRequest) -> None:
    """Approve, which publishes, or reject with reasons."""
    reasons = tuple(Reason(field=reason.field, code=reason.code) for reason in data.reasons)
    request.transact(lambda uow: review_listing(uow, ReviewListing(listing_id, data.approve, reasons)))


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


routes = [get_reviews, decide_review, suspend, resume]
