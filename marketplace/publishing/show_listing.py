"""A product is shown to everybody, or to its seller's partners alone; it holds from the next request on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.catalog.draft_listing import lock_own_listing
from marketplace.relations.partner_groups import NO_GROUPS, PartnerGroups, groups_as_kept

LISTING_VISIBILITIES: Final = ("public", "partners")


@dataclass(frozen=True, slots=True)
class ShowListing:
    """Whom a product is shown to; `groups` are the partners that it is for while it is for partners."""

    listing_id: UUID
    visibility: str
    groups: PartnerGroups = NO_GROUPS


def show_listing(uow: UnitOfWork, command: ShowListing) -> None:
    """Let the product be on sale to these from now on. What was bought or offered stays, and so do renewals.

    Raises:
        NotFound: `listing_not_found`, `partner_tier_not_found`.
        Invalid: `visibility_invalid`; `partner_groups_missing`: for partners, and for none of them.

    Locks: the listing.
    """
    if command.visibility not in LISTING_VISIBILITIES:
        raise Invalid("visibility_invalid", field="visibility")
    listing = lock_own_listing(uow, command.listing_id)
    groups = groups_as_kept(uow, command.groups)
    if command.visibility == "partners" and not groups:
        raise Invalid("partner_groups_missing", field="partner_tier_ids")
    listing.visibility = command.visibility
    listing.partner_groups = groups
    uow.flush()
