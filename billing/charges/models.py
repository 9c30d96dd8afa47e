"""Table of what buyers were charged, line by line."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor, Ppm
from kernel.db.constraints import register
from kernel.errors import Conflict
from marketplace.catalog.selling_model import RESELLER


class Charge(Base):
    """A paid line: from the buyer's credit to the parties of its shares. Amounts positive; net plus tax is gross.

    Holds nothing that either side of the sale may not see; who gets which part stands in `share`.
    """

    __tablename__ = "charge"
    __table_args__ = (
        UniqueConstraint("reference", "part_reference", postgresql_nulls_not_distinct=True),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross"),
        CheckConstraint("net_minor >= 0 AND tax_minor >= 0", name="positive"),
        CheckConstraint("0 <= refunded_minor AND refunded_minor <= reserved_minor", name="refunded"),
        CheckConstraint("reserved_minor <= gross_minor", name="reserved"),
        CheckConstraint("selling_model IN ('agency', 'reseller')", name="selling_model"),
        CheckConstraint(
            "(selling_model = 'reseller') = (supply_tax_rate_ppm IS NOT NULL) "
            "AND (selling_model = 'reseller') = (supply_tax_category IS NOT NULL)",
            name="supply",
        ),
        ForeignKeyConstraint(["buyer_org_id", "payment_id"], ["billing.payment.payer_org_id", "billing.payment.id"]),
        Index("ix_charge_group_reference", "group_reference"),
        Index("ix_charge_payment_id", "payment_id"),
        Index("ix_charge_allocation_id", "allocation_id"),
        Index("ix_charge_captured_at", "captured_at", postgresql_using="brin"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    reference: Mapped[UUID]
    """The order line."""
    part_reference: Mapped[UUID | None]
    """The milestone of it that was charged, where the line is delivered and released in several."""
    group_reference: Mapped[UUID]
    """The order."""
    payment_id: Mapped[UUID]
    allocation_id: Mapped[UUID] = mapped_column(ForeignKey("billing.payment_allocation.id"))
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    currency: Mapped[Currency]
    tax_rate_ppm: Mapped[Ppm]
    selling_model: Mapped[str] = mapped_column(default="agency", server_default="agency")
    """Who sold it (`marketplace.catalog.selling_model`): of a reseller line the platform owes the tax, and its net is shared."""
    supply_tax_rate_ppm: Mapped[int | None]
    """Of a reseller line, the tax inside what its seller gets of it from the platform; with its UNCL 5305 code."""
    supply_tax_category: Mapped[str | None]
    reserved_minor: Mapped[Minor] = mapped_column(default=0)
    """Gross of refunds asked for that have not failed."""
    refunded_minor: Mapped[Minor] = mapped_column(default=0)
    """Gross of refunds that succeeded."""
    reserved_net_minor: Mapped[Minor] = mapped_column(default=0)
    """The net inside `reserved_minor`; the last refund takes exactly what is left of net and tax."""
    captured_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]

    @property
    def is_resold(self) -> bool:
        """Whether the platform sold it."""
        return self.selling_model == RESELLER

    @property
    def charged_for(self) -> UUID:
        """What it was charged for: the milestone, else the order line."""
        return self.part_reference or self.reference


register("ck_charge_reserved", lambda: Conflict("refund_exceeds_charge"))
