"""Videos that an organization may have its members watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, or_, select

from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from marketplace.channels.models import Channel
from marketplace.videos.access import watchable_by
from marketplace.videos.models import Video

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class TrainableVideo:
    """A video to choose."""

    id: UUID
    title: str
    title_en: str
    owner_name: str


def trainable_videos(uow: UnitOfWork) -> Sequence[TrainableVideo]:
    """The organization's own, internal ones first, and those that partners show it: the newest of each.

    What others publish for everybody can be assigned by its id.
    """
    org_id = uow.principal.organization()
    own = Video.org_id == org_id
    rows = uow.session.execute(
        select(Video, Channel.name)
        .join(Channel, Channel.id == Video.channel_id)
        .where(
            state_in(Video.state, "published"),
            watchable_by(uow.principal),
            or_(own, Video.partner_ids.contains([org_id])),
        )
        .order_by(case((own & (Video.visibility == "internal"), 0), (own, 1), else_=2), Video.published_at.desc())
        .limit(MOST_SHOWN)
    ).all()
    return [TrainableVideo(video.id, video.title, video.title_en, name) for video, name in rows]
