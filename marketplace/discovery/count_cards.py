"""How many cards would disappear with a listing."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, Plan
from marketplace.placements.models import Placement
from marketplace.videos.models import Video


def count_cards(uow: UnitOfWork, listing_id: UUID) -> int:
    """How many cards on published videos show what is on sale of a listing; of those that the acting side may see."""
    statement = (
        select(func.count())
        .select_from(Placement)
        .join(Video, Video.id == Placement.video_id)
        .join(Plan, Plan.id == Placement.plan_id)
        .join(Listing, Listing.id == Placement.listing_id)
        .where(
            Placement.listing_id == listing_id,
            Placement.removed_at.is_(None),
            Video.state == "published",
            Plan.version_id == Listing.current_version_id,
        )
    )
    return uow.session.scalar(statement) or 0
