"""Tables of what organizations say of what they bought."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges


class CustomerReview(Base):
    """What an organization says of a product that it has been entitled to; the database holds the two together.

    One of each organization and listing. `revision` counts what was ever written; `body` is restricted Markdown, as
    written.
    """

    __tablename__ = "customer_review"
    __table_args__ = (
        UniqueConstraint("org_id", "listing_id"),
        ForeignKeyConstraint(
            ["org_id", "seller_org_id", "entitlement_id"],
            [
                "fulfillment.entitlement.buyer_org_id",
                "fulfillment.entitlement.seller_org_id",
                "fulfillment.entitlement.id",
            ],
            name="fk_customer_review_entitlement",
        ),
        ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_customer_review_listing",
        ),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint("org_id <> seller_org_id", name="of_another"),
        CheckConstraint("(answer = '') = (answered_at IS NULL)", name="answered"),
        CheckConstraint("state IN ('shown', 'withdrawn', 'removed')", name="state"),
        Index("ix_customer_review_org_id_seller_org_id_entitlement_id", "org_id", "seller_org_id", "entitlement_id"),
        Index("ix_customer_review_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        Index("ix_customer_review_listing_id_created_at", "listing_id", "created_at", "id"),
        Index("ix_customer_review_person_id", "person_id"),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who wrote last. Readers learn the organization alone."""
    org_name: Mapped[str]
    stars: Mapped[int]
    body: Mapped[str]
    revision: Mapped[int]
    state: Mapped[str]
    answer: Mapped[str]
    """The seller's, plain text; empty as long as there is none."""
    answered_at: Mapped[Instant | None]
    changed_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]


class CustomerReviewRevision(Base):
    """One version of a review, the present one included. Nothing of it is ever changed."""

    __tablename__ = "customer_review_revision"
    __table_args__ = (
        UniqueConstraint("review_id", "number"),
        Index("ix_customer_review_revision_org_id", "org_id", "review_id"),
        Index("ix_customer_review_revision_person_id", "person_id"),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    review_id: Mapped[UUID] = mapped_column(ForeignKey("fulfillment.customer_review.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    number: Mapped[int]
    stars: Mapped[int]
    body: Mapped[str]
    created_at: Mapped[CreatedAt]


register("uq_customer_review_org_id_listing_id", lambda: Conflict("customer_review_changed"))


CUSTOMER_REVIEW = Machine(
    "customer_review",
    initial="shown",
    edges=edges(shown="withdrawn removed", withdrawn="shown removed", removed=""),
)
"""Withdrawn by its organization, which may write again; removed by the platform, for good."""
