"""What a seller has to invoice the platform for by a statement: what it supplied to it, by rate of tax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from billing.charges.models import Charge
from billing.shares.models import Share
from billing.statements.models import StatementLine
from billing.statements.queries import StatementRow
from kernel.db.uow import UnitOfWork
from kernel.money import net_of_included

SUPPLIES = ("supply", "supply_refund")
"""Kinds of a statement's lines of what the platform sold itself."""


@dataclass(frozen=True, slots=True)
class SupplyToInvoice:
    """At one rate of tax, in minor units: to be invoiced by the seller, or credited where refunds took back more.

    The platform pays the gross, which contains the seller's tax as the rate was on the days of the sales (ADR 0063).
    """

    tax_category: str
    tax_rate_ppm: int
    gross_minor: int

    @property
    def net_minor(self) -> int:
        """Without the tax: rounded once, for the rate as a whole."""
        return net_of_included(self.gross_minor, self.tax_rate_ppm)

    @property
    def tax_minor(self) -> int:
        """The seller's tax in it."""
        return self.gross_minor - self.net_minor


def supplies_to_invoice(uow: UnitOfWork, row: StatementRow) -> Sequence[SupplyToInvoice]:
    """Of a statement that the reader was shown; empty where the platform sold nothing of the party's. Highest rate first."""
    category, rate = Charge.supply_tax_category, Charge.supply_tax_rate_ppm
    found = uow.session.execute(
        select(category, rate, func.sum(StatementLine.net_minor))
        .join(Share, Share.id == StatementLine.share_id)
        .join(Charge, Charge.id == Share.charge_id)
        .where(
            StatementLine.statement_id == row.id,
            StatementLine.org_id == row.org_id,
            StatementLine.kind.in_(SUPPLIES),
        )
        .group_by(category, rate)
        .order_by(rate.desc(), category)
    )
    return [SupplyToInvoice(str(one[0]), int(one[1] or 0), int(one[2])) for one in found]
