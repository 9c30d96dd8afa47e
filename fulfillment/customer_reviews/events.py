"""Facts about customers' reviews."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class CustomerReviewWritten(Event):
    """An organization reviewed a product, or changed what it said."""

    topic: ClassVar[str] = "fulfillment.customer_review_written.v1"
    review_id: UUID
    org_id: UUID
    seller_org_id: UUID
    listing_id: UUID


class CustomerReviewTakenDown(Event):
    """A review is no longer shown: its organization withdrew it, or the platform removed it."""

    topic: ClassVar[str] = "fulfillment.customer_review_taken_down.v1"
    review_id: UUID
    org_id: UUID
    seller_org_id: UUID
    listing_id: UUID


class CustomerReviewAnswered(Event):
    """The seller answered."""

    topic: ClassVar[str] = "fulfillment.customer_review_answered.v1"
    review_id: UUID
    org_id: UUID
    seller_org_id: UUID
