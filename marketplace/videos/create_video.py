"""A video post begins: its words first, its file next."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.channels.models import Channel
from marketplace.input_text import line, paragraphs
from marketplace.videos.models import VIDEO, VISIBILITIES, Video

MAX_TITLE = 120
MAX_DESCRIPTION = 2000


@dataclass(frozen=True, slots=True)
class CreateVideo:
    """A post on one of the organization's channels (None: its oldest). An empty English title takes the Chinese one."""

    channel_id: UUID | None
    title: str
    title_en: str = ""
    description: str = ""
    description_en: str = ""
    visibility: str = "public"


def create_video(uow: UnitOfWork, command: CreateVideo) -> Video:
    """Create a draft.

    Raises:
        Invalid: `text_required`, `text_too_long`, `visibility_invalid`.
        NotFound: `channel_not_found`: none of the acting organization's.
        Conflict: `channel_required`: it has no channel yet.
    """
    org_id = uow.principal.organization()
    if command.visibility not in VISIBILITIES:
        raise Invalid("visibility_invalid", field="visibility")
    channel = _channel(uow, org_id, command.channel_id)
    title = line("title", command.title, MAX_TITLE)
    video = Video(
        id=uuid7(),
        org_id=org_id,
        channel_id=channel.id,
        title=title,
        title_en=line("title_en", command.title_en or title, MAX_TITLE),
        description=paragraphs("description", command.description, MAX_DESCRIPTION),
        description_en=paragraphs("description_en", command.description_en, MAX_DESCRIPTION),
        visibility=command.visibility,
        created_at=clock.now(),
    )
    VIDEO.begin(uow, video, org_ids=[org_id])
    uow.session.add(video)
    uow.flush()
    return video


def _channel(uow: UnitOfWork, org_id: UUID, channel_id: UUID | None) -> Channel:
    statement = select(Channel).where(Channel.org_id == org_id).order_by(Channel.created_at, Channel.id).limit(1)
    if channel_id is not None:
        statement = statement.where(Channel.id == channel_id)
    found = uow.session.scalar(statement)
    if found is None:
        raise NotFound("channel_not_found") if channel_id is not None else Conflict("channel_required")
    return found
