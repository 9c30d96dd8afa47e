"""A post begins with its words, who may see it and, where it is known already, the moment of its publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel.db.uow import UnitOfWork
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.schedule_video import ScheduleVideo, schedule_video
from marketplace.relations.partner_groups import NO_GROUPS, PartnerGroups
from marketplace.videos.create_video import CreateVideo, create_video
from marketplace.videos.models import Video


@dataclass(frozen=True, slots=True)
class BeginPost:
    """`partner_ids` see it while it is for partners, and the partners in `groups`; `publish_at` None: it is published by hand."""

    words: CreateVideo
    partner_ids: Sequence[UUID] = ()
    publish_at: datetime | None = None
    groups: PartnerGroups = NO_GROUPS


def begin_post(uow: UnitOfWork, command: BeginPost) -> Video:
    """Create a draft whose file comes next.

    Raises: as `create_video`, `change_visibility` and `schedule_video`.
    """
    video = create_video(uow, command.words)
    change = ChangeVisibility(video.id, command.words.visibility, command.partner_ids, command.groups)
    change_visibility(uow, change)
    if command.publish_at is not None:
        schedule_video(uow, ScheduleVideo(video.id, command.publish_at))
    return video
