"""The double-entry ledger. The database itself keeps it balanced, complete and append-only (see the migration)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor


class LedgerAccount(Base):
    """What one organization has, owes or is owed of one kind in one currency. Rows never change."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint("org_id", "kind", "currency", "gateway"),
        UniqueConstraint("org_id", "id", "currency"),
        CheckConstraint(
            "kind IN ('gateway_cash', 'buyer_credit', 'party_pending', 'party_available', 'payout_clearing', "
            "'commission', 'gateway_fee', 'gateway_exchange', 'bank_clearing', 'suspense', 'store_credit', "
            "'receivable', 'tax_payable')",
            name="kind",
        ),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    kind: Mapped[str]
    currency: Mapped[Currency]
    gateway: Mapped[str]
    """Whose cash: the gateway's name for `gateway_cash`, empty for every other kind."""
    created_at: Mapped[CreatedAt]


class LedgerTransaction(Base):
    """A fact in the books: `postings` of them, adding up to zero per currency. One fact, one business key."""

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        UniqueConstraint("business_key"),
        CheckConstraint("postings >= 2", name="postings"),
        Index("ix_ledger_transaction_reference", "reference"),
        Index("ix_ledger_transaction_recorded_at", "recorded_at", "id"),
        Index("ix_ledger_transaction_effective_at", "effective_at", "id"),
        CheckConstraint("occurred_at < effective_at", name="occurred"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    business_key: Mapped[str]
    kind: Mapped[str]
    reference: Mapped[UUID]
    org_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    postings: Mapped[int]
    """How many postings belong to it; the database refuses a commit with another number."""
    opened_by: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id())::text::bigint"))
    """The database transaction that wrote it, never set by hand: the database takes postings from no other one.

    A forged number helps nobody: it would refuse the forger's own postings. A dump restored into a new cluster begins to
    count anew; what that might let through, `ledger.complete` and the seal still show.
    """
    effective_at: Mapped[Instant]
    """When it counts. The database moves it to the first open month where its own is closed."""
    occurred_at: Mapped[Instant | None]
    """When it happened, of a fact that came after its month was closed; never set by hand."""
    recorded_at: Mapped[Instant]


class Posting(Base):
    """One side of a transaction. Positive is debit, negative is credit; never zero."""

    __tablename__ = "posting"
    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "account_id", "currency"],
            [
                "billing.ledger_account.org_id",
                "billing.ledger_account.id",
                "billing.ledger_account.currency",
            ],
        ),
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_posting_org_id_account_id_currency_id", "org_id", "account_id", "currency", "id"),
        Index("ix_posting_transaction_id", "transaction_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("billing.ledger_transaction.id"))
    account_id: Mapped[UUID]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]


class LedgerSeal(Base):
    """The head of the hash chain after a day's transactions were sealed into it."""

    __tablename__ = "ledger_seal"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("sealed_on"),
        CheckConstraint("transactions > 0", name="transactions"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    number: Mapped[int]
    sealed_on: Mapped[date]
    transactions: Mapped[int]
    previous_hash: Mapped[str]
    hash: Mapped[str]
    sealed_at: Mapped[Instant]


class LedgerSealEntry(Base):
    """Which transaction is sealed where. Membership is recorded, not inferred from times: commits come out of order."""

    __tablename__ = "ledger_seal_entry"
    __table_args__ = (
        UniqueConstraint("seal_id", "position"),
        {"schema": "billing"},
    )
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("billing.ledger_transaction.id"), primary_key=True)
    seal_id: Mapped[UUID] = mapped_column(ForeignKey("billing.ledger_seal.id"))
    position: Mapped[int]
