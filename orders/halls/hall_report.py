"""What a hall brought, counted from what happened: visitors, visits, badges, leads and orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.halls.queries import HallView, booths_of, get_own_booth, get_own_hall
from marketplace.halls.visitor_models import HallExchange
from marketplace.halls.visitor_queries import BoothCount, count_booths, count_visitors
from orders.order.models import Order

COUNTED_DAYS: Final = 90
"""How long after it first gave a badge to a booth what an organization orders of that exhibitor is counted to it."""


@dataclass(frozen=True, slots=True)
class HallBoothReport:
    """A booth with the orders that are counted to it."""

    count: BoothCount
    orders: int


@dataclass(frozen=True, slots=True)
class HallReport:
    """What the organizer reads. The exhibitors' amounts are their own."""

    hall: HallView
    visitors: int
    organizations: int
    visits: int
    exchanges: int
    leads: int
    won: int
    orders: int
    booths: tuple[HallBoothReport, ...]


@dataclass(frozen=True, slots=True)
class ExhibitorReport:
    """What the exhibitor reads of its own booth. `amounts`: what those orders came to with tax, by currency."""

    count: BoothCount
    orders: int
    amounts: tuple[Money, ...]


def hall_report(uow: UnitOfWork, hall_id: UUID) -> HallReport:
    """Of the acting organizer's hall. Raises as `get_own_hall`."""
    hall = get_own_hall(uow, hall_id)
    booth_ids = [one.id for one in booths_of(uow, hall_id)]
    counts, sold = count_booths(uow, booth_ids), _orders_of(uow, booth_ids)
    booths = tuple(
        HallBoothReport(counts[one], sum(number for number, _ in sold.get(one, {}).values())) for one in booth_ids
    )
    people, organizations = count_visitors(uow, hall_id)
    return HallReport(
        hall,
        people,
        organizations,
        visits=sum(one.count.visits for one in booths),
        exchanges=sum(one.count.exchanges for one in booths),
        leads=sum(one.count.leads for one in booths),
        won=sum(one.count.won for one in booths),
        orders=sum(one.orders for one in booths),
        booths=booths,
    )


def exhibitor_report(uow: UnitOfWork, booth_id: UUID) -> ExhibitorReport:
    """Of the acting exhibitor's booth. Raises as `get_own_booth`."""
    get_own_booth(uow, booth_id)
    sold = _orders_of(uow, [booth_id]).get(booth_id, {})
    return ExhibitorReport(
        count_booths(uow, [booth_id])[booth_id],
        sum(number for number, _ in sold.values()),
        tuple(Money(minor, currency) for currency, (_, minor) in sorted(sold.items())),
    )


def _orders_of(uow: UnitOfWork, booth_ids: list[UUID]) -> dict[UUID, dict[str, tuple[int, int]]]:
    """By booth and currency: how many orders are counted to it, and what they come to.

    An order counts to each booth of its seller at which its buyer gave a badge in the 90 days before it was paid. What a
    running subscription pays for is not sold anew. A badge that was taken back counts on: what was bought was bought.
    """
    if not booth_ids:
        return {}
    first = (
        select(
            HallExchange.booth_id,
            HallExchange.visitor_org_id,
            HallExchange.exhibitor_org_id,
            func.min(HallExchange.given_at).label("given_at"),
        )
        .where(HallExchange.booth_id.in_(booth_ids), HallExchange.given_at.is_not(None))
        .group_by(HallExchange.booth_id, HallExchange.visitor_org_id, HallExchange.exhibitor_org_id)
        .subquery()
    )
    wanted = (
        select(first.c.booth_id, Order.currency, func.count(), func.sum(Order.gross_minor))
        .join(Order, (Order.buyer_org_id == first.c.visitor_org_id) & (Order.seller_org_id == first.c.exhibitor_org_id))
        .where(
            Order.paid_at >= first.c.given_at,
            Order.paid_at < first.c.given_at + timedelta(days=COUNTED_DAYS),
            Order.subscription_id.is_(None),
        )
        .group_by(first.c.booth_id, Order.currency)
    )
    found: dict[UUID, dict[str, tuple[int, int]]] = {}
    with reading_as_platform(uow):
        for booth_id, currency, number, minor in uow.session.execute(wanted):
            found.setdefault(booth_id, {})[currency.strip()] = (number, int(minor))
    return found
