"""Set from which amount on purchases of an organization need an approver."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.money import exponent
from orders.approval_rules.models import PurchaseRule


@dataclass(frozen=True, slots=True)
class SetRule:
    """`max_order_minor`: gross of one purchase, in minor units of `currency`, above which an approver decides."""

    currency: str
    max_order_minor: int
    self_approval: bool = False


def set_rule(uow: UnitOfWork, command: SetRule) -> PurchaseRule:
    """Create or change the acting organization's rule for a currency; of two at once the later stands.

    Raises: Invalid `currency_unknown`.
    """
    try:
        exponent(command.currency)
    except ValueError as error:
        raise Invalid("currency_unknown", field="currency") from error
    terms = {"max_order_minor": command.max_order_minor, "self_approval": command.self_approval}
    rule = uow.session.scalars(
        insert(PurchaseRule)
        .values(id=uuid7(), org_id=uow.principal.organization(), currency=command.currency, **terms)
        .on_conflict_do_update(index_elements=["org_id", "currency"], set_=terms)
        .returning(PurchaseRule)
        .execution_options(populate_existing=True)
    ).one()
    audit.record(uow, "purchase_rule.set", subject_id=rule.id, max_order_minor=command.max_order_minor)
    return rule
