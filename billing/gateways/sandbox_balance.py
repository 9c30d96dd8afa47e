"""The sandbox's balance: every movement of its own books as an entry. Its balance is the sum of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from billing.gateways.balance import BalanceEntry, BalancePage, EntryKind, HeldMoney
from billing.gateways.models import SandboxOperation
from billing.gateways.sandbox_disputes import FEE_MINOR
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.money import Money
from kernel.principal import SYSTEM

PAGE: Final = 200
MILLION: Final = 1_000_000
_KINDS: Final[dict[str, tuple[EntryKind, int]]] = {
    "payment": ("payment", 1),
    "refund": ("refund", -1),
    "payout": ("transfer", -1),
    "dispute": ("dispute", -1),
}
"""What an operation is to the balance, and its sign."""
_RETURNED: Final[dict[str, EntryKind]] = {
    "payment": "payment_returned",
    "refund": "refund_returned",
    "payout": "transfer_returned",
    "dispute": "dispute_returned",
}
_NOW: Final = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def fee_of(amount: Money, rate_ppm: int) -> int:
    """What the sandbox keeps of a payment, in minor units, rounded down."""
    return amount.amount_minor * rate_ppm // MILLION


class SandboxBalance:
    """Reads the sandbox's books. `resume` is how far was read: every transaction before that one has ended, so that nothing is
    missed; what is changed later is told once more, with what it has become. A restored database begins to count anew.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def list_entries(self, resume: str) -> BalancePage:
        """See `GatewayBalance.list_entries`."""
        return transact(self._db, SYSTEM, lambda uow: _read(uow, resume))

    def held(self) -> tuple[HeldMoney, ...]:
        """See `GatewayBalance.held`. Nothing is pending."""
        return transact(self._db, SYSTEM, _held)


def _read(uow: UnitOfWork, resume: str) -> BalancePage:
    until = int(uow.session.execute(_NOW).scalar_one())
    since, _, last = resume.partition(":")
    begin = int(since or 0)
    if begin > until:
        begin, last = 0, ""
    place = SandboxOperation.written_by, SandboxOperation.id
    wanted = select(SandboxOperation).where(place[0] >= begin, place[0] < until).order_by(*place).limit(PAGE)
    if last:
        wanted = wanted.where((place[0] > begin) | (SandboxOperation.id > UUID(last)))
    found = uow.session.scalars(wanted).all()
    has_more = len(found) == PAGE
    # At the end of everything there is, the next reading begins with what was still being written.
    after = f"{found[-1].written_by}:{found[-1].id}" if has_more else str(until)
    return BalancePage(tuple(entry for row in found for entry in _entries(row)), after, has_more)


def _entries(row: SandboxOperation) -> list[BalanceEntry]:
    kind, sign = _KINDS[row.kind]
    dispute_fee = FEE_MINOR if row.kind == "dispute" else 0
    made = []
    if row.succeeded_at is not None or row.kind == "dispute":
        at = row.succeeded_at if row.kind != "dispute" and row.succeeded_at else row.created_at
        made.append(_entry(row, kind, sign * row.amount_minor, (row.fee_minor + dispute_fee, at)))
    if _is_returned(row):
        returned_minor = -sign * row.amount_minor
        made.append(_entry(row, _RETURNED[row.kind], returned_minor, (-dispute_fee, row.changed_at)))
    return made


def _is_returned(row: SandboxOperation) -> bool:
    """A dispute that was won, or anything else that had succeeded and failed after all."""
    if row.kind == "dispute":
        return row.state == "succeeded"
    return row.succeeded_at is not None and row.state == "failed"


def _entry(row: SandboxOperation, kind: EntryKind, minor: int, fee_and_time: tuple[int, datetime]) -> BalanceEntry:
    fee_minor, made_at = fee_and_time
    amount = Money(minor, row.currency)
    return BalanceEntry(
        reference=f"{row.reference}:{kind}",
        kind=kind,
        reported_as=f"{row.kind}_{row.state}",
        amount=amount,
        fee_minor=fee_minor,
        made_at=made_at,
        subject=row.reference,
        payment_reference=row.reference if row.kind == "payment" else row.parent_reference or "",
        presented=amount,
        attempt=row.idempotency_key if row.metadata_ else None,
        metadata={name: str(value) for name, value in row.metadata_.items()},
    )


_HELD: Final = text(
    """
    SELECT currency, sum(minor)::bigint AS minor FROM (
        SELECT currency, amount_minor * CASE kind WHEN 'payment' THEN 1 ELSE -1 END - fee_minor AS minor
        FROM billing.sandbox_operation WHERE kind <> 'dispute' AND succeeded_at IS NOT NULL
        UNION ALL SELECT currency, amount_minor * CASE kind WHEN 'payment' THEN -1 ELSE 1 END
        FROM billing.sandbox_operation WHERE kind <> 'dispute' AND succeeded_at IS NOT NULL AND state = 'failed'
        UNION ALL SELECT currency, -amount_minor - :fee FROM billing.sandbox_operation
        WHERE kind = 'dispute' AND state <> 'succeeded'
    ) moved GROUP BY currency ORDER BY currency
    """
)


def _held(uow: UnitOfWork) -> tuple[HeldMoney, ...]:
    rows = uow.session.execute(_HELD, {"fee": FEE_MINOR})
    return tuple(HeldMoney(row.currency, int(row.minor), 0) for row in rows)
