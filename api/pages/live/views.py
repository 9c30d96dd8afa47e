"""Live sessions as their pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.media_addresses import Thumbnail
from api.pages.frame.choices import Choice
from api.pages.frame.partner_groups import GroupFields
from api.pages.frame.partner_prices import OwnPrice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class LiveTile:
    """A session in a list."""

    id: str
    title: str
    channel_id: str
    channel_name: str
    state: str
    starts_at: datetime
    duration_s: int
    poster: Thumbnail | None
    reminded: bool
    visibility: str


@dataclass(frozen=True, slots=True)
class LiveListView:
    """What runs, what is ahead, and what is to be seen again; of all channels or of one."""

    template: ClassVar[str] = "live/live.html"
    active: ClassVar[str] = "live"

    running: tuple[LiveTile, ...]
    ahead: tuple[LiveTile, ...]
    replays: tuple[LiveTile, ...]
    channel_id: str = ""
    channel_name: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class LiveCard:
    """A plan on the shelf, with the moments at which it was explained."""

    id: str
    listing_id: str
    plan_id: str
    listing_name: str
    plan_name: str
    seller_name: str
    price: Money
    per: str
    on_sale: bool
    explained: bool
    spans: tuple[tuple[int, int], ...]
    """Seconds from and to of those that are over."""
    address: str
    """Where it is bought."""
    reduced: Money | None = None
    """Of one unit, while its live price holds and is the reader's lowest."""
    own: OwnPrice | None = None
    """What the reader pays as a partner, where the live price is no lower."""
    off: str = ""
    """The live price in words."""
    places: int | None = None
    left: int | None = None
    may_price: bool = False
    """Whether the host sells it, and so may give it a live price."""


@dataclass(frozen=True, slots=True)
class RoomQuestion:
    """What somebody asked. Seconds are those of the film."""

    id: str
    person_name: str
    org_name: str
    text: str
    state: str
    asked_s: int
    answer: str
    answered_s: int | None
    own: bool


@dataclass(frozen=True, slots=True)
class LiveRoomView:
    """The room. ``position_s`` is where everybody is now."""

    template: ClassVar[str] = "live/room.html"
    active: ClassVar[str] = "live"

    session: LiveTile
    description: str
    src: str
    poster: str
    width: int
    height: int
    position_ms: int
    sequence: int
    cards: tuple[LiveCard, ...]
    is_host: bool
    stream: str = ""
    """Where the host's stream is, while the session runs."""
    streamed: bool = False
    questions: tuple[RoomQuestion, ...] = ()
    typed: str = ""
    """The question that was refused."""
    error: str = ""
    most: int = 0
    """Characters of a question."""


@dataclass(frozen=True, slots=True)
class LiveHostView:
    """The host's page: the shelf with its buttons, and before the session begins its words."""

    template: ClassVar[str] = "live/host.html"
    active: ClassVar[str] = "seller_live"

    session: LiveTile
    position_s: int
    sequence: int
    cards: tuple[LiveCard, ...]
    plans: tuple[Choice, ...]
    films: tuple[Choice, ...]
    typed: Mapping[str, str]
    time_zone: str
    groups: GroupFields = field(default_factory=GroupFields)
    questions: tuple[RoomQuestion, ...] = ()
    most_answer: int = 0
    streams: str = ""
    """Hosts whose streams may be shown."""
    streamed: bool = False
    stream: str = ""
    """Where its stream is, unless its host is no more among them."""
    wants_recording: bool = False
    error: str = ""
    editing: bool = False
    """Whether what was refused is the form of its words."""


@dataclass(frozen=True, slots=True)
class SellerLiveView:
    """An organization's own sessions, and the form that announces another."""

    template: ClassVar[str] = "live/seller_live.html"
    active: ClassVar[str] = "seller_live"

    rows: tuple[LiveTile, ...]
    films: tuple[Choice, ...]
    time_zone: str
    groups: GroupFields = field(default_factory=GroupFields)
    streams: str = ""
    """Hosts whose streams may be shown."""
    typed: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    next_address: str | None = None
