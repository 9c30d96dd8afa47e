"""A payer agreement (付款约定): one organization pays for what another orders."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.errors import Conflict
from kernel.states import Machine, edges

PAYER: Final = "payer"
ORDERER: Final = "orderer"
INVOICE_TO: Final = (PAYER, ORDERER)
"""Whose title the invoices bear: the payer's, consolidated with it, or that of whoever ordered."""


class PayerAgreement(Base):
    """`payer_org_id` pays for what `org_id` orders, from `accepted_at` until `ended_at`.

    Its sides, its currency and whose title the invoices bear never change; the limits are the payer's to change. One that was
    never accepted has ended, too, when the other side said no or it was taken back.
    """

    __tablename__ = "payer_agreement"
    __table_args__ = (
        UniqueConstraint("org_id", "payer_org_id", "id"),
        ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["payer_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(
            ["payer_org_id", "org_id", "membership_id"],
            [f"marketplace.group_membership.{one}" for one in ("hq_org_id", "org_id", "id")],
            name="fk_payer_agreement_membership_id",
        ),
        CheckConstraint("membership_id IS NULL OR (by_payer AND accepted_at IS NOT NULL)", name="by_right"),
        CheckConstraint("org_id <> payer_org_id", name="for_another"),
        CheckConstraint("state IN ('proposed', 'active', 'ended')", name="state"),
        CheckConstraint("invoice_to IN ('payer', 'orderer')", name="invoice_to"),
        CheckConstraint("monthly_limit_minor >= 0 AND order_limit_minor >= 0", name="limits"),
        CheckConstraint("state <> 'proposed' OR accepted_at IS NULL", name="proposed"),
        CheckConstraint("state <> 'active' OR accepted_at IS NOT NULL", name="accepted"),
        CheckConstraint("(ended_at IS NOT NULL) = (state = 'ended')", name="ended"),
        CheckConstraint("(ended_by_payer IS NOT NULL) = (state = 'ended')", name="ended_by"),
        Index("uq_payer_agreement_active", "org_id", unique=True, postgresql_where=text("state = 'active'")),
        Index(
            "uq_payer_agreement_standing",
            "org_id",
            "payer_org_id",
            unique=True,
            postgresql_where=text("state IN ('proposed', 'active')"),
        ),
        Index("ix_payer_agreement_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_payer_agreement_payer_org_id_created_at", "payer_org_id", "created_at", "id"),
        Index("ix_payer_agreement_payer_active", "payer_org_id", postgresql_where=text("state = 'active'")),
        Index("ix_payer_agreement_proposed_by", "proposed_by"),
        Index("ix_payer_agreement_membership_id", "membership_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    """Who orders."""
    payer_org_id: Mapped[UUID]
    org_name: Mapped[str]
    payer_name: Mapped[str]
    """As both were called when it was proposed: neither may look the other up."""
    state: Mapped[str]
    by_payer: Mapped[bool]
    """Whether the payer proposed it; the other side answers."""
    proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    membership_id: Mapped[UUID | None]
    """In which group the payer is the headquarters and has the right to pay: nobody had to accept it, and it ends with that."""
    invoice_to: Mapped[str]
    currency: Mapped[Currency]
    """Of its limits, and of what may be paid by it."""
    monthly_limit_minor: Mapped[Minor | None]
    """How much may be ordered by it in a month of the payer's calendar, with tax; None: any amount."""
    order_limit_minor: Mapped[Minor | None]
    """What one purchase may cost, with tax, before somebody of the payer approves it; None: any amount."""
    created_at: Mapped[CreatedAt]
    accepted_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    ended_by_payer: Mapped[bool | None]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return [self.org_id, self.payer_org_id]

    @property
    def fact(self) -> dict[str, Any]:
        """What each of its events says."""
        return {"agreement_id": self.id, "org_id": self.org_id, "payer_org_id": self.payer_org_id}


constraints.register("uq_payer_agreement_active", lambda: Conflict("payer_there_already"))
constraints.register("uq_payer_agreement_standing", lambda: Conflict("payer_proposed_already"))

PAYER_AGREEMENT = Machine(
    "payer_agreement", initial="proposed active", edges=edges(proposed="active ended", active="ended", ended="")
)
"""Active at once: by the right that a subsidiary gave its headquarters."""
