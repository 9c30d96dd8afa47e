"""Reads about customers' reviews: below a product, one's own, and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from fulfillment.customer_reviews.models import CustomerReview, CustomerReviewRevision
from fulfillment.customer_reviews.write_review import find_own_review, find_reviewable
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.queries import get_listing


@dataclass(frozen=True, slots=True)
class CustomerReviewView:
    """A review as its reader meets it. `text` is restricted Markdown, `answer` the seller's plain text.

    `own`: the reader's organization wrote it; `answerable`: it sells the product.
    """

    id: UUID
    listing_id: UUID
    org_name: str
    stars: int
    text: str
    state: str
    revision: int
    answer: str
    answered_at: datetime | None
    changed_at: datetime
    created_at: datetime
    own: bool
    answerable: bool


@dataclass(frozen=True, slots=True)
class OwnReview:
    """What the acting organization wrote, and whether it may write."""

    review: CustomerReviewView | None
    may_write: bool


@dataclass(frozen=True, slots=True)
class ReviewRevision:
    """One version of a review; the first is number 1."""

    number: int
    stars: int
    text: str
    created_at: datetime


def list_customer_reviews(
    uow: UnitOfWork, *, listing_id: UUID, cursor: str | None = None, limit: int = 20
) -> Page[CustomerReviewView]:
    """Reviews that are shown of a product on sale, or of one's own, newest first.

    Raises:
        NotFound: `listing_not_found`. Invalid: `cursor_invalid`.
    """
    get_listing(uow, listing_id)
    return reviews_of(uow, listing_id, cursor=cursor, limit=limit)


def reviews_of(
    uow: UnitOfWork, listing_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[CustomerReviewView]:
    """`list_customer_reviews` of a product that the caller has seen already."""
    statement = select(CustomerReview).where(CustomerReview.listing_id == listing_id, CustomerReview.state == "shown")
    statement = newest_first(statement, CustomerReview.created_at, CustomerReview.id, cursor, limit)
    page = cut(list(uow.session.scalars(statement)), limit, lambda row: (row.created_at, row.id))
    return Page([_view(uow, row) for row in page.items], page.next_cursor)


def get_own_review(uow: UnitOfWork, listing_id: UUID) -> OwnReview:
    """Of the acting organization; nothing, and no right to write, for whoever has none."""
    if uow.principal.org_id is None or uow.principal.person_id is None:
        return OwnReview(None, may_write=False)
    found = find_own_review(uow, listing_id)
    may_write = uow.principal.may("entitlements.read") and (found is None or found.state != "removed")
    return OwnReview(
        _view(uow, found) if found is not None else None,
        may_write=may_write and find_reviewable(uow, listing_id) is not None,
    )


def list_revisions(uow: UnitOfWork, review_id: UUID) -> list[ReviewRevision]:
    """Every version of a review that is shown, or of one's own, newest first.

    Raises:
        NotFound: `customer_review_not_found`.
    """
    review = uow.session.get(CustomerReview, review_id)
    if review is None or (review.state != "shown" and review.org_id != uow.principal.org_id):
        raise NotFound("customer_review_not_found")
    rows = uow.session.scalars(
        select(CustomerReviewRevision)
        .where(CustomerReviewRevision.review_id == review_id)
        .order_by(CustomerReviewRevision.number.desc())
        .limit(100)
    )
    return [ReviewRevision(row.number, row.stars, row.body, row.created_at) for row in rows]


def _view(uow: UnitOfWork, row: CustomerReview) -> CustomerReviewView:
    me = uow.principal
    return CustomerReviewView(
        id=row.id,
        listing_id=row.listing_id,
        org_name=row.org_name,
        stars=row.stars,
        text=row.body,
        state=row.state,
        revision=row.revision,
        answer=row.answer,
        answered_at=row.answered_at,
        changed_at=row.changed_at,
        created_at=row.created_at,
        own=row.org_id == me.org_id,
        answerable=row.seller_org_id == me.org_id and me.may("catalog.write"),
    )
