"""Compare a leg, and keep a row for each difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import select, text

from billing.reconciliation.leg import MOST, ReconciliationLeg
from billing.reconciliation.legs import legs
from billing.reconciliation.models import RECONCILIATION_DIFFERENCE, ReconciliationDifference, ReconciliationRun
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.ids import uuid7

SETTLES_IN: Final = timedelta(minutes=10)
"""How long what a gateway has done may be on its way to us before it is a difference."""
AGREES: Final = "agrees_again"
"""Reason of a difference that a later run does not find any more."""
_LOCK = 4_203
"""Advisory lock: a leg is compared by one at a time."""
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """What the statement of a leg answered."""

    kinds: dict[str, int]
    differing: int
    rows: dict[Key, tuple[int | None, int | None]]
    """Expected and found, of at most `MOST`."""


def reconcile(transact: Transact) -> list[ReconciliationRun]:
    """Compare every leg, each in a unit of work of its own: what holds one up holds up no other.

    Raises: Forbidden `permission_missing` without operator.payouts.
    """
    return [transact(partial(reconcile_leg, leg=leg)) for leg in legs()]


def reconcile_leg(uow: UnitOfWork, leg: ReconciliationLeg) -> ReconciliationRun:
    """Compare one leg from end to end: new differences are opened, what agrees again is resolved by itself.

    One that was explained and has another amount now is open again.

    Raises: Forbidden `permission_missing` without operator.payouts.
    Locks: the leg, its differences.
    """
    uow.principal.require("operator.payouts")
    uow.session.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:key AS integer), hashtext(:leg))"), {"key": _LOCK, "leg": leg.name}
    )
    started_at = clock.now()
    compared = compare(uow, leg, started_at)
    _record(uow, leg, compared, started_at)
    run = ReconciliationRun(
        id=uuid7(),
        leg=leg.name,
        compared=sum(compared.kinds.values()),
        differing=compared.differing,
        kinds=compared.kinds,
        asked_by=str(uow.principal.person_id or uow.principal.label),
        started_at=started_at,
        ended_at=clock.now(),
    )
    uow.session.add(run)
    uow.flush()
    return run


def compare(uow: UnitOfWork, leg: ReconciliationLeg, at: datetime) -> Compared:
    """What differs in a leg now; changes nothing."""
    # Both sides are read from end to end and hashed; a serving statement is planned for a few rows.
    for setting in ("statement_timeout = '15min'", "enable_seqscan = on", "work_mem = '128MB'"):
        uow.session.execute(text(f"SET LOCAL {setting}"))
    statement = text(leg.sql())
    known = {"now": at, "settled": at - SETTLES_IN}
    wanted = statement.compile().params
    answer = uow.session.execute(statement, {name: known[name] for name in wanted}).all()
    kinds = {row.kind: row.keys for row in answer if row.subject is None}
    found = [row for row in answer if row.subject is not None]
    rows = {(row.kind, row.subject, row.currency): (row.expected_minor, row.found_minor) for row in found}
    return Compared(kinds, found[0].keys if found else 0, rows)


def _record(uow: UnitOfWork, leg: ReconciliationLeg, compared: Compared, at: datetime) -> None:
    known = {
        (row.kind, row.subject, row.currency.strip()): row
        for row in uow.session.scalars(
            select(ReconciliationDifference)
            .where(ReconciliationDifference.leg == leg.name, ReconciliationDifference.state != "resolved")
            .order_by(ReconciliationDifference.id)
            .with_for_update()
        )
    }
    for key, (expected_minor, found_minor) in compared.rows.items():
        row = known.get(key)
        if row is None:
            _open(uow, leg, key, expected_minor, found_minor, at)
            continue
        row.seen_at = at
        if (row.expected_minor, row.found_minor) != (expected_minor, found_minor):
            row.expected_minor, row.found_minor = expected_minor, found_minor
            RECONCILIATION_DIFFERENCE.move(uow, row, "open", org_ids=[], reason="amount_changed")
    if compared.differing > MOST:
        # The rest may well be among those that were not listed.
        return
    for key, row in known.items():
        if key not in compared.rows:
            row.reason, row.decided_by, row.resolved_at = AGREES, "system", at
            RECONCILIATION_DIFFERENCE.move(uow, row, "resolved", org_ids=[], reason=AGREES)


def _open(
    uow: UnitOfWork, leg: ReconciliationLeg, key: Key, expected_minor: int | None, found_minor: int | None, at: datetime
) -> None:
    kind, subject, currency = key
    row = ReconciliationDifference(
        id=uuid7(),
        leg=leg.name,
        kind=kind,
        subject=subject,
        currency=currency,
        expected_minor=expected_minor,
        found_minor=found_minor,
        created_at=at,
        seen_at=at,
    )
    RECONCILIATION_DIFFERENCE.begin(uow, row, org_ids=[])
    uow.session.add(row)
