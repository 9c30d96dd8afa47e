"""The table of questions about products, each with its seller's answer."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class ProductQuestion(Base):
    """What a person asks about a product in everybody's sight: plain text, with the names they had then."""

    __tablename__ = "product_question"
    __table_args__ = (
        ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_product_question_listing",
        ),
        CheckConstraint("(answer = '') = (answered_at IS NULL)", name="answered"),
        CheckConstraint("state IN ('shown', 'hidden', 'removed')", name="state"),
        Index("ix_product_question_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        Index("ix_product_question_person_id", "person_id"),
        Index("ix_product_question_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        Index("ix_product_question_listing_id_created_at", "listing_id", "created_at", "id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    person_name: Mapped[str]
    org_name: Mapped[str]
    body: Mapped[str]
    state: Mapped[str]
    answer: Mapped[str]
    """The seller's, plain text; empty as long as there is none."""
    answered_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


PRODUCT_QUESTION = Machine(
    "marketplace.product_question",
    initial="shown",
    edges=edges(shown="hidden removed", hidden="shown removed", removed=""),
)
"""Hidden by the seller, who may show it again; removed by whoever asked or by the platform, for good."""
