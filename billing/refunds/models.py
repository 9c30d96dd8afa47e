"""Tables of money going back to buyers."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.gateways.ports import GatewayStatus
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.states import Machine, edges


class Refund(Base):
    """Money given back on one order. It reserves its amount when asked for; a failed one gives the reserve back.

    One that had succeeded and came `returned` from the buyer's bank leaves everything else as it is: the sale is undone,
    and the platform owes the money to the buyer, until it is `settled` in another way, or `resending` the same way succeeds.

    One of what stands on an issued 数电票 is `held` until a red one takes that back (`billing.fapiao.red_first`).
    """

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        CheckConstraint(
            "state IN ('requested', 'held', 'processing', 'unknown', 'succeeded', 'failed', 'returned', 'resending', "
            "'settled')",
            name="state",
        ),
        CheckConstraint("origin IN ('request', 'gateway', 'reversal', 'dispute')", name="origin"),
        CheckConstraint("state <> 'held' OR held_at IS NOT NULL", name="held"),
        CheckConstraint("red_waiver IN ('promise', 'operator')", name="red_waiver"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("credit_minor BETWEEN 0 AND amount_minor", name="credit"),
        Index("ix_refund_buyer_org_id_reference", "buyer_org_id", "reference"),
        Index("ix_refund_seller_org_id_reference", "seller_org_id", "reference"),
        Index("ix_refund_payment_id", "payment_id"),
        Index("ix_refund_allocation_id", "allocation_id"),
        Index("ix_refund_gateway_reference", "gateway_reference"),
        Index(
            "ix_refund_doubtful",
            "next_check_at",
            postgresql_where=text("state IN ('requested', 'processing', 'unknown', 'resending')"),
        ),
        Index("ix_refund_held", "held_at", postgresql_where=text("state = 'held'")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    reference: Mapped[UUID]
    """The order."""
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("billing.payment.id"))
    allocation_id: Mapped[UUID] = mapped_column(ForeignKey("billing.payment_allocation.id"))
    amount_minor: Mapped[Minor]
    """Positive; flows from the platform's cash to the buyer, but for `credit_minor`."""
    credit_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """Of it what becomes the buyer's credit with the seller."""
    currency: Mapped[Currency]
    reason: Mapped[str]
    automatic: Mapped[bool]
    """Asked for by the loop (delivery failed, money came too late) and not by a person."""
    origin: Mapped[str] = mapped_column(default="request")
    """Who moved the money: us at somebody's `request`, or the gateway (from its dashboard, by reversal, by dispute)."""
    state: Mapped[str]
    error_code: Mapped[str | None]
    gateway_reference: Mapped[str | None]
    """Of the last attempt."""
    returns: Mapped[int] = mapped_column(default=0)
    """How often it came back."""
    next_check_at: Mapped[Instant]
    checks: Mapped[int] = mapped_column(default=0)
    held_at: Mapped[Instant | None]
    """Since when it waits, or waited, for what is on a 数电票 to be taken back."""
    red_waiver: Mapped[str | None]
    """Why its money goes before that: a `promise` of ours ends the wait, or an `operator`."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]

    @property
    def money_minor(self) -> int:
        """What the gateway gives back."""
        return self.amount_minor - self.credit_minor


class RefundLine(Base):
    """What part of a refund belongs to which charge; net plus tax is gross."""

    __tablename__ = "refund_line"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "refund_id"],
            ["billing.refund.buyer_org_id", "billing.refund.seller_org_id", "billing.refund.id"],
        ),
        UniqueConstraint("refund_id", "charge_id"),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross"),
        CheckConstraint("gross_minor > 0 AND net_minor >= 0 AND tax_minor >= 0", name="positive"),
        Index("ix_refund_line_charge_id", "charge_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    refund_id: Mapped[UUID]
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("billing.charge.id"))
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    currency: Mapped[Currency]


class RefundAttempt(Base):
    """One call to the gateway for a refund; written before the call, its id is the idempotency key.

    Another follows only what has definitely come back: it moves the same money once more.
    """

    __tablename__ = "refund_attempt"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "refund_id"],
            ["billing.refund.buyer_org_id", "billing.refund.seller_org_id", "billing.refund.id"],
        ),
        UniqueConstraint("refund_id", "number"),
        CheckConstraint("outcome IN ('calling', 'answered', 'refused', 'unknown')", name="outcome"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    refund_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str]
    detail: Mapped[str | None]
    started_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]


REFUND = Machine(
    "refund",
    initial="requested",
    edges=edges(
        requested="held processing failed",
        held="requested failed",
        processing="unknown succeeded failed",
        unknown="processing succeeded failed",
        succeeded="returned",
        failed="",
        returned="resending settled",
        resending="succeeded returned",
        settled="",
    ),
)


ENDS: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "failed": GatewayStatus.FAILED,
    "returned": GatewayStatus.FAILED,
    "settled": GatewayStatus.FAILED,
}
"""States after which the gateway is not asked by ourselves, and what it says of a refund there."""
UNRESOLVED: Final = ("requested", "processing", "unknown", "resending")
"""States in which the gateway has yet to say what became of it."""
EFFECTIVE: Final = ("succeeded", "returned", "resending", "settled")
"""States in which the sale is undone, wherever the money is."""
