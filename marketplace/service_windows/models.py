"""Table of service windows (服务窗): when a seller's people answer, and what is said meanwhile."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant


class ServiceWindow(Base):
    """A seller's hours of service, by the clocks of its own time zone. Everybody may read them."""

    __tablename__ = "service_window"
    __table_args__ = (
        UniqueConstraint("org_id"),
        CheckConstraint("0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="hours"),
        CheckConstraint("jsonb_array_length(weekdays) BETWEEN 1 AND 7", name="weekdays"),
        CheckConstraint("jsonb_array_length(days_off) <= 60", name="days_off"),
        Index("ix_service_window_saved_by", "saved_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    weekdays: Mapped[list[int]] = mapped_column(JSONB)
    """Of ISO 8601, Monday is 1; one at least."""
    from_minute: Mapped[int]
    to_minute: Mapped[int]
    """Of the day, as its clocks show it."""
    days_off: Mapped[list[str]] = mapped_column(JSONB)
    """Dates on which nobody answers, such as holidays."""
    answer: Mapped[str]
    answer_en: Mapped[str]
    """What is answered by itself outside the hours; nothing where both are empty."""
    saved_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    saved_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]
