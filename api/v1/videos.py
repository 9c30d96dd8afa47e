"""A seller's or promoter's videos: words, cards, claims, publishing, sharing. The bytes are in `media.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.context import Services
from api.known_values import state_in
from api.media_addresses import cover_address, media_address
from api.request import ApiRequest
from api.schema import CurrencyIn, Out, PageOut, Paging, StrictInt, UtcIn, Wire, linked, refused_unless_in
from api.v1.feed import CaptionTrackOut, CardOut, ClaimOut
from marketplace.attribution.reach import get_reach
from marketplace.placements.claim_checks import KINDS
from marketplace.publishing.begin_post import BeginPost, begin_post
from marketplace.publishing.change_visibility import MAX_PARTNERS
from marketplace.publishing.edit_placements import (
    ACTIONS,
    AddClaim,
    AddPlacement,
    ChangePlacement,
    add_claim,
    add_placement,
    change_placement,
    remove_claim,
    remove_placement,
)
from marketplace.publishing.publish_video import Blocker, publish_video, withdraw_video
from marketplace.publishing.queries import Partner, VideoDetail, VideoRow, get_own_video, list_own_videos
from marketplace.relations.partner_groups import PartnerGroups
from marketplace.relations.save_tier import MOST_TIERS
from marketplace.videos.create_video import CreateVideo
from marketplace.videos.models import VIDEO
from marketplace.videos.set_chapters import Chapter

Action = Annotated[str, Field(max_length=20), refused_unless_in(ACTIONS)]
Visibility = Literal["public", "unlisted", "partners", "internal"]


class VideoIn(Wire):
    """A post's words; its file follows. Without `channel_id` it goes on the organization's oldest channel.

    While it is for partners, the organizations `partner_ids` see it, and the seller's partners: all, or those in some tiers.
    With `publish_at` it is published then.
    """

    channel_id: UUID | None = None
    title: Annotated[str, Field(max_length=120)]
    title_en: Annotated[str, Field(max_length=120)] = ""
    description: Annotated[str, Field(max_length=2000)] = ""
    description_en: Annotated[str, Field(max_length=2000)] = ""
    visibility: Visibility = "public"
    partner_ids: Annotated[list[UUID], Field(default_factory=list, max_length=MAX_PARTNERS)]
    all_partners: bool = False
    partner_tier_ids: Annotated[list[UUID], Field(default_factory=list, max_length=MOST_TIERS)]
    publish_at: Annotated[UtcIn | None, Field(examples=["2027-01-04T09:00:00+08:00"])] = None


class PlacementIn(Wire):
    """A plan's card, shown from `start_ms` up to `end_ms`."""

    plan_id: UUID
    start_ms: StrictInt
    end_ms: StrictInt
    action: Action = "buy"


class PlacementChange(Wire):
    """What is to change of a card; the rest stays."""

    plan_id: UUID | None = None
    start_ms: StrictInt | None = None
    end_ms: StrictInt | None = None
    action: Action | None = None


class ClaimIn(Wire):
    """A promise at a moment of the video. A price is `value_int` minor units of `currency` for one `unit`."""

    kind: Annotated[str, Field(max_length=20), refused_unless_in(KINDS)]
    at_ms: StrictInt
    text: Annotated[str, Field(max_length=200)]
    text_en: Annotated[str, Field(max_length=200)] = ""
    value_int: StrictInt | None = Field(default=None, le=1_000_000_000_000)
    value_text: Annotated[str, Field(max_length=60)] | None = None
    currency: CurrencyIn | None = None
    unit: Annotated[str, Field(max_length=40)] | None = None


class BlockerOut(Out):
    """Why the video cannot be published yet: an error code, its parameters, the row it is about."""

    code: str
    params: dict[str, Any]
    subject_id: UUID | None

    @classmethod
    def of(cls, row: Blocker) -> BlockerOut:
        """From the verb's finding."""
        return cls.of_row(row)


class VideoRowOut(Out):
    """A video of one's own. `refused_code` says why a file was refused, `cover_refused_code` why a chosen cover was, and
    `publish_refused_code` what stood in the way when it was to be published (`publish_at`).
    """

    id: UUID
    channel_id: UUID
    title: str
    title_en: str
    state: str
    visibility: str
    duration_ms: int | None
    width: int | None
    height: int | None
    placements: int
    views: int
    refused_code: str | None
    refused_params: dict[str, Any] | None
    cover_pending: bool
    cover_refused_code: str | None
    publish_at: datetime | None
    publish_refused_code: str | None
    publish_refused_params: dict[str, Any] | None
    published_at: datetime | None
    created_at: datetime
    media_url: str | None
    cover_url: str | None

    @classmethod
    def of(cls, services: Services, row: VideoRow) -> VideoRowOut:
        """From the query's row, with addresses once there are bytes to watch."""
        media = cover = None
        if row.duration_ms is not None:
            media = media_address(services, row.id, row.media_version, is_public=row.is_public)
            cover = cover_address(services, row.id, row.media_version, is_public=row.is_public)
        return cls.of_row(row, media_url=media, cover_url=cover)


class ReachOut(Out):
    """Recorded events of the video so far."""

    impressions: int
    views: int
    card_clicks: int
    leads: int


class VideoDetailOut(Out):
    """A video of one's own with everything one works on.

    While it is for partners: `partners` are organizations that it names; `all_partners`, and those in `partner_tier_ids`, by
    their links.
    """

    video: VideoRowOut
    description: str
    description_en: str
    file_name: str | None
    media_type: str | None
    media_bytes: int | None
    video_codec: str | None
    audio_codec: str | None
    captions: list[CaptionTrackOut]
    chapters: Sequence[Chapter]
    partners: Sequence[Partner]
    all_partners: bool
    partner_tier_ids: list[UUID]
    placements: list[CardOut]
    claims: list[ClaimOut]
    blockers: list[BlockerOut]

    @classmethod
    def of(cls, services: Services, detail: VideoDetail) -> VideoDetailOut:
        """From the query's row."""
        names = (
            "description",
            "description_en",
            "file_name",
            "media_type",
            "media_bytes",
            "video_codec",
            "audio_codec",
            "chapters",
            "partners",
        )
        return cls(
            video=VideoRowOut.of(services, detail.row),
            **{name: getattr(detail, name) for name in names},
            all_partners=detail.groups.everybody,
            partner_tier_ids=list(detail.groups.tier_ids),
            captions=[CaptionTrackOut.of(services, detail.row, track) for track in detail.captions],
            placements=[CardOut.of(card) for card in detail.cards],
            claims=[ClaimOut.of(claim) for claim in detail.claims],
            blockers=[BlockerOut.of(blocker) for blocker in detail.blockers],
        )


class MadeOut(Out):
    """The id of what was made."""

    id: UUID


class StateOut(Out):
    """Where a thing stands now."""

    id: UUID
    state: str


@post("/v1/videos", permission="videos.write", refuses=[404], sync_to_thread=True, tags=["content"])
def create(data: JSONBody[VideoIn], request: ApiRequest) -> StateOut:
    """Begin a post; upload its file next."""
    readers = {"partner_ids", "all_partners", "partner_tier_ids", "publish_at"}
    words = CreateVideo(**data.model_dump(exclude=readers))
    groups = PartnerGroups(data.all_partners, data.partner_tier_ids)
    command = BeginPost(words, data.partner_ids, data.publish_at, groups)
    made = request.transact(lambda uow: begin_post(uow, command))
    return StateOut(id=made.id, state=made.state)


@get("/v1/seller/videos", permission="videos.write", sync_to_thread=True, tags=["seller"])
def get_own_videos(
    request: ApiRequest,
    paging: Given[Paging],
    video_state: Annotated[str | None, state_in(VIDEO.states)] = None,
) -> Response[PageOut[VideoRowOut]]:
    """The organization's videos, newest first."""
    with request.transaction() as uow:
        page = list_own_videos(uow, cursor=paging.cursor, limit=paging.limit, state=video_state)
    return linked(
        page,
        lambda row: VideoRowOut.of(request.services, row),
        "/v1/seller/videos",
        limit=paging.limit,
        state=video_state,
    )


@get("/v1/seller/videos/{video_id:uuid}", permission="videos.write", sync_to_thread=True, tags=["seller"])
def get_own(video_id: FromPath[UUID], request: ApiRequest) -> VideoDetailOut:
    """One of the organization's videos in any state, with what keeps it from being published."""
    return _detail(request, video_id)


@get("/v1/seller/videos/{video_id:uuid}/reach", permission="videos.write", sync_to_thread=True, tags=["seller"])
def get_own_reach(video_id: FromPath[UUID], request: ApiRequest) -> ReachOut:
    """How far it went: impressions, views, card clicks, leads."""
    with request.transaction() as uow:
        return ReachOut.of_row(get_reach(uow, video_id))


@post("/v1/videos/{video_id:uuid}/placements", permission="videos.write", sync_to_thread=True, tags=["content"])
def create_placement(video_id: FromPath[UUID], data: JSONBody[PlacementIn], request: ApiRequest) -> MadeOut:
    """Put a plan's card on the video: one's own, or, as a promoter, anybody's that is on sale."""
    command = AddPlacement(video_id, data.plan_id, data.start_ms, data.end_ms, data.action)
    return MadeOut(id=request.transact(lambda uow: add_placement(uow, command).id))


@patch("/v1/placements/{placement_id:uuid}", permission="videos.write", sync_to_thread=True, tags=["content"])
def update_placement(
    placement_id: FromPath[UUID],
    data: JSONBody[PlacementChange],
    request: ApiRequest,
) -> MadeOut:
    """Change a card's range, plan or call to action."""
    command = ChangePlacement(placement_id, data.start_ms, data.end_ms, data.action, data.plan_id)
    return MadeOut(id=request.transact(lambda uow: change_placement(uow, command).id))


@delete("/v1/placements/{placement_id:uuid}", permission="videos.write", sync_to_thread=True, tags=["content"])
def delete_placement(placement_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take a card off the video, with the claims about it."""
    request.transact(lambda uow: remove_placement(uow, placement_id))


@post("/v1/placements/{placement_id:uuid}/claims", permission="videos.write", sync_to_thread=True, tags=["content"])
def create_claim(placement_id: FromPath[UUID], data: JSONBody[ClaimIn], request: ApiRequest) -> MadeOut:
    """Enter what the video promises of the card's plan."""
    command = AddClaim(placement_id, **data.model_dump())
    return MadeOut(id=request.transact(lambda uow: add_claim(uow, command).id))


@delete("/v1/claims/{claim_id:uuid}", permission="videos.write", sync_to_thread=True, tags=["content"])
def delete_claim(claim_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take a claim back."""
    request.transact(lambda uow: remove_claim(uow, claim_id))


@post(
    "/v1/videos/{video_id:uuid}/publish",
    permission="videos.write",
    sync_to_thread=True,
    status_code=200,
    tags=["content"],
)
def publish(video_id: FromPath[UUID], request: ApiRequest) -> StateOut:
    """Publish. Refused while a claim contradicts its plan, a card's listing is not on sale, or onboarding is unfinished."""
    video = request.transact(lambda uow: publish_video(uow, video_id))
    return StateOut(id=video.id, state=video.state)


@post(
    "/v1/videos/{video_id:uuid}/withdraw",
    permission="videos.write",
    sync_to_thread=True,
    status_code=200,
    tags=["content"],
)
def withdraw(video_id: FromPath[UUID], request: ApiRequest) -> StateOut:
    """Take it out of every feed."""
    video = request.transact(lambda uow: withdraw_video(uow, video_id))
    return StateOut(id=video.id, state=video.state)


def _detail(request: ApiRequest, video_id: UUID) -> VideoDetailOut:
    with request.transaction() as uow:
        return VideoDetailOut.of(request.services, get_own_video(uow, video_id))


routes = [
    create,
    get_own_videos,
    get_own,
    get_own_reach,
    create_placement,
    update_placement,
    delete_placement,
    create_claim,
    delete_claim,
    publish,
    withdraw,
]
