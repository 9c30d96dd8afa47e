"""Who may see a video, changed by the organization whose it is."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Wire
from api.v1.videos import Visibility
from marketplace.publishing.change_visibility import MAX_PARTNERS, ChangeVisibility, change_visibility
from marketplace.relations.partner_groups import PartnerGroups
from marketplace.relations.save_tier import MOST_TIERS


class VisibilityIn(Wire):
    """`public`: everybody; `unlisted`: who has the link; `internal`: one's own members; `partners`: the organizations
    `partner_ids`, and the seller's partners for as long as their links stand: `all_partners`, or those in `partner_tier_ids`.

    What is null is as it was; of the last two both, or neither.
    """

    visibility: Annotated[Visibility, Field(examples=["unlisted"])]
    partner_ids: Annotated[list[UUID] | None, Field(max_length=MAX_PARTNERS, examples=[None])] = None
    all_partners: Annotated[bool | None, Field(examples=[None])] = None
    partner_tier_ids: Annotated[list[UUID] | None, Field(max_length=MOST_TIERS, examples=[None])] = None

    def groups(self) -> PartnerGroups | None:
        """Its partners by their links; None: as they were."""
        if self.all_partners is None and self.partner_tier_ids is None:
            return None
        return PartnerGroups(bool(self.all_partners), self.partner_tier_ids or ())


@put(
    "/v1/videos/{video_id:uuid}/visibility",
    permission="videos.write",
    sync_to_thread=True,
    status_code=204,
    tags=["content"],
)
def update_visibility(video_id: FromPath[UUID], data: JSONBody[VisibilityIn], request: ApiRequest) -> None:
    """Let others than before see the video. It holds at once, for addresses of film, cover and captions that were handed out
    as well. One's own organization sees it in any case.
    """
    command = ChangeVisibility(video_id, data.visibility, data.partner_ids, data.groups())
    request.transact(lambda uow: change_visibility(uow, command))


routes = [update_visibility]
