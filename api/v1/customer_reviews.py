"""Reviews by organizations that use a product: written, changed, taken back, answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, linked
from fulfillment.customer_reviews.moderate_review import MAX_ANSWER, answer_review
from fulfillment.customer_reviews.queries import (
    CustomerReviewView,
    get_own_review,
    list_customer_reviews,
    list_revisions,
)
from fulfillment.customer_reviews.write_review import MAX_TEXT, WriteReview, withdraw_review, write_review
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.text import render_markdown


class CustomerReviewIn(Wire):
    """One to five stars, and why: restricted Markdown."""

    stars: Annotated[int, Field(strict=True, ge=1, le=5)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class CustomerReviewAnswerIn(Wire):
    """Plain text; an empty one takes the answer back."""

    text: Annotated[str, Field(max_length=MAX_ANSWER)]


class CustomerReviewOut(Out):
    """A review. `text_html` is safe to show; `revision` counts its versions; `own`: one's organization wrote it."""

    id: UUID
    listing_id: UUID
    org_name: str
    stars: int
    text: str
    text_html: str
    state: str
    revision: int
    answer: str
    answered_at: datetime | None
    changed_at: datetime
    created_at: datetime
    own: bool
    answerable: bool

    @classmethod
    def of(cls, row: CustomerReviewView) -> CustomerReviewOut:
        """From the query's row."""
        return cls.of_row(row, text_html=render_markdown(row.text))


class ReviewRevisionOut(Out):
    """A version of a review; the first is number 1."""

    number: int
    stars: int
    text: str
    created_at: datetime


@get("/v1/listings/{listing_id:uuid}/customer-reviews", permission=PUBLIC, sync_to_thread=True, tags=["catalogue"])
def get_customer_reviews(
    listing_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[CustomerReviewOut]]:
    """Reviews of a product by organizations that could use it, newest first."""
    with request.transaction() as uow:
        page = list_customer_reviews(uow, listing_id=listing_id, cursor=paging.cursor, limit=paging.limit)
    path = f"/v1/listings/{listing_id}/customer-reviews"
    return linked(page, CustomerReviewOut.of, path, limit=paging.limit)


@get(
    "/v1/listings/{listing_id:uuid}/customer-review",
    permission="entitlements.read",
    sync_to_thread=True,
    tags=["catalogue"],
)
def get_own(listing_id: FromPath[UUID], request: ApiRequest) -> CustomerReviewOut:
    """What one's own organization wrote of a product, withdrawn or removed included."""
    with request.transaction() as uow:
        return CustomerReviewOut.of(_own(uow, listing_id))


@put(
    "/v1/listings/{listing_id:uuid}/customer-review",
    permission="entitlements.read",
    sync_to_thread=True,
    refuses=[429],
    tags=["catalogue"],
)
def put_review(listing_id: FromPath[UUID], data: JSONBody[CustomerReviewIn], request: ApiRequest) -> CustomerReviewOut:
    """Review a product that one's organization could use, or change what it said; earlier versions stay readable."""

    def work(uow: UnitOfWork) -> CustomerReviewOut:
        write_review(uow, WriteReview(listing_id, data.stars, data.text))
        return CustomerReviewOut.of(_own(uow, listing_id))

    return request.transact(work)


@delete(
    "/v1/listings/{listing_id:uuid}/customer-review",
    permission="entitlements.read",
    sync_to_thread=True,
    tags=["catalogue"],
)
def delete_review(listing_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take one's own organization's review back; it may write again."""
    request.transact(lambda uow: withdraw_review(uow, listing_id))


@get("/v1/customer-reviews/{review_id:uuid}/revisions", permission=PUBLIC, sync_to_thread=True, tags=["catalogue"])
def get_revisions(review_id: FromPath[UUID], request: ApiRequest) -> list[ReviewRevisionOut]:
    """Every version of a review, newest first."""
    with request.transaction() as uow:
        return [ReviewRevisionOut.of_row(row) for row in list_revisions(uow, review_id)]


@put(
    "/v1/seller/customer-reviews/{review_id:uuid}/answer",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["seller"],
)
def put_review_answer(review_id: FromPath[UUID], data: JSONBody[CustomerReviewAnswerIn], request: ApiRequest) -> None:
    """Answer a review of one's own product."""
    request.transact(lambda uow: answer_review(uow, review_id, data.text))


def _own(uow: UnitOfWork, listing_id: UUID) -> CustomerReviewView:
    found = get_own_review(uow, listing_id).review
    if found is None:
        raise NotFound("customer_review_not_found")
    return found


routes = [
    get_customer_reviews,
    get_own,
    put_review,
    delete_review,
    get_revisions,
    put_review_answer,
]
