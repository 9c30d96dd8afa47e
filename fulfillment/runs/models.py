"""Runs: operations of a connector, and every try of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges

OPERATIONS = ("provision", "change", "suspend", "resume", "deprovision")
STATES = ("queued", "calling", "waiting", "succeeded", "failed", "dead")


class Run(Base):
    """One operation for one entitlement. At most one is under way at a time; the database says so."""

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "entitlement_id"],
            [
                "fulfillment.entitlement.buyer_org_id",
                "fulfillment.entitlement.seller_org_id",
                "fulfillment.entitlement.id",
            ],
        ),
        CheckConstraint(f"operation IN {OPERATIONS}", name="operation"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        Index(
            "uq_run_live",
            "entitlement_id",
            unique=True,
            postgresql_where=text("state IN ('calling', 'waiting')"),
        ),
        Index("uq_run_provision", "entitlement_id", unique=True, postgresql_where=text("operation = 'provision'")),
        Index("ix_run_entitlement_id", "entitlement_id"),
        Index(
            "ix_run_provisioned",
            "finished_at",
            postgresql_where=text("operation = 'provision' AND state IN ('succeeded', 'failed', 'dead')"),
        ),
        Index(
            "ix_run_undelivered",
            "finished_at",
            postgresql_where=text("operation = 'provision' AND state IN ('failed', 'dead')"),
        ),
        Index("ix_run_seller_org_id_created_at", "seller_org_id", "created_at"),
        Index(
            "ix_run_troubled",
            "seller_org_id",
            "created_at",
            postgresql_where=text("state IN ('queued', 'calling', 'waiting', 'failed', 'dead')"),
        ),
        Index("ix_run_overdue", "deadline_at", postgresql_where=text("state IN ('queued', 'calling', 'waiting')")),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    operation: Mapped[str]
    state: Mapped[str]
    percent: Mapped[int] = mapped_column(default=0, server_default="0")
    """What the buyer sees of it, 0 to 100; never runs backwards."""
    message: Mapped[str | None]
    message_en: Mapped[str | None]
    sequence: Mapped[int] = mapped_column(default=-1, server_default="-1")
    """Number of the last progress that was applied; older ones are late and change nothing."""
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    call_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    """Which of the run's jobs may call: an older one finds a newer number and does nothing."""
    failure: Mapped[str | None]
    orphaned_at: Mapped[Instant | None]
    """When a success came that nobody waited for any more, and was taken down again."""
    deadline_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Instant | None]


class RunAttempt(Base):
    """One try: when, what was sent, what came back. Partitioned by month."""

    __tablename__ = "run_attempt"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "run_id"],
            ["fulfillment.run.buyer_org_id", "fulfillment.run.seller_org_id", "fulfillment.run.id"],
        ),
        CheckConstraint(
            "outcome IN ('started', 'succeeded', 'accepted', 'refused', 'retry', 'unknown')", name="outcome"
        ),
        Index("ix_run_attempt_run_id", "run_id"),
        {"schema": "fulfillment", "postgresql_partition_by": "RANGE (started_at)"},
    )
    id: Mapped[Id]
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    run_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    number: Mapped[int]
    epoch: Mapped[int]
    """The job's claim that made this try."""
    outcome: Mapped[str]
    """`unknown`: the worker died before it could write down the answer."""
    status: Mapped[int | None]
    elapsed_ms: Mapped[int | None]
    reason: Mapped[str | None]
    request_excerpt: Mapped[str | None]
    response_excerpt: Mapped[str | None]


RUN = Machine(
    "run",
    initial="queued",
    edges=edges(
        # A callback may answer an earlier try while the run is queued for the next one.
        queued="calling succeeded failed dead",
        calling="waiting succeeded queued failed dead",
        waiting="succeeded failed dead queued",
        succeeded="",
        failed="queued",
        dead="queued",
    ),
)
"""`failed`: the seller said no. `dead`: time ran out. Both may be replayed by hand while that helps."""


LIVE = ("queued", "calling", "waiting")
