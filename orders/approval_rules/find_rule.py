"""The purchase rule by which an organization measures what its members buy."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.parties.models import Organization
from orders.approval_rules.models import PurchaseRule


class RuleInForce(NamedTuple):
    """A rule, and where its organization keeps its calendar: a month's limit counts by that."""

    rule: PurchaseRule
    time_zone: str


_RULES = Read(
    select(PurchaseRule, Organization.time_zone)
    .join(Organization, Organization.id == PurchaseRule.org_id)
    .where(PurchaseRule.org_id == bindparam("org_id"))
)


def ask_rules(uow: UnitOfWork) -> None:
    """Ask ahead for `find_rule`, whatever the currency."""
    uow.ask_ahead(_RULES, org_id=uow.principal.organization())


def find_rule(uow: UnitOfWork, currency: str) -> RuleInForce | None:
    """The acting organization's rule for a currency."""
    rows = uow.fetch(_RULES, org_id=uow.principal.organization())
    return next((RuleInForce(*row) for row in rows if row[0].currency == currency), None)


def month_began(time_zone: str) -> datetime:
    """When the present calendar month began in a time zone."""
    first = clock.today(time_zone).replace(day=1)
    return datetime.combine(first, time(), ZoneInfo(time_zone)).astimezone(UTC)
