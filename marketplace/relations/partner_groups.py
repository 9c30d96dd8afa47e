"""Which of a seller's partners something is for: all of them, or those in some of its tiers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, literal, select, update

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.relations.partner_models import PartnerLink, PartnerTier
from marketplace.videos.models import Video


@dataclass(frozen=True, slots=True)
class PartnerGroups:
    """All of a seller's partners, those in some tiers, or by no link at all."""

    everybody: bool = False
    tier_ids: Sequence[UUID] = ()


NO_GROUPS: Final = PartnerGroups()


@dataclass(frozen=True, slots=True)
class TierNamed:
    """A tier that something is for."""

    id: UUID
    code: str
    name: str
    name_en: str


def groups_as_kept(uow: UnitOfWork, groups: PartnerGroups) -> list[UUID]:
    """As a listing or a video keeps them: the acting seller's own id for all, else ids of its tiers.

    Raises NotFound `partner_tier_not_found`: not one of its own.
    """
    seller_id = uow.principal.organization()
    if groups.everybody:
        return [seller_id]
    wanted = sorted(set(groups.tier_ids))
    if wanted:
        own = select(PartnerTier.id).where(PartnerTier.seller_org_id == seller_id, PartnerTier.id.in_(wanted))
        if len(uow.session.scalars(own).all()) < len(wanted):
            raise NotFound("partner_tier_not_found")
    return wanted


def groups_as_read(kept: Collection[UUID], seller_id: UUID) -> PartnerGroups:
    """The reverse of `groups_as_kept`."""
    return PartnerGroups(seller_id in kept, tuple(one for one in kept if one != seller_id))


def tiers_named(uow: UnitOfWork) -> tuple[TierNamed, ...]:
    """The acting seller's tiers, the highest first."""
    own = select(PartnerTier).where(PartnerTier.seller_org_id == uow.principal.organization())
    rows = uow.session.scalars(own.order_by(PartnerTier.rank, PartnerTier.code))
    return tuple(TierNamed(row.id, row.code, row.name, row.name_en) for row in rows)


def end_addresses(uow: UnitOfWork, link: PartnerLink) -> None:
    """Let no signed address work any more of what the link showed: whoever may still watch asks its page for another.

    Locks: the videos, by their ids.
    """
    ended: Any = cast(literal([one for one in (link.seller_org_id, link.tier_id) if one], ARRAY(Uuid)), ARRAY(Uuid))
    seen = (
        select(Video.id)
        .where(Video.org_id == link.seller_org_id, Video.visibility == "partners", Video.partner_groups.overlap(ended))
        .order_by(Video.id)
        .with_for_update()
    )
    with as_platform(uow):
        ids = uow.session.scalars(seen).all()
        if ids:
            uow.session.execute(
                update(Video)
                .where(Video.id.in_(ids))
                .values(links_ended=Video.links_ended + 1)
                .execution_options(synchronize_session=False)
            )
