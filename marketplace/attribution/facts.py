"""What attribution is decided from: placements of a listing, touchpoints of a buyer, sharers of links."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, null, select, union_all

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.attribution.attribute import NOBODY, LiveTouch, PlacementFact, Sharer, TouchpointFact
from marketplace.attribution.models import Touchpoint
from marketplace.live.models import LiveItem, LiveSession
from marketplace.parties.viewer import viewer
from marketplace.placements.models import Placement
from marketplace.sharing.share_links import find_share_link
from marketplace.videos.access import MAY_SEE
from marketplace.videos.models import Video

_PLACEMENTS = Read(
    select(
        Placement.id,
        Placement.video_id,
        Placement.org_id,
        Placement.start_ms,
        Placement.end_ms,
        Placement.created_at,
        Placement.removed_at,
        Video.channel_id,
    )
    .join(Video, Video.id == Placement.video_id)
    .where(
        Placement.listing_id == bindparam("listing_id"),
        Placement.video_id == any_(bindparam("video_ids", type_=ARRAY(Uuid))),
        MAY_SEE,
    )
)
_OF_EACH = (
    Touchpoint.id,
    Touchpoint.kind,
    Touchpoint.occurred_at,
    Touchpoint.received_at,
    Touchpoint.video_id,
    Touchpoint.placement_id,
    Touchpoint.second_ms,
    Touchpoint.watched_ms,
    Touchpoint.sharer_org_id,
    Touchpoint.share_link_id,
    Touchpoint.listing_id,
    Touchpoint.channel_id,
)
_NO_ROOM = [null().cast(Uuid).label(name) for name in ("session_id", "room_channel_id", "host_id", "film_id")]
_SINCE = (Touchpoint.org_id == bindparam("org_id"), Touchpoint.occurred_at >= bindparam("since"))
# Each part by its own index: an OR of all would read all that the organization ever touched.
_SEEN = union_all(
    select(
        *_OF_EACH,
        *_NO_ROOM,
    ).where(
        *_SINCE,
        Touchpoint.video_id.in_(select(Placement.video_id).where(Placement.listing_id == bindparam("listing_id"))),
    ),
    # Sessions that the principal may see: row level security leaves out the others.
    select(
        *_OF_EACH,
        LiveSession.id,
        LiveSession.channel_id.label("room_channel_id"),
        LiveSession.org_id,
        LiveSession.video_id,
    )
    .join(LiveItem, LiveItem.id == Touchpoint.live_item_id)
    .join(LiveSession, LiveSession.id == LiveItem.session_id)
    .where(*_SINCE, Touchpoint.live_item_id.is_not(None), LiveItem.listing_id == bindparam("listing_id")),
    select(*_OF_EACH, *_NO_ROOM).where(*_SINCE, Touchpoint.listing_id == bindparam("listing_id")),
    # Links to channels are few; which of them have the listing in a video is known of the placements.
    select(*_OF_EACH, *_NO_ROOM).where(*_SINCE, Touchpoint.channel_id.is_not(None)),
).subquery("seen")
_TOUCHPOINTS = Read(select(*_SEEN.c).order_by(_SEEN.c.occurred_at, _SEEN.c.id))


def ask_touchpoints(uow: UnitOfWork, org_id: UUID, listing_id: UUID, since: datetime) -> None:
    """Ask ahead for `touchpoints_for`."""
    uow.ask_ahead(_TOUCHPOINTS, org_id=org_id, listing_id=listing_id, since=since)


def placements_of_listing(uow: UnitOfWork, listing_id: UUID, video_ids: Collection[UUID]) -> list[PlacementFact]:
    """Every placement the listing has or had on those of the videos that the principal may see, for attribution."""
    if not video_ids:
        return []
    rows = uow.fetch(_PLACEMENTS, listing_id=listing_id, video_ids=sorted(video_ids), **viewer(uow.principal))
    return [PlacementFact(*row) for row in rows]


def touchpoints_for(uow: UnitOfWork, org_id: UUID, listing_id: UUID, since: datetime) -> list[TouchpointFact]:
    """The organization's touchpoints since `since` on videos and in rooms that carry the listing, and its arrivals by links to
    the listing and to channels, oldest first.
    """
    if not uow.principal.is_platform and uow.principal.org_id != org_id:
        return []
    return [
        TouchpointFact(
            id=t.id,
            kind=t.kind,
            # A player's clock may be ahead; nothing happened after it was heard of.
            occurred_at=min(t.occurred_at, t.received_at),
            video_id=t.video_id,
            placement_id=t.placement_id,
            second_ms=t.second_ms,
            watched_ms=t.watched_ms,
            sharer_org_id=t.sharer_org_id,
            share_link_id=t.share_link_id,
            live=LiveTouch(t.session_id, t.film_id, t.room_channel_id, t.host_id) if t.session_id is not None else None,
            listing_id=t.listing_id,
            channel_id=t.channel_id,
        )
        for t in uow.fetch(_TOUCHPOINTS, org_id=org_id, listing_id=listing_id, since=since)
    ]


def find_sharer(uow: UnitOfWork, code: str, video_id: UUID, channel_id: UUID | None) -> Sharer:
    """The organization of the member whose share link this is, and the link, when it is for this video or for its channel."""
    link = find_share_link(uow, code)
    return (link.org_id, link.link_id) if link is not None and link.leads_to(video_id, channel_id) else NOBODY


def find_product_sharer(uow: UnitOfWork, code: str, listing_id: UUID) -> Sharer:
    """The same of a link to a product."""
    link = find_share_link(uow, code)
    return (link.org_id, link.link_id) if link is not None and link.is_of("listing", listing_id) else NOBODY
