"""Which videos show a product, at which second: only what can be bought at this moment, in videos the reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, true

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, Plan
from marketplace.channels.models import Channel
from marketplace.placements.models import Placement
from marketplace.videos.access import is_public, listed_to
from marketplace.videos.models import Video, media_version

_CARDS_A_VIDEO = 8
"""Cards looked at for each video wanted: some are on videos that a reader may not see, or of plans that were replaced."""


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
    """By listing, the latest `most` videos that show it, newest first.

    Of each listing the latest cards alone are looked at, however many it has: identifiers are in the order of creation.
    """
    cards = (
        select(Placement.video_id, Placement.plan_id, Placement.start_ms)
        .where(Placement.listing_id == Listing.id, Placement.removed_at.is_(None))
        .order_by(Placement.video_id.desc())
        .limit(most * _CARDS_A_VIDEO)
        .correlate(Listing)
        .lateral("cards")
    )
    rows = uow.session.execute(
        select(Listing.id, func.min(cards.c.start_ms), Video, Channel)
        .select_from(Listing)
        .join(cards, true())
        .join(Plan, Plan.id == cards.c.plan_id)
        .join(Video, Video.id == cards.c.video_id)
        .join(Channel, Channel.id == Video.channel_id)
        .where(
            Listing.id.in_(list(listing_ids)),
            Plan.state == "active",
            Plan.version_id == Listing.current_version_id,
            listed_to(uow.principal),
        )
        .group_by(Listing.id, Video.id, Channel.id)
        .order_by(Video.id.desc())
    )
    found: dict[UUID, list[Showing]] = {}
    for listing_id, start_ms, video, channel in rows:
        if len(found.get(listing_id, ())) == most:
            continue
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
            is_public=is_public(video),
        )
        found.setdefault(listing_id, []).append(showing)
    return found
