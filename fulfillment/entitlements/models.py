"""What a buying organization may use now, and who in it has a seat."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant, Json
from kernel.errors import Conflict
from kernel.states import Machine, edges


class Entitlement(Base):
    """One per order line, for life."""

    __tablename__ = "entitlement"
    __table_args__ = (
        UniqueConstraint("reference"),
        UniqueConstraint("buyer_org_id", "id"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        # Plan, listing and connector are the seller's own: the database says so, and by it that the seller exists.
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        ForeignKeyConstraint(
            ["seller_org_id", "connector_id"], ["fulfillment.connector.org_id", "fulfillment.connector.id"]
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "end_customer_org_id", "end_customer_id"],
            [
                "marketplace.end_customer.dealer_org_id",
                "marketplace.end_customer.org_id",
                "marketplace.end_customer.id",
            ],
            name="fk_entitlement_end_customer",
        ),
        CheckConstraint("(end_customer_id IS NULL) = (end_customer_org_id IS NULL)", name="end_customer"),
        CheckConstraint("end_customer_id IS NULL OR seats_used = 0", name="of_end_customer"),
        CheckConstraint("state IN ('pending', 'active', 'suspended', 'ended')", name="state"),
        CheckConstraint(
            "seats_used >= 0 AND seats_allocated >= 0 AND seats_used + seats_allocated <= seats", name="seats"
        ),
        CheckConstraint(
            "(first_ends_at IS NULL) = (first_paid_from IS NULL) AND first_ends_at > first_paid_from", name="first_term"
        ),
        CheckConstraint("past_due_at IS NULL OR state IN ('active', 'suspended')", name="past_due"),
        CheckConstraint("data_kept_until IS NULL OR state = 'ended'", name="data_kept"),
        Index("ix_entitlement_buyer_org_id_created_at", "buyer_org_id", "created_at"),
        Index("ix_entitlement_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        Index("ix_entitlement_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        Index("ix_entitlement_seller_org_id_connector_id", "seller_org_id", "connector_id"),
        Index(
            "ix_entitlement_end_customer",
            "end_customer_org_id",
            "end_customer_id",
            "buyer_org_id",
            postgresql_where=text("end_customer_org_id IS NOT NULL"),
        ),
        Index(
            "ix_entitlement_data_kept_until",
            "data_kept_until",
            postgresql_where=text("data_kept_until IS NOT NULL AND data_noticed_at IS NULL"),
        ),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    seller_org_id: Mapped[UUID]
    reference: Mapped[UUID]
    """The order line delivered by this."""
    group_reference: Mapped[UUID]
    """The order it belongs to: what is done to it is done under the order's lock."""
    listing_id: Mapped[UUID]
    plan_id: Mapped[UUID]
    connector_id: Mapped[UUID | None]
    title: Mapped[str]
    title_en: Mapped[str]
    state: Mapped[str]
    seats: Mapped[int]
    """Seats sold; 0 where the plan has none."""
    seats_used: Mapped[int] = mapped_column(default=0, server_default="0")
    """By members of the buyer's own."""
    seats_allocated: Mapped[int] = mapped_column(default=0, server_default="0")
    """To subsidiaries, or all to the end customer (`allocation_models`), taken there or not: they are none of the buyer's own."""
    term_months: Mapped[int]
    """Length of the first term from activation; 0 without end."""
    first_paid_from: Mapped[Instant | None]
    first_ends_at: Mapped[Instant | None]
    """Of a first term that is no whole one: from when until when it was paid for."""
    trial_days: Mapped[int] = mapped_column(default=0, server_default="0")
    """Length from activation of the trial that it is in, which then stands in the place of the term; 0 in none."""
    past_due_at: Mapped[Instant | None]
    """Since when it is used without being paid for: the end of what was paid. None where nothing is owed."""
    time_zone: Mapped[str]
    context: Mapped[Json]
    """What a seller's system is told of order, organization and plan."""
    external_id: Mapped[str | None]
    """The tenant's id in the seller's system."""
    launch_url: Mapped[str | None]
    valid_from: Mapped[Instant | None]
    valid_to: Mapped[Instant | None]
    data_kept_days: Mapped[int | None]
    """For how long the seller keeps what is left in its system after the end, as sold; None where nothing was said of it."""
    data_kept_until: Mapped[Instant | None]
    """Since it ended: until when. None where it never was in use."""
    data_noticed_at: Mapped[Instant | None]
    """When the buyer was told that this comes near."""
    end_customer_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    """Who uses it, where its buyer is a dealer that ordered it for another organization: all its seats are that one's."""
    end_customer_id: Mapped[UUID | None]
    """By what that organization had agreed to it."""
    created_at: Mapped[CreatedAt]


class Seat(Base):
    """One member's place under an entitlement."""

    __tablename__ = "seat"
    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "entitlement_id"], ["fulfillment.entitlement.buyer_org_id", "fulfillment.entitlement.id"]
        ),
        UniqueConstraint("entitlement_id", "person_id", "id"),
        Index("ix_seat_entitlement_id", "entitlement_id"),
        Index("ix_seat_person_id", "person_id"),
        Index(
            "uq_seat_holder", "entitlement_id", "person_id", unique=True, postgresql_where=text("revoked_at IS NULL")
        ),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    assigned_at: Mapped[CreatedAt]
    revoked_at: Mapped[Instant | None]


constraints.register("uq_seat_holder", lambda: Conflict("seat_already_assigned"))


ENTITLEMENT = Machine(
    "entitlement",
    initial="pending",
    edges=edges(pending="active ended", active="suspended ended", suspended="active ended", ended=""),
)
