"""Settlement by the calendar: every month closes by itself once it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.settlement.close_statements import CloseStatement, CloseStatements, close_statement, release_and_list
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, job, sweep
from kernel.jobs.outbox import enqueue
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

CLOSE_MONTH = "billing.statement.close_month"
CLOSE = "billing.statement.close"


def register() -> None:
    """Register the monthly close, tried every day: a job per party, so that one that is refused holds up nobody else."""

    @sweep(CLOSE_MONTH, every=timedelta(days=1))
    def close_month(transact: Transact) -> None:
        first = transact(_first_of_month)
        parties = release_and_list(transact, CloseStatements(first))
        transact(lambda uow: _enqueue(uow, parties))

    @job(CLOSE)
    def close(uow: UnitOfWork, payload: Payload) -> None:
        until = datetime.fromisoformat(payload["until"])
        close_statement(uow, CloseStatement(UUID(payload["org_id"]), payload["currency"], until))


def _first_of_month(uow: UnitOfWork) -> datetime:
    zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
    return clock.now().astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _enqueue(uow: UnitOfWork, parties: list[CloseStatement]) -> None:
    for one in parties:
        payload: Payload = {"org_id": str(one.org_id), "currency": one.currency, "until": one.until.isoformat()}
        # Of the day: whoever could not be closed today (a refund under way, books that differ) may be tomorrow.
        enqueue(uow, CLOSE, payload, dedupe_key=f"{one.org_id}:{one.currency}:{one.until:%Y%m%d}:{clock.today()}")
