"""A purchase: one checkout of one buyer, one payment, one order per seller in it; and the rule it was measured by."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.errors import Conflict
from kernel.states import Machine, edges


class Purchase(Base):
    """The buyer's one checkout."""

    __tablename__ = "purchase"
    __table_args__ = (
        UniqueConstraint("quote_id"),
        UniqueConstraint("buyer_org_id", "id"),
        # The quote is of an organization that exists: no key of its own to it.
        ForeignKeyConstraint(["buyer_org_id", "quote_id"], ["orders.quote.buyer_org_id", "orders.quote.id"]),
        CheckConstraint(
            "state IN ('pending_approval', 'pending_payment', 'paid', 'rejected', 'expired', 'cancelled')",
            name="state",
        ),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="sum"),
        Index("ix_purchase_buyer_org_id_created_at", "buyer_org_id", "created_at"),
        Index("ix_purchase_requested_by", "requested_by"),
        Index("ix_purchase_pending_approval", "buyer_org_id", postgresql_where=text("state = 'pending_approval'")),
        Index("ix_purchase_deadline_at", "deadline_at", postgresql_where=text("deadline_at IS NOT NULL")),
        Index("ix_purchase_next_try_at", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    quote_id: Mapped[UUID]
    state: Mapped[str]
    currency: Mapped[Currency]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    billing_profile: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The invoice title (发票抬头) as chosen at checkout."""
    po_number: Mapped[str | None]
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    gateway: Mapped[str]
    method_token: Mapped[str]
    """What the gateway knows the payment method by; never a card number."""
    approval_reasons: Mapped[list[Any]]
    """Why it waited for an approver when it was placed (`orders.checkout.approval_reasons`); empty when it did not."""
    approval_steps: Mapped[list[Any]] = mapped_column(JSONB)
    """In which steps it is decided, as the rules were when it was placed (`orders.approval_rules.steps`)."""
    deadline_at: Mapped[Instant | None]
    """Until when the present state may wait on someone; then its default happens."""
    next_try_at: Mapped[Instant | None] = mapped_column(default=None)
    """Of usage, when it is asked for again next, or what follows where it is not paid (`orders.usage.dunning`)."""
    retried_at: Mapped[Instant | None] = mapped_column(default=None)
    """When its money was asked for again last, after a try that failed."""
    created_at: Mapped[CreatedAt]


class Approval(Base):
    """An approver's decision. One per step of a purchase; append-only."""

    __tablename__ = "approval"
    __table_args__ = (
        UniqueConstraint("purchase_id", "step"),
        ForeignKeyConstraint(["buyer_org_id", "purchase_id"], ["orders.purchase.buyer_org_id", "orders.purchase.id"]),
        CheckConstraint("decision IN ('approved', 'rejected')", name="decision"),
        CheckConstraint("step >= 1", name="step"),
        CheckConstraint("decided_for <> decided_by", name="deputy"),
        Index("ix_approval_decided_by", "decided_by"),
        Index("ix_approval_decided_for", "decided_for", postgresql_where=text("decided_for IS NOT NULL")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    purchase_id: Mapped[UUID]
    step: Mapped[int]
    """Counts from 1."""
    decision: Mapped[str]
    decided_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    decided_for: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """In whose place, where a deputy decided."""
    reason: Mapped[str | None]
    at: Mapped[CreatedAt]


constraints.register("uq_purchase_quote_id", lambda: Conflict("quote_used"))


constraints.register("uq_approval_purchase_id_step", lambda: Conflict("purchase_already_decided"))


PURCHASE = Machine(
    "purchase",
    initial="pending_payment pending_approval",
    edges=edges(
        pending_approval="pending_payment rejected expired cancelled",
        pending_payment="paid expired cancelled",
        paid="",
        rejected="",
        expired="",
        cancelled="",
    ),
)
