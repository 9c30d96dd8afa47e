"""What is published and not yet in the index of words, or there by an earlier release's words, is written into it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from kernel.db.uow import UnitOfWork
from marketplace.catalog.index_listing import index_listing
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.channels.index_channel import index_channel
from marketplace.channels.models import Channel
from marketplace.search_index.models import SearchEntry
from marketplace.search_index.segment import VERSION
from marketplace.videos.index_video import index_video
from marketplace.videos.models import Video


def index_missing(uow: UnitOfWork, *, most: int = 200) -> int:
    """Index at most so many of each kind; answers how many it were."""
    listings = uow.session.execute(
        select(Listing, ListingVersion)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .where(Listing.state == "published", _is_missing(Listing.id))
        .limit(most)
    ).all()
    for listing, version in listings:
        index_listing(uow, listing, version)
    videos = uow.session.scalars(
        select(Video).where(Video.state == "published", _is_missing(Video.id)).limit(most)
    ).all()
    for video in videos:
        index_video(uow, video)
    channels = uow.session.scalars(select(Channel).where(_is_missing(Channel.id)).limit(most)).all()
    for channel in channels:
        index_channel(uow, channel)
    return len(listings) + len(videos) + len(channels)


def _is_missing(subject_id: InstrumentedAttribute[object]) -> ColumnElement[bool]:
    entry = select(SearchEntry.subject_id).where(
        SearchEntry.subject_id == subject_id, SearchEntry.words_version >= VERSION
    )
    return ~entry.exists()
