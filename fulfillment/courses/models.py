"""The table of how far members came."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant


class EpisodeProgress(Base):
    """How far one member of a buying organization came in one episode. It outlives a seat: the next goes on from there.

    Entitlement and seat are those under which it was watched last.
    """

    __tablename__ = "episode_progress"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id", "listing_id", "video_id"),
        ForeignKeyConstraint(
            ["org_id", "seller_org_id", "entitlement_id"],
            [
                "fulfillment.entitlement.buyer_org_id",
                "fulfillment.entitlement.seller_org_id",
                "fulfillment.entitlement.id",
            ],
            name="fk_episode_progress_entitlement",
        ),
        # A seat is its holder's own: the database says so.
        ForeignKeyConstraint(
            ["entitlement_id", "person_id", "seat_id"],
            ["fulfillment.seat.entitlement_id", "fulfillment.seat.person_id", "fulfillment.seat.id"],
            name="fk_episode_progress_seat",
        ),
        ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_episode_progress_listing",
        ),
        ForeignKeyConstraint(
            ["seller_org_id", "video_id"],
            ["marketplace.video.org_id", "marketplace.video.id"],
            name="fk_episode_progress_video",
        ),
        CheckConstraint("position_ms BETWEEN 0 AND furthest_ms", name="position"),
        Index("ix_episode_progress_org_id_seller_org_id_entitlement_id", "org_id", "seller_org_id", "entitlement_id"),
        Index("ix_episode_progress_entitlement_id_person_id_seat_id", "entitlement_id", "person_id", "seat_id"),
        Index("ix_episode_progress_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        Index("ix_episode_progress_seller_org_id_video_id", "seller_org_id", "video_id"),
        Index("ix_episode_progress_person_id", "person_id"),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    video_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    entitlement_id: Mapped[UUID]
    seat_id: Mapped[UUID | None]
    """None where the plan is sold without seats, for everybody in the organization."""
    position_ms: Mapped[int]
    """Where it was left, and goes on."""
    furthest_ms: Mapped[int]
    completed_at: Mapped[Instant | None]
    """When nine tenths of the episode had been reached first."""
    changed_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]
