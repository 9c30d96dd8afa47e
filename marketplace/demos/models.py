"""Tables of demos: when a seller shows its products, and who booked which time."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.errors import Conflict
from kernel.states import Machine, edges

_SELLER = "uuid_hash_extended(seller_org_id, 0)"
MOST_OF_MEETING_URL = 500
_AN_ADDRESS = "{0} LIKE 'https://%' AND length({0}) <= 500"


class DemoCalendar(Base):
    """A seller's hours for demos, in its own time zone. Everybody may read them."""

    __tablename__ = "demo_calendar"
    __table_args__ = (
        UniqueConstraint("org_id"),
        CheckConstraint("0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="hours"),
        CheckConstraint("length_minutes BETWEEN 15 AND 240", name="length"),
        CheckConstraint("notice_minutes BETWEEN 0 AND 20160", name="notice"),
        CheckConstraint("ahead_days BETWEEN 1 AND 90", name="ahead"),
        Index("ix_demo_calendar_saved_by", "saved_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    weekdays: Mapped[list[int]] = mapped_column(JSONB)
    """Of ISO 8601, Monday is 1; empty while none are given."""
    from_minute: Mapped[int]
    to_minute: Mapped[int]
    """Of the day, as its clocks show it."""
    length_minutes: Mapped[int]
    notice_minutes: Mapped[int]
    """Between booking and beginning at least."""
    ahead_days: Mapped[int]
    """How far ahead a time can be booked."""
    saved_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who is told of demos that nobody takes care of, while a member."""
    created_at: Mapped[CreatedAt]


class DemoMeeting(Base):
    """Where a seller holds its demos. Its alone to read: who books a time has it in the booking."""

    __tablename__ = "demo_meeting"
    __table_args__ = (
        CheckConstraint(_AN_ADDRESS.format("url"), name="url"),
        Index("ix_demo_meeting_saved_by", "saved_by"),
        {"schema": "marketplace"},
    )
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    url: Mapped[str]
    saved_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    saved_at: Mapped[Instant]


class DemoDay(Base):
    """A date on which a seller gives demos otherwise than weekly, by its own clocks. Everybody may read them."""

    __tablename__ = "demo_day"
    __table_args__ = (
        UniqueConstraint("org_id", "day", "from_minute", postgresql_nulls_not_distinct=True),
        CheckConstraint("from_minute BETWEEN 0 AND 1439", name="minute"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    day: Mapped[date]
    from_minute: Mapped[int | None]
    """When a single demo can begin; None where the day has no weekly hours."""
    created_at: Mapped[CreatedAt]


class DemoBooking(Base):
    """A time that a buyer has for its request. Of one seller no two overlap."""

    __tablename__ = "demo_booking"
    __table_args__ = (
        UniqueConstraint("lead_id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "lead_id"],
            ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"],
        ),
        CheckConstraint("state IN ('booked', 'cancelled')", name="state"),
        CheckConstraint("starts_at < ends_at", name="forward"),
        CheckConstraint("sequence >= 0", name="sequence"),
        CheckConstraint(_AN_ADDRESS.format("meeting_url"), name="meeting_url"),
        # A range of one number stands for the seller: equality of ids itself needs an extension in such an index.
        ExcludeConstraint(
            (text(f"int8range({_SELLER}, {_SELLER}, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_demo_booking_overlap",
            using="gist",
            where=text("state = 'booked'"),
        ),
        Index("ix_demo_booking_seller_org_id_starts_at", "seller_org_id", "starts_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    lead_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    state: Mapped[str]
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    sequence: Mapped[int] = mapped_column(default=0)
    """How often it was changed (RFC 5545 §3.8.7.4)."""
    meeting_url: Mapped[str | None]
    """Where it is held online: the seller's own when it was booked, unless it says otherwise."""
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]


constraints.register("ex_demo_booking_overlap", lambda: Conflict("slot_taken"))

DEMO = Machine("marketplace.demo_booking", initial="booked", edges=edges(booked="cancelled", cancelled="booked"))
