"""Who may see a video: the one place that decides it. Feed, page, media bytes, API and counts all ask here."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ColumnElement, Uuid, and_, any_, bindparam, false, func, or_, select, true

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.principal import Principal
from kernel.states import state_in
from marketplace.videos.models import Video

OPEN: Final = ("public", "unlisted")
"""Visibilities of videos that anybody may watch who has the link."""


def listed_to(principal: Principal) -> ColumnElement[bool]:
    """The condition under which a video shows to `principal` in feeds, on channels and in search.

    Public ones to everybody, those for partners to these (named ones, and those in its groups by an accepted link), and both
    they and internal ones to the organization itself. What is unlisted is in no list.
    """
    mine = and_(_own(principal), Video.visibility != "unlisted")
    return and_(state_in(Video.state, "published"), or_(Video.visibility == "public", mine, _shared_with(principal)))


def watchable_by(principal: Principal) -> ColumnElement[bool]:
    """The condition under which `principal` may watch a published video whose link they have."""
    shown = or_(Video.visibility.in_(OPEN), _own(principal), _shared_with(principal))
    return and_(state_in(Video.state, "published"), shown)


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """The condition under which `principal` may know of a video at all: it may watch it, or has it, in any state."""
    if principal.is_platform:
        return true()
    return or_(_own(principal), watchable_by(principal))


def _own(principal: Principal) -> ColumnElement[bool]:
    return Video.org_id == principal.org_id if principal.org_id else false()


def _shared_with(principal: Principal) -> ColumnElement[bool]:
    if not principal.org_id:
        return false()
    # A subquery by itself is asked once a statement, and not before the first video for partners.
    groups = select(func.marketplace.partner_groups(principal.org_id, type_=ARRAY(Uuid))).scalar_subquery()
    shared = or_(Video.partner_ids.contains([principal.org_id]), Video.partner_groups.overlap(groups))
    return and_(Video.visibility == "partners", shared)


_VIEWER = bindparam("own_id", type_=Uuid)
MAY_SEE = or_(
    bindparam("platform", type_=Boolean),
    Video.org_id == _VIEWER,
    and_(
        Video.state == "published",
        or_(
            Video.visibility == "public",
            Video.visibility == "unlisted",
            and_(
                Video.visibility == "partners",
                or_(
                    any_(Video.partner_ids) == _VIEWER,
                    Video.partner_groups.overlap(
                        select(func.marketplace.partner_groups(_VIEWER, type_=ARRAY(Uuid))).scalar_subquery()
                    ),
                ),
            ),
        ),
    ),
)
"""`visible_to` for statements that are built once; `viewer` gives its parameters."""


def is_public(video: Video) -> bool:
    """Whether anybody at all may watch it who has the link."""
    return video.state == "published" and video.visibility in OPEN


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
