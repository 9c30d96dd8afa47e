"""Set from which amounts on purchases of an organization need an approver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import exponent
from marketplace.catalog.categories import require_category
from marketplace.parties.models import Organization
from orders.approval_rules.models import PurchaseRule


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a purchase a rule counts: everything, or what is of one seller or of one category."""

    currency: str
    seller_org_id: UUID | None = None
    category: str | None = None

    def columns(self) -> dict[str, Any]:
        """As a rule's row says it."""
        return {"currency": self.currency, "seller_org_id": self.seller_org_id, "category": self.category}


@dataclass(frozen=True, slots=True)
class SetRule:
    """Gross amounts in minor units of `currency`, above which an approver decides; None sets no such limit.

    `self_approval` belongs to the rule of everything alone.
    """

    currency: str
    max_order_minor: int | None
    self_approval: bool = False
    max_month_minor: int | None = None
    seller_org_id: UUID | None = None
    category: str | None = None

    @property
    def scope(self) -> Scope:
        """What the rule counts."""
        return Scope(self.currency, self.seller_org_id, self.category)


def set_rule(uow: UnitOfWork, command: SetRule) -> PurchaseRule:
    """Create or change the acting organization's rule of a scope; of two at once the later stands.

    Purchases that wait already go on waiting; the next one is measured anew.

    Raises: Invalid `currency_unknown`, `seller_unknown`, `category_invalid`, `rule_scope_invalid` (a seller and a category at
    once, or a scope whose rule would allow self-approval).
    """
    try:
        exponent(command.currency)
    except ValueError as error:
        raise Invalid("currency_unknown", field="currency") from error
    scopes = [one for one in (command.seller_org_id, command.category) if one is not None]
    if len(scopes) > 1 or (scopes and command.self_approval):
        raise Invalid("rule_scope_invalid", field="self_approval" if command.self_approval else "category")
    if command.seller_org_id is not None:
        require_sellers(uow, [command.seller_org_id])
    if command.category is not None:
        require_category(command.category)
    scope = command.scope.columns()
    terms = {
        "max_order_minor": command.max_order_minor,
        "max_month_minor": command.max_month_minor,
        "self_approval": command.self_approval,
    }
    rule = uow.session.scalars(
        insert(PurchaseRule)
        .values(id=uuid7(), org_id=uow.principal.organization(), **scope, **terms)
        .on_conflict_do_update(index_elements=["org_id", *scope], set_=terms)
        .returning(PurchaseRule)
        .execution_options(populate_existing=True)
    ).one()
    audit.record(uow, "purchase_rule.set", subject_id=rule.id, **_said(scope), **terms)
    return rule


def remove_rule(uow: UnitOfWork, scope: Scope) -> None:
    """Let purchases of a scope go without a limit again. Raises NotFound(`purchase_rule_not_found`)."""
    gone = uow.session.scalar(
        delete(PurchaseRule)
        .where(
            PurchaseRule.org_id == uow.principal.organization(),
            *(getattr(PurchaseRule, name).is_not_distinct_from(value) for name, value in scope.columns().items()),
        )
        .returning(PurchaseRule.id)
    )
    if gone is None:
        raise NotFound("purchase_rule_not_found")
    audit.record(uow, "purchase_rule.removed", subject_id=gone, **_said(scope.columns()))


def require_sellers(uow: UnitOfWork, org_ids: list[UUID]) -> None:
    """Raises Invalid(`seller_unknown`) unless each of them sells here."""
    found = uow.session.scalars(
        select(Organization.id).where(Organization.id.in_(org_ids), Organization.is_seller)
    ).all()
    if len(found) != len(set(org_ids)):
        raise Invalid("seller_unknown", field="seller_org_id")


def _said(scope: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in scope.items() if value is not None}
