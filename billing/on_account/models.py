"""What buyers were told of what they owe."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor


class DunningNotice(Base):
    """A reminder before a purchase on account is due, or a letter after it: one for each step (`billing.on_account.steps`)."""

    __tablename__ = "dunning_notice"
    __table_args__ = (
        UniqueConstraint("transfer_id", "days"),
        CheckConstraint("owed_minor > 0", name="owed"),
        Index("ix_dunning_notice_payer_org_id_created_at", "payer_org_id", "created_at", "id"),
        Index("ix_dunning_notice_created_at", "created_at", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("billing.bank_transfer.id"))
    days: Mapped[int]
    """Of the step: after the due day, negative before it."""
    owed_minor: Mapped[Minor]
    """What was owed then."""
    currency: Mapped[Currency]
    due_at: Mapped[Instant]
    files: Mapped[Json] = mapped_column(default=dict)
    """The drawn letter by language, as of a transfer; a reminder has none."""
    created_at: Mapped[CreatedAt]
