"""Reads of the gateways' balances beside our books, for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from billing.gateway_balances.models import GatewayBalanceEntry, GatewayBalanceReading, GatewayHolding
from billing.ledger.models import LedgerAccount, Posting
from billing.payouts.models import BANK
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from marketplace.parties.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class GatewayComparison:
    """A gateway's balance in a currency, and ours. Minor units; `waiting_minor` moved there and is not booked here yet."""

    gateway: str
    currency: str
    available_minor: int
    pending_minor: int
    ledger_minor: int
    waiting_minor: int
    waiting: int
    asked_at: datetime | None

    @property
    def difference_minor(self) -> int:
        """What the gateway holds more than our books and what waits for them; zero when both say the same."""
        return self.available_minor + self.pending_minor - self.ledger_minor - self.waiting_minor


@dataclass(frozen=True, slots=True)
class GatewayReadingRow:
    """How far a gateway was read; `trouble`: why the last try brought nothing."""

    gateway: str
    trouble: str | None
    tried_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class BalanceEntryRow:
    """An entry as an operator sees it; see `GatewayBalanceEntry`."""

    id: UUID
    gateway: str
    reference: str
    kind: str
    reported_as: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    presented_minor: int | None
    presented_currency: str | None
    exchange_rate: str | None
    subject: str
    subject_id: UUID | None
    booked_as: str | None
    booked_at: datetime | None
    made_at: datetime
    created_at: datetime


def compare_balances(uow: UnitOfWork) -> list[GatewayComparison]:
    """Every gateway and currency in which either side has anything; what banks hold is not a gateway's. Raises: Forbidden
    `permission_missing` without operator.read.
    """
    uow.principal.require("operator.read")
    held = {(row.gateway, row.currency): row for row in uow.session.scalars(select(GatewayHolding))}
    booked = {
        (row.gateway, row.currency): int(row.minor)
        for row in uow.session.execute(
            select(LedgerAccount.gateway, LedgerAccount.currency, func.sum(Posting.amount_minor).label("minor"))
            .join(Posting, Posting.account_id == LedgerAccount.id)
            .where(
                LedgerAccount.org_id == PLATFORM_ORG_ID,
                LedgerAccount.kind == "gateway_cash",
                ~func.starts_with(LedgerAccount.gateway, BANK),
            )
            .group_by(LedgerAccount.gateway, LedgerAccount.currency)
        )
    }
    net = func.sum(GatewayBalanceEntry.amount_minor - GatewayBalanceEntry.fee_minor)
    place = GatewayBalanceEntry.gateway, GatewayBalanceEntry.currency
    waiting = {
        (row.gateway, row.currency): row
        for row in uow.session.execute(
            select(*place, net.label("minor"), func.count().label("entries"))
            .where(GatewayBalanceEntry.booked_as.is_(None))
            .group_by(*place)
        )
    }
    found = []
    for key in sorted(held.keys() | booked.keys() | waiting.keys()):
        here, waits = held.get(key), waiting.get(key)
        found.append(
            GatewayComparison(
                gateway=key[0],
                currency=key[1],
                available_minor=here.available_minor if here is not None else 0,
                pending_minor=here.pending_minor if here is not None else 0,
                ledger_minor=booked.get(key, 0),
                waiting_minor=int(waits.minor) if waits is not None else 0,
                waiting=int(waits.entries) if waits is not None else 0,
                asked_at=here.asked_at if here is not None else None,
            )
        )
    return found


def list_readings(uow: UnitOfWork) -> list[GatewayReadingRow]:
    """How far each gateway was read. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    rows = uow.session.scalars(select(GatewayBalanceReading).order_by(GatewayBalanceReading.gateway))
    return [GatewayReadingRow(row.gateway, row.trouble, row.tried_at, row.read_at) for row in rows]


def list_balance_entries(
    uow: UnitOfWork, *, waiting: bool = False, cursor: str | None = None, limit: int = 20
) -> Page[BalanceEntryRow]:
    """Entries, the last read first; `waiting`: those that are not booked yet. Raises: Forbidden `permission_missing` without
    operator.read.
    """
    uow.principal.require("operator.read")
    statement = select(GatewayBalanceEntry)
    if waiting:
        statement = statement.where(GatewayBalanceEntry.booked_as.is_(None))
    place = GatewayBalanceEntry.created_at, GatewayBalanceEntry.id
    rows = uow.session.scalars(newest_first(statement, *place, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    names = BalanceEntryRow.__dataclass_fields__
    return Page(
        [BalanceEntryRow(**{name: getattr(row, name) for name in names}) for row in page.items], page.next_cursor
    )
