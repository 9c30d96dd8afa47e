"""Entries of the index that an earlier release wrote, with other words or none, are written anew."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.index_listing import index_listing
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.channels.index_channel import index_channel
from marketplace.channels.models import Channel
from marketplace.search_index.entries import remove_entry
from marketplace.search_index.models import SearchEntry
from marketplace.search_index.segment import VERSION
from marketplace.videos.index_video import index_video
from marketplace.videos.models import Video


def index_anew(uow: UnitOfWork, *, most: int = 200) -> int:
    """Write at most so many outdated entries anew; answers how many it were.

    Locks: the entries.
    """
    outdated = (
        select(SearchEntry.kind, SearchEntry.subject_id)
        .where(SearchEntry.words_version < VERSION)
        .order_by(SearchEntry.words_version, SearchEntry.subject_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = uow.session.execute(outdated).all()
    for kind, subject_id in rows:
        if not _WRITERS[kind](uow, subject_id):
            remove_entry(uow, subject_id)
    return len(rows)


def _write_listing(uow: UnitOfWork, listing_id: UUID) -> bool:
    row = uow.session.execute(
        select(Listing, ListingVersion)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .where(Listing.id == listing_id, Listing.state == "published")
    ).first()
    if row is not None:
        index_listing(uow, row[0], row[1])
    return row is not None


def _write_video(uow: UnitOfWork, video_id: UUID) -> bool:
    video = uow.session.scalar(select(Video).where(Video.id == video_id, Video.state == "published"))
    if video is not None:
        index_video(uow, video)
    return video is not None


def _write_channel(uow: UnitOfWork, channel_id: UUID) -> bool:
    channel = uow.session.get(Channel, channel_id)
    if channel is not None:
        index_channel(uow, channel)
    return channel is not None


_WRITERS: dict[str, Callable[[UnitOfWork, UUID], bool]] = {
    "product": _write_listing,
    "video": _write_video,
    "channel": _write_channel,
}
