"""When a party is paid: its own choice for each currency, and the sweep that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select

from billing.payouts.models import PayoutSchedule
from billing.payouts.pay_out import PayOut, pay_out
from billing.statements.models import Statement
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.errors import DomainError, Invalid
from kernel.ids import uuid7
from kernel.jobs.kinds import sweep
from kernel.money import CURRENCIES
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

log = structlog.get_logger(__name__)

Every = Literal["daily", "weekly", "monthly", "manual"]
EVERY: Final[tuple[Every, ...]] = ("daily", "weekly", "monthly", "manual")
PAY_DUE: Final = "billing.payout.pay_due"
_LAST_DAY: Final = {"weekly": 7, "monthly": 28}
MOST_MINIMUM: Final = 10**15


@dataclass(frozen=True, slots=True)
class SetPayoutSchedule:
    """Be paid `every` so often: on `day` of the week (1: Monday) or month (1 to 28); less than `minimum_minor` waits."""

    currency: str
    every: str
    day: int = 1
    minimum_minor: int = 0


@dataclass(frozen=True, slots=True)
class PayoutScheduleRow:
    """A party's choice in one currency."""

    currency: str
    every: str
    day: int
    minimum_minor: int


def set_payout_schedule(uow: UnitOfWork, command: SetPayoutSchedule) -> PayoutScheduleRow:
    """Choose when the acting organization is paid what its closed statements say.

    Raises:
        Forbidden: `permission_missing` without billing.manage.
        Invalid: `currency_unknown`, `payout_schedule_invalid`.
        Conflict: `payout_schedule_changed`: somebody else chose at the same moment.

    Locks: the choice that is changed.
    Idempotent by: what is chosen.
    """
    uow.principal.require("billing.manage")
    org_id = uow.principal.organization()
    if command.currency not in CURRENCIES:
        raise Invalid("currency_unknown", field="currency")
    if command.every not in EVERY:
        raise Invalid("payout_schedule_invalid", field="every")
    day = command.day if command.every in _LAST_DAY else 1
    if not 1 <= day <= _LAST_DAY.get(command.every, 1):
        raise Invalid("payout_schedule_invalid", field="day")
    if not 0 <= command.minimum_minor <= MOST_MINIMUM:
        raise Invalid("payout_schedule_invalid", field="minimum")
    now = clock.now()
    found = uow.session.scalar(
        select(PayoutSchedule.id).where(PayoutSchedule.org_id == org_id, PayoutSchedule.currency == command.currency)
    )
    row = lock_row(uow.session, PayoutSchedule, found) if found is not None else None
    if row is None:
        row = PayoutSchedule(id=uuid7(), org_id=org_id, currency=command.currency, created_at=now)
        uow.session.add(row)
    row.every, row.day, row.minimum_minor, row.updated_at = command.every, day, command.minimum_minor, now
    uow.flush()
    audit.record(uow, "payout_schedule.set", subject_id=row.id, every=row.every, currency=row.currency)
    return _row(row)


def list_payout_schedules(uow: UnitOfWork) -> list[PayoutScheduleRow]:
    """What the acting organization chose, by currency."""
    statement = (
        select(PayoutSchedule)
        .where(PayoutSchedule.org_id == uow.principal.organization())
        .order_by(PayoutSchedule.currency)
    )
    return [_row(row) for row in uow.session.scalars(statement)]


def next_due(every: str, day: int, since: date) -> date | None:
    """The first day of a schedule that is not before `since`; None when it has none."""
    if every == "daily":
        return since
    if every == "weekly":
        return since + timedelta(days=(day - since.isoweekday()) % 7)
    if every == "monthly":
        if since.day <= day:
            return since.replace(day=day)
        return (since.replace(day=1) + timedelta(days=32)).replace(day=day)
    return None


@dataclass(frozen=True, slots=True)
class PayableStatement:
    """A closed statement that waits to be paid, and since which day."""

    id: UUID
    net_minor: int
    closed_on: date


def due_of(schedule: PayoutScheduleRow, waiting: Sequence[PayableStatement], today: date) -> list[UUID]:
    """Which of a party's waiting statements are to be paid today: those whose day has come, together with all that waited
    before them; none while all that is due is less than the minimum.
    """
    due = []
    for one in waiting:
        on = next_due(schedule.every, schedule.day, one.closed_on)
        if on is not None and on <= today:
            due.append(one)
    enough = sum(one.net_minor for one in due) >= schedule.minimum_minor
    return [one.id for one in due] if enough else []


def register() -> None:
    """Register the sweep that pays what is due, each in a unit of work of its own."""

    @sweep(PAY_DUE, every=timedelta(hours=1))
    def pay_due(transact: Transact) -> None:
        for statement_id in transact(list_due):
            try:
                transact(partial(pay_out, command=PayOut(statement_id)))
            except DomainError as refused:
                # Its party and the operator read the same reason beside the statement (`outlook.py`).
                log.info("payout_not_scheduled", statement_id=str(statement_id), code=refused.code)


def list_due(uow: UnitOfWork) -> list[UUID]:
    """Statements that are to be paid now by their party's schedule."""
    zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
    rows = uow.session.execute(
        select(PayoutSchedule, Statement)
        .join(Statement, (Statement.org_id == PayoutSchedule.org_id) & (Statement.currency == PayoutSchedule.currency))
        .where(PayoutSchedule.every != "manual", Statement.state == "closed", Statement.net_minor > 0)
        .order_by(PayoutSchedule.id, Statement.closed_at)
    ).all()
    waiting: dict[UUID, tuple[PayoutScheduleRow, list[PayableStatement]]] = {}
    for schedule, statement in rows:
        closed_on = _day_of(statement.closed_at, zone)
        own = waiting.setdefault(schedule.id, (_row(schedule), []))[1]
        own.append(PayableStatement(statement.id, statement.net_minor, closed_on))
    today = _day_of(clock.now(), zone)
    return [one for schedule, own in waiting.values() for one in due_of(schedule, own, today)]


def _day_of(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _row(row: PayoutSchedule) -> PayoutScheduleRow:
    return PayoutScheduleRow(row.currency, row.every, row.day, row.minimum_minor)
