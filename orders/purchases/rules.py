"""When a purchase needs a second pair of eyes."""

from __future__ import annotations

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from orders.purchases.models import PurchaseRule

BUY = "orders.buy"


def needs_approval(uow: UnitOfWork, currency: str, gross_minor: int) -> bool:
    """Whether the acting member may not buy this alone: no right to buy at all, or above the organization's limit.

    Without a rule for the currency there is no limit.
    """
    if not uow.principal.may(BUY):
        return True
    rule = find_rule(uow, currency)
    return rule is not None and gross_minor > rule.max_order_minor


def find_rule(uow: UnitOfWork, currency: str) -> PurchaseRule | None:
    """The acting organization's rule for a currency."""
    return uow.session.scalar(
        select(PurchaseRule).where(
            PurchaseRule.org_id == uow.principal.organization(), PurchaseRule.currency == currency
        )
    )
