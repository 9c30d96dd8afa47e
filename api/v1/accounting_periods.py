"""Months of the books: which are closed, close the next one, open the last one again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, Wire
from api.v1.invoice_export import parse_month
from billing.accounting_periods.close_period import ReopenPeriod, close_period, reopen_period
from billing.accounting_periods.queries import PeriodRow, get_period, list_periods
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid


class AccountingPeriodOut(Out):
    """A month of the platform's calendar that is closed, or was opened again."""

    id: UUID
    month: Annotated[date, Meta(description="Its first day")]
    starts_at: datetime
    ends_at: datetime
    state: Annotated[str, Meta(description="closed or reopened")]
    transactions: Annotated[int | None, Meta(description="Facts in it; null until its balances are recorded")]
    closed_at: datetime
    closed_by: str
    closed_by_name: str
    reopened_at: datetime | None
    reopened_by: str | None
    reopened_by_name: str | None
    reason: Annotated[str | None, Meta(description="Why it was opened again, the last time that it was")]

    @classmethod
    def of(cls, row: PeriodRow) -> AccountingPeriodOut:
        """From the query's row."""
        return cls.of_row(row)


class ClosePeriodIn(Wire):
    """A month that is over, after the last closed one."""

    month: Annotated[str, Field(max_length=7, pattern=r"^[12]\d{3}-(0[1-9]|1[0-2])$", examples=["2026-10"])]


class ReopenPeriodIn(Wire):
    """Why; whoever audits the books reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


@get("/v1/operator/accounting-periods", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_all_periods(request: ApiRequest) -> list[AccountingPeriodOut]:
    """The latest first. Months that are not here are open."""
    with request.transaction() as uow:
        return [AccountingPeriodOut.of(row) for row in list_periods(uow)]


@post(
    "/v1/operator/accounting-periods",
    permission="operator.payouts",
    refuses=[409],
    sync_to_thread=True,
    tags=["operator"],
)
def close(data: JSONBody[ClosePeriodIn], request: ApiRequest) -> AccountingPeriodOut:
    """Close a month: nothing is posted into it any more, and what comes late counts in the first open month."""
    month = parse_month(data.month)
    if month is None:
        raise Invalid("period_month_invalid", field="month")
    period_id = close_period(request.transact, month)
    return request.transact(lambda uow: AccountingPeriodOut.of(get_period(uow, period_id)))


@post(
    "/v1/operator/accounting-periods/{period_id:uuid}/reopening",
    permission="operator.payouts",
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def reopen(period_id: FromPath[UUID], data: JSONBody[ReopenPeriodIn], request: ApiRequest) -> AccountingPeriodOut:
    """Open the last closed month again. Whoever closed it cannot."""

    def work(uow: UnitOfWork) -> AccountingPeriodOut:
        reopen_period(uow, ReopenPeriod(period_id, data.reason))
        return AccountingPeriodOut.of(get_period(uow, period_id))

    return request.transact(work)


routes = [list_all_periods, close, reopen]
