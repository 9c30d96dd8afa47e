"""Who may see a video: the one place that decides it. Feed, page, media bytes, API and counts all ask here."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Uuid, and_, bindparam, false, or_, select, true

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.principal import Principal
from kernel.states import state_in
from marketplace.videos.models import Video


def published_to(principal: Principal) -> ColumnElement[bool]:
    """The condition under which a published video shows to `principal` in feeds and search.

    Public ones to everybody, internal ones to the organization itself. A video for partners shows to its own
    organization only as long as no partner agreement says otherwise.
    """
    mine = Video.org_id == principal.org_id if principal.org_id else false()
    return and_(state_in(Video.state, "published"), or_(Video.visibility == "public", mine))


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """The condition under which `principal` may know of a video at all: published to it, or its own in any state."""
    if principal.is_platform:
        return true()
    mine = Video.org_id == principal.org_id if principal.org_id else false()
    return or_(mine, published_to(principal))


MAY_SEE = or_(
    bindparam("platform", type_=Boolean),
    Video.org_id == bindparam("own_id", type_=Uuid),
    and_(Video.state == "published", Video.visibility == "public"),
)
"""`visible_to` for statements that are built once; `viewer` gives its parameters."""


def is_public(video: Video) -> bool:
    """Whether anybody at all may watch it."""
    return video.state == "published" and video.visibility == "public"


def get_visible_video(uow: UnitOfWork, video_id: UUID) -> Video:
    """The video, when the principal may see it. Raises NotFound(`video_not_found`)."""
    found = uow.session.scalar(select(Video).where(Video.id == video_id, visible_to(uow.principal)))
    if found is None:
        raise NotFound("video_not_found")
    return found


def lock_own_video(uow: UnitOfWork, video_id: UUID) -> Video:
    """The acting organization's video, locked for a change. Raises NotFound(`video_not_found`)."""
    found = lock_row(uow.session, Video, video_id)
    if found is None or (not uow.principal.is_platform and found.org_id != uow.principal.organization()):
        raise NotFound("video_not_found")
    return found
