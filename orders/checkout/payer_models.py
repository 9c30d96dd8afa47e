"""What another organization pays of a buyer's purchases: a charge of each, and by what the payer pays without being asked."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.errors import Conflict
from kernel.states import Machine, edges

BY_PAYER: Final = "payer"
"""The gateway's name of a purchase that an agreement pays; its method is the agreement's id, never the payer's own."""


class PayerCharge(Base):
    """What an agreement is to pay of one purchase: it uses its month's limit from then on, until it comes to nothing.

    `used_minor` is what the month had used before it, `limit_minor` the limit then.
    """

    __tablename__ = "payer_charge"
    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "payer_org_id", "agreement_id"],
            [
                "marketplace.payer_agreement.org_id",
                "marketplace.payer_agreement.payer_org_id",
                "marketplace.payer_agreement.id",
            ],
        ),
        ForeignKeyConstraint(["org_id", "purchase_id"], ["orders.purchase.buyer_org_id", "orders.purchase.id"]),
        CheckConstraint("state IN ('asked', 'approved', 'declined', 'released')", name="state"),
        CheckConstraint("amount_minor > 0 AND used_minor >= 0", name="amount"),
        CheckConstraint("used_minor + amount_minor <= limit_minor", name="limit"),
        CheckConstraint("extract(day FROM month) = 1", name="month"),
        CheckConstraint("(decline_reason IS NOT NULL) = (state = 'declined')", name="declined"),
        Index(
            "uq_payer_charge_standing",
            "purchase_id",
            unique=True,
            postgresql_where=text("state IN ('asked', 'approved')"),
        ),
        Index("ix_payer_charge_agreement_id", "org_id", "payer_org_id", "agreement_id", "month"),
        Index("ix_payer_charge_payer_org_id_created_at", "payer_org_id", "created_at", "id"),
        Index("ix_payer_charge_purchase_id", "org_id", "purchase_id"),
        Index("ix_payer_charge_asked", "payer_org_id", postgresql_where=text("state = 'asked'")),
        Index("ix_payer_charge_decided_by", "decided_by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    """Who ordered."""
    payer_org_id: Mapped[UUID]
    agreement_id: Mapped[UUID]
    purchase_id: Mapped[UUID]
    state: Mapped[str]
    currency: Mapped[Currency]
    amount_minor: Mapped[Minor]
    month: Mapped[date] = mapped_column(Date)
    """The first of the month, in the payer's calendar, whose limit it uses."""
    used_minor: Mapped[Minor]
    limit_minor: Mapped[Minor | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Somebody of the payer; None of what its standing method paid at once."""
    decided_at: Mapped[Instant | None]
    decline_reason: Mapped[str | None]
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return [self.org_id, self.payer_org_id]


class PayerMethod(Base):
    """By what a payer pays what is below its limit of a purchase, without being asked. The payer's alone to see."""

    __tablename__ = "payer_method"
    __table_args__ = (
        ForeignKeyConstraint(["payer_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["agreement_id"], ["marketplace.payer_agreement.id"]),
        UniqueConstraint("agreement_id"),
        CheckConstraint("gateway <> '' AND method_token <> ''", name="named"),
        Index("ix_payer_method_payer_org_id", "payer_org_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    payer_org_id: Mapped[UUID]
    agreement_id: Mapped[UUID]
    gateway: Mapped[str]
    method_token: Mapped[str]
    created_at: Mapped[CreatedAt]


constraints.register("uq_payer_charge_standing", lambda: Conflict("payment_already_running"))
constraints.register("ck_payer_charge_limit", lambda: Conflict("payer_month_limit"))

PAYER_CHARGE = Machine(
    "payer_charge",
    initial="asked approved",
    edges=edges(asked="approved declined released", approved="asked released", declined="", released=""),
)
