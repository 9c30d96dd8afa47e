"""A seller and another organization become partners: one side asks, the other answers. Ending it is `orders.partners`'."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.find_organizations import get_findable
from marketplace.parties.lookups import get_party
from marketplace.relations.events import PartnerAccepted, PartnerAsked, PartnerDeclined
from marketplace.relations.partner_models import PARTNER_LINK, PartnerLink, PartnerTier
from marketplace.relations.save_tier import PERMISSION, lock_tier

PARTNER_PERMISSION = "orders.buy"
"""Whoever buys decides for an organization whose partner it is."""
ASKED = Limit(50, timedelta(days=1))
"""Of one organization: enough for whoever it works with, too few to write to everybody."""


@dataclass(frozen=True, slots=True)
class AskPartner:
    """Which organization is asked. A seller asks with the tier (`tier_id`); without one, a partner asks a seller."""

    org_id: UUID
    tier_id: UUID | None = None


def ask_partner(uow: UnitOfWork, command: AskPartner) -> PartnerLink:
    """Ask an organization to be the acting seller's partner, or a seller to take the acting organization as one.

    Raises: Forbidden `permission_missing` without catalog.write, or of a partner without orders.buy; NotFound
        `organization_not_found` (not one that may be found by its name), `partner_tier_not_found`; Conflict
        `partners_not_taken` (the seller has no tiers), `partner_asked_already`; TooMany `partners_asked_too_often`.

    Emits: PartnerAsked.
    """
    by_seller = command.tier_id is not None
    uow.principal.require(PERMISSION if by_seller else PARTNER_PERMISSION)
    own = get_party(uow, uow.principal.organization())
    if command.tier_id is not None:
        lock_tier(uow, command.tier_id)
    other = get_findable(uow, command.org_id)
    with as_platform(uow):
        count_within(uow, ASKED, "partners_asked_too_often", "partners_asked", str(own.org_id))
        if (
            not by_seller
            and uow.session.scalar(select(PartnerTier.id).where(PartnerTier.seller_org_id == other.id)) is None
        ):
            raise Conflict("partners_not_taken")
    sides = ((own.org_id, own.display_name), (other.id, other.display_name))
    seller, buyer = sides if by_seller else reversed(sides)
    link = PartnerLink(
        id=uuid7(),
        seller_org_id=seller[0],
        buyer_org_id=buyer[0],
        tier_id=command.tier_id,
        seller_name=seller[1],
        buyer_name=buyer[1],
        by_seller=by_seller,
        asked_by=uow.principal.person_id,
        created_at=clock.now(),
        accepted_at=None,
        ended_at=None,
    )
    PARTNER_LINK.begin(uow, link, org_ids=link.parties)
    uow.session.add(link)
    uow.flush()
    emit(uow, PartnerAsked(**link.fact, by_seller=by_seller))
    return link


def accept_partner(uow: UnitOfWork, link_id: UUID, tier_id: UUID | None = None) -> PartnerLink:
    """Say yes to the side that asked; a seller says in which tier. Accepted already, nothing changes.

    Raises: as `lock_asked`; NotFound `partner_tier_not_found`, of a seller that names none, too. Emits: PartnerAccepted.
    Locks: the link.
    """
    link = lock_asked(uow, link_id, by_asker=False)
    if link.state == "accepted":
        return link
    _require_asked(link)
    if not link.by_seller:
        if tier_id is None:
            raise NotFound("partner_tier_not_found")
        link.tier_id = lock_tier(uow, tier_id).id
    link.accepted_at = clock.now()
    PARTNER_LINK.move(uow, link, "accepted", org_ids=link.parties)
    uow.flush()
    emit(uow, PartnerAccepted(**link.fact, by_seller=not link.by_seller))
    return link


def decline_partner(uow: UnitOfWork, link_id: UUID) -> PartnerLink:
    """Say no. Done already, nothing changes. Raises: as `lock_asked`. Emits: PartnerDeclined. Locks: the link."""
    link = lock_asked(uow, link_id, by_asker=False)
    if link.state == "declined":
        return link
    _require_asked(link)
    PARTNER_LINK.move(uow, link, "declined", org_ids=link.parties)
    uow.flush()
    emit(uow, PartnerDeclined(**link.fact, by_seller=not link.by_seller))
    return link


def withdraw_partner(uow: UnitOfWork, link_id: UUID) -> PartnerLink:
    """Take back what one asked and nobody answered. Done already, nothing changes. Raises: as `lock_asked`. Locks: the link."""
    link = lock_asked(uow, link_id, by_asker=True)
    if link.state == "withdrawn":
        return link
    _require_asked(link)
    PARTNER_LINK.move(uow, link, "withdrawn", org_ids=link.parties)
    uow.flush()
    return link


def lock_link(uow: UnitOfWork, link_id: UUID) -> PartnerLink:
    """One of the acting organization's, on whichever side.

    Raises: NotFound `partner_link_not_found`; Forbidden `permission_missing`. Locks: the link.
    """
    own_id = uow.principal.organization()
    link = lock_row(uow.session, PartnerLink, link_id)
    if link is None or own_id not in link.parties:
        raise NotFound("partner_link_not_found")
    uow.principal.require(PERMISSION if link.seller_org_id == own_id else PARTNER_PERMISSION)
    return link


def lock_asked(uow: UnitOfWork, link_id: UUID, *, by_asker: bool) -> PartnerLink:
    """One that the acting organization asked for, or else has to answer.

    Raises: as `lock_link`; Conflict `partner_link_not_yours`: it is the other side's to say.
    """
    link = lock_link(uow, link_id)
    asked = (link.seller_org_id == uow.principal.organization()) == link.by_seller
    if asked is not by_asker:
        raise Conflict("partner_link_not_yours")
    return link


def _require_asked(link: PartnerLink) -> None:
    """Raises Conflict `partner_link_answered`."""
    if link.state != "asked":
        raise Conflict("partner_link_answered", state=link.state)
