"""Book what a gateway's own books show beside ours: fees, exchanges, transfers to the bank, and what nobody here knows of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, select

from billing.disputes.models import Dispute
from billing.disputes.note_fee import note_fee
from billing.gateway_balances.models import GatewayBalanceEntry
from billing.gateway_balances.own_rows import find_booked_row
from billing.incidents.models import IncidentKind
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.ledger.post import AccountKind, Fact, Leg, post
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID

OF_DISPUTES: Final = ("dispute", "dispute_returned")
"""Their fee is booked by the dispute, which shows it to the operator."""


Way = Literal["own", "undone", "foreign"]


def book_entry(uow: UnitOfWork, entry_id: UUID, way: Way = "own") -> bool:
    """Bring our books to what the gateway's say of one entry. Returns False while its row of ours is not booked.

    An operation of ours was booked with what it was over; here follow what the gateway kept, and, where its balance is in
    another currency, the exchange: out of the currency of the operation and into that of the balance, by an account of
    exchanges. So `gateway_cash` changes by the net of the entry in the entry's currency. What differs in the same currency
    is an incident, and in suspense; so is all of an entry that is of nothing of ours (`foreign`). One that another has undone
    before any row of ours was booked by it (`undone`) is booked as if both had been.

    Locks: the entry, then of a dispute its row. Idempotent by: `booked_as`.
    """
    entry = lock_row(uow.session, GatewayBalanceEntry, entry_id)
    if entry is None or entry.booked_as is not None:
        return entry is not None
    if entry.kind in {"bank", "cost"}:
        account: AccountKind = "bank_clearing" if entry.kind == "bank" else "gateway_fee"
        _mark(entry, entry.kind)
        _post(uow, entry, "moved", f"gateway_{entry.kind}", entry.currency, entry.amount_minor, account)
        _post_fee(uow, entry)
        return True
    if way == "foreign" or entry.kind == "other":
        _mark(entry, "foreign")
        _open(uow, entry, "balance_unknown", entry.net_minor)
        return True
    row_id = find_booked_row(uow, entry) if way == "own" else None
    if row_id is None and way == "own":
        return False
    entry.subject_id = row_id
    _mark(entry, "own")
    _book_own(uow, entry)
    return True


def _book_own(uow: UnitOfWork, entry: GatewayBalanceEntry) -> None:
    presented_minor = entry.amount_minor if entry.presented_minor is None else entry.presented_minor
    presented_currency = entry.presented_currency or entry.currency
    if presented_currency != entry.currency:
        exchange: AccountKind = "gateway_exchange"
        _post(uow, entry, "out_of", exchange, presented_currency, -presented_minor, exchange)
        _post(uow, entry, "into", exchange, entry.currency, entry.amount_minor, exchange)
    elif entry.amount_minor != presented_minor:
        _open(uow, entry, "balance_differs", entry.amount_minor - presented_minor)
    if entry.kind not in OF_DISPUTES:
        _post_fee(uow, entry)
        return
    uow.flush()
    kept = select(func.sum(GatewayBalanceEntry.fee_minor)).where(
        GatewayBalanceEntry.gateway == entry.gateway,
        GatewayBalanceEntry.subject == entry.subject,
        GatewayBalanceEntry.kind.in_(OF_DISPUTES),
        GatewayBalanceEntry.booked_as == "own",
    )
    dispute = lock_row(uow.session, Dispute, entry.subject_id) if entry.subject_id else None
    if dispute is not None:
        note_fee(uow, dispute, Money(int(uow.session.scalar(kept) or 0), entry.currency))


def _post_fee(uow: UnitOfWork, entry: GatewayBalanceEntry) -> None:
    _post(uow, entry, "fee", "gateway_fee", entry.currency, -entry.fee_minor, "gateway_fee")


def _post(
    uow: UnitOfWork,
    entry: GatewayBalanceEntry,
    what: str,
    kind: str,
    currency: str,
    cash_minor: int,
    account: AccountKind,
) -> None:
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_cash", cash_minor, entry.gateway),
        Leg(PLATFORM_ORG_ID, account, -cash_minor),
    ]
    reference = entry.subject_id or entry.id
    post(uow, Fact(f"balance:{entry.id}:{what}", kind, reference, currency, entry.made_at, legs))


def _open(uow: UnitOfWork, entry: GatewayBalanceEntry, kind: IncidentKind, cash_minor: int) -> None:
    """What moved without being ours stands in suspense; an entry of nothing is nobody's business."""
    if cash_minor == 0:
        return
    amount = Money(abs(cash_minor), entry.currency)
    open_incident(
        uow,
        OpenIncident(kind, entry.id, entry.gateway, entry.reference, amount, entry.reported_as, -cash_minor),
    )


def _mark(entry: GatewayBalanceEntry, booked_as: str) -> None:
    entry.booked_as, entry.booked_at = booked_as, clock.now()


def book_waiting(
    uow: UnitOfWork,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
    otherwise: Callable[[UnitOfWork, GatewayBalanceEntry], Way],
) -> tuple[datetime, UUID] | None:
    """Try the entries that wait, the oldest first; `otherwise` says what to do with those that still do. Returns where to go on,
    None at the end.
    """
    place = GatewayBalanceEntry.created_at, GatewayBalanceEntry.id
    waiting = select(GatewayBalanceEntry).where(GatewayBalanceEntry.booked_as.is_(None)).order_by(*place).limit(limit)
    if after is not None:
        waiting = waiting.where(
            (place[0] > after[0]) | ((place[0] == after[0]) & (place[1] > after[1])),
        )
    rows = uow.session.scalars(waiting).all()
    for row in rows:
        if not book_entry(uow, row.id):
            way = otherwise(uow, row)
            if way != "own":
                book_entry(uow, row.id, way)
    return (rows[-1].created_at, rows[-1].id) if len(rows) == limit else None
