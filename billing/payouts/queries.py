"""Reads of payouts: what was sent, what is under way, what comes next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from billing.payouts.models import UNRESOLVED, Payout
from billing.statements.models import Statement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """Money that went out, or is about to."""

    id: UUID
    org_id: UUID
    statement_id: UUID
    statement_number: str
    amount_minor: int
    currency: str
    gateway: str
    destination: str
    state: str
    error_code: str | None
    gateway_reference: str | None
    created_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """Where a party is paid: its account as a gateway names it."""

    gateway: str
    destination: str


@dataclass(frozen=True, slots=True)
class NextPayout:
    """What will be paid next in one currency, and on which day (of the platform's calendar) at the earliest."""

    amount_minor: int
    on: date


def next_payouts(uow: UnitOfWork, available: Mapping[str, int]) -> dict[str, NextPayout]:
    """What comes next for the acting organization, per currency of `available` (minor units that are free).

    A payout under way; else a closed statement that waits to be paid, today; else what is free, with the month's close.
    """
    org_id = uow.principal.organization()
    zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
    today = clock.now().astimezone(zone).date()
    month_end = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    found: dict[str, NextPayout] = {}
    for currency, free_minor in available.items():
        under_way = uow.session.execute(
            select(Payout.amount_minor, Payout.created_at)
            .where(
                Payout.org_id == org_id,
                Payout.currency == currency,
                Payout.state.in_(UNRESOLVED),
            )
            .order_by(Payout.created_at, Payout.id)
            .limit(1)
        ).first()
        closed = uow.session.scalar(
            select(Statement.net_minor)
            .where(
                Statement.org_id == org_id,
                Statement.currency == currency,
                Statement.state == "closed",
                Statement.net_minor > 0,
            )
            .order_by(Statement.closed_at)
            .limit(1)
        )
        if under_way is not None:
            found[currency] = NextPayout(under_way.amount_minor, under_way.created_at.astimezone(zone).date())
        elif closed is not None:
            found[currency] = NextPayout(closed, today)
        elif free_minor > 0:
            found[currency] = NextPayout(free_minor, month_end)
    return found


def last_accounts(uow: UnitOfWork, org_ids: Collection[UUID]) -> dict[UUID, Account]:
    """Where each of these organizations was paid last; only what arrived says that an account is right."""
    rows = uow.session.execute(
        select(Payout.org_id, Payout.gateway, Payout.destination)
        .ext(distinct_on(Payout.org_id))
        .where(Payout.org_id.in_(org_ids), Payout.state == "paid")
        .order_by(Payout.org_id, Payout.paid_at.desc())
    )
    return {org_id: Account(gateway, destination) for org_id, gateway, destination in rows}


def list_payouts(
    uow: UnitOfWork, *, org_id: UUID | None = None, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[PayoutRow]:
    """Payouts, newest first: one's own; the platform sees everybody's or those of `org_id`."""
    statement = select(Payout)
    owner = org_id if uow.principal.is_platform else uow.principal.organization()
    if owner is not None:
        statement = statement.where(Payout.org_id == owner)
    if state is not None:
        statement = statement.where(Payout.state == state)
    rows = uow.session.scalars(newest_first(statement, Payout.created_at, Payout.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    of_statement = select(Statement).where(Statement.id.in_([row.statement_id for row in page.items]))
    numbers = {row.id: row.number for row in uow.session.scalars(of_statement)}
    return Page([to_payout_row(row, numbers[row.statement_id]) for row in page.items], page.next_cursor)


def get_payout(uow: UnitOfWork, payout_id: UUID) -> PayoutRow:
    """One's own payout. Raises NotFound(`payout_not_found`)."""
    wanted = (
        select(Payout, Statement.number)
        .join(Statement, (Statement.org_id == Payout.org_id) & (Statement.id == Payout.statement_id))
        .where(Payout.id == payout_id)
    )
    if not uow.principal.is_platform:
        wanted = wanted.where(Payout.org_id == uow.principal.organization())
    row = uow.session.execute(wanted).first()
    if row is None:
        raise NotFound("payout_not_found")
    return to_payout_row(row[0], row[1])


def to_payout_row(payout: Payout, statement_number: str) -> PayoutRow:
    """A stored payout as its party reads it."""
    names = set(PayoutRow.__dataclass_fields__) - {"statement_number"}
    return PayoutRow(statement_number=statement_number, **{name: getattr(payout, name) for name in names})
