"""What the organization paid, and what it will be charged."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, datetime
from io import StringIO
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out
from kernel.money import Money
from orders.spend import SpendRow, spend
from orders.subscriptions.upcoming import upcoming_charges

READ = "invoices.read"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell that a person wrote."""


class SpendOut(Out):
    """Paid in a month of the organization's calendar and not given back since, with tax."""

    month: Annotated[date, Meta(description="Its first day")]
    seller_org_id: UUID
    seller_name: str
    asked_by_id: UUID | None
    asked_by: Annotated[str | None, Meta(description="The member who asked for it; null for an API key's")]
    orders: int
    gross: MoneyOut


class UpcomingChargeOut(Out):
    """One term to be paid for, or what was used in a period that is not closed yet."""

    at: datetime
    subscription_id: UUID
    seller_name: str
    title: str
    title_en: str
    amount: MoneyOut
    is_told: Annotated[
        bool, Meta(description="The price is fixed; else it is what the plan costs today, or was used by now")
    ]
    tax_included: bool
    is_usage: bool
    instalment: Annotated[int, Meta(description="Which instalment of its term it is; 0 of any other charge")]


@get("/v1/spend", permission=READ, sync_to_thread=True, tags=["buying"])
def get_spend(request: ApiRequest) -> list[SpendOut]:
    """By month, seller and member, for the latest twelve months with the present one: the newest first."""
    with request.transaction() as uow:
        return [SpendOut.of_row(one) for one in spend(uow)]


@get("/v1/spend/export", permission=READ, sync_to_thread=True, media_type="text/csv", tags=["buying"])
def export_spend(request: ApiRequest) -> Response[bytes]:
    """The same as a table for a spreadsheet: CSV in UTF-8, amounts in whole units of their currency."""
    with request.transaction() as uow:
        body = _table(spend(uow))
    headers = {"Content-Disposition": 'attachment; filename="spend.csv"', "Cache-Control": "private, no-store"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


@get("/v1/upcoming-charges", permission=READ, sync_to_thread=True, tags=["buying"])
def get_upcoming_charges(request: ApiRequest) -> list[UpcomingChargeOut]:
    """Of all subscriptions that are renewed, within 90 days, the next first. What waits for its money already is due now.

    Of metered usage: what was used by now in periods that are still open, charged when they are closed.
    """
    with request.transaction() as uow:
        return [UpcomingChargeOut.of_row(one) for one in upcoming_charges(uow)]


def _table(rows: Iterable[SpendRow]) -> bytes:
    written = StringIO()
    table = csv.writer(written)
    table.writerow(("month", "seller", "asked_by", "orders", "amount", "currency"))
    for row in rows:
        amount = str(Money(row.gross_minor, row.currency).decimal())
        named = (_plain(row.seller_name), _plain(row.asked_by or ""))
        table.writerow((f"{row.month:%Y-%m}", *named, row.orders, amount, row.currency))
    # With the mark by which a spreadsheet knows UTF-8.
    return written.getvalue().encode("utf-8-sig")


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


routes = [get_spend, export_spend, get_upcoming_charges]
