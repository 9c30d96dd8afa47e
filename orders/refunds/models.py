"""What a buyer asks back where no window grants it, and what the sides show for it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.errors import Conflict
from kernel.states import Machine, edges

OPEN = ("asked", "refused", "escalated", "credit_offered")
"""States that wait on somebody: the seller, the buyer, the operator, the buyer."""
SIDES = ("buyer", "seller")


class RefundCase(Base):
    """Money of one order that its buyer would like back. One is open for an order at a time.

    `asked` waits for the seller, `credit_offered` for the buyer to take credit or insist on money, `refused` for the buyer to
    take it further, `escalated` for the operator; each until `deadline_at`, after which its default is done
    (`orders.refunds.run_out`).
    """

    __tablename__ = "refund_case"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_id"],
            ["orders.order.buyer_org_id", "orders.order.seller_org_id", "orders.order.id"],
        ),
        CheckConstraint(
            "state IN ('asked', 'credit_offered', 'refused', 'escalated', 'granted', 'rejected', 'closed', 'withdrawn')",
            name="state",
        ),
        CheckConstraint("offered_minor BETWEEN 1 AND asked_minor", name="offered"),
        CheckConstraint("state <> 'credit_offered' OR offered_minor IS NOT NULL", name="credit_offered"),
        CheckConstraint("asked_minor > 0", name="asked"),
        CheckConstraint("granted_minor BETWEEN 1 AND asked_minor", name="granted"),
        CheckConstraint(
            "(state = 'granted') = (granted_minor IS NOT NULL) AND (state = 'granted') = (refund_id IS NOT NULL)",
            name="paid",
        ),
        CheckConstraint(f"(state IN {OPEN}) = (deadline_at IS NOT NULL)", name="deadline"),
        CheckConstraint(
            "(state IN ('granted', 'rejected', 'closed', 'withdrawn')) = (ended_at IS NOT NULL)", name="ended"
        ),
        CheckConstraint("state <> 'escalated' OR escalated_at IS NOT NULL", name="escalated"),
        Index("uq_refund_case_open", "order_id", unique=True, postgresql_where=text(f"state IN {OPEN}")),
        Index("uq_refund_case_refund_id", "refund_id", unique=True, postgresql_where=text("refund_id IS NOT NULL")),
        Index("ix_refund_case_buyer_org_id", "buyer_org_id", "seller_org_id", "order_id", "created_at"),
        Index("ix_refund_case_seller_org_id", "seller_org_id", "created_at", "id"),
        Index("ix_refund_case_deadline_at", "deadline_at", postgresql_where=text("deadline_at IS NOT NULL")),
        Index("ix_refund_case_escalated", "escalated_at", "id", postgresql_where=text("state = 'escalated'")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    order_id: Mapped[UUID]
    currency: Mapped[Currency]
    asked_minor: Mapped[Minor]
    reason: Mapped[str]
    """The buyer's words."""
    requested_by: Mapped[UUID | None]
    state: Mapped[str]
    deadline_at: Mapped[Instant | None]
    answered_at: Mapped[Instant | None]
    """When the seller decided; none where it let its days pass."""
    answer: Mapped[str] = mapped_column(default="")
    """The seller's words."""
    escalated_at: Mapped[Instant | None]
    appeal: Mapped[str] = mapped_column(default="")
    """The buyer's words to the operator, where it took the refusal further."""
    decision: Mapped[str] = mapped_column(default="")
    """The operator's words; both sides read them."""
    decided_at: Mapped[Instant | None]
    """When the operator decided; none where its days passed, too."""
    decided_by: Mapped[UUID | None]
    as_credit: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether the buyer is content with credit with the seller: it asked for that, or took what the seller offered."""
    offered_minor: Mapped[int | None]
    """Credit that the seller offered instead of money; once."""
    granted_minor: Mapped[int | None]
    """What goes back: of what was asked for, all or a part."""
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.refund.id"))
    """The refund that carries it, the latest where a gateway refused one."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]

    @property
    def fact(self) -> dict[str, UUID]:
        """What each of its events says."""
        sides = {"buyer_org_id": self.buyer_org_id, "seller_org_id": self.seller_org_id}
        return {"refund_case_id": self.id, "order_id": self.order_id, **sides}


class RefundEvidence(Base):
    """A document that a side shows; the other side and the operator see it too. Append-only: nothing shown is taken back."""

    __tablename__ = "refund_evidence"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "case_id"],
            [
                "orders.refund_case.buyer_org_id",
                "orders.refund_case.seller_org_id",
                "orders.refund_case.id",
            ],
        ),
        UniqueConstraint("case_id", "side", "sha256"),
        CheckConstraint(f"side IN {SIDES}", name="side"),
        CheckConstraint("size_bytes > 0", name="size"),
        Index("ix_refund_evidence_case", "buyer_org_id", "seller_org_id", "case_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    case_id: Mapped[UUID]
    side: Mapped[str]
    file_key: Mapped[str]
    file_name: Mapped[str]
    """What its uploader called it, for people."""
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    submitted_by: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


constraints.register("uq_refund_case_open", lambda: Conflict("refund_already_asked"))

REFUND_CASE = Machine(
    "refund_case",
    initial="asked",
    edges=edges(
        asked="granted credit_offered refused escalated closed withdrawn",
        credit_offered="granted asked closed withdrawn",
        refused="escalated closed withdrawn",
        escalated="granted rejected closed withdrawn",
        granted="",
        rejected="",
        closed="",
        withdrawn="",
    ),
)
