"""Table of disputed payments."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from billing.gateways.ports import GatewayStatus
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.states import Machine, edges


class Dispute(Base):
    """A payer disputes a payment at its bank. The gateway has taken the money away until the bank has decided.

    While it is open no share of what was bought is released or settled, and nothing is refunded: it would be paid twice.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "payment_id"], ["billing.payment.payer_org_id", "billing.payment.id"]),
        UniqueConstraint("gateway", "gateway_reference"),
        CheckConstraint("state IN ('open', 'won', 'lost')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        Index("ix_dispute_payment_id", "payment_id"),
        Index("ix_dispute_payer_org_id_payment_id", "payer_org_id", "payment_id"),
        Index("ix_dispute_open", "created_at", postgresql_where=text("state = 'open'")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    seller_org_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """Whose sales were paid by it: they see why their shares stand still."""
    payment_id: Mapped[UUID]
    gateway: Mapped[str]
    gateway_reference: Mapped[str]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    reason: Mapped[str]
    """The payer's reason, in the gateway's word."""
    state: Mapped[str]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]
    overturned: Mapped[int] = mapped_column(default=0)
    """How often the bank has turned its own decision round."""


DISPUTE = Machine("dispute", initial="open", edges=edges(open="won lost", won="lost", lost="won"))


STATE_OF: Final = {
    GatewayStatus.PENDING: "open",
    GatewayStatus.SUCCEEDED: "won",
    GatewayStatus.FAILED: "lost",
}
"""What a gateway's status says of a dispute: succeeded is ours to keep."""
