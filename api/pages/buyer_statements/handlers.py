"""Signed monthly statements on pages: closed, read, downloaded, and checked by whoever holds one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC
from api.pages.buyer_statements.views import (
    BuyerStatementItem,
    BuyerStatementsView,
    BuyerStatementView,
    StatementCheckView,
    StatementFact,
    StatementSums,
)
from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.v1.buyer_statements import CLOSE, READ, closed, verified
from kernel import clock
from kernel.errors import DomainError, NotFound
from orders.buyer_statements.content import SECTIONS
from orders.buyer_statements.queries import BuyerStatementRow, get_buyer_statement, list_buyer_statements

Answer = Response[str] | Response[bytes]
PAGE: Final = 24
MONTHS: Final = 12
"""How far back a month can be closed on the page."""
SHOWN: Final = 100
"""Facts of one kind on the page; all are in the files."""


@page(addresses.payments.STATEMENTS, READ)
def show_statements(page_request: Given[PageRequest]) -> Answer:
    """What was closed, and what can be."""
    return page_request.render(_list(page_request))


@form_post(addresses.payments.STATEMENTS, CLOSE)
def close(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Close a month. Pressed twice, the second time finds it closed."""
    try:
        made = closed(page_request.request, form.text("month", most=7))
    except DomainError as refused:
        return page_request.render(_list(page_request, failure(page_request, refused)), status=refused.status)
    return page_request.redirect(addresses.payments.statement(str(made.id)), notice="month_closed")


@page("/statements/of-month/{buyer_statement_id:uuid}", READ)
def show_statement(buyer_statement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One month."""
    with page_request.work() as uow:
        row = get_buyer_statement(uow, buyer_statement_id)
    view = BuyerStatementView(
        id=str(row.id),
        number=row.number,
        month=row.month,
        sections=tuple(
            (
                kind,
                tuple(_fact(one, currency) for one in sections[kind][:SHOWN]),
                max(0, len(sections[kind]) - SHOWN),
                money(sections["totals"][kind], currency),
            )
            for currency, sections in row.currencies.items()
            for kind in SECTIONS
            if sections[kind]
        ),
        content_sha256=row.content_sha256,
        previous_hash=row.previous_hash,
        hash=row.hash,
        code=row.verification_code,
    )
    return page_request.render(view)


@page("/statements/{code:str}", PUBLIC)
def check(code: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """What stands behind a printed code; for anyone."""
    try:
        found = verified(page_request.request, code)
    except NotFound as missing:
        return page_request.render(StatementCheckView(), status=missing.status)
    return page_request.render(
        StatementCheckView(
            number=found.number,
            legal_name=found.legal_name,
            month=found.month,
            sums=tuple(_sums(name, one) for name, one in found.totals.items()),
            content_sha256=found.content_sha256,
            hash=found.hash,
            genuine=found.genuine,
        )
    )


def _list(page_request: PageRequest, error: str = "") -> BuyerStatementsView:
    with page_request.work() as uow:
        found = list_buyer_statements(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
        newest = list_buyer_statements(uow, limit=1).items
    return BuyerStatementsView(
        rows=tuple(_item(row) for row in found.items),
        months=_months(clock.today(page_request.time_zone), newest[0].month if newest else None),
        may_close=page_request.principal.may(CLOSE),
        next_address=addresses.next_page(addresses.payments.STATEMENTS, found.next_cursor),
        error=error,
    )


def _months(today: date, last: date | None) -> tuple[date, ...]:
    """Months that are over, after the one that was closed last, the earliest first."""
    found: list[date] = []
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    while len(found) < MONTHS and (last is None or month > last):
        found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return tuple(reversed(found))


def _item(row: BuyerStatementRow) -> BuyerStatementItem:
    sums = tuple(_sums(name, one["totals"]) for name, one in row.currencies.items())
    return BuyerStatementItem(str(row.id), row.number, row.month, sums)


def _sums(currency: str, sums: Mapping[str, int]) -> StatementSums:
    return StatementSums(**{name: money(sums[name], currency) for name in SECTIONS})


def _fact(row: Mapping[str, Any], currency: str) -> StatementFact:
    return StatementFact(
        row["number"], row["party"], datetime.fromisoformat(row["at"]), money(row["amount_minor"], currency)
    )


routes = [show_statements, close, show_statement, check]
