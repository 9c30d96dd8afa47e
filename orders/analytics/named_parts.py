"""What the parts of a funnel are called, in both languages."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.channels.models import Channel
from marketplace.live.models import LiveSession
from marketplace.parties.models import Organization
from marketplace.placements.models import Placement
from marketplace.relations.partner_models import PartnerTier
from marketplace.videos.models import Video


def name_parts(uow: UnitOfWork, by: str, keys: Collection[str]) -> dict[str, tuple[str, str]]:
    """Names by id: videos, cards (by product), channels, sessions, promoters, tiers. Days and seconds name themselves."""
    if not keys or by in {"day", "second"}:
        return {}
    statement = _names(by, [UUID(key) for key in keys])
    return {str(row[0]): (row[1], row[2] or row[1]) for row in uow.session.execute(statement)}


def _names(by: str, ids: list[UUID]) -> Select[UUID, str, str]:
    match by:
        case "video":
            return select(Video.id, Video.title, Video.title_en).where(Video.id.in_(ids))
        case "card":
            return (
                select(Placement.id, ListingVersion.title, ListingVersion.title_en)
                .join(Listing, Listing.id == Placement.listing_id)
                .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
                .where(Placement.id.in_(ids))
            )
        case "channel":
            return select(Channel.id, Channel.name, Channel.name_en).where(Channel.id.in_(ids))
        case "live":
            return select(LiveSession.id, LiveSession.title, LiveSession.title_en).where(LiveSession.id.in_(ids))
        case "promoter":
            names = (Organization.display_name, Organization.display_name)
            return select(Organization.id, *names).where(Organization.id.in_(ids))
        case "tier":
            return select(PartnerTier.id, PartnerTier.name, PartnerTier.name_en).where(PartnerTier.id.in_(ids))
        case _:
            raise ValueError(by)
