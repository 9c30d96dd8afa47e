"""Seats under what another organization bought: allocated to subsidiaries, or an end customer's; and who in these has one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.errors import Conflict


class SeatAllocation(Base):
    """Seats under an entitlement of a headquarters that a subsidiary gives to members of its own, until `ended_at`; or all of
    what a dealer (`hq_org_id`) ordered for an end customer, with no seats (0) where it is not sold by them.

    They are no seats of the buyer's own meanwhile (`Entitlement.seats_allocated`).
    """

    __tablename__ = "seat_allocation"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(
            ["hq_org_id", "entitlement_id"], ["fulfillment.entitlement.buyer_org_id", "fulfillment.entitlement.id"]
        ),
        ForeignKeyConstraint(
            ["hq_org_id", "org_id", "membership_id"],
            [
                "marketplace.group_membership.hq_org_id",
                "marketplace.group_membership.org_id",
                "marketplace.group_membership.id",
            ],
            name="fk_seat_allocation_membership",
        ),
        ForeignKeyConstraint(
            ["hq_org_id", "org_id", "end_customer_id"],
            [
                "marketplace.end_customer.dealer_org_id",
                "marketplace.end_customer.org_id",
                "marketplace.end_customer.id",
            ],
            name="fk_seat_allocation_end_customer",
        ),
        CheckConstraint("num_nonnulls(membership_id, end_customer_id) = 1", name="by_one"),
        CheckConstraint("seats > 0 OR (seats = 0 AND end_customer_id IS NOT NULL)", name="seats"),
        CheckConstraint("seats_used BETWEEN 0 AND seats", name="seats_used"),
        CheckConstraint("ended_at IS NULL OR seats_used = 0", name="ended"),
        CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name="ended_for"),
        CheckConstraint(
            "ended_for IN ('taken_back', 'group_ended', 'entitlement_ended', 'fewer_seats')", name="reason"
        ),
        Index(
            "uq_seat_allocation_running",
            "entitlement_id",
            "org_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_seat_allocation_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_seat_allocation_hq_org_id_entitlement_id", "hq_org_id", "entitlement_id"),
        Index("ix_seat_allocation_membership", "hq_org_id", "org_id", "membership_id"),
        Index(
            "ix_seat_allocation_end_customer",
            "hq_org_id",
            "org_id",
            "end_customer_id",
            postgresql_where=text("end_customer_id IS NOT NULL"),
        ),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    hq_org_id: Mapped[UUID]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    """The subsidiary, or the end customer."""
    entitlement_id: Mapped[UUID]
    membership_id: Mapped[UUID | None]
    end_customer_id: Mapped[UUID | None]
    seats: Mapped[int]
    """The subsidiary's own limit; of an ended one, what it was at the end."""
    seats_used: Mapped[int]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]
    ended_for: Mapped[str | None]


class AllocatedSeat(Base):
    """A place of a subsidiary's member. Row level security shows it to the subsidiary, not to its headquarters."""

    __tablename__ = "allocated_seat"
    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "allocation_id"], ["fulfillment.seat_allocation.org_id", "fulfillment.seat_allocation.id"]
        ),
        Index("ix_allocated_seat_org_id_allocation_id", "org_id", "allocation_id"),
        Index("ix_allocated_seat_person_id", "person_id"),
        Index(
            "uq_allocated_seat_holder",
            "allocation_id",
            "person_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    allocation_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    assigned_at: Mapped[CreatedAt]
    revoked_at: Mapped[Instant | None]


constraints.register("uq_seat_allocation_running", lambda: Conflict("allocated_meanwhile"))
constraints.register("uq_allocated_seat_holder", lambda: Conflict("seat_already_assigned"))
