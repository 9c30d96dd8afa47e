"""Milestones of a service: what is delivered, accepted and paid out step by step, with its files and its deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.uow import UnitOfWork
from kernel.states import Machine, edges
from orders.order.models import Order

MILESTONE_STATES = ("pending", "open", "delivered", "rework", "accepted", "cancelled")
AWAITED = ("open", "rework")
"""The seller has to deliver."""
OVER = ("accepted", "cancelled")


class OrderMilestone(Base):
    """A step of a sold service. Its part of the line was charged with the order and is released when it is accepted."""

    __tablename__ = "milestone"
    __table_args__ = (
        UniqueConstraint("order_line_id", "position"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_id"],
            ["orders.order.buyer_org_id", "orders.order.seller_org_id", "orders.order.id"],
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_line_id"],
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
        ),
        CheckConstraint(f"state IN {MILESTONE_STATES}", name="state"),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="sum"),
        CheckConstraint("net_minor >= 0 AND tax_minor >= 0", name="positive"),
        CheckConstraint("(deadline_at IS NULL) = (state IN ('accepted', 'cancelled'))", name="deadline"),
        CheckConstraint("(accepted_at IS NOT NULL) = (state = 'accepted')", name="accepted"),
        Index("ix_milestone_order_id", "order_id"),
        Index("ix_milestone_seller_org_id", "seller_org_id", "deadline_at"),
        Index("ix_milestone_deadline_at", "deadline_at", postgresql_where=text("deadline_at IS NOT NULL")),
        Index("ix_milestone_notice_at", "notice_at", postgresql_where=text("notice_at IS NOT NULL")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    order_id: Mapped[UUID]
    order_line_id: Mapped[UUID]
    position: Mapped[int]
    """From 1, within its line."""
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    days: Mapped[int]
    accept_days: Mapped[int]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    currency: Mapped[Currency]
    state: Mapped[str]
    version: Mapped[int]
    """How often it was delivered."""
    due_at: Mapped[Instant | None]
    """When the seller has to have delivered; unknown until it has taken the order on."""
    deadline_at: Mapped[Instant | None]
    """Until when its state waits on somebody: then it is accepted, or its money goes back."""
    notice_at: Mapped[Instant | None]
    """When both sides are told that it is overdue, or its buyer that the clock is about to accept it."""
    delivered_at: Mapped[Instant | None]
    accepted_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]


class MilestoneDelivery(Base):
    """One time that a milestone was delivered, in the seller's words, and what the buyer wants done again."""

    __tablename__ = "milestone_delivery"
    __table_args__ = (
        UniqueConstraint("milestone_id", "version"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "milestone_id"],
            ["orders.milestone.buyer_org_id", "orders.milestone.seller_org_id", "orders.milestone.id"],
        ),
        CheckConstraint("version > 0", name="version"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    milestone_id: Mapped[UUID]
    version: Mapped[int]
    words: Mapped[str]
    delivered_at: Mapped[Instant]
    rework_words: Mapped[str | None]
    answered_at: Mapped[Instant | None]


class MilestoneFile(Base):
    """A file of a delivery. One of a version that is not delivered yet is its seller's alone."""

    __tablename__ = "milestone_file"
    __table_args__ = (
        UniqueConstraint("milestone_id", "version", "sha256", "file_name"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "milestone_id"],
            ["orders.milestone.buyer_org_id", "orders.milestone.seller_org_id", "orders.milestone.id"],
        ),
        CheckConstraint("version > 0", name="version"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    milestone_id: Mapped[UUID]
    version: Mapped[int]
    file_key: Mapped[str]
    file_name: Mapped[str]
    """What its uploader called it; never a path."""
    media_type: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    created_at: Mapped[CreatedAt]


MILESTONE = Machine(
    "milestone",
    initial="pending",
    edges=edges(
        # The seller takes the order on.
        pending="open cancelled",
        open="delivered cancelled",
        delivered="accepted rework cancelled",
        rework="delivered cancelled",
        accepted="",
        cancelled="",
    ),
)
"""`cancelled`: its money goes back, as nobody will deliver it any more."""


def milestones_of(uow: UnitOfWork, order_id: UUID) -> list[OrderMilestone]:
    """The milestones of a locked order, as this transaction has changed them, in the order they are due."""
    found = select(OrderMilestone).where(OrderMilestone.order_id == order_id)
    return list(uow.session.scalars(found.order_by(OrderMilestone.order_line_id, OrderMilestone.position)))


def is_done(milestones: Sequence[OrderMilestone]) -> bool:
    """Whether nothing of them is waited for any more."""
    return all(one.state in OVER for one in milestones)


def cancel_milestones(uow: UnitOfWork, order: Order, milestones: Sequence[OrderMilestone], *, reason: str) -> None:
    """Nobody will deliver these milestones of a locked order; whoever cancels them gives their money back."""
    for one in milestones:
        if one.state not in OVER:
            MILESTONE.move(uow, one, "cancelled", org_ids=order.parties, reason=reason)
            one.deadline_at = one.notice_at = None
