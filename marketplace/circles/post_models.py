"""The table of what members write in a circle."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class CirclePost(Base):
    """Words of a member, with a video or a product of the platform beside them where they name one."""

    __tablename__ = "circle_post"
    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "member_id"], ["marketplace.circle_member.org_id", "marketplace.circle_member.id"]
        ),
        CheckConstraint("state IN ('waiting', 'shown', 'hidden', 'removed')", name="state"),
        CheckConstraint("num_nonnulls(listing_id, video_id) <= 1", name="one_card"),
        CheckConstraint("marked_at IS NULL OR state = 'shown'", name="marked"),
        Index("ix_circle_post_org_id_state", "org_id", "state", "created_at", "id"),
        Index("ix_circle_post_member_id", "org_id", "member_id", "created_at"),
        Index("ix_circle_post_marked", "org_id", "marked_at", postgresql_where=text("marked_at IS NOT NULL")),
        Index("ix_circle_post_video_id", "video_id"),
        Index("ix_circle_post_listing_id", "listing_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    """The circle."""
    member_id: Mapped[UUID]
    body: Mapped[str]
    video_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.video.id"))
    listing_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.listing.id"))
    """Each reader is shown it for as long as they may see it."""
    state: Mapped[str]
    marked_at: Mapped[Instant | None]
    """Of a community: it stays above the others. Of a teaching circle: its video is on the list to watch."""
    created_at: Mapped[CreatedAt]


CIRCLE_POST = Machine(
    "marketplace.circle_post",
    initial="waiting shown",
    edges=edges(waiting="shown hidden removed", shown="hidden removed", hidden="shown removed", removed=""),
)
"""Hidden by a leader, who may show it again; removed by its author or the platform for good."""
