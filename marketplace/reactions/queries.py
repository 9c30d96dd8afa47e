"""Reads about what viewers do with videos: numbers for everybody, and the reader's own answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text

from kernel.db.uow import UnitOfWork
from marketplace.reactions.models import VideoLike
from marketplace.videos.access import get_visible_video


@dataclass(frozen=True, slots=True)
class Reactions:
    """How many like a video. `liked` is the acting person's own."""

    likes: int = 0
    liked: bool = False


def get_reactions(uow: UnitOfWork, video_id: UUID) -> Reactions:
    """Of one video that the principal may see. Raises NotFound(`video_not_found`)."""
    get_visible_video(uow, video_id)
    return reactions_of(uow, [video_id])[video_id]


def reactions_of(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, Reactions]:
    """Of videos that the caller has seen already, by id."""
    ids = list(video_ids)
    if not ids:
        return {}
    counted = text("SELECT video_id, likes FROM marketplace.count_likes(CAST(:ids AS uuid[]))")
    likes = {row.video_id: row.likes for row in uow.session.execute(counted, {"ids": ids})}
    own = _liked_among(uow, ids)
    return {one: Reactions(likes.get(one, 0), one in own) for one in ids}


def _liked_among(uow: UnitOfWork, ids: list[UUID]) -> frozenset[UUID]:
    principal = uow.principal
    if principal.org_id is None or principal.person_id is None:
        return frozenset()
    statement = select(VideoLike.video_id).where(
        VideoLike.org_id == principal.org_id,
        VideoLike.person_id == principal.person_id,
        VideoLike.video_id.in_(ids),
    )
    return frozenset(uow.session.scalars(statement))
