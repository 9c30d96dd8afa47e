"""Table of what a gateway did to money after an end, or without having been asked."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.states import Machine, edges

IncidentKind = Literal[
    "refund_returned",
    "payout_returned",
    "payment_reversed",
    "late_success",
    "external_refund",
    "dispute_lost",
    "dispute_overturned",
    "payout_partly_returned",
    "payout_disputed",
    "credit_paid_back",
    "external_refund_returned",
    "balance_unknown",
    "balance_differs",
    "key_reused",
]


class Incident(Base):
    """One such movement, for the platform's operators alone. What followed for the parties stands in their own rows.

    `amount_minor` is what moved at the gateway, positive.
    """

    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "gateway_reference"),
        CheckConstraint(
            "kind IN ('refund_returned', 'payout_returned', 'payment_reversed', 'late_success', 'external_refund', "
            "'dispute_lost', 'dispute_overturned', 'payout_partly_returned', 'payout_disputed', 'credit_paid_back', "
            "'key_reused', 'external_refund_returned', 'balance_unknown', 'balance_differs')",
            name="kind",
        ),
        CheckConstraint("state IN ('open', 'resending', 'closed')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("abs(suspense_minor) <= amount_minor", name="suspense"),
        CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL AND closed_by IS NOT NULL AND resolution IS NOT NULL)",
            name="closed",
        ),
        Index("ix_incident_open", "created_at", postgresql_where=text("state = 'open'")),
        Index("ix_incident_subject_id", "subject_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    """The refund, payout, payment, dispute, movement of credit or entry of the gateway's balance it is about."""
    gateway: Mapped[str]
    gateway_reference: Mapped[str]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    suspense_minor: Mapped[Minor]
    """What of it nobody's rows account for, in the platform's suspense account: positive went out, negative came in."""
    code: Mapped[str]
    """The gateway's word for why."""
    state: Mapped[str]
    created_at: Mapped[CreatedAt]
    closed_at: Mapped[Instant | None]
    closed_by: Mapped[str | None]
    resolution: Mapped[str | None]
    """What the operator did about it, and why that is right."""
    evidence: Mapped[str | None]
    """What shows it: the bank's reference of a payment made by hand."""


INCIDENT = Machine("incident", initial="open", edges=edges(open="resending closed", resending="open closed", closed=""))
