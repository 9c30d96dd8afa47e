"""Tables of what sellers pay whoever promotes a listing: plans, who takes part in them, and what a month's cap has left."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor, Ppm
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

ORGANIZATION = "marketplace.organization.id"


class PromoterPlan(Base):
    """What promotion of a listing gets, in force from `starts_at` until `ends_at`. Only its end is ever written later.

    Kinds: general (whoever promotes), targeted (named promoters, beside a general one), exclusive (named promoters, and nobody
    else earns anything).
    """

    __tablename__ = "promoter_plan"
    __table_args__ = (
        UniqueConstraint("seller_org_id", "id"),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("kind IN ('general', 'targeted', 'exclusive')", name="kind"),
        CheckConstraint("rate_ppm BETWEEN 1 AND 900000", name="rate"),
        CheckConstraint(
            "distributor_ppm >= 0 AND service_ppm >= 0 AND distributor_ppm + service_ppm < rate_ppm", name="chain"
        ),
        CheckConstraint("(distributor_org_id IS NULL) = (distributor_ppm = 0)", name="distributor"),
        CheckConstraint("(service_org_id IS NULL) = (service_ppm = 0)", name="service"),
        CheckConstraint("order_cap_minor > 0 AND month_cap_minor > 0", name="caps"),
        CheckConstraint(
            "(currency IS NULL) = (order_cap_minor IS NULL AND month_cap_minor IS NULL)", name="cap_currency"
        ),
        CheckConstraint("ends_at >= starts_at", name="ends"),
        Index("uq_promoter_plan_in_force", "listing_id", "kind", unique=True, postgresql_where=text("ends_at IS NULL")),
        Index("ix_promoter_plan_listing_id", "listing_id", "starts_at"),
        Index(
            "ix_promoter_plan_distributor_org_id",
            "distributor_org_id",
            postgresql_where=text("distributor_org_id IS NOT NULL"),
        ),
        Index("ix_promoter_plan_service_org_id", "service_org_id", postgresql_where=text("service_org_id IS NOT NULL")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    kind: Mapped[str]
    rate_ppm: Mapped[Ppm]
    """Of the line's net, for all who promote together."""
    distributor_org_id: Mapped[UUID | None] = mapped_column(ForeignKey(ORGANIZATION))
    distributor_ppm: Mapped[Ppm]
    """Of the line's net, out of `rate_ppm`; so is that of the service provider."""
    service_org_id: Mapped[UUID | None] = mapped_column(ForeignKey(ORGANIZATION))
    service_ppm: Mapped[Ppm]
    order_cap_minor: Mapped[Minor | None]
    """The most that promotion gets of one order line."""
    month_cap_minor: Mapped[Minor | None]
    """The most that promotion by one promoter gets in a calendar month (UTC)."""
    currency: Mapped[Currency | None]
    """Of the caps; charges in another one know none."""
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


class PromoterMembership(Base):
    """A promoter's place in a targeted or an exclusive plan: invited by the seller, or applied for; it counts once accepted."""

    __tablename__ = "promoter_membership"
    __table_args__ = (
        ForeignKeyConstraint(
            ["seller_org_id", "plan_id"], ["billing.promoter_plan.seller_org_id", "billing.promoter_plan.id"]
        ),
        CheckConstraint("state IN ('invited', 'applied', 'accepted', 'declined', 'ended')", name="state"),
        CheckConstraint("promoter_org_id <> seller_org_id", name="other"),
        CheckConstraint("(counts_from IS NOT NULL) >= (state = 'accepted')", name="counts"),
        CheckConstraint("counts_until >= counts_from", name="until"),
        Index(
            "uq_promoter_membership_open",
            "plan_id",
            "promoter_org_id",
            unique=True,
            postgresql_where=text("state IN ('invited', 'applied', 'accepted')"),
        ),
        Index("ix_promoter_membership_promoter_org_id", "promoter_org_id", "created_at", "id"),
        Index("ix_promoter_membership_seller_org_id", "seller_org_id", "plan_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    plan_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    promoter_org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    state: Mapped[str]
    counts_from: Mapped[Instant | None]
    """Sales from then on are at the plan's rate."""
    counts_until: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Both organizations."""
        return sorted({self.seller_org_id, self.promoter_org_id})


class PromoterMonth(Base):
    """What promotion by one promoter has got under a plan with a month's cap. Refunds give nothing back to it."""

    __tablename__ = "promoter_month"
    __table_args__ = (
        UniqueConstraint("plan_id", "promoter_org_id", "month"),
        ForeignKeyConstraint(
            ["seller_org_id", "plan_id"], ["billing.promoter_plan.seller_org_id", "billing.promoter_plan.id"]
        ),
        CheckConstraint("used_minor >= 0", name="used"),
        Index("ix_promoter_month_seller_org_id", "seller_org_id", "plan_id"),
        Index("ix_promoter_month_promoter_org_id", "promoter_org_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    plan_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    promoter_org_id: Mapped[UUID] = mapped_column(ForeignKey(ORGANIZATION))
    month: Mapped[date]
    currency: Mapped[Currency]
    used_minor: Mapped[Minor] = mapped_column(default=0)


PROMOTER_MEMBERSHIP = Machine(
    "promoter_membership",
    initial="invited applied",
    edges=edges(
        invited="accepted declined ended", applied="accepted declined ended", accepted="ended", declined="", ended=""
    ),
)
register("uq_promoter_plan_in_force", lambda: Conflict("promoter_plan_exists"))
register("uq_promoter_membership_open", lambda: Conflict("promoter_asked_already"))
