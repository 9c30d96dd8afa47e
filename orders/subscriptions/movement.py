"""How a seller's subscriptions come and go: per month and currency what began, was renewed, grew, shrank and ended, net."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Date, Select, cast, func, literal, select, union_all
from sqlalchemy.orm import aliased

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.states import StateHistory
from marketplace.parties.lookups import get_party
from orders.amendments.models import Amendment
from orders.order.models import OrderLine, Subscription, SubscriptionTerm

Movement = Literal["started", "renewed", "grown", "shrunk", "ended"]
MOVEMENTS: tuple[Movement, ...] = ("started", "renewed", "grown", "shrunk", "ended")
MONTHS = 12

_before = aliased(SubscriptionTerm)
_line_before = aliased(OrderLine)


@dataclass(frozen=True, slots=True)
class MonthMovement:
    """What one kind of movement came to in a month of the seller's calendar, net and before tax.

    `started`, `renewed`: what the terms that began were sold for. `grown`: what was bought within terms. `shrunk`: by how much
    renewed terms were sold for less than the terms before. `ended`: what the last terms had been sold for.
    """

    month: date
    movement: Movement
    currency: str
    count: int
    net_minor: int


def subscription_movements(uow: UnitOfWork, *, months: int = MONTHS) -> list[MonthMovement]:
    """Of the acting seller, the latest `months` months with the present one, the oldest first."""
    seller_id = uow.principal.organization()
    zone = get_party(uow, seller_id).time_zone
    today = clock.today(zone)
    index = today.year * 12 + today.month - months
    first = date(index // 12, index % 12 + 1, 1)
    each: Any = union_all(*_each(seller_id, zone)).subquery()
    rows = uow.session.execute(
        select(each.c.month, each.c.movement, each.c.currency, func.count(), func.sum(each.c.net_minor))
        .where(each.c.month >= first, each.c.month <= today)
        .group_by(each.c.month, each.c.movement, each.c.currency)
    )
    found = [MonthMovement(row[0], row[1], row[2].strip(), row[3], int(row[4])) for row in rows]
    return sorted(found, key=lambda one: (one.month, one.currency, MOVEMENTS.index(one.movement)))


def _each(seller_id: Any, zone: str) -> list[Select[Any]]:
    def row(kind: Movement, at: Any, net: Any, currency: Any) -> Select[Any]:
        month = cast(func.date_trunc("month", func.timezone(zone, at)), Date)
        return select(
            month.label("month"), literal(kind).label("movement"), currency.label("currency"), net.label("net_minor")
        )

    term, line = SubscriptionTerm, OrderLine
    kept = (term.seller_org_id == seller_id, term.revoked_at.is_(None), term.starts_at <= clock.now())

    def terms(kind: Movement) -> Select[Any]:
        return row(kind, term.starts_at, line.net_minor, line.currency).join(line, line.id == term.order_line_id)

    shrunk = (
        row("shrunk", term.starts_at, _line_before.net_minor - line.net_minor, line.currency)
        .join(line, line.id == term.order_line_id)
        .join(_before, (_before.subscription_id == term.subscription_id) & (_before.number == term.number - 1))
        .join(_line_before, _line_before.id == _before.order_line_id)
        .where(*kept, line.net_minor < _line_before.net_minor, line.currency == _line_before.currency)
    )
    grown = (
        row("grown", Amendment.applied_at, line.net_minor, line.currency)
        .join(line, line.id == Amendment.order_line_id)
        .where(Amendment.seller_org_id == seller_id, Amendment.state == "applied")
    )
    last = (
        select(term.order_line_id)
        .where(term.subscription_id == Subscription.id)
        .order_by(term.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    ended = (
        row("ended", StateHistory.at, line.net_minor, line.currency)
        .join(Subscription, Subscription.id == StateHistory.subject_id)
        .join(line, line.id == last)
        .where(
            Subscription.seller_org_id == seller_id,
            Subscription.state == "ended",
            StateHistory.machine == "subscription",
            StateHistory.to_state == "ended",
            StateHistory.at >= Subscription.created_at,
        )
    )
    return [
        terms("started").where(*kept, term.number == 1),
        terms("renewed").where(*kept, term.number > 1),
        grown,
        shrunk,
        ended,
    ]
