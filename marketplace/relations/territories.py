"""A seller says where its partners may order for others, and which of them alone may."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import advisory_xact_lock
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.catalog.models import Listing
from marketplace.parties.models import Organization
from marketplace.parties.regions import checked_regions, covers, region_of, shared_regions
from marketplace.relations.events import PartnerTerritorySet
from marketplace.relations.partner_links import lock_link
from marketplace.relations.partner_models import PartnerLink
from marketplace.relations.territory_models import PartnerTerritory

MOST_REGIONS = 300
MOST_LISTINGS = 200
_EXCLUSIVE_LOCK = 7_133
"""Of a seller: two exclusive territories are compared one after the other."""


@dataclass(frozen=True, slots=True)
class SetTerritory:
    """Where a partner may order for others. `listing_ids`: what of an exclusive one is meant; none: everything."""

    link_id: UUID
    regions: tuple[str, ...]
    is_exclusive: bool = False
    listing_ids: tuple[UUID, ...] = ()


def set_territory(uow: UnitOfWork, command: SetTerritory) -> PartnerTerritory:
    """Let a partner of the acting seller order for customers in these regions alone, from now on. What was ordered stays.

    The same again, nothing changes.

    Raises: as `_running_link`; Invalid `territory_empty`, `region_unknown`, `too_many_regions`, `territory_listings_unfit`;
    NotFound `listing_not_found`; Conflict `territory_taken`: another partner alone may order something of it there.

    Emits: PartnerTerritorySet. Locks: the link; for an exclusive one the seller's territories.
    """
    link = _running_link(uow, command.link_id)
    regions = checked_regions(command.regions)
    if not regions:
        raise Invalid("territory_empty", field="regions")
    if len(regions) > MOST_REGIONS:
        raise Invalid("too_many_regions", field="regions", limit=MOST_REGIONS)
    listings = _listings(uow, command)
    if command.is_exclusive:
        advisory_xact_lock(uow.session, _EXCLUSIVE_LOCK, link.seller_org_id)
        _require_free(uow, link, regions, listings)
    standing = _standing(uow, link)
    if standing is not None:
        said = (standing.regions, standing.is_exclusive, standing.listing_ids)
        if said == (regions, command.is_exclusive, listings):
            return standing
        standing.ended_at = clock.now()
        uow.flush()
    row = PartnerTerritory(
        id=uuid7(),
        seller_org_id=link.seller_org_id,
        buyer_org_id=link.buyer_org_id,
        regions=regions,
        is_exclusive=command.is_exclusive,
        listing_ids=listings,
        set_by=uow.principal.person_id,
        created_at=clock.now(),
        ended_at=None,
    )
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "partner.territory_set", subject_id=link.id)
    emit(uow, PartnerTerritorySet(**link.fact))
    return row


def clear_territory(uow: UnitOfWork, link_id: UUID) -> PartnerLink:
    """Let a partner order for customers everywhere again. It may already, nothing changes.

    Raises: as `_running_link`. Emits: PartnerTerritorySet. Locks: the link.
    """
    link = _running_link(uow, link_id)
    if end_territory(uow, link):
        audit.record(uow, "partner.territory_cleared", subject_id=link.id)
        emit(uow, PartnerTerritorySet(**link.fact))
    return link


def end_territory(uow: UnitOfWork, link: PartnerLink) -> bool:
    """The partner's territory is over; whether it had one. The caller holds the link."""
    standing = _standing(uow, link)
    if standing is None:
        return False
    standing.ended_at = clock.now()
    uow.flush()
    return True


@dataclass(frozen=True, slots=True)
class Territories:
    """What bears on a buyer's orders for others: its own territories by seller, what others alone may order, and where those are
    for whom it orders.
    """

    own: Mapping[UUID, PartnerTerritory]
    of_others: Sequence[PartnerTerritory]
    regions: Mapping[UUID, str]

    def refusal(self, seller_id: UUID, listing_id: UUID, org_id: UUID) -> DomainError | None:
        """Why the buyer may not order this for an organization; None where it may."""
        region, own = self.regions[org_id], self.own.get(seller_id)
        if own is not None and not covers(own.regions, region):
            return Conflict("outside_territory", region=region)
        if any(
            one.seller_org_id == seller_id
            and covers(one.regions, region)
            and (not one.listing_ids or listing_id in one.listing_ids)
            for one in self.of_others
        ):
            return Conflict("territory_exclusive", region=region)
        return None


def read_territories(uow: UnitOfWork, seller_ids: Collection[UUID], org_ids: Collection[UUID]) -> Territories:
    """Of the acting buyer's orders from these sellers for these organizations; two statements.

    Which partner alone may order somewhere is its seller's to say: it is read as the platform, and told to nobody.
    """
    own_id = uow.principal.organization()
    with reading_as_platform(uow):
        rows = uow.session.scalars(
            select(PartnerTerritory)
            .where(
                PartnerTerritory.seller_org_id.in_(seller_ids),
                PartnerTerritory.ended_at.is_(None),
                (PartnerTerritory.buyer_org_id == own_id) | PartnerTerritory.is_exclusive,
            )
            .order_by(PartnerTerritory.id)
        ).all()
        places = uow.session.execute(
            select(Organization.id, Organization.country, Organization.tax_id).where(Organization.id.in_(org_ids))
        ).all()
    return Territories(
        {row.seller_org_id: row for row in rows if row.buyer_org_id == own_id},
        [row for row in rows if row.buyer_org_id != own_id],
        {row.id: region_of(row.country, row.tax_id) for row in places},
    )


def running_territories(uow: UnitOfWork, links: Sequence[PartnerLink]) -> dict[UUID, PartnerTerritory]:
    """Of links that either side reads, by link; one statement."""
    running = {(one.seller_org_id, one.buyer_org_id): one.id for one in links if one.state == "accepted"}
    if not running:
        return {}
    rows = uow.session.scalars(
        select(PartnerTerritory).where(
            PartnerTerritory.seller_org_id.in_({seller_id for seller_id, _ in running}),
            PartnerTerritory.buyer_org_id.in_({buyer_id for _, buyer_id in running}),
            PartnerTerritory.ended_at.is_(None),
        )
    )
    found = {(row.seller_org_id, row.buyer_org_id): row for row in rows}
    return {link_id: found[sides] for sides, link_id in running.items() if sides in found}


def _running_link(uow: UnitOfWork, link_id: UUID) -> PartnerLink:
    """Raises: as `lock_link`, of the partner's side NotFound `partner_link_not_found`; Conflict `partner_link_not_running`."""
    link = lock_link(uow, link_id)
    if link.seller_org_id != uow.principal.organization():
        raise NotFound("partner_link_not_found")
    if link.state != "accepted":
        raise Conflict("partner_link_not_running", state=link.state)
    return link


def _listings(uow: UnitOfWork, command: SetTerritory) -> list[UUID]:
    wanted = sorted(set(command.listing_ids))
    if wanted and not command.is_exclusive:
        raise Invalid("territory_listings_unfit", field="listing_ids")
    if len(wanted) > MOST_LISTINGS:
        raise Invalid("too_many_listings", field="listing_ids", limit=MOST_LISTINGS)
    own = Listing.org_id == uow.principal.organization()
    if wanted and len(uow.session.scalars(select(Listing.id).where(Listing.id.in_(wanted), own)).all()) != len(wanted):
        raise NotFound("listing_not_found")
    return wanted


def _standing(uow: UnitOfWork, link: PartnerLink) -> PartnerTerritory | None:
    return uow.session.scalar(
        select(PartnerTerritory)
        .where(
            PartnerTerritory.seller_org_id == link.seller_org_id,
            PartnerTerritory.buyer_org_id == link.buyer_org_id,
            PartnerTerritory.ended_at.is_(None),
        )
        .with_for_update()
    )


def _require_free(uow: UnitOfWork, link: PartnerLink, regions: Sequence[str], listings: Sequence[UUID]) -> None:
    others = uow.session.execute(
        select(PartnerTerritory, PartnerLink.buyer_name)
        .join(
            PartnerLink,
            (PartnerLink.seller_org_id == PartnerTerritory.seller_org_id)
            & (PartnerLink.buyer_org_id == PartnerTerritory.buyer_org_id)
            & (PartnerLink.state == "accepted"),
        )
        .where(
            PartnerTerritory.seller_org_id == link.seller_org_id,
            PartnerTerritory.buyer_org_id != link.buyer_org_id,
            PartnerTerritory.is_exclusive,
            PartnerTerritory.ended_at.is_(None),
        )
        .order_by(PartnerTerritory.id)
    )
    for other, name in others:
        shared = shared_regions(regions, other.regions)
        both = not listings or not other.listing_ids or set(listings) & set(other.listing_ids)
        if shared and both:
            raise Conflict("territory_taken", partner=name, regions=shared[:5])
