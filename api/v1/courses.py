"""Courses: what they consist of, watched by whoever has a seat, with progress; the seller's own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, put
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, StrictInt, Wire
from api.v1.captions import MEDIA_TYPE, answer_captions
from api.v1.media import answer_media
from fulfillment.courses import queries
from fulfillment.courses.access import find_episode_media
from fulfillment.courses.edit_course import edit_course
from fulfillment.courses.report_progress import ProgressKept, ReportProgress, report_progress
from fulfillment.courses.views import (
    CourseCompletion,
    CourseRow,
    CourseView,
    EpisodeCompletion,
    EpisodeView,
    MemberProgress,
)
from marketplace.courses.save_course import MAX_EPISODES, EpisodeDraft, SaveCourse
from marketplace.videos.create_video import MAX_TITLE
from marketplace.videos.queries import Media

COURSE = "/v1/courses/{listing_id:uuid}"
EPISODE = f"{COURSE}/episodes/{{video_id:uuid}}"
OWN_COURSE = "/v1/seller/courses/{listing_id:uuid}"
WRITE, READ_MEMBERS = "catalog.write", "seats.assign"
LATEST_MS = 86_400_000


class CourseRowOut(Out):
    """A course in which one may watch, with how far one came. `valid_to` is exclusive; null means without end."""

    listing_id: UUID
    entitlement_id: UUID
    title: str
    title_en: str
    seller_name: str
    valid_to: datetime | None
    episodes: int
    completed: int
    watched_at: datetime | None

    @classmethod
    def of(cls, row: CourseRow) -> CourseRowOut:
        """From the query's row."""
        return cls.of_row(row)


class EpisodeOut(Out):
    """A part of a course. `media_url` answers range requests as long as one may watch; null where one may not."""

    video_id: UUID
    number: int
    title: str
    title_en: str
    duration_ms: int
    is_preview: bool
    is_open: Annotated[bool, Meta(description="Whether one may watch it at this moment")]
    position_ms: Annotated[int, Meta(description="Where it was left")]
    furthest_ms: int
    completed_at: Annotated[datetime | None, Meta(description="When nine tenths of it had been reached first")]
    captions: tuple[str, ...]
    media_url: str | None

    @classmethod
    def of(cls, listing_id: UUID, row: EpisodeView) -> EpisodeOut:
        """From the query's row."""
        return cls.of_row(row, media_url=media_address(listing_id, row.video_id) if row.is_open else None)


class CourseOut(Out):
    """A course as its reader meets it. `entitlement_id`: by what one watches; null without a seat."""

    listing_id: UUID
    title: str
    title_en: str
    seller_name: str
    entitlement_id: UUID | None
    is_own: Annotated[bool, Meta(description="One's own organization sells it")]
    completed: int
    episodes: list[EpisodeOut]

    @classmethod
    def of(cls, row: CourseView) -> CourseOut:
        """From the query's row."""
        return cls.of_row(row, episodes=[EpisodeOut.of(row.listing_id, one) for one in row.episodes])


class ProgressIn(Wire):
    """Where the player is in the episode."""

    position_ms: Annotated[StrictInt, Field(ge=0, le=LATEST_MS, examples=[61_000])]


class EpisodeProgressOut(Out):
    """How far one came in the episode: `furthest_ms` never falls."""

    position_ms: int
    furthest_ms: int
    duration_ms: int
    completed_at: datetime | None

    @classmethod
    def of(cls, row: ProgressKept) -> EpisodeProgressOut:
        """From what is kept."""
        return cls.of_row(row)


class MembersProgressOut(Out):
    """How far the members came who watch by an entitlement, or have watched by it."""

    listing_id: UUID
    title: str
    title_en: str
    episodes: int
    duration_ms: int
    members: tuple[MemberProgress, ...]


class EpisodeIn(Wire):
    """A video of one's own that is an episode; without a title it has the video's."""

    video_id: Annotated[UUID, Field(strict=False)]
    title: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    title_en: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    is_preview: bool = False


class CourseIn(Wire):
    """All episodes in their order. `base`: as it was read; what was saved since is not overwritten (409 `draft_changed`)."""

    episodes: Annotated[list[EpisodeIn], Field(max_length=MAX_EPISODES)]
    base: Annotated[str | None, Field(max_length=60, examples=[None])] = None


class CourseCompletionOut(Out):
    """A course of one's own in numbers: nobody is named. `learners` watched some of it, `finished` completed every episode."""

    listing_id: UUID
    base: str
    customers: Annotated[int, Meta(description="Organizations that may use it now")]
    seats_held: int
    learners: int
    finished: int
    episodes: tuple[EpisodeCompletion, ...]

    @classmethod
    def of(cls, row: CourseCompletion) -> CourseCompletionOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/courses", permission=SIGNED_IN, sync_to_thread=True, tags=["courses"])
def list_courses(request: ApiRequest) -> list[CourseRowOut]:
    """The courses in which one may watch, by a seat of one's own or as a member of an organization that has it for everybody;
    what was watched last comes first.
    """
    with request.transaction() as uow:
        return [CourseRowOut.of(row) for row in queries.list_own_courses(uow)]


@get(COURSE, permission=PUBLIC, sync_to_thread=True, tags=["courses"])
def get_course(listing_id: FromPath[UUID], request: ApiRequest) -> CourseOut:
    """What a course consists of, which episodes are open to one, and how far one came."""
    with request.transaction() as uow:
        return CourseOut.of(queries.get_course(uow, listing_id))


@get(f"{EPISODE}/media", permission=PUBLIC, media_type="video/mp4", also_answers=[206, 304, 416], tags=["courses"])
async def get_episode_media(listing_id: FromPath[UUID], video_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """An episode's bytes, whole or one range, for whoever may watch it at this moment: each request asks anew."""
    media = await sync_to_thread(_find, request, listing_id, video_id)
    return await answer_media(request, media, None)


@get(
    f"{EPISODE}/captions/{{language:str}}",
    permission=PUBLIC,
    media_type=MEDIA_TYPE,
    also_answers=[304],
    tags=["courses"],
)
async def get_episode_captions(
    listing_id: FromPath[UUID], video_id: FromPath[UUID], language: FromPath[str], request: ApiRequest
) -> Response[Any]:
    """An episode's captions in a language, for whoever may watch it."""
    media = await sync_to_thread(_find, request, listing_id, video_id)
    return await answer_captions(request, media, language, None)


@put(f"{EPISODE}/progress", permission=SIGNED_IN, sync_to_thread=True, tags=["courses"])
def update_progress(
    listing_id: FromPath[UUID], video_id: FromPath[UUID], data: JSONBody[ProgressIn], request: ApiRequest
) -> EpisodeProgressOut:
    """Say where one's player is; the furthest is kept, and nine tenths complete the episode. Only a seat's progress is kept."""
    command = ReportProgress(listing_id, video_id, data.position_ms)
    return EpisodeProgressOut.of(request.transact(lambda uow: report_progress(uow, command)))


@get(
    "/v1/entitlements/{entitlement_id:uuid}/course-progress",
    permission=READ_MEMBERS,
    sync_to_thread=True,
    tags=["entitlements"],
)
def get_members_progress(entitlement_id: FromPath[UUID], request: ApiRequest) -> MembersProgressOut:
    """How far each member came in the course that was bought."""
    with request.transaction() as uow:
        return MembersProgressOut.of_row(queries.progress_of_members(uow, entitlement_id))


@get(OWN_COURSE, permission=WRITE, sync_to_thread=True, tags=["seller"])
def get_own_course(listing_id: FromPath[UUID], request: ApiRequest) -> CourseCompletionOut:
    """A course of one's own, with how many watch it and how far."""
    with request.transaction() as uow:
        return CourseCompletionOut.of(queries.completion_of_course(uow, listing_id))


@put(OWN_COURSE, permission=WRITE, sync_to_thread=True, status_code=204, tags=["seller"])
def update_course(listing_id: FromPath[UUID], data: JSONBody[CourseIn], request: ApiRequest) -> None:
    """Let videos of one's own be the episodes of a service product, in this order. It holds at once. What is no free preview
    has to be `internal`; while customers may use the course it never has fewer episodes.
    """
    drafts = [EpisodeDraft(**one.model_dump()) for one in data.episodes]
    request.transact(lambda uow: edit_course(uow, SaveCourse(listing_id, drafts, data.base)))


def media_address(listing_id: UUID, video_id: UUID) -> str:
    """Where an episode's bytes are, for whoever may watch."""
    return f"/v1/courses/{listing_id}/episodes/{video_id}/media"


def _find(request: ApiRequest, listing_id: UUID, video_id: UUID) -> Media:
    with request.transaction() as uow:
        return find_episode_media(uow, listing_id, video_id)


routes = [
    list_courses,
    get_course,
    get_episode_media,
    get_episode_captions,
    update_progress,
    get_members_progress,
    get_own_course,
    update_course,
]
