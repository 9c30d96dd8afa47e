"""A change of a subscription within its term: bought by an order of its own, for what it costs until the term's end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.errors import Conflict
from kernel.states import Machine, edges


class QuotedChange(BaseModel):
    """What a quote of an amendment was made for. It can be bought as long as the subscription is still as it was then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subscription_id: UUID
    quantity: int
    plan_id: UUID
    quantity_before: int
    plan_id_before: UUID
    ends_at: AwareDatetime
    """The end of the paid term, until when it is paid for."""
    price: dict[str, Any] | None
    """What a term of another plan costs (`marketplace.pricing.components.PlanPrice`); None where the plan stays."""
    aligned_to: AwareDatetime | None = None
    """When the term is to end instead, where it is to end with another subscription's."""
    anchor_day: int | None = None
    """Then, the day of month that its terms end on from then on."""


class Amendment(Base):
    """A change that was bought: more seats, a larger plan, a later end of the term. Applied once it is paid, at once."""

    __tablename__ = "amendment"
    __table_args__ = (
        UniqueConstraint("order_line_id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "subscription_id"],
            ["orders.subscription.buyer_org_id", "orders.subscription.seller_org_id", "orders.subscription.id"],
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_line_id"],
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
        ),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        ForeignKeyConstraint(["seller_org_id", "plan_id_before"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        CheckConstraint("state IN ('pending', 'applied', 'void', 'reversed')", name="state"),
        CheckConstraint("quantity > 0 AND quantity_before > 0", name="quantities"),
        CheckConstraint("(applied_at IS NOT NULL) = (state IN ('applied', 'reversed'))", name="applied"),
        CheckConstraint("aligned_to > ends_at", name="aligned_to"),
        CheckConstraint(
            "(aligned_to IS NULL) = (anchor_day IS NULL) AND (aligned_to IS NULL) = (anchor_day_before IS NULL)",
            name="anchored",
        ),
        Index("ix_amendment_subscription_id", "subscription_id"),
        Index("ix_amendment_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        Index("ix_amendment_seller_org_id_plan_id_before", "seller_org_id", "plan_id_before"),
        Index("uq_amendment_pending", "subscription_id", unique=True, postgresql_where=text("state = 'pending'")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    subscription_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    order_line_id: Mapped[UUID]
    state: Mapped[str]
    quantity: Mapped[int]
    quantity_before: Mapped[int]
    plan_id: Mapped[UUID]
    plan_id_before: Mapped[UUID]
    price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What a term of another plan costs: the next change in the term is measured by it."""
    price_before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ends_at: Mapped[Instant]
    """The end of the term for whose rest it pays; of one that moves this end, the end before."""
    aligned_to: Mapped[Instant | None]
    """Where it moves the term's end, to when: it pays for the time between the two."""
    anchor_day: Mapped[int | None]
    """Then, the day of month that terms end on from then on."""
    anchor_day_before: Mapped[int | None]
    applied_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


constraints.register("uq_amendment_pending", lambda: Conflict("amendment_pending"))

AMENDMENT = Machine(
    "amendment",
    initial="pending",
    edges=edges(pending="applied void", applied="reversed", void="", reversed=""),
)
