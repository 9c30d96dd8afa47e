"""Tables of money going out to sellers and promoters."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.gateways.ports import GatewayStatus
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

BANK: Final = "bank"
"""Instead of a gateway: a transfer that a bank is asked for by a file."""


class Payout(Base):
    """The payment of one statement to its party. One that failed, or was paid and came back, is tried again as a new row."""

    __tablename__ = "payout"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "statement_id"], ["billing.statement.org_id", "billing.statement.id"]),
        UniqueConstraint("org_id", "id"),
        CheckConstraint("state IN ('scheduled', 'sent', 'unknown', 'paid', 'failed', 'returned')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        ForeignKeyConstraint(
            ["org_id", "account_id"], ["marketplace.payout_account.org_id", "marketplace.payout_account.id"]
        ),
        CheckConstraint("gateway <> 'bank' OR account_id IS NOT NULL", name="bank_account"),
        CheckConstraint("payment_id IS NULL OR group_reference IS NOT NULL", name="of_one_order"),
        Index("ix_payout_payment_id", "payment_id"),
        Index("ix_payout_org_id_account_id", "org_id", "account_id"),
        Index(
            "ix_payout_waiting_for_batch",
            "currency",
            "id",
            postgresql_where=text("gateway = 'bank' AND state = 'scheduled'"),
        ),
        Index(
            "uq_payout_live", "statement_id", unique=True, postgresql_where=text("state NOT IN ('failed', 'returned')")
        ),
        Index("ix_payout_org_id_statement_id", "org_id", "statement_id"),
        Index("ix_payout_gateway_reference", "gateway_reference"),
        Index(
            "ix_payout_doubtful",
            "next_check_at",
            postgresql_where=text("state IN ('scheduled', 'sent', 'unknown')"),
        ),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    statement_id: Mapped[UUID]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    gateway: Mapped[str]
    """Or `bank`: then it goes out in a batch."""
    destination: Mapped[str]
    """The party's account as the gateway names it; at a bank, what people recognise it by."""
    account_id: Mapped[UUID | None]
    """The account that the party gave. None where an operator named one at a gateway."""
    group_reference: Mapped[UUID | None]
    """The order, where all that is paid is of one."""
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.payment.id"))
    """And its payment, where that is one, by the gateway that pays out: the money of its charge is what is sent."""
    state: Mapped[str]
    error_code: Mapped[str | None]
    gateway_reference: Mapped[str | None]
    scheduled_by: Mapped[str]
    next_check_at: Mapped[Instant]
    checks: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[CreatedAt]
    paid_at: Mapped[Instant | None]

    @property
    def money_minor(self) -> int:
        """What the gateway moves: all of it."""
        return self.amount_minor


class PayoutAttempt(Base):
    """One call to the gateway for a payout; written before the call, its id is the idempotency key."""

    __tablename__ = "payout_attempt"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "payout_id"], ["billing.payout.org_id", "billing.payout.id"]),
        UniqueConstraint("payout_id"),
        CheckConstraint("outcome IN ('calling', 'answered', 'refused', 'unknown')", name="outcome"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    payout_id: Mapped[UUID]
    outcome: Mapped[str]
    detail: Mapped[str | None]
    started_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]


class TransferReversal(Base):
    """What was paid to an account at a gateway and is taken back from it, for one reversal of a share. Its id is the idempotency
    key; one that fails is not tried again: the party's next statement sets the reversal off.
    """

    __tablename__ = "transfer_reversal"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "payout_id"], ["billing.payout.org_id", "billing.payout.id"]),
        UniqueConstraint("share_reversal_id"),
        CheckConstraint("state IN ('sending', 'succeeded', 'failed')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(state = 'sending') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'succeeded') = (gateway_reference IS NOT NULL)", name="reference"),
        Index("ix_transfer_reversal_org_id_payout_id", "org_id", "payout_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    payout_id: Mapped[UUID]
    share_reversal_id: Mapped[UUID] = mapped_column(ForeignKey("billing.share_reversal.id"))
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    state: Mapped[str]
    tries: Mapped[int]
    gateway_reference: Mapped[str | None]
    error_code: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]


class PayoutSchedule(Base):
    """When a party is paid what its closed statements say, in one currency. Without one an operator pays each by hand."""

    __tablename__ = "payout_schedule"
    __table_args__ = (
        UniqueConstraint("org_id", "currency"),
        CheckConstraint("every IN ('daily', 'weekly', 'monthly', 'manual')", name="every"),
        CheckConstraint(
            "CASE every WHEN 'weekly' THEN day BETWEEN 1 AND 7 WHEN 'monthly' THEN day BETWEEN 1 AND 28 ELSE day = 1 END",
            name="day",
        ),
        CheckConstraint("minimum_minor >= 0", name="minimum"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    currency: Mapped[Currency]
    every: Mapped[str]
    day: Mapped[int]
    """Of the week (1 is Monday) or of the month, on the platform's calendar."""
    minimum_minor: Mapped[Minor]
    """Less is not paid alone: it waits until more is payable."""
    updated_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]


register("uq_payout_schedule_org_id_currency", lambda: Conflict("payout_schedule_changed"))
register("uq_payout_live", lambda: Conflict("payout_already_running"))


PAYOUT = Machine(
    "payout",
    initial="scheduled",
    edges=edges(
        scheduled="sent failed",
        sent="unknown paid failed",
        unknown="sent paid failed",
        paid="returned",
        failed="",
        returned="",
    ),
)

TRANSFER_REVERSAL = Machine(
    "transfer_reversal", initial="sending", edges=edges(sending="succeeded failed", succeeded="", failed="")
)


ENDS: Final = {
    "paid": GatewayStatus.SUCCEEDED,
    "failed": GatewayStatus.FAILED,
    "returned": GatewayStatus.FAILED,
}
"""States after which the gateway is not asked by ourselves, and what it says of a payout there."""
UNRESOLVED: Final = ("scheduled", "sent", "unknown")
"""States in which the gateway has yet to say what became of it."""
UNPAID: Final = ("failed", "returned")
"""States in which the party's money is with the platform again."""
