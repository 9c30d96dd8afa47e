"""Who sold an order to the buyer, frozen with it and its lines: their columns, and what is read of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalog.selling_model import RESELLER

SOLD_BY: Final = CheckConstraint("selling_model IN ('agency', 'reseller')", name="selling_model")
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


class SoldLineTerms(Sold):
    """A line, with the tax of what its seller supplied."""

    refund_window_days: Mapped[int]
    tax_included: Mapped[bool]
    """Whether the list price contained the tax."""
    supply_tax_rate_ppm: Mapped[int | None]
    """Of a reseller line, the tax inside what the seller gets of it from the platform, by the day of the sale."""
    supply_tax_category: Mapped[str | None]
    """Its UNCL 5305 code."""
