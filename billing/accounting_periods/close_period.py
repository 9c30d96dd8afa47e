"""Close a month of the books, and open the last one again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text

from billing.accounting_periods.models import ACCOUNTING_PERIOD, AccountingPeriod, AccountingPeriodBalance
from billing.ledger.models import LedgerTransaction
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.text import plain_text
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID, Organization

PERIOD_LOCK = 4_202
"""Advisory lock: every fact holds it shared while it is posted, whoever closes a month holds it alone for a moment."""
MAY_CLOSE = "operator.payouts"


@dataclass(frozen=True, slots=True)
class ReopenPeriod:
    """Open the last closed month again; `reason` is read by whoever audits the books."""

    period_id: UUID
    reason: str


def close_period(transact: Transact, month: date) -> UUID:
    """Close the month that begins on `month`, then record the balance of every account at its end.

    The lock is held for the first of two transactions alone: what is to be recorded cannot change any more after it. When
    the second one fails, closing the same month again makes up for it.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        Invalid: `period_not_over`, `period_month_invalid` (no first day of a month).
        Conflict: `period_out_of_order`, an earlier month is open, or the books began later; `period_closed`.

    Locks: all posting for a moment.
    Idempotent by: the month.
    """
    period_id = transact(lambda uow: _close(uow, month))
    transact(lambda uow: record_balances(uow, period_id))
    return period_id


def _close(uow: UnitOfWork, month: date) -> UUID:
    uow.principal.require(MAY_CLOSE)
    zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
    starts_at, ends_at = month_range(month, zone)
    if ends_at > clock.now():
        raise Invalid("period_not_over", field="month")
    _lock(uow)
    known = uow.session.scalar(select(AccountingPeriod).where(AccountingPeriod.month == month).with_for_update())
    if known is not None and known.state == "closed":
        if known.transactions is not None:
            raise Conflict("period_closed", month=f"{month:%Y-%m}")
        return known.id
    last = _last_closed(uow)
    if last is not None and month != _following(last.month):
        if month <= last.month:
            raise Conflict("period_closed", month=f"{month:%Y-%m}")
        raise Conflict("period_out_of_order", month=f"{_following(last.month):%Y-%m}")
    if last is None:
        begun = uow.session.scalar(
            select(LedgerTransaction.effective_at).order_by(LedgerTransaction.effective_at).limit(1)
        )
        _require_not_before_the_books(uow, month, begun, zone)
        starts_at = min(begun or starts_at, starts_at)
    else:
        starts_at = last.ends_at
    period = known or AccountingPeriod(id=uuid7(), month=month, ends_at=ends_at)
    period.starts_at = starts_at
    period.closed_at, period.closed_by = clock.now(), actor(uow)
    period.transactions = None
    if known is None:
        ACCOUNTING_PERIOD.begin(uow, period, org_ids=[])
        uow.session.add(period)
    else:
        ACCOUNTING_PERIOD.move(uow, period, "closed", org_ids=[])
    audit.record(uow, "books.period_closed", subject_id=period.id, month=f"{month:%Y-%m}")
    uow.flush()
    return period.id


def _require_not_before_the_books(uow: UnitOfWork, month: date, begun: datetime | None, zone: ZoneInfo) -> None:
    """Whoever mistypes the year of the first month would have to close every month from then on.

    The books begin with their first fact, or with the platform where that was earlier; a year of empty months before may belong
    to somebody's business year. Raises Conflict(`period_out_of_order`).
    """
    founded = uow.session.get_one(Organization, PLATFORM_ORG_ID).created_at
    first = min(begun or founded, founded).astimezone(zone).date().replace(day=1)
    if (month.year + 1, month.month) < (first.year, first.month):
        raise Conflict("period_out_of_order", month=f"{first:%Y-%m}")


def record_balances(uow: UnitOfWork, period_id: UUID) -> None:
    """Record what stands on every account at the end of a closed month; nothing when that was done."""
    period = lock_row(uow.session, AccountingPeriod, period_id)
    if period is None or period.state != "closed" or period.transactions is not None:
        return
    uow.session.execute(text("SET LOCAL statement_timeout = '10min'"))
    uow.session.execute(text("SET LOCAL enable_seqscan = on"))
    uow.session.execute(
        text(BALANCES), {"period_id": period_id, "starts_at": period.starts_at, "ends_at": period.ends_at}
    )
    period.transactions = uow.session.scalar(
        text(
            "SELECT count(*) FROM billing.ledger_transaction WHERE effective_at >= :starts_at AND effective_at < :ends_at"
        ),
        {"starts_at": period.starts_at, "ends_at": period.ends_at},
    )
    uow.flush()


BALANCES = """
    WITH moved AS MATERIALIZED (
        SELECT b.account_id, 0 AS debit, 0 AS credit, b.balance_minor AS opening
        FROM billing.accounting_period_balance b JOIN billing.accounting_period p ON p.id = b.period_id
        WHERE p.state = 'closed' AND p.ends_at = :starts_at
        UNION ALL
        SELECT g.account_id, coalesce(sum(g.amount_minor) FILTER (WHERE g.amount_minor > 0), 0),
               coalesce(-sum(g.amount_minor) FILTER (WHERE g.amount_minor < 0), 0), 0
        FROM billing.ledger_transaction t JOIN billing.posting g ON g.transaction_id = t.id
        WHERE t.effective_at >= :starts_at AND t.effective_at < :ends_at GROUP BY g.account_id
    )
    INSERT INTO billing.accounting_period_balance (period_id, account_id, debit_minor, credit_minor, balance_minor, currency)
    SELECT :period_id, a.id, sum(debit), sum(credit), sum(opening) + sum(debit) - sum(credit), a.currency
    FROM moved JOIN billing.ledger_account a ON a.id = moved.account_id GROUP BY a.id
"""
"""From the month before, whose balances are recorded: a month costs what happened in it. Gathered once: a plan that expects few
rows would gather the month again for each account."""


def reopen_period(uow: UnitOfWork, command: ReopenPeriod) -> AccountingPeriod:
    """Open the last closed month again, by somebody else than who closed it. What its balances were is forgotten.

    Raises:
        Forbidden: `permission_missing` without operator.payouts; `period_second_person`, whoever closed it.
        NotFound: `period_not_found`.
        Invalid: `books_reason_required`.
        Conflict: `period_open`; `period_not_last`, a later month is closed.

    Locks: all posting for a moment, the month.
    """
    uow.principal.require(MAY_CLOSE)
    reason = plain_text(command.reason, multiline=True)
    if not reason:
        raise Invalid("books_reason_required", field="reason")
    _lock(uow)
    period = lock_row(uow.session, AccountingPeriod, command.period_id)
    if period is None:
        raise NotFound("period_not_found")
    if period.state != "closed":
        raise Conflict("period_open")
    last = _last_closed(uow)
    if last is None or last.id != period.id:
        raise Conflict("period_not_last")
    if period.closed_by == actor(uow):
        raise Forbidden("period_second_person")
    uow.session.execute(delete(AccountingPeriodBalance).where(AccountingPeriodBalance.period_id == period.id))
    period.transactions = None
    period.reopened_at, period.reopened_by, period.reason = clock.now(), actor(uow), reason
    ACCOUNTING_PERIOD.move(uow, period, "reopened", org_ids=[], reason=reason)
    audit.record(uow, "books.period_reopened", subject_id=period.id, month=f"{period.month:%Y-%m}")
    uow.flush()
    return period


def month_range(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when until when (excluded) a month lasts in a time zone. Raises Invalid(`period_month_invalid`)."""
    if month.day != 1:
        raise Invalid("period_month_invalid", field="month")
    starts, ends = (datetime.combine(day, time(), zone) for day in (month, _following(month)))
    return starts, ends


def _following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def actor(uow: UnitOfWork) -> str:
    """Who acts, as it is recorded."""
    return str(uow.principal.person_id or uow.principal.label)


def _last_closed(uow: UnitOfWork) -> AccountingPeriod | None:
    return uow.session.scalars(
        select(AccountingPeriod)
        .where(AccountingPeriod.state == "closed")
        .order_by(AccountingPeriod.ends_at.desc())
        .limit(1)
    ).first()


def _lock(uow: UnitOfWork) -> None:
    uow.session.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:key AS integer), CAST(0 AS integer))"), {"key": PERIOD_LOCK}
    )
