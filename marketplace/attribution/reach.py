"""How far videos went, by recorded touchpoints."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.attribution.models import Touchpoint
from marketplace.videos.models import Video


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a video went, by recorded events of others and of its own organization alike."""

    impressions: int
    views: int
    card_clicks: int
    leads: int


def get_reach(uow: UnitOfWork, video_id: UUID) -> Reach:
    """The first steps of the funnel of one's own video. Raises NotFound(`video_not_found`)."""
    org_id = uow.principal.organization()
    if uow.session.scalar(select(Video.id).where(Video.id == video_id, Video.org_id == org_id)) is None:
        raise NotFound("video_not_found")
    rows = uow.session.execute(
        select(Touchpoint.kind, func.count().label("number"))
        .where(Touchpoint.channel_org_id == org_id, Touchpoint.video_id == video_id)
        .group_by(Touchpoint.kind)
    )
    counts = {row.kind: row.number for row in rows}
    return Reach(counts.get("impression", 0), counts.get("view", 0), counts.get("card_click", 0), counts.get("lead", 0))


def reach_of_videos(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, Reach]:
    """How far videos went, on the acting organization's channels or by links its members shared; by video."""
    org_id = uow.principal.organization()
    rows = uow.session.execute(
        select(Touchpoint.video_id, Touchpoint.kind, func.count().label("number"))
        .where(
            Touchpoint.video_id.in_(list(video_ids)),
            or_(Touchpoint.channel_org_id == org_id, Touchpoint.sharer_org_id == org_id),
        )
        .group_by(Touchpoint.video_id, Touchpoint.kind)
    )
    counts: dict[UUID, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row.video_id, {})[row.kind] = row.number
    return {
        video_id: Reach(
            found.get("impression", 0), found.get("view", 0), found.get("card_click", 0), found.get("lead", 0)
        )
        for video_id, found in counts.items()
    }
