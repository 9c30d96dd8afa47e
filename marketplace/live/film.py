"""What of a channel's films a session may play: only to those who may see the film itself."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.courses.queries import is_sold_episode
from marketplace.live.models import LiveSession
from marketplace.videos.access import OPEN
from marketplace.videos.models import Video

PLAYABLE = ("ready", "published")
"""States of films that are played: examined, whether or not they are posts."""
MOST_FILMS = 100


def may_play(session: LiveSession, video: Video) -> bool:
    """Whether the film may be shown to those whom the session is for: never to more than may see it by itself. Pure."""
    if video.state not in PLAYABLE or not video.duration_ms:
        return False
    if session.visibility == "internal" or video.visibility in OPEN:
        return True
    if not session.visibility == video.visibility == "partners":
        return False
    all_partners = session.org_id in video.partner_groups
    in_groups = all_partners or set(session.partner_groups) <= set(video.partner_groups)
    return in_groups and set(session.partner_ids) <= set(video.partner_ids)


def require_film(uow: UnitOfWork, session: LiveSession, video_id: UUID | None = None) -> Video:
    """The film of a session, or `video_id` as its film, that may be played.

    Raises:
        NotFound: `video_not_found`: none of the session's channel, or none at all.
        Conflict: `live_film_not_ready`, `live_film_narrower`; `video_is_episode`: a course sells it.
    """
    wanted = video_id or session.video_id
    video = uow.session.get(Video, wanted) if wanted is not None else None
    if video is None or (video.org_id, video.channel_id) != (session.org_id, session.channel_id):
        raise NotFound("video_not_found")
    if video.state not in PLAYABLE or not video.duration_ms:
        raise Conflict("live_film_not_ready", state=video.state)
    if not may_play(session, video):
        raise Conflict("live_film_narrower")
    if session.visibility != "internal" and is_sold_episode(uow, video.id):
        raise Conflict("video_is_episode")
    return video


@dataclass(frozen=True, slots=True)
class FilmChoice:
    """A film of one's own that may be played."""

    id: UUID
    title: str
    title_en: str
    duration_ms: int


def list_films(uow: UnitOfWork) -> list[FilmChoice]:
    """The acting organization's films that may be played, the newest first."""
    found = (
        select(Video.id, Video.title, Video.title_en, Video.duration_ms)
        .where(Video.org_id == uow.principal.organization(), Video.state.in_(PLAYABLE), Video.duration_ms > 0)
        .order_by(Video.created_at.desc(), Video.id.desc())
        .limit(MOST_FILMS)
    )
    return [FilmChoice(row.id, row.title, row.title_en, row.duration_ms or 0) for row in uow.session.execute(found)]
