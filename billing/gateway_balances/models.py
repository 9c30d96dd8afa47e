"""Tables of what a gateway says of its balance: its entries, each once, and how far they were read."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor


class GatewayBalanceEntry(Base):
    """A movement of a gateway's balance, as `BalanceEntry`. For the platform alone.

    It waits until the row of ours that it belongs to is in the books; then what the gateway kept or exchanged is booked.
    """

    __tablename__ = "gateway_balance_entry"
    __table_args__ = (
        UniqueConstraint("gateway", "reference"),
        CheckConstraint(
            "kind IN ('payment', 'payment_returned', 'refund', 'refund_returned', 'dispute', 'dispute_returned', "
            "'transfer', 'transfer_returned', 'bank', 'cost', 'other')",
            name="kind",
        ),
        CheckConstraint("booked_as IN ('own', 'bank', 'cost', 'foreign')", name="booked_as"),
        CheckConstraint("(booked_as IS NULL) = (booked_at IS NULL)", name="booked"),
        CheckConstraint("(presented_minor IS NULL) = (presented_currency IS NULL)", name="presented"),
        Index("ix_gateway_balance_entry_waiting", "created_at", postgresql_where=text("booked_as IS NULL")),
        Index("ix_gateway_balance_entry_gateway_subject", "gateway", "subject"),
        Index("ix_gateway_balance_entry_subject_id", "subject_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    gateway: Mapped[str]
    reference: Mapped[str]
    kind: Mapped[str]
    reported_as: Mapped[str]
    amount_minor: Mapped[Minor]
    fee_minor: Mapped[Minor]
    currency: Mapped[Currency]
    presented_minor: Mapped[Minor | None]
    presented_currency: Mapped[Currency | None]
    exchange_rate: Mapped[str | None]
    """As the gateway writes it; nothing is computed from it."""
    subject: Mapped[str]
    payment_reference: Mapped[str]
    attempt: Mapped[str | None]
    named: Mapped[Json] = mapped_column("metadata")
    """Ids of ours that the gateway gave back; good for finding a row, never for believing."""
    made_at: Mapped[Instant]
    """By the gateway's clock."""
    subject_id: Mapped[UUID | None]
    """The payment, refund, dispute or payout of ours, once it is known."""
    booked_as: Mapped[str | None]
    """`own`: of a row of ours; `bank`, `cost`: as the kind; `foreign`: of nothing we know, in suspense with an incident."""
    booked_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]

    @property
    def net_minor(self) -> int:
        """By what the balance has changed."""
        return self.amount_minor - self.fee_minor


class GatewayBalanceReading(Base):
    """How far the entries of a gateway were read, and how the last try went."""

    __tablename__ = "gateway_balance_reading"
    __table_args__ = ({"schema": "billing"},)
    gateway: Mapped[str] = mapped_column(Text, primary_key=True)
    resume: Mapped[str]
    trouble: Mapped[str | None]
    """Why the last try brought nothing: `unknown`, `not_reached`, or the gateway's code."""
    tried_at: Mapped[Instant | None]
    read_at: Mapped[Instant | None]
    """When everything there was had been read."""


class GatewayHolding(Base):
    """What a gateway said it holds in a currency, when its entries had been read to the end."""

    __tablename__ = "gateway_holding"
    __table_args__ = ({"schema": "billing"},)
    gateway: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[Currency] = mapped_column(primary_key=True)
    available_minor: Mapped[Minor]
    pending_minor: Mapped[Minor]
    asked_at: Mapped[Instant]
