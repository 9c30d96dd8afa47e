"""Circles as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class CircleItem:
    """A circle in a list, and at the head of its pages. `state` and `role` are the reader's own."""

    id: str
    name: str
    kind: str
    about: str
    visibility: str
    joining: str
    members: int
    posts: int
    state: str
    role: str


@dataclass(frozen=True, slots=True)
class CircleTyped:
    """What was typed of a circle."""

    name: str = ""
    kind: str = "community"
    about: str = ""
    visibility: str = "closed"
    joining: str = "approval"
    moderation: str = "after"


@dataclass(frozen=True, slots=True)
class CircleChoices:
    """What a circle's settings may be."""

    kinds: tuple[Choice, ...]
    visibilities: tuple[Choice, ...]
    joinings: tuple[Choice, ...]
    moderations: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class CirclesView:
    """Those that the reader is in, those that everybody may know of, and the form that founds one."""

    template: ClassVar[str] = "circles/circles.html"
    active: ClassVar[str] = "circles"

    rows: tuple[CircleItem, ...]
    own: tuple[CircleItem, ...]
    choices: CircleChoices
    idempotency_key: str
    typed: CircleTyped = CircleTyped()
    next_address: str | None = None
    error: str | None = None
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class PostCard:
    """The video or product beside a post, for whoever may see it."""

    label: str
    address: str
    is_video: bool


@dataclass(frozen=True, slots=True)
class PostItem:
    """What a member wrote. `may_mark`: as the circle's kind has it."""

    id: str
    author: str
    organization: str
    role: str
    text: str
    card: PostCard | None
    state: str
    marked: bool
    own: bool
    may_mark: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelItem:
    """A channel that the circle follows."""

    id: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class CircleVideoItem:
    """A new video of such a channel."""

    title: str
    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CircleOfferItem:
    """What a seller offers to the circle. `buy`: where a member buys it, nothing before it begins."""

    id: str
    title: str
    seller: str
    off: str
    left: int | None
    places: int | None
    starts_at: datetime
    ends_at: datetime
    buy: str
    may_end: bool


@dataclass(frozen=True, slots=True)
class CircleOfferTyped:
    """What was typed of an offer."""

    listing_id: str = ""
    offer_name: str = ""
    percent: str = ""
    places: str = ""
    starts_on: str = ""
    ends_on: str = ""


@dataclass(frozen=True, slots=True)
class CirclePage:
    """A circle: what is written in it, what its leaders marked, and what is new on the channels that it follows."""

    template: ClassVar[str] = "circles/circle.html"
    active: ClassVar[str] = "circles"

    circle: CircleItem
    leads: bool
    may_read: bool
    idempotency_key: str
    posts: tuple[PostItem, ...] = ()
    waiting: tuple[PostItem, ...] = ()
    marked: tuple[PostItem, ...] = ()
    channels: tuple[ChannelItem, ...] = ()
    videos: tuple[CircleVideoItem, ...] = ()
    offers: tuple[CircleOfferItem, ...] = ()
    own_products: tuple[Choice, ...] = ()
    """What the reader's seller may offer to it."""
    offered: CircleOfferTyped = CircleOfferTyped()
    waiting_members: int = 0
    listed: bool = False
    text: str = ""
    link: str = ""
    handle: str = ""
    next_address: str | None = None
    error: str | None = None
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class CircleMemberItem:
    """Somebody in a circle, or who asks to be."""

    id: str
    name: str
    organization: str
    role: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CircleMembersPage:
    """Who is in a circle; its leaders also see who asks."""

    template: ClassVar[str] = "circles/members.html"
    active: ClassVar[str] = "circles"

    circle: CircleItem
    leads: bool
    rows: tuple[CircleMemberItem, ...]
    asked: tuple[CircleMemberItem, ...] = ()
    listed: bool = False
    link: str = ""
    next_address: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CircleSettingsPage:
    """What a circle is, for its owner to say otherwise, and its link."""

    template: ClassVar[str] = "circles/settings.html"
    active: ClassVar[str] = "circles"

    circle: CircleItem
    choices: CircleChoices
    typed: CircleTyped
    link: str
    error: str | None = None
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class CircleLinkPage:
    """What whoever has a circle's link joins by it."""

    template: ClassVar[str] = "circles/link.html"
    active: ClassVar[str] = "circles"

    circle: CircleItem
    code: str
    error: str | None = None
