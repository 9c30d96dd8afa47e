"""Where a seller's partner may order for others, and whether it alone may."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.errors import Conflict


class PartnerTerritory(Base):
    """The regions of the end customers that a partner may order a seller's products for, until `ended_at`.

    A partner without one may order for customers everywhere. What it says never changes: another takes its place. It goes on when
    the partner moves to another tier, and ends with the partnership.
    """

    __tablename__ = "partner_territory"
    __table_args__ = (
        CheckConstraint("buyer_org_id <> seller_org_id", name="of_another"),
        CheckConstraint("cardinality(regions) >= 1", name="regions"),
        CheckConstraint("is_exclusive OR cardinality(listing_ids) = 0", name="listings"),
        CheckConstraint("ended_at >= created_at", name="ended"),
        Index(
            "uq_partner_territory_running",
            "seller_org_id",
            "buyer_org_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_partner_territory_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_partner_territory_buyer_org_id", "buyer_org_id"),
        Index("ix_partner_territory_set_by", "set_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    regions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Countries (ISO 3166-1 alpha-2) and provinces of China (ISO 3166-2), as `marketplace.parties.regions` has them."""
    is_exclusive: Mapped[bool]
    """Whether no other partner may order for customers there."""
    listing_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """Of an exclusive one, what no other may order there; empty: anything of the seller's."""
    set_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]


constraints.register("uq_partner_territory_running", lambda: Conflict("territory_set_meanwhile"))
