"""Reads about videos for the organization that posts them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.attribution.models import Touchpoint
from marketplace.discovery.cards import Card, ClaimView, cards_of, claims_of_videos
from marketplace.parties.queries import organization_names
from marketplace.placements.models import Placement
from marketplace.publishing.publish_video import Blocker, publication_blockers
from marketplace.relations.partner_groups import PartnerGroups, groups_as_read
from marketplace.videos.access import is_public
from marketplace.videos.captions.edit_captions import CaptionTrack, tracks_of
from marketplace.videos.models import Video, media_version
from marketplace.videos.set_chapters import Chapter, chapters_of


@dataclass(frozen=True, slots=True)
class VideoRow:
    """A video in its owner's list. `views` counts distinct views ever recorded."""

    id: UUID
    channel_id: UUID
    title: str
    title_en: str
    state: str
    visibility: str
    is_public: bool
    duration_ms: int | None
    width: int | None
    height: int | None
    has_cover: bool
    cover_pending: bool
    cover_refused_code: str | None
    media_version: str
    placements: int
    views: int
    refused_code: str | None
    refused_params: dict[str, Any] | None
    publish_at: datetime | None
    publish_refused_code: str | None
    publish_refused_params: dict[str, Any] | None
    published_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Partner:
    """An organization that sees a video while it is for partners. The name is empty where it trades no more."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class VideoDetail:
    """A video with everything its owner works on. `blockers` say why it cannot be published yet."""

    row: VideoRow
    description: str
    description_en: str
    file_name: str | None
    media_type: str | None
    media_bytes: int | None
    video_codec: str | None
    audio_codec: str | None
    captions: tuple[CaptionTrack, ...]
    chapters: tuple[Chapter, ...]
    partners: tuple[Partner, ...]
    groups: PartnerGroups
    cards: tuple[Card, ...]
    claims: tuple[ClaimView, ...]
    blockers: tuple[Blocker, ...]


def list_own_videos(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, state: str | None = None
) -> Page[VideoRow]:
    """The acting organization's videos, newest first. Raises Invalid(`cursor_invalid`)."""
    statement = select(Video).where(Video.org_id == uow.principal.organization())
    if state is not None:
        statement = statement.where(Video.state == state)
    statement = newest_first(statement, Video.created_at, Video.id, cursor, limit)
    page = cut(list(uow.session.scalars(statement)), limit, lambda video: (video.created_at, video.id))
    return Page(_rows(uow, list(page.items)), page.next_cursor)


def get_own_video(uow: UnitOfWork, video_id: UUID) -> VideoDetail:
    """One of the acting organization's videos in any state. Raises NotFound(`video_not_found`)."""
    video = uow.session.scalar(select(Video).where(Video.id == video_id, Video.org_id == uow.principal.organization()))
    if video is None:
        raise NotFound("video_not_found")
    blockers = () if video.state == "published" else tuple(publication_blockers(uow, video))
    return VideoDetail(
        row=_rows(uow, [video])[0],
        description=video.description,
        description_en=video.description_en,
        file_name=video.file_name,
        media_type=video.media_type,
        media_bytes=video.media_bytes,
        video_codec=video.video_codec,
        audio_codec=video.audio_codec,
        captions=tracks_of(video),
        chapters=chapters_of(video),
        partners=_partners(uow, video),
        groups=groups_as_read(video.partner_groups, video.org_id),
        cards=cards_of(uow, [video.id], only_on_sale=False).get(video.id, ()),
        claims=claims_of_videos(uow, [video.id]).get(video.id, ()),
        blockers=blockers,
    )


def _partners(uow: UnitOfWork, video: Video) -> tuple[Partner, ...]:
    names = organization_names(uow, video.partner_ids)
    return tuple(sorted((Partner(one, names.get(one, "")) for one in video.partner_ids), key=lambda one: one.name))


def _rows(uow: UnitOfWork, videos: list[Video]) -> list[VideoRow]:
    ids = [video.id for video in videos]
    org_ids = {video.org_id for video in videos}
    placements = {
        row.video_id: row.number
        for row in uow.session.execute(
            select(Placement.video_id, func.count().label("number"))
            .where(Placement.org_id.in_(org_ids), Placement.video_id.in_(ids), Placement.removed_at.is_(None))
            .group_by(Placement.video_id)
        )
    }
    views = {
        row.video_id: row.number
        for row in uow.session.execute(
            select(Touchpoint.video_id, func.count().label("number"))
            .where(Touchpoint.channel_org_id.in_(org_ids), Touchpoint.video_id.in_(ids), Touchpoint.kind == "view")
            .group_by(Touchpoint.video_id)
        )
    }
    return [
        VideoRow(
            id=video.id,
            channel_id=video.channel_id,
            title=video.title,
            title_en=video.title_en,
            state=video.state,
            visibility=video.visibility,
            is_public=is_public(video),
            duration_ms=video.duration_ms,
            width=video.width,
            height=video.height,
            has_cover=video.cover_key is not None,
            cover_pending=video.cover_request_id is not None,
            cover_refused_code=video.cover_refused_code,
            media_version=media_version(video),
            placements=placements.get(video.id, 0),
            views=views.get(video.id, 0),
            refused_code=video.refused_code,
            refused_params=video.refused_params,
            publish_at=video.publish_at,
            publish_refused_code=video.publish_refused_code,
            publish_refused_params=video.publish_refused_params if video.publish_refused_code else None,
            published_at=video.published_at,
            created_at=video.created_at,
        )
        for video in videos
    ]
