"""Tables of disputed payments: which orders and lines one is about, and what its bank was told."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.gateways.ports import GatewayStatus
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges


class Dispute(Base):
    """A payer disputes a payment at its bank. The gateway has taken the money away until the bank has decided.

    While it is open no share of what it is about (`DisputePart`) is released or settled, and nothing of those orders is
    refunded: it would be paid twice.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "payment_id"], ["billing.payment.payer_org_id", "billing.payment.id"]),
        UniqueConstraint("gateway", "gateway_reference"),
        UniqueConstraint("payer_org_id", "id"),
        CheckConstraint("state IN ('open', 'won', 'lost')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("basis IN ('whole', 'pro_rata', 'operator')", name="basis"),
        CheckConstraint("(fee_changes = 0) = (fee_currency IS NULL)", name="fee"),
        CheckConstraint("loss_minor >= 0 AND borne_minor >= 0 AND kept_minor >= 0", name="loss"),
        CheckConstraint("borne_minor + kept_minor <= loss_minor AND loss_minor <= amount_minor", name="recovered"),
        Index("ix_dispute_payment_id", "payment_id"),
        Index("ix_dispute_payer_org_id_payment_id", "payer_org_id", "payment_id"),
        Index("ix_dispute_open", "due_by", postgresql_where=text("state = 'open'")),
        Index("ix_dispute_submit_at", "submit_at", postgresql_where=text("state = 'open' AND submitted_at IS NULL")),
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
    basis: Mapped[str]
    """How its parts were found: it is about the `whole` payment, `pro_rata` while nobody has said more, or by an `operator`."""
    due_by: Mapped[Instant]
    """Until when the bank takes evidence: as the gateway says, else seven days."""
    answer_by: Mapped[Instant]
    """Until when the sides may say their part; before `submit_at`."""
    submit_at: Mapped[Instant]
    """When what is there is sent by itself; before `due_by`."""
    submission_id: Mapped[UUID | None]
    """The evidence that is on its way or there: from then on the sides can say no more."""
    submitted_at: Mapped[Instant | None]
    """When the bank had evidence, ours or from the gateway's own dashboard. It takes it once."""
    fee_minor: Mapped[Minor] = mapped_column(default=0)
    """What the gateway keeps for handling it; the platform bears it."""
    fee_currency: Mapped[Currency | None]
    fee_changes: Mapped[int] = mapped_column(default=0)
    loss_minor: Mapped[Minor] = mapped_column(default=0)
    """Of a lost one: what no order could bear, because it had gone back already. To be recovered from the payer."""
    borne_minor: Mapped[Minor] = mapped_column(default=0)
    """What of the loss an order could bear after all: its refund, under way at that time, had failed."""
    kept_minor: Mapped[Minor] = mapped_column(default=0)
    """What of the loss was made good by refunds that came back."""

    @property
    def parties(self) -> list[UUID]:
        """Whom it concerns, for history rows."""
        return [self.payer_org_id, *self.seller_org_ids]

    @property
    def loss_left_minor(self) -> int:
        """What of the loss is still to be recovered."""
        return self.loss_minor - self.borne_minor - self.kept_minor


class DisputePart(Base):
    """What of a dispute is about which order, or about which line of it. The parts of a dispute add up to its amount."""

    __tablename__ = "dispute_part"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "dispute_id"], ["billing.dispute.payer_org_id", "billing.dispute.id"]),
        UniqueConstraint("dispute_id", "reference", "line_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_dispute_part_payer_org_id_dispute_id", "payer_org_id", "dispute_id"),
        Index("ix_dispute_part_seller_org_id_dispute_id", "seller_org_id", "dispute_id"),
        Index("ix_dispute_part_reference", "reference"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    dispute_id: Mapped[UUID]
    reference: Mapped[UUID]
    """The order."""
    line_id: Mapped[UUID | None]
    """The order line; none: all lines of the order."""
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    created_at: Mapped[CreatedAt]


class DisputeSubmission(Base):
    """Evidence on its way to the bank, or there. Its id is the idempotency key; the bank takes one.

    `text` and `documents` are what is sent, as it was then.
    """

    __tablename__ = "dispute_submission"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id", "dispute_id"], ["billing.dispute.payer_org_id", "billing.dispute.id"]),
        CheckConstraint("state IN ('sending', 'sent', 'failed')", name="state"),
        CheckConstraint("made_by IN ('operator', 'clock', 'refund')", name="made_by"),
        CheckConstraint("(state = 'sending') = (ended_at IS NULL)", name="ended"),
        Index("uq_dispute_submission_live", "dispute_id", unique=True, postgresql_where=text("state <> 'failed'")),
        Index("ix_dispute_submission_payer_org_id_dispute_id", "payer_org_id", "dispute_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    dispute_id: Mapped[UUID]
    text: Mapped[str]
    documents: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Of each: `id`, `side`, `file_key`, `file_name`, `media_type`, `size_bytes`."""
    made_by: Mapped[str]
    """An `operator`, or by itself: the `clock`, or because the money had gone back by `refund` before it was disputed."""
    person_id: Mapped[UUID | None]
    tries: Mapped[int] = mapped_column(default=0)
    """How often it was sent or asked about."""
    state: Mapped[str]
    error_code: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]


register("uq_dispute_submission_live", lambda: Conflict("dispute_evidence_submitted"))


DISPUTE = Machine("dispute", initial="open", edges=edges(open="won lost", won="lost", lost="won"))

DISPUTE_SUBMISSION = Machine(
    "dispute_submission", initial="sending", edges=edges(sending="sent failed", sent="", failed="")
)

STATE_OF: Final = {
    GatewayStatus.PENDING: "open",
    GatewayStatus.SUCCEEDED: "won",
    GatewayStatus.FAILED: "lost",
}
"""What a gateway's status says of a dispute: succeeded is ours to keep."""
