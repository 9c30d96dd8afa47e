"""A channel's videos, cards and claims as their owner edits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.media_addresses import Thumbnail
from api.pages.frame.partner_groups import GroupFields
from api.pages.seller.views import FunnelStep
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class VideoItem:
    """One video in the seller's list."""

    id: str
    title: str
    poster: Thumbnail | None
    state: str
    duration_s: int
    placements: int
    views: int
    orders: int
    money: Money | None
    created_at: datetime
    refusal: str = ""
    publish_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SellerVideosView:
    """The seller's videos."""

    template: ClassVar[str] = "videos/seller_videos.html"
    active: ClassVar[str] = "seller_videos"

    rows: tuple[VideoItem, ...]
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ArrivedPart:
    """How much of an unfinished upload has arrived."""

    file_name: str
    percent: int


@dataclass(frozen=True, slots=True)
class UploadView:
    """The upload form; works as a plain multipart form. ``max_bytes`` is the limit the server enforces.

    With a ``video_id`` the file goes to that video, whose words stay.
    """

    template: ClassVar[str] = "videos/seller_upload.html"
    active: ClassVar[str] = "seller_videos"

    max_bytes: int
    typed: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    """Of the post that is there already."""
    video_id: str = ""
    time_zone: str = ""
    error: str | None = None
    arrived: ArrivedPart | None = None
    groups: GroupFields = field(default_factory=GroupFields)


@dataclass(frozen=True, slots=True)
class PlacementItem:
    """A placement on the timeline of the editor."""

    id: str
    from_s: int
    to_s: int
    cta: str
    plan_id: str
    listing_name: str
    plan_name: str
    price: str = ""
    """The plan's headline, which claims of a price are held against."""


@dataclass(frozen=True, slots=True)
class EditableClaim:
    """A structured claim: kind is a key under ``claim.`` (see ``placements.claim_checks.KINDS``)."""

    id: str
    second: int
    kind: str
    value: str
    text: str
    ok: bool
    contradiction: str = ""


@dataclass(frozen=True, slots=True)
class CaptionsItem:
    """Captions that the video has: their language, its own name for itself, and where they are."""

    language: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class PartnerItem:
    """An organization that sees a video for partners; without a name where it trades no more."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class PlanOption:
    """A plan that may be placed in a video."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class ResponseCardItem:
    """A card that sells nothing, in the editor of its video."""

    address: str
    kind: str
    title: str
    from_s: int
    to_s: int
    impressions: int
    clicks: int
    answers: int


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form that was refused, so that it is shown again. ``form`` names the form of the page."""

    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def into(self, form: str) -> Mapping[str, str]:
        """The values, when they were typed into this form."""
        return self.values if self.form == form else {}


@dataclass(frozen=True, slots=True)
class SellerVideoView:
    """One video of the seller: what it is, its cards and claims, and publishing.

    ``blockers`` are ready sentences saying why it cannot be published yet.
    """

    template: ClassVar[str] = "videos/seller_video.html"
    active: ClassVar[str] = "seller_videos"

    id: str
    title: str
    state: str
    src: str
    poster: str
    width: int
    height: int
    duration_s: int
    codecs: str
    size_bytes: int
    visibility: str
    placements: tuple[PlacementItem, ...]
    claims: tuple[EditableClaim, ...]
    plans: tuple[PlanOption, ...]
    #: What a feature or service level may be named as, with its figure where it has one.
    features: tuple[PlanOption, ...] = ()
    may_replace: bool = False
    blockers: tuple[str, ...] = ()
    refusal: str = ""
    error: str | None = None
    #: Forms are ``placement``, ``claim``, those of ``details.html`` by what they are about, and a placement's id.
    typed: Typed = field(default_factory=Typed)
    funnel: tuple[FunnelStep, ...] = ()
    captions: tuple[CaptionsItem, ...] = ()
    #: Languages that captions may have.
    languages: tuple[PlanOption, ...] = ()
    partners: tuple[PartnerItem, ...] = ()
    groups: GroupFields = field(default_factory=GroupFields)
    #: When it is to be published, and the same as its field has it; where the field's clock is; what stood in the way.
    publish_at: datetime | None = None
    publish_at_field: str = ""
    time_zone: str = ""
    publish_refusal: str = ""
    #: Another cover is being made; why the last one that was asked for could not be.
    cover_pending: bool = False
    cover_refusal: str = ""
    #: One on a line, as `chapter_lines` reads them.
    chapters: str = ""
    response_cards: tuple[ResponseCardItem, ...] = ()
    new_response_card: str = ""
