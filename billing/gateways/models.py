"""Tables of the sandbox gateway's own books, and of what gateways call our payers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor


class SandboxOperation(Base):
    """The sandbox gateway's own books: what a counterpart would remember of us, found by our idempotency key.

    Written in the gateway's own transactions only; nothing of ours is decided by reading it.
    """

    __tablename__ = "sandbox_operation"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("reference"),
        CheckConstraint("kind IN ('payment', 'refund', 'payout', 'dispute')", name="kind"),
        CheckConstraint("state IN ('pending', 'requires_action', 'succeeded', 'failed')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("0 <= refunded_minor AND refunded_minor <= amount_minor", name="refunded"),
        Index("ix_sandbox_operation_written_by", "written_by", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    idempotency_key: Mapped[str]
    request_hash: Mapped[str]
    kind: Mapped[str]
    reference: Mapped[str]
    """The gateway's own name for it: `sbx_pay_…`, `sbx_ref_…`, `sbx_out_…`."""
    parent_reference: Mapped[str | None]
    """For a refund: the payment it gives back."""
    method_token: Mapped[str]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    refunded_minor: Mapped[Minor] = mapped_column(default=0)
    state: Mapped[str]
    error_code: Mapped[str | None]
    becomes: Mapped[str | None]
    """The state a pending operation will take at `settles_at`."""
    settles_at: Mapped[Instant | None]
    metadata_: Mapped[Json] = mapped_column("metadata")
    evidence: Mapped[Json | None]
    """Of a dispute: what its bank was told."""
    fee_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """Kept of a payment that succeeds."""
    succeeded_at: Mapped[Instant | None]
    """When the money moved; it may have come back since."""
    written_by: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id())::text::bigint"))
    """The database transaction that changed its state last, written by a trigger: by it the balance's entries are read without
    a gap."""
    created_at: Mapped[CreatedAt]
    changed_at: Mapped[Instant]


class GatewayCustomer(Base):
    """What a gateway calls an organization that keeps methods there. Its id is the idempotency key of making it."""

    __tablename__ = "gateway_customer"
    __table_args__ = (
        UniqueConstraint("org_id", "gateway"),
        UniqueConstraint("gateway", "reference"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    gateway: Mapped[str]
    reference: Mapped[str | None]
    """Empty until the gateway has answered."""
    created_at: Mapped[CreatedAt]
