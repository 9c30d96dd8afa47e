"""Reads about live sessions: lists of them, and one as its room shows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.channels.models import Channel
from marketplace.live.access import get_visible_session, live_listed_to
from marketplace.live.explain import position_of
from marketplace.live.film import may_play
from marketplace.live.models import LiveReminder, LiveSession
from marketplace.live.shelf_items import LiveItemView, items_of
from marketplace.relations.partner_groups import NO_GROUPS, PartnerGroups, groups_as_read
from marketplace.videos.models import Video, media_version


@dataclass(frozen=True, slots=True)
class LiveFilm:
    """What is played: where its bytes are asked for, and how large its picture is."""

    video_id: UUID
    media_version: str
    is_public: bool
    has_cover: bool
    duration_ms: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LiveSessionView:
    """A session in a list. `film` is None where it may not be shown (any more)."""

    id: UUID
    org_id: UUID
    channel_id: UUID
    channel_name: str
    channel_name_en: str
    video_id: UUID | None
    title: str
    title_en: str
    description: str
    description_en: str
    visibility: str
    partner_ids: tuple[UUID, ...]
    groups: PartnerGroups
    """Who else sees it while it is for partners; its organization's to read."""
    state: str
    starts_at: datetime
    started_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    sequence: int
    position_ms: int
    """Where it is now, in milliseconds since it began; once it ended, how long it was."""
    film: LiveFilm | None
    stream_ms: int | None
    """Of one that is streamed: how long at most."""
    stream_url: str | None
    """Where its picture is, while it runs; its organization's to read before, too."""
    reminded: bool
    """Whether the acting person asked to be reminded."""


@dataclass(frozen=True, slots=True)
class LiveRoom:
    """A session with its shelf."""

    session: LiveSessionView
    items: tuple[LiveItemView, ...]

    @property
    def explained(self) -> LiveItemView | None:
        """What is explained now, while it can be bought."""
        return next((one for one in self.items if one.explained_now and one.on_sale), None)


def list_live(
    uow: UnitOfWork, state: str, *, channel_id: UUID | None = None, cursor: str | None = None, limit: int = 20
) -> Page[LiveSessionView]:
    """Sessions in a state that are listed to whoever asks: what is ahead the soonest first, other ones the newest first.

    What is ahead is listed without a cursor. Raises Invalid(`cursor_invalid`).
    """
    shown = [LiveSession.state == state, live_listed_to(uow.principal)]
    if channel_id is not None:
        shown.append(LiveSession.channel_id == channel_id)
    if state == "scheduled":
        statement = _sessions(*shown).order_by(LiveSession.starts_at, LiveSession.id).limit(limit)
        return Page(_views(uow, statement), None)
    return _newest(uow, _sessions(*shown), cursor, limit)


def list_own_live(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[LiveSessionView]:
    """The acting organization's sessions, the latest start first. Raises Invalid(`cursor_invalid`)."""
    return _newest(uow, _sessions(LiveSession.org_id == uow.principal.organization()), cursor, limit)


def get_room(uow: UnitOfWork, session_id: UUID) -> LiveRoom:
    """A session that one may see, with its shelf. Raises NotFound(`live_session_not_found`)."""
    session = get_visible_session(uow, session_id)
    (view,) = _views(uow, _sessions(LiveSession.id == session.id))
    return LiveRoom(view, items_of(uow, session_id))


def get_own_room(uow: UnitOfWork, session_id: UUID) -> LiveRoom:
    """As `get_room`, of the acting organization alone."""
    room = get_room(uow, session_id)
    if room.session.org_id != uow.principal.organization():
        raise NotFound("live_session_not_found")
    return room


def _sessions(*conditions: ColumnElement[bool]) -> Any:
    return select(LiveSession, Channel).join(Channel, Channel.id == LiveSession.channel_id).where(*conditions)


def _newest(uow: UnitOfWork, statement: Any, cursor: str | None, limit: int) -> Page[LiveSessionView]:
    ordered = newest_first(statement, LiveSession.starts_at, LiveSession.id, cursor, limit)
    return cut(_views(uow, ordered), limit, lambda row: (row.starts_at, row.id))


def _views(uow: UnitOfWork, statement: Any) -> list[LiveSessionView]:
    rows = uow.session.execute(statement).all()
    films = _films(uow, {session.video_id for session, _ in rows if session.video_id is not None})
    asked = _reminded(uow, [session.id for session, _ in rows])
    return [
        LiveSessionView(
            id=session.id,
            org_id=session.org_id,
            channel_id=channel.id,
            channel_name=channel.name,
            channel_name_en=channel.name_en,
            video_id=session.video_id,
            title=session.title,
            title_en=session.title_en,
            description=session.description,
            description_en=session.description_en,
            visibility=session.visibility,
            partner_ids=tuple(session.partner_ids) if session.org_id == uow.principal.org_id else (),
            groups=groups_as_read(session.partner_groups, session.org_id)
            if session.org_id == uow.principal.org_id
            else NO_GROUPS,
            state=session.state,
            starts_at=session.starts_at,
            started_at=session.started_at,
            ends_at=session.ends_at,
            ended_at=session.ended_at,
            sequence=session.sequence,
            position_ms=position_of(session),
            film=_film(session, films[session.video_id]) if session.video_id is not None else None,
            stream_ms=session.stream_ms,
            stream_url=session.stream_url
            if session.state == "live" or session.org_id == uow.principal.org_id
            else None,
            reminded=session.id in asked,
        )
        for session, channel in rows
    ]


def _films(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, Video]:
    """The films of sessions that one may see: `may_play` says whether they may be shown. A film need not be a post."""
    if not video_ids:
        return {}
    with reading_as_platform(uow):
        return {one.id: one for one in uow.session.scalars(select(Video).where(Video.id.in_(list(video_ids))))}


def _film(session: LiveSession, video: Video) -> LiveFilm | None:
    if not may_play(session, video):
        return None
    return LiveFilm(
        video_id=video.id,
        media_version=media_version(video),
        is_public=video.state == "published" and video.visibility == "public",
        has_cover=video.cover_key is not None,
        duration_ms=video.duration_ms or 0,
        width=video.width or 0,
        height=video.height or 0,
    )


def _reminded(uow: UnitOfWork, session_ids: Sequence[UUID]) -> frozenset[UUID]:
    principal = uow.principal
    if principal.org_id is None or principal.person_id is None or not session_ids:
        return frozenset()
    own = select(LiveReminder.session_id).where(
        LiveReminder.org_id == principal.org_id,
        LiveReminder.person_id == principal.person_id,
        LiveReminder.session_id.in_(session_ids),
    )
    return frozenset(uow.session.scalars(own))
