"""Tables of the months of the books that were closed."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.states import Machine, edges


class AccountingPeriod(Base):
    """A month of the platform's calendar whose books were closed: nothing is posted with an effective time in it.

    The database keeps it so (see the migration): a fact that comes late is moved to the beginning of the first open month, and
    keeps when it happened in `LedgerTransaction.occurred_at`. Months close one after another, and the last one may reopen.
    """

    __tablename__ = "accounting_period"
    __table_args__ = (
        UniqueConstraint("month"),
        CheckConstraint("state IN ('closed', 'reopened')", name="state"),
        CheckConstraint("starts_at < ends_at", name="range"),
        CheckConstraint(
            "state = 'closed' OR (reopened_at IS NOT NULL AND reopened_by IS NOT NULL AND reason IS NOT NULL)",
            name="reopened",
        ),
        Index("ix_accounting_period_closed", "ends_at", postgresql_where=text("state = 'closed'")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    month: Mapped[date]
    """Its first day."""
    starts_at: Mapped[Instant]
    """The first month that was ever closed begins with the books."""
    ends_at: Mapped[Instant]
    state: Mapped[str]
    transactions: Mapped[int | None]
    """Facts in it when it was closed; None until its balances are recorded."""
    closed_at: Mapped[Instant]
    closed_by: Mapped[str]
    reopened_at: Mapped[Instant | None]
    reopened_by: Mapped[str | None]
    reason: Mapped[str | None]
    """Why it was opened again, the last time that it was."""
    created_at: Mapped[CreatedAt]


class AccountingPeriodBalance(Base):
    """What an account moved by in a closed month, and what stood on it at the end. Kept for as long as the month is closed."""

    __tablename__ = "accounting_period_balance"
    __table_args__ = (
        CheckConstraint("debit_minor >= 0 AND credit_minor >= 0", name="sides"),
        Index("ix_accounting_period_balance_account_id", "account_id"),
        {"schema": "billing"},
    )
    period_id: Mapped[UUID] = mapped_column(ForeignKey("billing.accounting_period.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("billing.ledger_account.id"), primary_key=True)
    debit_minor: Mapped[Minor]
    """Of the month, positive."""
    credit_minor: Mapped[Minor]
    """Of the month, positive."""
    balance_minor: Mapped[Minor]
    """At its end; debit positive."""
    currency: Mapped[Currency]


ACCOUNTING_PERIOD = Machine("accounting_period", initial="closed", edges=edges(closed="reopened", reopened="closed"))
