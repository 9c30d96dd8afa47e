"""Share links: a member sends a video on, and the link remembers who did."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.videos.access import get_visible_video
from marketplace.videos.models import ShareLink


@dataclass(frozen=True, slots=True)
class SharedBy:
    """What a link's code stands for."""

    link_id: UUID
    org_id: UUID
    video_id: UUID


def share_video(uow: UnitOfWork, video_id: UUID) -> str:
    """The acting person's link code for a video they may see; the same one every time.

    Raises:
        NotFound: `video_not_found`.
        Forbidden: `person_required`, `organization_required`.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    get_visible_video(uow, video_id)
    uow.session.execute(
        insert(ShareLink)
        .values(
            id=uuid7(),
            code=secrets.token_urlsafe(9),
            org_id=org_id,
            person_id=person_id,
            video_id=video_id,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["org_id", "person_id", "video_id"])
    )
    return uow.session.scalars(
        select(ShareLink.code).where(
            ShareLink.org_id == org_id, ShareLink.person_id == person_id, ShareLink.video_id == video_id
        )
    ).one()


def find_own_code(uow: UnitOfWork, video_id: UUID) -> str | None:
    """The acting person's link code for a video, where they have one already."""
    org_id, person_id = uow.principal.org_id, uow.principal.person_id
    if org_id is None or person_id is None:
        return None
    return uow.session.scalar(
        select(ShareLink.code).where(
            ShareLink.org_id == org_id, ShareLink.person_id == person_id, ShareLink.video_id == video_id
        )
    )


def find_share_link(uow: UnitOfWork, code: str) -> SharedBy | None:
    """What a code stands for; whoever was given the link may ask, whatever organization it is of."""
    row = uow.session.execute(
        text("SELECT id, org_id, video_id FROM marketplace.find_share_link(:code)"), {"code": code}
    ).first()
    return SharedBy(row.id, row.org_id, row.video_id) if row is not None and row.id is not None else None
