"""Settlement by the calendar: every month closes by itself once it is over."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from billing.statements.close_statements import CloseStatements, close_statements
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.registry import Payload, every, job
from marketplace.organizations.models import PLATFORM_ORG_ID
from marketplace.public import party

CLOSE_MONTH = "billing.statement.close_month"


def register() -> None:
    """Register the monthly close, tried every day and done once a month."""

    @job(CLOSE_MONTH)
    def close_month(uow: UnitOfWork, _payload: Payload) -> None:
        zone = ZoneInfo(party(uow, PLATFORM_ORG_ID).time_zone)
        first = clock.now().astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        close_statements(uow, CloseStatements(first))

    every(timedelta(days=1), CLOSE_MONTH)
