"""Who may see a video is changed; it holds from the next request on, whatever was handed out before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from marketplace.courses.queries import is_sold_episode
from marketplace.parties.queries import organization_names
from marketplace.relations.partner_groups import PartnerGroups, groups_as_kept
from marketplace.videos.access import lock_own_video
from marketplace.videos.index_video import index_video
from marketplace.videos.models import VISIBILITIES

MAX_PARTNERS = 50


@dataclass(frozen=True, slots=True)
class ChangeVisibility:
    """Who may see a video. While it is for partners, so do the organizations `partner_ids`, and the seller's partners in `groups`
    for as long as their link stands (None of each: as they were).
    """

    video_id: UUID
    visibility: str
    partner_ids: Sequence[UUID] | None = None
    groups: PartnerGroups | None = None


def change_visibility(uow: UnitOfWork, command: ChangeVisibility) -> None:
    """Let the video be seen by these from now on. Orders that it sold stay as they are.

    Raises:
        NotFound: `video_not_found`, `partner_tier_not_found`.
        Invalid: `visibility_invalid`; `too_many_partners`; `partners_missing`; `partner_unknown` with the `partner`.
        Conflict: `video_is_episode`: a course sells it, so that it stays its organization's own.

    Locks: the video.
    """
    if command.visibility not in VISIBILITIES:
        raise Invalid("visibility_invalid", field="visibility")
    video = lock_own_video(uow, command.video_id)
    if command.partner_ids is not None:
        partners = sorted({*command.partner_ids} - {video.org_id})
        if len(partners) > MAX_PARTNERS:
            raise Invalid("too_many_partners", field="partner_ids", most=MAX_PARTNERS)
        known = organization_names(uow, partners)
        unknown = [one for one in partners if one not in known]
        if unknown:
            raise Invalid("partner_unknown", field="partner_ids", partner=str(unknown[0]))
        video.partner_ids = partners
    if command.groups is not None:
        video.partner_groups = groups_as_kept(uow, command.groups)
    if command.visibility == "partners" and not video.partner_ids and not video.partner_groups:
        raise Invalid("partners_missing", field="partner_ids")
    if command.visibility not in (video.visibility, "internal") and is_sold_episode(uow, video.id):
        raise Conflict("video_is_episode")
    video.visibility = command.visibility
    uow.flush()
    if video.state == "published":
        index_video(uow, video)
