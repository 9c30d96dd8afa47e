"""Which video sold it: a pure function of what the buying organization saw, computed once when an order is placed.

The rule: the last card click inside the window; else the last view of 20 seconds or more of a video that had a card of the
listing then; else nothing. A context that
the purchase itself carries (it was bought inside a player) counts as a card click at that moment when it is consistent
with a placement of the listing; so does the room of a live session. In a room a click on a product of its shelf is a card click,
and watching it being explained a view; both count after the room was left, as those of videos do.
So does the link to the product by which a member of somebody else's sent it on: whoever follows it has clicked. A link to a
channel sells nothing by itself and counts with what the channel's videos then sell (ADR 0088).
The promoter is the organization of the video's channel, or of the member whose
link led there. Nobody is paid for what their own organization buys, nor a seller for selling what is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.live.live_fact import LiveFact

WINDOW = timedelta(days=30)
QUALIFIED_VIEW_MS = 20_000
"""A view this long (milliseconds of playing) counts as interest; a shorter one is scrolling past."""
TOLERANCE_MS = 2_000
"""A click may be reported this far outside its card's range: players report the second they were at, not the frame."""


Sharer = tuple[UUID | None, UUID | None]
"""The organization of whoever sent a link, and the link."""
NOBODY: Sharer = (None, None)


@dataclass(frozen=True, slots=True)
class LiveTouch:
    """The live session in whose room a touchpoint of an item of the listing was."""

    session_id: UUID
    video_id: UUID | None
    channel_id: UUID
    channel_org_id: UUID


@dataclass(frozen=True, slots=True)
class TouchpointFact:
    """One attributable event of the buying organization: of a video, or (`live`) of what a room's shelf has of the listing; or
    that it followed a member's link to the listing, or to a channel.
    """

    id: UUID
    kind: str
    occurred_at: datetime
    video_id: UUID | None
    placement_id: UUID | None = None
    second_ms: int = 0
    watched_ms: int = 0
    sharer_org_id: UUID | None = None
    share_link_id: UUID | None = None
    live: LiveTouch | None = None
    listing_id: UUID | None = None
    channel_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PlacementFact:
    """A card of the listing: on which video, of whose channel, from when to when; and since when, until when, it is there."""

    id: UUID
    video_id: UUID
    channel_org_id: UUID
    start_ms: int
    end_ms: int
    placed_at: datetime
    removed_at: datetime | None = None
    channel_id: UUID | None = None

    def was_there(self, at: datetime) -> bool:
        """Whether the video had it then."""
        return self.placed_at <= at and (self.removed_at is None or at < self.removed_at)


@dataclass(frozen=True, slots=True)
class ContextHint:
    """Where the purchase says it was made: inside this video, from this card, at this second; or, without a video, at the product
    that this link opened.
    """

    video_id: UUID | None
    placement_id: UUID | None
    second_ms: int
    sharer_org_id: UUID | None = None
    share_link_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PathStep:
    """One touchpoint of the path, kept for analytics."""

    touchpoint_id: UUID
    kind: str
    occurred_at: datetime
    video_id: UUID | None
    second_ms: int
    live_session_id: UUID | None = None
    listing_id: UUID | None = None
    channel_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AttributionResult:
    """The answer. `rule` is context, last_click, last_view or none; everything else is None when it is none."""

    rule: str
    video_id: UUID | None = None
    placement_id: UUID | None = None
    second_ms: int | None = None
    touchpoint_id: UUID | None = None
    touched_at: datetime | None = None
    promoter_org_id: UUID | None = None
    path: tuple[PathStep, ...] = ()
    live_session_id: UUID | None = None
    share_link_id: UUID | None = None
    """The member's link that led there, where the promoter is its organization."""
    live_channel_id: UUID | None = None
    """Of the session that sold it, its channel."""


def attribute(
    touchpoints: Iterable[TouchpointFact],
    placements: Sequence[PlacementFact],
    now: datetime,
    window: timedelta = WINDOW,
    *,
    buyer_org_id: UUID,
    seller_org_id: UUID,
    hint: ContextHint | None = None,
    live: LiveFact | None = None,
) -> AttributionResult:
    """Say which video, placement, second and promoter sold the listing whose `placements` these are.

    Touchpoints outside `[now - window, now]`, on other videos, or of a placement that is not the listing's are ignored.
    The order in which they are given does not matter.
    """
    carrying = {placement.video_id: placement for placement in placements}
    channels = {placement.channel_id for placement in placements if placement.channel_id}
    seen = sorted(
        (t for t in touchpoints if _is_near(t, carrying, channels) and now - window <= t.occurred_at <= now),
        key=lambda t: (t.occurred_at, t.id),
    )
    path = tuple(_step(t) for t in seen)
    sides = {buyer_org_id, seller_org_id}

    if live is not None:
        return _sold_live(live, now, path, sides)
    if hint is not None and (bought_in := _bought_in(hint, seen, placements, path, now, sides)) is not None:
        return bought_in
    chosen = _last_click(seen, placements, sides)
    rule = "last_click"
    if chosen is None:
        chosen = _last_view(seen, placements)
        rule = "last_view"
    if chosen is None:
        return AttributionResult("none", path=path)
    if chosen.live is not None:
        return _led_by_room(chosen, chosen.live, rule, path, sides)
    if chosen.video_id is None:
        return _led_by(chosen, rule, path, (chosen.sharer_org_id, chosen.share_link_id))
    card = carrying[chosen.video_id]
    sharer = (chosen.sharer_org_id, chosen.share_link_id)
    if chosen.sharer_org_id is None:
        sharer = _sharer_before(seen, card, chosen.occurred_at)
    return _led_by(chosen, rule, path, _promoter(sharer, card.channel_org_id, sides))


def _bought_in(
    hint: ContextHint,
    seen: Sequence[TouchpointFact],
    placements: Sequence[PlacementFact],
    path: tuple[PathStep, ...],
    now: datetime,
    sides: set[UUID],
) -> AttributionResult | None:
    """By what the purchase carries: a video with a card of the listing, or a link to the listing that neither side sent on."""
    sharer = (hint.sharer_org_id, hint.share_link_id)
    if hint.video_id is None:
        led, link_id = sharer
        if led is None or led in sides:
            return None
        return AttributionResult("context", None, None, None, None, now, led, path, share_link_id=link_id)
    card = _consistent(hint, placements)
    if card is None:
        return None
    if hint.sharer_org_id is None:
        sharer = _sharer_before(seen, card)
    led, link_id = _promoter(sharer, card.channel_org_id, sides)
    return AttributionResult(
        "context", hint.video_id, card.id, hint.second_ms, None, now, led, path, share_link_id=link_id
    )


def _is_near(touch: TouchpointFact, carrying: Mapping[UUID, PlacementFact], channels: set[UUID]) -> bool:
    """Whether it was of the listing, of a video that has or had it, or a link to a channel of such a video."""
    if touch.live or touch.listing_id:
        return True
    return touch.channel_id in channels if touch.channel_id else touch.video_id in carrying


def _step(touch: TouchpointFact) -> PathStep:
    return PathStep(
        touch.id,
        touch.kind,
        touch.occurred_at,
        touch.video_id,
        touch.second_ms,
        touch.live.session_id if touch.live else None,
        touch.listing_id,
        touch.channel_id,
    )


def _led_by(touch: TouchpointFact, rule: str, path: tuple[PathStep, ...], led: Sharer) -> AttributionResult:
    """By a video, whoever sent that on; or, without a video, by a link to the product."""
    return AttributionResult(
        rule,
        touch.video_id,
        touch.placement_id,
        touch.second_ms if touch.video_id else None,
        touch.id,
        touch.occurred_at,
        led[0],
        path,
        share_link_id=led[1],
    )


def _promoter(sharer: Sharer, channel_org_id: UUID, sides: set[UUID]) -> Sharer:
    """The sharer led the buyer there, so the share is the sharer's; a share inside the buyer's or the seller's own organization
    led nobody, and the channel keeps what it earned.
    """
    for candidate in (sharer, (channel_org_id, None)):
        if candidate[0] is not None and candidate[0] not in sides:
            return candidate
    return NOBODY


def _sold_live(live: LiveFact, now: datetime, path: tuple[PathStep, ...], sides: set[UUID]) -> AttributionResult:
    """The session's channel led the buyer there, unless it is one of the two sides."""
    led = None if live.channel_org_id in sides else live.channel_org_id
    return AttributionResult(
        "context",
        live.video_id,
        None,
        live.second_ms,
        None,
        now,
        led,
        path,
        live_session_id=live.session_id,
        live_channel_id=live.channel_id,
    )


def _led_by_room(
    touch: TouchpointFact, room: LiveTouch, rule: str, path: tuple[PathStep, ...], sides: set[UUID]
) -> AttributionResult:
    """Bought after leaving the room: what was clicked or watched there last led to it, and with it the session's channel."""
    return AttributionResult(
        rule,
        room.video_id,
        None,
        touch.second_ms,
        touch.id,
        touch.occurred_at,
        None if room.channel_org_id in sides else room.channel_org_id,
        path,
        live_session_id=room.session_id,
        live_channel_id=room.channel_id,
    )


def _last_click(
    seen: Sequence[TouchpointFact], placements: Sequence[PlacementFact], sides: set[UUID]
) -> TouchpointFact | None:
    """A link to the product that one of the two sides sent on led nobody: it is passed over."""
    known = {placement.id: placement.video_id for placement in placements}
    for touch in reversed(seen):
        if touch.kind == "arrival" and touch.listing_id and touch.sharer_org_id and touch.sharer_org_id not in sides:
            return touch
        if touch.kind == "card_click" and touch.live:
            return touch
        if touch.kind == "card_click" and touch.placement_id and known.get(touch.placement_id) == touch.video_id:
            return touch
    return None


def _last_view(seen: Sequence[TouchpointFact], placements: Sequence[PlacementFact]) -> TouchpointFact | None:
    """A card that was put in afterwards has led nobody who had watched before. In a room, what was explained was watched."""
    for touch in reversed(seen):
        if touch.kind == "view" and touch.watched_ms >= QUALIFIED_VIEW_MS:
            if touch.live:
                return touch
            cards = (card for card in placements if card.video_id == touch.video_id)
            if any(card.was_there(touch.occurred_at) for card in cards):
                return touch
    return None


def _consistent(hint: ContextHint, placements: Sequence[PlacementFact]) -> PlacementFact | None:
    """The card the hint can have come from: named, or showing at that second; None when there is no such card."""
    for card in placements:
        if card.video_id != hint.video_id or (hint.placement_id is not None and card.id != hint.placement_id):
            continue
        if card.start_ms - TOLERANCE_MS <= hint.second_ms <= card.end_ms + TOLERANCE_MS:
            return card
    return None


def _sharer_before(seen: Sequence[TouchpointFact], card: PlacementFact, until: datetime | None = None) -> Sharer:
    """Whose link led to the card's video or to its channel, most recently: the player reports the link with the first events of
    a visit.
    """
    for touch in reversed(seen):
        to_channel = touch.channel_id is not None and touch.channel_id == card.channel_id
        if not touch.sharer_org_id or not (to_channel or touch.video_id == card.video_id):
            continue
        if until is None or touch.occurred_at <= until:
            return touch.sharer_org_id, touch.share_link_id
    return NOBODY
