"""A seller announces something, or withdraws what has not gone to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.access.counted_limits import Limit, count_within
from marketplace.catalog.models import Listing
from marketplace.input_text import line, paragraphs
from marketplace.parties.lookups import get_party
from marketplace.relations.models import CustomerRelation
from marketplace.relations.partner_models import PartnerLink, PartnerTier
from orders.announcements.limits import MAX_TEXT, MAX_TITLE, MOST_OF_SELLER, WITHIN, leads_elsewhere
from orders.announcements.models import ANNOUNCEMENT, AUDIENCES, Announcement, AnnouncementDelivery
from orders.conversations.sides import MANAGE
from orders.order.models import Order, OrderLine

OF_SELLER = Limit(MOST_OF_SELLER, WITHIN)


@dataclass(frozen=True, slots=True)
class PublishAnnouncement:
    """What is told to whom. `tier_id`: of the audience `tier`; `listing_id`: of `listing`."""

    title: str
    text: str
    audience: str = "customers"
    tier_id: UUID | None = None
    listing_id: UUID | None = None


def publish_announcement(uow: UnitOfWork, command: PublishAnnouncement) -> Announcement:
    """Announce something to whoever is a customer, in the tier or has bought the product at this moment. It is delivered by day.

    Raises:
        Forbidden: `permission_missing`. NotFound: `organization_not_found` for whoever sells nothing,
            `partner_tier_not_found`, `listing_not_found`.
        Invalid: `announcement_audience_unknown`, `announcement_leads_elsewhere`, `text_required`, `text_too_long`.
        Conflict: `announcement_to_nobody`. TooMany: `announcements_too_often`.
    """
    uow.principal.require(MANAGE)
    seller_id, person_id = uow.principal.organization(), uow.principal.accountable_id
    assert person_id is not None  # noqa: S101 - nobody else acts for an organization
    if not get_party(uow, seller_id).is_seller:
        raise NotFound("organization_not_found")
    if command.audience not in AUDIENCES:
        raise Invalid("announcement_audience_unknown", field="audience")
    title, text = _words(command)
    tier_id = command.tier_id if command.audience == "tier" else None
    listing_id = command.listing_id if command.audience == "listing" else None
    found = _recipients(uow, seller_id, command.audience, tier_id, listing_id)
    if not found:
        raise Conflict("announcement_to_nobody")
    with as_platform(uow):
        count_within(uow, OF_SELLER, "announcements_too_often", "announcements", str(seller_id))
    made = Announcement(
        id=uuid7(),
        seller_org_id=seller_id,
        title=title,
        text=text,
        audience=command.audience,
        tier_id=tier_id,
        listing_id=listing_id,
        recipients=len(found),
        created_by=person_id,
        created_at=clock.now(),
        ended_at=None,
    )
    ANNOUNCEMENT.begin(uow, made, org_ids=[seller_id])
    uow.session.add(made)
    uow.flush()
    uow.session.add_all(
        AnnouncementDelivery(
            id=uuid7(),
            seller_org_id=seller_id,
            announcement_id=made.id,
            buyer_org_id=buyer_id,
            buyer_name=name,
            title=title,
            state="pending",
            reason=None,
            message_id=None,
            created_at=made.created_at,
            ended_at=None,
        )
        for buyer_id, name in sorted(found.items())
    )
    uow.flush()
    audit.record(uow, "announcement.published", subject_id=made.id, recipients=len(found))
    return made


def withdraw_announcement(uow: UnitOfWork, announcement_id: UUID) -> Announcement:
    """Deliver it to nobody more; where it stands already it stays. Withdrawn already, nothing changes.

    Raises: Forbidden `permission_missing`; NotFound `announcement_not_found`; Conflict `announcement_ended`.
    Locks: the announcement, then its deliveries.
    """
    uow.principal.require(MANAGE)
    row = lock_row(uow.session, Announcement, announcement_id)
    if row is None or row.seller_org_id != uow.principal.organization():
        raise NotFound("announcement_not_found")
    if row.state == "withdrawn":
        return row
    if row.state == "sent":
        raise Conflict("announcement_ended")
    uow.session.execute(
        update(AnnouncementDelivery)
        .where(AnnouncementDelivery.announcement_id == row.id, AnnouncementDelivery.state == "pending")
        .values(state="skipped", reason="withdrawn", ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    row.ended_at = clock.now()
    ANNOUNCEMENT.move(uow, row, "withdrawn", org_ids=[row.seller_org_id])
    uow.flush()
    audit.record(uow, "announcement.withdrawn", subject_id=row.id)
    return row


def _words(command: PublishAnnouncement) -> tuple[str, str]:
    title, text = line("title", command.title, MAX_TITLE), paragraphs("text", command.text, MAX_TEXT)
    if not text:
        raise Invalid("text_required", field="text")
    for field, words in (("title", title), ("text", text)):
        if leads_elsewhere(words):
            raise Invalid("announcement_leads_elsewhere", field=field)
    return title, text


def _recipients(
    uow: UnitOfWork, seller_id: UUID, audience: str, tier_id: UUID | None, listing_id: UUID | None
) -> dict[UUID, str]:
    """Their names by id, as the seller knows them. Raises NotFound."""
    wanted: Any
    if audience == "tier":
        tier = uow.session.get(PartnerTier, tier_id) if tier_id is not None else None
        if tier is None or tier.seller_org_id != seller_id:
            raise NotFound("partner_tier_not_found")
        wanted = select(PartnerLink.buyer_org_id, PartnerLink.buyer_name).where(
            PartnerLink.seller_org_id == seller_id, PartnerLink.tier_id == tier_id, PartnerLink.state == "accepted"
        )
    elif audience == "listing":
        listing = uow.session.get(Listing, listing_id) if listing_id is not None else None
        if listing is None or listing.org_id != seller_id:
            raise NotFound("listing_not_found")
        wanted = (
            select(Order.buyer_org_id, func.max(Order.buyer_name))
            .join(OrderLine, OrderLine.order_id == Order.id)
            .where(OrderLine.listing_id == listing_id, OrderLine.seller_org_id == seller_id, Order.paid_at.is_not(None))
            .group_by(Order.buyer_org_id)
        )
    else:
        wanted = select(CustomerRelation.buyer_org_id, CustomerRelation.bought_name).where(
            CustomerRelation.seller_org_id == seller_id, CustomerRelation.bought_at.is_not(None)
        )
    return {buyer_id: name for buyer_id, name in uow.session.execute(wanted) if buyer_id != seller_id}
