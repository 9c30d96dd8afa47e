"""A listing carries how many reviews it has and what they come to, so that no card asks for it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from fulfillment.customer_reviews.events import CustomerReviewTakenDown, CustomerReviewWritten
from fulfillment.customer_reviews.models import CustomerReview
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows
from marketplace.catalog.rate_listing import lock_listing, rate_listing


@follows(CustomerReviewWritten)
def count_written(uow: UnitOfWork, fact: Payload) -> None:
    """Count anew."""
    count_rating(uow, UUID(fact["listing_id"]))


@follows(CustomerReviewTakenDown)
def count_taken_down(uow: UnitOfWork, fact: Payload) -> None:
    """Count anew."""
    count_rating(uow, UUID(fact["listing_id"]))


def count_rating(uow: UnitOfWork, listing_id: UUID) -> None:
    """Count the reviews that are shown, and write what they come to. Locks: the listing, before it counts."""
    listing = lock_listing(uow, listing_id)
    counted = select(func.count(), func.coalesce(func.sum(CustomerReview.stars), 0)).where(
        CustomerReview.listing_id == listing_id, CustomerReview.state == "shown"
    )
    number, total = uow.session.execute(counted).one()
    rate_listing(uow, listing, number, int(total))
