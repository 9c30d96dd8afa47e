"""Touchpoints come in from players, in batches, and are stored once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, TooMany
from marketplace.attribution.models import KINDS
from marketplace.catalog.access import SHOWN
from marketplace.catalog.models import Listing
from marketplace.channels.models import Channel
from marketplace.live.touched import TouchedItem, find_touched
from marketplace.parties.viewer import viewer
from marketplace.placements.models import Placement
from marketplace.sharing.share_links import SharedBy, find_share_link
from marketplace.videos.access import MAY_SEE
from marketplace.videos.models import Video

MAX_BATCH = 100
AHEAD = timedelta(minutes=5)
BEHIND = timedelta(days=7)
"""How far off an event may lie: beyond it, it is left out, never moved, so that a retry stays the same event."""
MAX_MS = 24 * 3600 * 1000
MAX_LINKS = 5
IN_A_ROOM = ("view", "card_click")
"""Kinds of what is reported of a live room."""

_OF_EACH = (
    "id",
    "occurred_at",
    "kind",
    "channel_org_id",
    "video_id",
    "placement_id",
    "second_ms",
    "watched_ms",
    "share_link_id",
    "sharer_org_id",
    "live_session_id",
    "live_item_id",
    "listing_id",
    "channel_id",
)
# One statement for every size of batch, prepared once. No conflict target: naming one would ask for the right to read rows
# that this viewer may not read.
_STORE = f"""
    INSERT INTO marketplace.touchpoint (org_id, person_id, anonymous_id, received_at, {", ".join(_OF_EACH)})
    SELECT $1::uuid, $2::uuid, $3::text, $4::timestamptz, new.*
    FROM unnest($5::uuid[], $6::timestamptz[], $7::text[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bigint[], $12::bigint[],
                $13::uuid[], $14::uuid[], $15::uuid[], $16::uuid[], $17::uuid[], $18::uuid[]) AS new
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - words of this module
_VIDEOS = Read(
    select(Video.id, Video.org_id, Video.channel_id).where(
        Video.id == any_(bindparam("video_ids", type_=ARRAY(Uuid))), Video.state == "published", MAY_SEE
    )
)
_PLACEMENTS = Read(
    select(Placement.id, Placement.video_id).where(Placement.id == any_(bindparam("placement_ids", type_=ARRAY(Uuid))))
)
_LISTINGS = Read(
    select(Listing.id, Listing.org_id).where(
        Listing.id == any_(bindparam("listing_ids", type_=ARRAY(Uuid))), Listing.state == "published", SHOWN
    )
)
_CHANNELS = Read(
    select(Channel.id, Channel.org_id).where(Channel.id == any_(bindparam("channel_ids", type_=ARRAY(Uuid))))
)


@dataclass(frozen=True, slots=True)
class TouchpointIn:
    """One event as a player reports it: of a video, or of an item of a live room's shelf; or the arrival by a member's link at a
    product or a channel. `id` is made by the player, once.
    """

    id: UUID
    kind: str
    occurred_at: datetime
    video_id: UUID | None
    placement_id: UUID | None = None
    second_ms: int = 0
    watched_ms: int = 0
    share_code: str | None = None
    live_item_id: UUID | None = None
    listing_id: UUID | None = None
    channel_id: UUID | None = None

    @property
    def fits_its_place(self) -> bool:
        """Whether it is of one thing, and of a kind that there is of that."""
        if sum(one is not None for one in (self.video_id, self.live_item_id, self.listing_id, self.channel_id)) != 1:
            return False
        if self.live_item_id is not None:
            return self.kind in IN_A_ROOM and self.placement_id is None
        return self.video_id is not None or (
            self.kind == "arrival" and self.placement_id is None and self.share_code is not None
        )


@dataclass(frozen=True, slots=True)
class _Places:
    """What of a batch the viewer may see: whose each of it is."""

    videos: Mapping[UUID, tuple[UUID, UUID]]
    """Each video's organization, and channel."""
    rooms: Mapping[UUID, TouchedItem]
    listings: Mapping[UUID, UUID]
    channels: Mapping[UUID, UUID]

    def owner_of(self, item: TouchpointIn) -> UUID | None:
        if item.live_item_id is not None:
            room = self.rooms.get(item.live_item_id)
            return room.host_org_id if room else None
        if item.listing_id is not None:
            return self.listings.get(item.listing_id)
        if item.channel_id is not None:
            return self.channels.get(item.channel_id)
        return self.videos[item.video_id][0] if item.video_id and item.video_id in self.videos else None

    def leads(self, link: SharedBy | None, item: TouchpointIn) -> bool:
        """Whether the link is one to what was touched; to a channel, also to what is on it."""
        if link is None:
            return False
        if item.listing_id is not None:
            return link.is_of("listing", item.listing_id)
        if item.channel_id is not None:
            return link.is_of("channel", item.channel_id)
        if item.video_id is None or item.video_id not in self.videos:
            return False
        return link.leads_to(item.video_id, self.videos[item.video_id][1])


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch: stored now, known already, and left out (unknown video or card, clock too far off)."""

    accepted: int
    duplicates: int
    ignored: int


def record_touchpoints(uow: UnitOfWork, items: Sequence[TouchpointIn], *, anonymous_id: str | None = None) -> Recorded:
    """Store a batch for the acting viewer, known or not. Idempotent by each event's id.

    What names a video or a room that the viewer may not see, a card of another video, or an instant outside the bounds is
    left out without failing the rest: a player cannot repair its past.

    Raises:
        TooMany: `batch_too_large`.
        Invalid: `touchpoint_kind_unknown`, `touchpoint_place_invalid`, `touchpoint_duration_invalid`, `anonymous_id_invalid`.
    """
    if len(items) > MAX_BATCH:
        raise TooMany("batch_too_large", limit=MAX_BATCH)
    if anonymous_id is not None and not (
        1 <= len(anonymous_id) <= 64 and anonymous_id.isascii() and anonymous_id.isprintable()
    ):
        raise Invalid("anonymous_id_invalid", field="anonymous_id")
    for item in items:
        if item.kind not in KINDS:
            raise Invalid("touchpoint_kind_unknown", field="kind", known=", ".join(KINDS))
        if not item.fits_its_place:
            raise Invalid("touchpoint_place_invalid", field="live_item_id")
        if not (0 <= item.second_ms <= MAX_MS and 0 <= item.watched_ms <= MAX_MS):
            raise Invalid("touchpoint_duration_invalid", field="watched_ms")
    now = clock.now()
    places = _find_places(uow, items)
    cards = _cards(uow, {item.placement_id for item in items if item.placement_id})
    codes = sorted({item.share_code for item in items if item.share_code})[:MAX_LINKS]
    links = {code: link for code in codes if (link := find_share_link(uow, code)) is not None}
    rows: dict[UUID, dict[str, Any]] = {}
    for item in items:
        in_time = now - BEHIND <= item.occurred_at <= now + AHEAD
        fits = item.placement_id is None or cards.get(item.placement_id) == item.video_id
        owner = places.owner_of(item)
        link = links.get(item.share_code or "")
        led = link if places.leads(link, item) else None
        # Who comes to a product or a channel by no link has arrived by none.
        arrived = led is not None or (item.listing_id is None and item.channel_id is None)
        if owner is None or not in_time or not fits or not arrived or item.id in rows:
            continue
        rows[item.id] = _row(item, owner, led, places.rooms.get(item.live_item_id) if item.live_item_id else None)
    stored = _insert(uow, list(rows.values()), anonymous_id, now) if rows else 0
    return Recorded(stored, len(rows) - stored, len(items) - len(rows))


def _row(item: TouchpointIn, owner: UUID, led: SharedBy | None, room: TouchedItem | None) -> dict[str, Any]:
    return {
        "id": item.id,
        "occurred_at": item.occurred_at,
        "kind": item.kind,
        "channel_org_id": owner,
        "video_id": item.video_id,
        "placement_id": item.placement_id,
        "second_ms": min(item.second_ms, room.reached_ms) if room else item.second_ms,
        "watched_ms": item.watched_ms,
        "share_link_id": led.link_id if led else None,
        "sharer_org_id": led.org_id if led else None,
        "live_session_id": room.session_id if room else None,
        "live_item_id": item.live_item_id,
        "listing_id": item.listing_id,
        "channel_id": item.channel_id,
    }


def _find_places(uow: UnitOfWork, items: Sequence[TouchpointIn]) -> _Places:
    """A statement for each kind of place that there is any of."""
    video_ids = {item.video_id for item in items if item.video_id}
    videos = uow.fetch(_VIDEOS, video_ids=sorted(video_ids), **viewer(uow.principal)) if video_ids else ()
    rooms = find_touched(uow, {item.live_item_id for item in items if item.live_item_id})
    listing_ids = {item.listing_id for item in items if item.listing_id}
    listings = uow.fetch(_LISTINGS, listing_ids=sorted(listing_ids)) if listing_ids else ()
    channel_ids = {item.channel_id for item in items if item.channel_id}
    channels = uow.fetch(_CHANNELS, channel_ids=sorted(channel_ids)) if channel_ids else ()
    return _Places(
        {row.id: (row.org_id, row.channel_id) for row in videos},
        rooms,
        {row.id: row.org_id for row in listings},
        {row.id: row.org_id for row in channels},
    )


def _insert(uow: UnitOfWork, rows: list[dict[str, Any]], anonymous_id: str | None, now: datetime) -> int:
    principal = uow.principal
    uow.cursor.execute(
        _STORE,
        (
            *(principal.org_id, principal.person_id, anonymous_id, now),
            *([row[name] for row in rows] for name in _OF_EACH),
        ),
    )
    return uow.cursor.rowcount


def _cards(uow: UnitOfWork, placement_ids: set[UUID]) -> dict[UUID, UUID]:
    if not placement_ids:
        return {}
    return {row.id: row.video_id for row in uow.fetch(_PLACEMENTS, placement_ids=sorted(placement_ids))}
