"""One corruption for every rule about closed months and the reconciliation."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from billing.accounting_periods.close_period import BALANCES
from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import PLATFORM, Planter
from tests.verify_world import World


def _period(p: Planter, month: date, starts_at: datetime, ends_at: datetime, *, recorded: bool = True) -> UUID:
    """A closed month as the verb would have left it."""
    period_id = uuid7()
    values = {"id": period_id, "starts_at": starts_at, "ends_at": ends_at}
    p.change(
        """INSERT INTO billing.accounting_period
               (id, month, starts_at, ends_at, state, transactions, closed_at, closed_by, created_at)
           VALUES (:id, :month, :starts_at, :ends_at, 'closed', NULL, :at, 'system', :at)""",
        month=month,
        at=clock.now() - timedelta(hours=1),
        **values,
    )
    p.remember("accounting_period", period_id, None, "closed")
    if recorded:
        p.change(BALANCES, period_id=period_id, starts_at=starts_at, ends_at=ends_at)
        p.change(
            """UPDATE billing.accounting_period SET transactions = (
                   SELECT count(*) FROM billing.ledger_transaction
                   WHERE effective_at >= :starts_at AND effective_at < :ends_at) WHERE id = :id""",
            **values,
        )
    return period_id


def _bounds(p: Planter) -> tuple[datetime, datetime]:
    first = p.find("SELECT min(effective_at) FROM billing.ledger_transaction")
    return first, first + timedelta(days=10)


def periods_kept(p: Planter, _: World) -> None:
    period_id = _period(p, date(2020, 1, 1), *_bounds(p))
    p.change(
        """UPDATE billing.accounting_period_balance SET balance_minor = balance_minor + 1
           WHERE period_id = :id AND account_id = (
               SELECT account_id FROM billing.accounting_period_balance WHERE period_id = :id LIMIT 1)""",
        id=period_id,
    )


def periods_follow(p: Planter, _: World) -> None:
    first, until = _bounds(p)
    _period(p, date(2020, 1, 1), first, until, recorded=False)


def ledger_late(p: Planter, _: World) -> None:
    p.book((PLATFORM, "gateway_fee", 5), (PLATFORM, "gateway_fee", -5), key="adjustment:late")
    p.change(
        """UPDATE billing.ledger_transaction SET occurred_at = effective_at - interval '40 days'
           WHERE business_key = 'adjustment:late'"""
    )


def reconciliation_current(p: Planter, _: World) -> None:
    difference_id, now = uuid7(), clock.now()
    p.change(
        """INSERT INTO billing.reconciliation_difference
               (id, leg, kind, subject, currency, expected_minor, found_minor, state, created_at, seen_at)
           VALUES (:id, 'ledger', 'payment', 'planted', 'CNY', 1, 2, 'open', :then, :then)""",
        id=difference_id,
        then=now - timedelta(hours=2),
    )
    p.remember("reconciliation_difference", difference_id, None, "open")
    p.change(
        """INSERT INTO billing.reconciliation_run (id, leg, compared, differing, kinds, asked_by, started_at, ended_at)
           VALUES (:id, 'ledger', 10, 0, '{}', 'system', :now, :now)""",
        id=uuid7(),
        now=now,
    )
