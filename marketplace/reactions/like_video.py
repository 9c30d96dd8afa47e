"""People like videos, and take it back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.reactions.models import VideoLike
from marketplace.videos.access import get_visible_video


def like_video(uow: UnitOfWork, video_id: UUID) -> None:
    """Let the acting person like a video they may see. Liked already, nothing changes.

    Raises:
        NotFound: `video_not_found`. Forbidden: `person_required`, `organization_required`.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    get_visible_video(uow, video_id)
    uow.session.execute(
        insert(VideoLike)
        .values(id=uuid7(), org_id=org_id, person_id=person_id, video_id=video_id, created_at=clock.now())
        .on_conflict_do_nothing(index_elements=["org_id", "person_id", "video_id"])
    )


def unlike_video(uow: UnitOfWork, video_id: UUID) -> None:
    """Take it back; not liked, nothing changes.

    Raises:
        NotFound: `video_not_found`. Forbidden: `person_required`, `organization_required`.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    get_visible_video(uow, video_id)
    uow.session.execute(
        delete(VideoLike).where(
            VideoLike.org_id == org_id, VideoLike.person_id == person_id, VideoLike.video_id == video_id
        )
    )
