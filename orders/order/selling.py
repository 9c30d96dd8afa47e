"""Who sold an order to the buyer, and for whom, frozen with it and its lines: their columns, and what is read of them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalog.selling_model import RESELLER

SOLD_BY: Final = CheckConstraint("selling_model IN ('agency', 'reseller')", name="selling_model")
SOLD_FOR: Final = (
    SOLD_BY,
    ForeignKeyConstraint(
        ["buyer_org_id", "end_customer_org_id", "end_customer_id"],
        ["marketplace.end_customer.dealer_org_id", "marketplace.end_customer.org_id", "marketplace.end_customer.id"],
        name="fk_order_end_customer",
    ),
    CheckConstraint("(end_customer_id IS NULL) = (end_customer_org_id IS NULL)", name="end_customer"),
    CheckConstraint("end_customer_org_id <> seller_org_id", name="end_customer_is_not_seller"),
    Index(
        "ix_order_end_customer",
        "end_customer_org_id",
        "end_customer_id",
        "buyer_org_id",
        postgresql_where=text("end_customer_org_id IS NOT NULL"),
    ),
)
"""Of an order."""
SOLD_RULES: Final = (
    CheckConstraint("selling_model IN ('agency', 'reseller')", name="selling_model"),
    CheckConstraint(
        "(selling_model = 'reseller') = (supply_tax_rate_ppm IS NOT NULL) "
        "AND (selling_model = 'reseller') = (supply_tax_category IS NOT NULL)",
        name="supply",
    ),
)
"""Of a line."""


class Sold:
    """What its seller sold (agency), or the platform, to which the seller supplied it (reseller)."""

    selling_model: Mapped[str] = mapped_column(default="agency", server_default="agency")
    """`marketplace.catalog.selling_model`: who invoices the buyer, and so whose tax it bears. An order has that of its lines."""

    @property
    def is_resold(self) -> bool:
        """Whether the platform is the one that sells it."""
        return self.selling_model == RESELLER


class SoldOrderTerms(Sold):
    """An order, with whom it is for where its buyer is a dealer."""

    end_customer_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    """Who uses what it delivers; None: its buyer."""
    end_customer_id: Mapped[UUID | None]
    """By what that organization had agreed to (`marketplace.end_customers`)."""


class SoldLineTerms(Sold):
    """A line, with the tax of what its seller supplied."""

    refund_window_days: Mapped[int]
    tax_included: Mapped[bool]
    """Whether the list price contained the tax."""
    supply_tax_rate_ppm: Mapped[int | None]
    """Of a reseller line, the tax inside what the seller gets of it from the platform, by the day of the sale."""
    supply_tax_category: Mapped[str | None]
    """Its UNCL 5305 code."""
