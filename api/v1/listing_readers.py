"""Whom a product is shown to, changed by the seller whose it is."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Wire
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import PartnerGroups
from marketplace.relations.save_tier import MOST_TIERS


class ListingVisibilityIn(Wire):
    """`public`: everybody; `partners`: the seller's partners alone, all of them or those in these tiers."""

    visibility: Annotated[Literal["public", "partners"], Field(examples=["partners"])]
    all_partners: Annotated[bool, Field(examples=[True])] = False
    partner_tier_ids: Annotated[list[UUID], Field(default_factory=list, max_length=MOST_TIERS, examples=[[]])]


@put(
    "/v1/listings/{listing_id:uuid}/visibility",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["catalogue"],
)
def update_listing_visibility(
    listing_id: FromPath[UUID], data: JSONBody[ListingVisibilityIn], request: ApiRequest
) -> None:
    """Let others than before see and buy the product. It holds at once, in lists, on cards and in search, for quotes that nobody
    used as well; what was bought or offered stays, and is renewed. A partner is one for as long as its link stands.
    """
    groups = PartnerGroups(data.all_partners, data.partner_tier_ids)
    request.transact(lambda uow: show_listing(uow, ShowListing(listing_id, data.visibility, groups)))


routes = [update_listing_visibility]
