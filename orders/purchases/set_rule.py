"""Set from which amount on purchases of an organization need an approver."""

from __future__ import annotations

from dataclasses import dataclass

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.money import exponent
from orders.purchases.models import PurchaseRule
from orders.purchases.rules import find_rule


@dataclass(frozen=True, slots=True)
class SetRule:
    """`max_order_minor`: gross of one purchase, in minor units of `currency`, above which an approver decides."""

    currency: str
    max_order_minor: int
    self_approval: bool = False


def set_rule(uow: UnitOfWork, command: SetRule) -> PurchaseRule:
    """Create or change the acting organization's rule for a currency. Raises: Invalid `currency_unknown`."""
    try:
        exponent(command.currency)
    except ValueError as error:
        raise Invalid("currency_unknown", field="currency") from error
    rule = find_rule(uow, command.currency)
    if rule is None:
        rule = PurchaseRule(id=uuid7(), org_id=uow.principal.organization(), currency=command.currency)
        uow.session.add(rule)
    rule.max_order_minor, rule.self_approval = command.max_order_minor, command.self_approval
    uow.flush()
    audit.record(uow, "purchase_rule.set", subject_id=rule.id, max_order_minor=command.max_order_minor)
    return rule
