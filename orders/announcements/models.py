"""Tables of announcements: what a seller tells its customers, to whom it went, and who wants to hear of it no more."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges

AUDIENCES = ("customers", "tier", "listing")
ORGANIZATION, PERSON = "marketplace.organization.id", "marketplace.person.id"
OF_ANNOUNCEMENT = ["orders.announcement.seller_org_id", "orders.announcement.id"]


class Announcement(Base):
    """What a seller tells organizations that bought from it: all of them, its partners in a tier, or those with a product."""

    __tablename__ = "announcement"
    __table_args__ = (
        UniqueConstraint("seller_org_id", "id"),
        ForeignKeyConstraint(
            ["seller_org_id", "tier_id"], ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"]
        ),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("audience IN ('customers', 'tier', 'listing')", name="audience"),
        CheckConstraint("(audience = 'tier') = (tier_id IS NOT NULL)", name="tier"),
        CheckConstraint("(audience = 'listing') = (listing_id IS NOT NULL)", name="listing"),
        CheckConstraint("state IN ('sending', 'sent', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'sending') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("recipients > 0 AND title <> '' AND text <> ''", name="something_to_somebody"),
        Index("ix_announcement_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_announcement_tier_id", "seller_org_id", "tier_id", postgresql_where=text("tier_id IS NOT NULL")),
        Index(
            "ix_announcement_listing_id", "seller_org_id", "listing_id", postgresql_where=text("listing_id IS NOT NULL")
        ),
        Index("ix_announcement_created_by", "created_by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    title: Mapped[str]
    text: Mapped[str]
    audience: Mapped[str]
    tier_id: Mapped[UUID | None]
    listing_id: Mapped[UUID | None]
    state: Mapped[str]
    recipients: Mapped[int]
    """To how many organizations it was addressed."""
    created_by: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]
    """When it had gone to all of them, or was withdrawn."""


class AnnouncementDelivery(Base):
    """An announcement for one organization: in the thread of the two once, or left out."""

    __tablename__ = "announcement_delivery"
    __table_args__ = (
        UniqueConstraint("announcement_id", "buyer_org_id"),
        UniqueConstraint("message_id"),
        ForeignKeyConstraint(["seller_org_id", "announcement_id"], OF_ANNOUNCEMENT),
        CheckConstraint("state IN ('pending', 'delivered', 'skipped')", name="state"),
        CheckConstraint("reason IN ('opted_out', 'too_many', 'withdrawn')", name="reason"),
        CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="skipped"),
        CheckConstraint("(state = 'delivered') = (message_id IS NOT NULL)", name="delivered"),
        CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ended"),
        Index("ix_announcement_delivery_pending", "created_at", "id", postgresql_where=text("state = 'pending'")),
        Index("ix_announcement_delivery_announcement_id", "seller_org_id", "announcement_id"),
        Index("ix_announcement_delivery_buyer_org_id", "buyer_org_id", "ended_at", "id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID]
    announcement_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    buyer_name: Mapped[str]
    """As it is known to the seller."""
    title: Mapped[str]
    """The announcement's, which its reader may not look up."""
    state: Mapped[str]
    reason: Mapped[str | None]
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.conversation_message.id"))
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]


class AnnouncementOptOut(Base):
    """An organization takes no announcements of a seller. The seller does not learn of it."""

    __tablename__ = "announcement_opt_out"
    __table_args__ = (
        Index("ix_announcement_opt_out_seller_org_id", "seller_org_id"),
        Index("ix_announcement_opt_out_person_id", "person_id"),
        {"schema": "orders"},
    )
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION), primary_key=True)
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    """Who said so."""
    created_at: Mapped[CreatedAt]


ANNOUNCEMENT = Machine("announcement", initial="sending", edges=edges(sending="sent withdrawn", sent="", withdrawn=""))
