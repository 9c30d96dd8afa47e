"""What speaks for a video's place in the feed to all viewers alike, written down where the feed reads it anyway."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing
from marketplace.discovery.ranking import crowding_hours, newcomer_hours, outcome_hours
from marketplace.parties.models import Organization
from marketplace.placements.models import Placement
from marketplace.videos.models import Video

LATELY = timedelta(days=1)
MOST_INTERESTS = 3


def place_video(uow: UnitOfWork, video: Video, at: datetime) -> None:
    """Work out what is known of a locked video that is published `at`: how new its channel is, how much it publishes."""
    others = (Video.org_id == video.org_id, Video.channel_id == video.channel_id, Video.id != video.id)
    before, lately = uow.session.execute(
        select(func.count(), func.count().filter(Video.published_at > at - LATELY)).where(
            *others, Video.published_at <= at
        )
    ).one()
    video.newcomer_h, video.crowding_h = newcomer_hours(before), crowding_hours(lately)
    set_category(uow, video)


def set_category(uow: UnitOfWork, video: Video) -> None:
    """Write down what kind of product a locked video shows first."""
    uow.flush()
    video.category = uow.session.scalar(
        select(Listing.category)
        .join(Placement, Placement.listing_id == Listing.id)
        .where(Placement.org_id == video.org_id, Placement.video_id == video.id, Placement.removed_at.is_(None))
        .order_by(Placement.start_ms, Placement.position, Placement.id)
        .limit(1)
    )


def set_outcomes(uow: UnitOfWork, outcomes: dict[UUID, tuple[int, int]]) -> None:
    """Write down how many orders of each video were kept and how many lost. What is the same stays unwritten.

    Locks: the videos.
    """
    for video in lock_rows(uow.session, Video, outcomes):
        hours = outcome_hours(*outcomes[video.id])
        if video.outcome_h != hours:
            video.outcome_h = hours
    uow.flush()


def set_interests(uow: UnitOfWork, org_id: UUID, categories: Collection[str]) -> None:
    """Write down what kinds of product were delivered to an organization lately. Locks: the organization."""
    kept = sorted(list(categories)[:MOST_INTERESTS])
    organization = lock_row(uow.session, Organization, org_id)
    if organization is not None and organization.interests != kept:
        organization.interests = kept
    uow.flush()
