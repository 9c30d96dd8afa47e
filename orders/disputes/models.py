"""What the sides of a disputed payment say, and the documents by which they show it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant

SIDES = ("buyer", "seller")


class DisputeStatement(Base):
    """The words of one organization on one dispute; changed as often as it likes until the bank has them."""

    __tablename__ = "dispute_statement"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "dispute_id"], ["billing.dispute.payer_org_id", "billing.dispute.id"]),
        UniqueConstraint("dispute_id", "org_id", "side"),
        CheckConstraint(f"side IN {SIDES}", name="side"),
        CheckConstraint("NOT withdraws OR side = 'buyer'", name="withdraws"),
        Index("ix_dispute_statement_payer_org_id_dispute_id", "payer_org_id", "dispute_id"),
        Index("ix_dispute_statement_org_id", "org_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    dispute_id: Mapped[UUID]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    """Whose words they are."""
    seller_org_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """The sellers who may read them: of a buyer's all that it concerns, of a seller's itself."""
    side: Mapped[str]
    words: Mapped[str]
    withdraws: Mapped[bool]
    """The buyer lets it be. The bank decides all the same: its card holder has to tell it, too."""
    said_by: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]
    changed_at: Mapped[Instant]


class DisputeEvidence(Base):
    """A document that one organization shows. Append-only: nothing shown is taken back."""

    __tablename__ = "dispute_evidence"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "dispute_id"], ["billing.dispute.payer_org_id", "billing.dispute.id"]),
        UniqueConstraint("dispute_id", "org_id", "side", "sha256"),
        CheckConstraint(f"side IN {SIDES}", name="side"),
        CheckConstraint("size_bytes > 0", name="size"),
        Index("ix_dispute_evidence_payer_org_id_dispute_id", "payer_org_id", "dispute_id"),
        Index("ix_dispute_evidence_org_id", "org_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    dispute_id: Mapped[UUID]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    seller_org_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    side: Mapped[str]
    file_key: Mapped[str]
    file_name: Mapped[str]
    """What its uploader called it, for people."""
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    submitted_by: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]
