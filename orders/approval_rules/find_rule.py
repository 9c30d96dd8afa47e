"""The purchase rules by which an organization measures what its members buy."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.parties.models import Organization
from orders.approval_rules.models import PurchasePolicy, PurchaseRule


class RulesInForce(NamedTuple):
    """An organization's rules for a currency, and where it keeps its calendar: a month's limit counts by that."""

    time_zone: str
    policy: PurchasePolicy | None
    general: PurchaseRule | None
    """Of everything."""
    scoped: tuple[PurchaseRule, ...]
    """Of one seller or of one category each."""


_RULES = Read(
    select(Organization.time_zone, PurchasePolicy, PurchaseRule)
    .join(PurchasePolicy, PurchasePolicy.org_id == Organization.id, isouter=True)
    .join(PurchaseRule, PurchaseRule.org_id == Organization.id, isouter=True)
    .where(Organization.id == bindparam("org_id"))
)


def ask_rules(uow: UnitOfWork) -> None:
    """Ask ahead for `find_rules`, whatever the currency."""
    uow.ask_ahead(_RULES, org_id=uow.principal.organization())


def find_rules(uow: UnitOfWork, currency: str) -> RulesInForce:
    """The acting organization's rules for a currency."""
    rows = uow.fetch(_RULES, org_id=uow.principal.organization())
    rules = [rule for _, _, rule in rows if rule is not None and rule.currency == currency]
    general = next((one for one in rules if one.seller_org_id is None and one.category is None), None)
    scoped = tuple(one for one in rules if one is not general)
    time_zone, policy, _ = rows[0]
    return RulesInForce(time_zone, policy, general, scoped)


def month_began(time_zone: str) -> datetime:
    """When the present calendar month began in a time zone."""
    first = clock.today(time_zone).replace(day=1)
    return datetime.combine(first, time(), ZoneInfo(time_zone)).astimezone(UTC)
