"""Tables of what was held against the books, and of what differed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor
from kernel.states import Machine, edges


class ReconciliationRun(Base):
    """One leg compared once, from end to end."""

    __tablename__ = "reconciliation_run"
    __table_args__ = (
        CheckConstraint("0 <= differing AND differing <= compared", name="differing"),
        Index("ix_reconciliation_run_leg", "leg", "ended_at"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    leg: Mapped[str]
    compared: Mapped[int]
    """Keys on either side."""
    differing: Mapped[int]
    """Of them, without those that work under way is about to change."""
    kinds: Mapped[Json]
    """Keys by kind."""
    asked_by: Mapped[str]
    started_at: Mapped[Instant]
    ended_at: Mapped[Instant]


class ReconciliationDifference(Base):
    """Two books that say different things of the same: `kind` and `subject` name it, in the words of the leg.

    It stays until the books agree or a person says what was done; a later run that finds it again begins a new one.
    """

    __tablename__ = "reconciliation_difference"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'explained', 'resolved')", name="state"),
        CheckConstraint("expected_minor IS DISTINCT FROM found_minor", name="differs"),
        CheckConstraint("state = 'open' OR (reason IS NOT NULL AND decided_by IS NOT NULL)", name="decided"),
        CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name="resolved"),
        Index(
            "uq_reconciliation_difference_live",
            *("leg", "kind", "subject", "currency"),
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("ix_reconciliation_difference_created_at", "created_at", "id"),
        Index("ix_reconciliation_difference_owner_id", "owner_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    leg: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    currency: Mapped[Currency]
    expected_minor: Mapped[Minor | None]
    """By the rows that the leg takes for right; None: it knows nothing of it."""
    found_minor: Mapped[Minor | None]
    """By the other side; None: it knows nothing of it."""
    state: Mapped[str]
    created_at: Mapped[CreatedAt]
    """Since when it is known."""
    seen_at: Mapped[Instant]
    """When a run found it last."""
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who looks into it."""
    reason: Mapped[str | None]
    decided_by: Mapped[str | None]
    resolved_at: Mapped[Instant | None]


RECONCILIATION_DIFFERENCE = Machine(
    "reconciliation_difference",
    initial="open",
    edges=edges(open="explained resolved", explained="open resolved", resolved=""),
)
