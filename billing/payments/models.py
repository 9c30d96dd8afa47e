"""Tables of money coming in: payments, attempts, and each order's part of them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.gateways.ports import GatewayStatus
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict, Invalid
from kernel.states import Machine, edges


class Payment(Base):
    """One attempt of a buyer to pay one purchase. Amounts are positive, in the payer's currency.

    At most one payment of a reference is alive: as long as its outcome is not a definite failure, no other may start.
    """

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("payer_org_id", "id"),
        CheckConstraint(
            "state IN ('processing', 'requires_action', 'unknown', 'succeeded', 'failed', 'reversed')", name="state"
        ),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("credit_minor BETWEEN 0 AND amount_minor", name="credit"),
        CheckConstraint("(state IN ('succeeded', 'reversed')) = (captured_at IS NOT NULL)", name="captured"),
        Index("uq_payment_live", "reference", unique=True, postgresql_where=text("state <> 'failed'")),
        Index("ix_payment_payer_org_id_created_at", "payer_org_id", "created_at"),
        Index(
            "ix_payment_payer_org_id_captured_at",
            "payer_org_id",
            "captured_at",
            postgresql_where=text("captured_at IS NOT NULL"),
        ),
        Index("ix_payment_reference", "reference"),
        Index("ix_payment_paying_org_id", "method_org_id", postgresql_where=text("method_org_id IS NOT NULL")),
        Index(
            "uq_payment_gateway_reference",
            "gateway",
            "gateway_reference",
            unique=True,
            postgresql_where=text("gateway_reference IS NOT NULL"),
        ),
        Index(
            "ix_payment_doubtful",
            "next_check_at",
            postgresql_where=text("state IN ('processing', 'requires_action', 'unknown')"),
        ),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    reference: Mapped[UUID]
    """What is paid, named by the caller: a purchase."""
    gateway: Mapped[str]
    method_token: Mapped[str]
    method_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"), default=None)
    """Whose method it is, where another organization pays for the payer; refunds go back to it."""
    amount_minor: Mapped[Minor]
    credit_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """Of it what the payer's credit with the sellers pays; the gateway is asked for the rest."""
    currency: Mapped[Currency]
    description: Mapped[str]
    payer_absent: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Nobody was there who could have confirmed it: it was asked for by the clock, or long after it was ordered."""
    state: Mapped[str]
    error_code: Mapped[str | None]
    next_action: Mapped[dict[str, Any] | None]
    """What the buyer has to do while `requires_action`: `{"kind": "redirect", "url": …}`."""
    gateway_reference: Mapped[str | None]
    deadline_at: Mapped[Instant]
    next_check_at: Mapped[Instant]
    """When the janitor asks the gateway what became of it, unless something else tells sooner."""
    checks: Mapped[int] = mapped_column(default=0)
    captured_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]

    @property
    def money_minor(self) -> int:
        """What the gateway takes."""
        return self.amount_minor - self.credit_minor


class PaymentAttempt(Base):
    """One call to the gateway that moves money; written before it, its id is the idempotency key."""

    __tablename__ = "payment_attempt"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "payment_id"], ["billing.payment.payer_org_id", "billing.payment.id"]),
        UniqueConstraint("payment_id", "operation"),
        CheckConstraint("operation IN ('submit', 'cancel')", name="operation"),
        CheckConstraint("outcome IN ('calling', 'answered', 'refused', 'unknown')", name="outcome"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    operation: Mapped[str]
    outcome: Mapped[str]
    detail: Mapped[str | None]
    started_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]


class PaymentAllocation(Base):
    """The explicit part of a payment that belongs to one order, and what of it was given back or is about to be."""

    __tablename__ = "payment_allocation"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "payment_id"], ["billing.payment.payer_org_id", "billing.payment.id"]),
        UniqueConstraint("payment_id", "reference"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("0 <= refunded_minor AND refunded_minor <= reserved_minor", name="refunded"),
        CheckConstraint("reserved_minor <= amount_minor", name="reserved"),
        CheckConstraint("credit_minor BETWEEN 0 AND amount_minor", name="credit"),
        CheckConstraint("credit_back_minor BETWEEN 0 AND reserved_minor", name="credit_back"),
        Index("ix_payment_allocation_seller_org_id_reference", "seller_org_id", "reference"),
        Index("ix_payment_allocation_reference", "reference"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    reference: Mapped[UUID]
    """The order."""
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    reserved_minor: Mapped[Minor] = mapped_column(default=0)
    """Refunds asked for that have not failed, finished ones included."""
    refunded_minor: Mapped[Minor] = mapped_column(default=0)
    """Refunds the gateway has confirmed."""
    credit_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """What of it the payer's credit with the seller pays."""
    credit_back_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """Of `reserved_minor` what goes back as credit."""
    created_at: Mapped[CreatedAt]

    @property
    def money_left_minor(self) -> int:
        """What can still go back the way the money came: no more than the gateway took."""
        return self.amount_minor - self.credit_minor - (self.reserved_minor - self.credit_back_minor)


register("uq_payment_live", lambda: Conflict("payment_already_running"))
register("ck_payment_allocation_reserved", lambda: Conflict("refund_exceeds_payment"))
register("ck_payment_amount", lambda: Invalid("amount_not_positive", field="amount"))


PAYMENT = Machine(
    "payment",
    initial="processing",
    edges=edges(
        processing="requires_action unknown succeeded failed",
        requires_action="processing unknown succeeded failed",
        unknown="processing requires_action succeeded failed",
        succeeded="reversed",
        failed="",
        reversed="",
    ),
)


ENDS: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "failed": GatewayStatus.FAILED,
    "reversed": GatewayStatus.FAILED,
}
"""States after which the gateway is not asked by ourselves, and what it says of a payment there."""
UNRESOLVED = ("processing", "requires_action", "unknown")
