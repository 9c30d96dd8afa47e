"""Tables of credit that buyers have with sellers."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Minor

STORE_CREDIT: Final = "store_credit"
"""What stands as gateway where credit alone pays or is given: no gateway is asked."""


class StoreCredit(Base):
    """A buyer's balance with one seller in one currency, which the platform holds. It never expires.

    `reserved_minor` is what payments whose outcome is not known yet are about to use.
    """

    __tablename__ = "store_credit"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "currency"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        CheckConstraint("0 <= reserved_minor AND reserved_minor <= balance_minor", name="balance"),
        Index("ix_store_credit_seller_org_id", "seller_org_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    currency: Mapped[Currency]
    balance_minor: Mapped[Minor]
    reserved_minor: Mapped[Minor]
    created_at: Mapped[CreatedAt]

    @property
    def available_minor(self) -> int:
        """What the next payment may use."""
        return self.balance_minor - self.reserved_minor


class StoreCreditMovement(Base):
    """One change of a balance, which is their sum. `subject_id` is what moved it: a refund, an order's part of a payment."""

    __tablename__ = "store_credit_movement"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "credit_id"],
            [
                "billing.store_credit.buyer_org_id",
                "billing.store_credit.seller_org_id",
                "billing.store_credit.id",
            ],
        ),
        UniqueConstraint("kind", "subject_id"),
        CheckConstraint("kind IN ('given', 'used', 'paid_back')", name="kind"),
        CheckConstraint("amount_minor <> 0 AND (amount_minor > 0) = (kind = 'given')", name="amount"),
        Index("ix_store_credit_movement_credit", "buyer_org_id", "seller_org_id", "credit_id", "id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    credit_id: Mapped[UUID]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    reference: Mapped[UUID | None]
    """The order whose refund gave it, or that used it; none of what was paid back."""
    amount_minor: Mapped[Minor]
    """Positive into the balance, negative out of it."""
    currency: Mapped[Currency]
    created_at: Mapped[CreatedAt]
