"""When a purchase needs a second pair of eyes."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from orders.approval_rules.models import PurchaseRule

BUY = "orders.buy"


_RULES = Read(select(PurchaseRule).where(PurchaseRule.org_id == bindparam("org_id")))


def ask_rules(uow: UnitOfWork) -> None:
    """Ask ahead for `needs_approval`, whatever the currency."""
    if uow.principal.may(BUY):
        uow.ask_ahead(_RULES, org_id=uow.principal.organization())


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
    rules: list[PurchaseRule] = uow.fetch(_RULES, org_id=uow.principal.organization())
    return next((rule for rule in rules if rule.currency == currency), None)
