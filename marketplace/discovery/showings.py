"""Which videos show a product, at which second: only what can be bought at this moment, in videos the reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, Plan
from marketplace.channels.models import Channel
from marketplace.placements.models import Placement
from marketplace.videos.access import published_to
from marketplace.videos.models import Video, media_version


@dataclass(frozen=True, slots=True)
class Showing:
    """A published video with a card of the product; `start_ms` is where its first card shows."""

    listing_id: UUID
    video_id: UUID
    title: str
    title_en: str
    channel_name: str
    channel_name_en: str
    start_ms: int
    duration_ms: int
    media_version: str
    is_public: bool


def showings_of(uow: UnitOfWork, listing_ids: Sequence[UUID], *, most: int) -> dict[UUID, list[Showing]]:
    """By listing, the latest `most` videos that show it, newest first."""
    cards = (
        select(Placement.listing_id, Placement.video_id, func.min(Placement.start_ms).label("start_ms"))
        .join(Plan, Plan.id == Placement.plan_id)
        .join(Listing, Listing.id == Placement.listing_id)
        .where(
            Placement.listing_id.in_(list(listing_ids)),
            Placement.removed_at.is_(None),
            Plan.state == "active",
            Plan.version_id == Listing.current_version_id,
        )
        .group_by(Placement.listing_id, Placement.video_id)
        .subquery()
    )
    place = (
        func.row_number()
        .over(partition_by=cards.c.listing_id, order_by=(Video.published_at.desc(), Video.id.desc()))
        .label("place")
    )
    ranked = (
        select(cards.c.listing_id, cards.c.start_ms, cards.c.video_id, place)
        .join(Video, Video.id == cards.c.video_id)
        .where(published_to(uow.principal))
        .subquery()
    )
    rows = uow.session.execute(
        select(ranked.c.listing_id, ranked.c.start_ms, Video, Channel)
        .join(Video, Video.id == ranked.c.video_id)
        .join(Channel, Channel.id == Video.channel_id)
        .where(ranked.c.place <= most)
        .order_by(ranked.c.place)
    )
    found: dict[UUID, list[Showing]] = {}
    for listing_id, start_ms, video, channel in rows:
        showing = Showing(
            listing_id=listing_id,
            video_id=video.id,
            title=video.title,
            title_en=video.title_en,
            channel_name=channel.name,
            channel_name_en=channel.name_en,
            start_ms=start_ms,
            duration_ms=video.duration_ms or 0,
            media_version=media_version(video),
            is_public=video.visibility == "public",
        )
        found.setdefault(listing_id, []).append(showing)
    return found
