"""A partner link ends, by either side, or goes on in another tier: from that moment nobody buys at its prices."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import any_, literal, update

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.live.close_rooms import close_streams
from marketplace.relations.events import PartnerAccepted, PartnerEnded
from marketplace.relations.partner_groups import end_addresses
from marketplace.relations.partner_links import lock_link
from marketplace.relations.partner_models import PARTNER_LINK, PartnerLink
from marketplace.relations.save_tier import lock_tier
from marketplace.relations.territories import end_territory
from orders.checkout.quote_models import Quote
from orders.offers.deliver_tier_offer import withdraw_with_link


def end_partner(uow: UnitOfWork, link_id: UUID) -> PartnerLink:
    """End it. Quotes at its prices that nobody used are over with it, and so is what its tier was offered and it did not accept;
    what was bought stays as it is, renewals too.

    A purchase holds its quote until it is written: it is either before the end, or finds its quote expired. Ended already,
    nothing changes.

    Raises: as `lock_link`; Conflict `partner_link_not_running`. Emits: PartnerEnded, OfferWithdrawn.
    Locks: the link, the quotes, the offers, then the videos and live sessions that the link showed.
    """
    link = lock_link(uow, link_id)
    if link.state == "ended":
        return link
    _end(uow, link)
    end_territory(uow, link)
    emit(uow, PartnerEnded(**link.fact, by_seller=link.seller_org_id == uow.principal.organization()))
    return link


def move_partner(uow: UnitOfWork, link_id: UUID, tier_id: UUID) -> PartnerLink:
    """Let the partner go on in another of the acting seller's tiers, by another link. In it already, nothing changes.

    Raises: as `lock_link`, of the partner's own side NotFound `partner_link_not_found`; NotFound `partner_tier_not_found`;
    Conflict `partner_link_not_running`. Emits: PartnerAccepted. Locks: as `end_partner`, then the tier.
    """
    link = lock_link(uow, link_id)
    if link.seller_org_id != uow.principal.organization():
        raise NotFound("partner_link_not_found")
    if link.tier_id == tier_id and link.state == "accepted":
        return link
    _end(uow, link)
    moved = PartnerLink(
        id=uuid7(),
        seller_org_id=link.seller_org_id,
        buyer_org_id=link.buyer_org_id,
        tier_id=lock_tier(uow, tier_id).id,
        seller_name=link.seller_name,
        buyer_name=link.buyer_name,
        by_seller=True,
        asked_by=uow.principal.person_id,
        created_at=clock.now(),
        accepted_at=link.ended_at,
        ended_at=None,
    )
    PARTNER_LINK.begin(uow, moved, "accepted", org_ids=moved.parties)
    uow.session.add(moved)
    uow.flush()
    emit(uow, PartnerAccepted(**moved.fact, by_seller=True))
    return moved


def _end(uow: UnitOfWork, link: PartnerLink) -> None:
    """The instant of its end is taken once no purchase at its prices is being written any more."""
    if link.state != "accepted":
        raise Conflict("partner_link_not_running", state=link.state)
    with as_platform(uow):
        uow.session.execute(
            update(Quote)
            .where(
                Quote.buyer_org_id == link.buyer_org_id,
                Quote.partner_link_ids.is_not(None),
                literal(link.id) == any_(Quote.partner_link_ids),
                Quote.used_at.is_(None),
            )
            .values(expires_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        withdraw_with_link(uow, link)
    end_addresses(uow, link)
    close_streams(uow, link)
    link.ended_at = clock.now()
    PARTNER_LINK.move(uow, link, "ended", org_ids=link.parties)
    uow.flush()
