"""The table of test clocks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class TestClock(Base):
    """The time of one test organization, which stands still at `present_at` until its developer moves it on.

    An organization begins with its clock, and is never without it: what was bought at its own time stays there.
    """

    __test__ = False  # no class of tests
    __tablename__ = "test_clock"
    __table_args__ = (
        CheckConstraint("state IN ('ready', 'advancing', 'deleting', 'deleted')", name="state"),
        CheckConstraint("(state = 'advancing') = (target_at IS NOT NULL)", name="target"),
        CheckConstraint("present_at >= started_at AND (target_at >= present_at) IS NOT FALSE", name="forward"),
        CheckConstraint("org_id <> test_org_id", name="organizations"),
        Index("ix_test_clock_org_id_created_at", "org_id", "created_at", "id"),
        Index("uq_test_clock_test_org_id", "test_org_id", unique=True),
        Index("ix_test_clock_made_by", "made_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    """Whose developers made it and move it."""
    test_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    name: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[Instant]
    present_at: Mapped[Instant]
    target_at: Mapped[datetime | None]
    """Where it will stand, while what is due until then happens."""
    made_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]


TEST_CLOCK = Machine(
    "marketplace.test_clock",
    initial="ready",
    edges=edges(ready="advancing deleting", advancing="ready", deleting="deleted", deleted=""),
)
