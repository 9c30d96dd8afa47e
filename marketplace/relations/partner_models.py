"""Partners of a seller: the tiers it has, which organization is in which, and what a plan costs those in a tier."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor, Ppm
from kernel.errors import Conflict
from kernel.states import Machine, edges


class PartnerTier(Base):
    """A named tier of a seller, such as Gold. Its code never changes: orders repeat it."""

    __tablename__ = "partner_tier"
    __table_args__ = (
        UniqueConstraint("seller_org_id", "id"),
        UniqueConstraint("seller_org_id", "code"),
        CheckConstraint("code = upper(code) AND code <> ''", name="code"),
        CheckConstraint("rank BETWEEN 1 AND 100", name="rank"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    code: Mapped[str]
    """In capitals."""
    name: Mapped[str]
    name_en: Mapped[str]
    """Empty where it has none."""
    rank: Mapped[int]
    """Its place among the seller's tiers; 1 is the highest."""
    created_at: Mapped[CreatedAt]


class PartnerLink(Base):
    """An organization as a partner of a seller, in one tier from `accepted_at` until `ended_at`.

    Neither its sides nor, once accepted, its tier ever change: whoever moves to another tier has another link.
    """

    __tablename__ = "partner_link"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(["seller_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["buyer_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(
            ["seller_org_id", "tier_id"], ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"]
        ),
        ForeignKeyConstraint(
            ["seller_org_id", "invitation_id"],
            ["marketplace.partner_invitation.seller_org_id", "marketplace.partner_invitation.id"],
        ),
        CheckConstraint("buyer_org_id <> seller_org_id", name="of_another"),
        CheckConstraint("state IN ('asked', 'accepted', 'declined', 'withdrawn', 'ended')", name="state"),
        CheckConstraint("(accepted_at IS NOT NULL) = (state IN ('accepted', 'ended'))", name="accepted"),
        CheckConstraint("(ended_at IS NOT NULL) = (state = 'ended')", name="ended"),
        CheckConstraint("tier_id IS NOT NULL OR accepted_at IS NULL", name="tier"),
        Index(
            "uq_partner_link_standing",
            "buyer_org_id",
            "seller_org_id",
            unique=True,
            postgresql_where=text("state IN ('asked', 'accepted')"),
        ),
        Index("ix_partner_link_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_partner_link_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_partner_link_tier_id", "seller_org_id", "tier_id"),
        Index("ix_partner_link_asked_by", "asked_by"),
        Index(
            "ix_partner_link_invitation_id",
            "seller_org_id",
            "invitation_id",
            postgresql_where=text("invitation_id IS NOT NULL"),
        ),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    tier_id: Mapped[UUID | None]
    """None while a partner that asked waits for the seller to choose one."""
    seller_name: Mapped[str]
    buyer_name: Mapped[str]
    """As both were called when it was asked for: neither may look the other up."""
    state: Mapped[str]
    by_seller: Mapped[bool]
    """Whether the seller asked; the other side answers."""
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    invitation_id: Mapped[UUID | None]
    """The link by which the partner accepted; whoever moves to another tier has one without."""
    created_at: Mapped[CreatedAt]
    accepted_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return [self.buyer_org_id, self.seller_org_id]

    @property
    def fact(self) -> dict[str, Any]:
        """What each of its events says."""
        return {"link_id": self.id, "buyer_org_id": self.buyer_org_id, "seller_org_id": self.seller_org_id}


class TierPrice(Base):
    """What a plan, or every plan of a listing, costs the partners in a tier: a share off, a unit price, or own figures.

    What it says never changes; another takes its place. Plans are named by code: a new version of the listing goes on with it.
    """

    __tablename__ = "tier_price"
    __table_args__ = (
        ForeignKeyConstraint(
            ["seller_org_id", "tier_id"], ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"]
        ),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("num_nonnulls(discount_ppm, unit_price_minor, price) = 1", name="one_of_three"),
        CheckConstraint("discount_ppm BETWEEN 1 AND 1000000", name="discount"),
        CheckConstraint("unit_price_minor >= 0", name="unit_price"),
        CheckConstraint("(unit_price_minor IS NULL) = (currency IS NULL)", name="currency"),
        CheckConstraint("plan_code IS NOT NULL OR discount_ppm IS NOT NULL", name="of_all"),
        CheckConstraint(
            "min_quantity BETWEEN 1 AND 1000000 AND quantity_step BETWEEN 1 AND 100000", name="order_quantities"
        ),
        Index(
            "uq_tier_price_running",
            "tier_id",
            "listing_id",
            "plan_code",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_tier_price_tier_id", "seller_org_id", "tier_id", "created_at"),
        Index("ix_tier_price_listing_id", "seller_org_id", "listing_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID]
    tier_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    plan_code: Mapped[str | None]
    """None: every plan of the listing that has no price of its own in this tier."""
    discount_ppm: Mapped[Ppm | None]
    """Off every figure of the plan's price."""
    unit_price_minor: Mapped[Minor | None]
    """For one unit and interval, of a plan whose price is one figure."""
    currency: Mapped[Currency | None]
    price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Own figures (`marketplace.pricing.components.PlanPrice`) where the plan's price is more than one."""
    min_quantity: Mapped[int] = mapped_column(default=1, server_default="1")
    quantity_step: Mapped[int] = mapped_column(default=1, server_default="1")
    """In what numbers of seats it is ordered: so many or more, in steps from there on. What is bought once is not counted."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]


constraints.register("uq_partner_tier_seller_org_id_code", lambda: Conflict("partner_tier_code_taken"))
constraints.register("uq_partner_link_standing", lambda: Conflict("partner_asked_already"))
constraints.register("uq_tier_price_running", lambda: Conflict("tier_price_set_meanwhile"))

PARTNER_LINK = Machine(
    "partner_link",
    initial="asked accepted",
    edges=edges(asked="accepted declined withdrawn", accepted="ended", declined="", withdrawn="", ended=""),
)
