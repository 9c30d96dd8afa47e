"""Set from which amounts on purchases of an organization need an approver."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import exponent
from orders.approval_rules.models import PurchaseRule


@dataclass(frozen=True, slots=True)
class SetRule:
    """Gross amounts in minor units of `currency`, above which an approver decides; None sets no such limit."""

    currency: str
    max_order_minor: int | None
    self_approval: bool = False
    max_month_minor: int | None = None


def set_rule(uow: UnitOfWork, command: SetRule) -> PurchaseRule:
    """Create or change the acting organization's rule for a currency; of two at once the later stands.

    Purchases that wait already go on waiting; the next one is measured anew.

    Raises: Invalid `currency_unknown`.
    """
    try:
        exponent(command.currency)
    except ValueError as error:
        raise Invalid("currency_unknown", field="currency") from error
    terms = {
        "max_order_minor": command.max_order_minor,
        "max_month_minor": command.max_month_minor,
        "self_approval": command.self_approval,
    }
    rule = uow.session.scalars(
        insert(PurchaseRule)
        .values(id=uuid7(), org_id=uow.principal.organization(), currency=command.currency, **terms)
        .on_conflict_do_update(index_elements=["org_id", "currency"], set_=terms)
        .returning(PurchaseRule)
        .execution_options(populate_existing=True)
    ).one()
    audit.record(uow, "purchase_rule.set", subject_id=rule.id, currency=command.currency, **terms)
    return rule


def remove_rule(uow: UnitOfWork, currency: str) -> None:
    """Let purchases in a currency go without a limit again. Raises NotFound(`purchase_rule_not_found`)."""
    gone = uow.session.scalar(
        delete(PurchaseRule)
        .where(PurchaseRule.org_id == uow.principal.organization(), PurchaseRule.currency == currency)
        .returning(PurchaseRule.id)
    )
    if gone is None:
        raise NotFound("purchase_rule_not_found")
    audit.record(uow, "purchase_rule.removed", subject_id=gone, currency=currency)
