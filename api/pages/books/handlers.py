"""The platform's books on pages: months, trial balance, accounts, postings, facts, account numbers, the journal as a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.books.views import (
    AccountCodeItem,
    AccountCodesView,
    AccountingPeriodItem,
    AccountItem,
    AccountsView,
    BooksView,
    LedgerAccountView,
    LegItem,
    PostingItem,
    TransactionPage,
    TrialBalanceItem,
)
from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.v1.invoice_export import next_month, parse_month
from billing.accounting_periods.close_period import MAY_CLOSE, ReopenPeriod, close_period, reopen_period
from billing.accounting_periods.queries import PeriodRow, list_periods, next_month_to_close
from billing.journal_export.account_codes import SetAccountCode, list_account_codes, set_account_code
from billing.journal_export.models import FORMATS
from billing.ledger.browse import (
    READ,
    AccountRow,
    TrialBalanceRow,
    get_account,
    get_ledger_transaction,
    list_accounts,
    list_postings,
    trial_balance,
)
from billing.ledger.post import AccountKind
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from kernel.money import Money
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

Answer = Response[str] | Response[bytes]
KINDS: tuple[str, ...] = get_args(AccountKind)
_PAGE = 30
_SIDES = ("opening_minor", "debit_minor", "credit_minor", "closing_minor")


@page(addresses.books.BOOKS, READ)
def show_books(page_request: Given[PageRequest]) -> Answer:
    """Months, and the trial balance of one."""
    return page_request.render(_books(page_request))


@form_post(addresses.books.PERIODS, MAY_CLOSE)
def close(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Close the month that was named. Pressed twice, the second finds it closed."""
    month = parse_month(form.text("month", most=7))
    try:
        if month is None:
            raise Invalid("period_month_invalid", field="month")
        close_period(page_request.transact, month)
    except DomainError as refused:
        return _refused(page_request, refused)
    return page_request.redirect(addresses.books.BOOKS, notice="period_closed")


@form_post("/operator/books/periods/{period_id:uuid}/reopening", MAY_CLOSE)
def reopen(period_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Open the last closed month again. Pressed twice, the second finds it open."""
    command = ReopenPeriod(period_id, form.text("reason", most=1000))
    try:
        page_request.transact(lambda uow: reopen_period(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, refused)
    return page_request.redirect(addresses.books.BOOKS, notice="period_reopened")


@page(addresses.books.ACCOUNTS, READ)
def show_accounts(page_request: Given[PageRequest]) -> Answer:
    """Accounts by kind, currency and day."""
    kind = page_request.query("kind", most=40)
    kind = kind if kind in KINDS else ""
    currency = page_request.query("currency", most=3).upper()
    on = page_request.query("on", most=10)
    with page_request.work() as uow:
        found = list_accounts(
            uow,
            kind=kind or None,
            currency=currency or None,
            at=_end_of(uow, on),
            cursor=page_request.query("cursor", most=200) or None,
            limit=_PAGE,
        )
    following = addresses.next_page(
        addresses.books.ACCOUNTS, found.next_cursor, kind=kind or None, currency=currency or None, on=on or None
    )
    rows = tuple(_account(one) for one in found.items)
    return page_request.render(AccountsView(rows, KINDS, kind, currency, on, following))


@page("/operator/books/accounts/{account_id:uuid}", READ)
def show_account(account_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One account with its postings, the latest first."""
    with page_request.work() as uow:
        account = get_account(uow, account_id)
        found = list_postings(uow, account_id, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
    postings = tuple(
        PostingItem(
            addresses.books.transaction(one.transaction_id),
            one.kind,
            one.business_key,
            money(one.amount_minor, one.currency),
            one.effective_at,
            one.occurred_at,
        )
        for one in found.items
    )
    following = addresses.next_page(addresses.books.account(account_id), found.next_cursor)
    return page_request.render(LedgerAccountView(_account(account), postings, following))


@page("/operator/books/transactions/{transaction_id:uuid}", READ)
def show_transaction(transaction_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A fact with all its sides, and the way to the order and the video."""
    with page_request.work() as uow:
        one = get_ledger_transaction(uow, transaction_id)
    legs = tuple(
        LegItem(
            addresses.books.account(leg.account_id),
            leg.owner,
            leg.account_kind,
            leg.gateway,
            money(leg.amount_minor, leg.currency),
        )
        for leg in one.legs
    )
    return page_request.render(
        TransactionPage(
            one.kind,
            one.business_key,
            one.effective_at,
            one.recorded_at,
            one.occurred_at,
            addresses.trace(str(one.reference)),
            legs,
        )
    )


@page(addresses.books.ACCOUNT_CODES, READ)
def show_account_codes(page_request: Given[PageRequest]) -> Answer:
    """What accounting programs call the kinds of accounts."""
    return page_request.render(_codes(page_request, page_request.query("format", most=20)))


@form_post(addresses.books.ACCOUNT_CODES, MAY_CLOSE)
def save_account_code(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say which number a kind of account has."""
    name = form.text("format", most=20)
    command = SetAccountCode(name, form.text("kind", most=40), form.text("code", most=40), form.text("name", most=100))
    try:
        page_request.transact(lambda uow: set_account_code(uow, command))
    except DomainError as refused:
        view = replace(_codes(page_request, name), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    where = addresses.with_query(addresses.books.ACCOUNT_CODES, format=name)
    return page_request.redirect(where, notice="account_code_saved")


def _refused(page_request: PageRequest, refused: DomainError) -> Answer:
    view = replace(_books(page_request), error=failure(page_request, refused))
    return page_request.render(view, status=refused.status)


def _books(page_request: PageRequest) -> BooksView:
    with page_request.work() as uow:
        zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
        today = clock.now().astimezone(zone).date()
        month = parse_month(page_request.query("month", most=7)) or today.replace(day=1)
        following = next_month(month)
        since, until = (datetime.combine(day, time(), zone) for day in (month, following))
        rows = trial_balance(uow, since=since, until=until)
        periods = list_periods(uow)
        upcoming = next_month_to_close(uow)
    return BooksView(
        month=f"{month:%Y-%m}",
        first_on=month,
        last_on=following - timedelta(days=1),
        rows=tuple(_trial_balance_item(row) for row in rows),
        totals=_totals(rows),
        periods=_periods(periods),
        next_month=upcoming,
        may_close=page_request.principal.may(MAY_CLOSE),
        currencies=sorted({row.currency for row in rows}),
    )


def _totals(rows: list[TrialBalanceRow]) -> tuple[tuple[Money, Money, Money, Money], ...]:
    """One for each currency."""
    found = []
    for currency in sorted({row.currency for row in rows}):
        own = [row for row in rows if row.currency == currency]
        opening, debit, credit, closing = (
            Money(sum(getattr(row, side) for row in own), currency.strip()) for side in _SIDES
        )
        found.append((opening, debit, credit, closing))
    return tuple(found)


def _periods(rows: list[PeriodRow]) -> tuple[AccountingPeriodItem, ...]:
    last = max((row.month for row in rows if row.state == "closed"), default=None)
    return tuple(
        AccountingPeriodItem(
            row.month,
            row.state,
            row.transactions,
            row.closed_by_name if row.state == "closed" else row.reopened_by_name or "",
            row.closed_at if row.state == "closed" else row.reopened_at or row.closed_at,
            row.reason or "",
            addresses.books.reopening(row.id) if row.month == last and row.state == "closed" else None,
        )
        for row in rows
    )


def _trial_balance_item(row: TrialBalanceRow) -> TrialBalanceItem:
    opening, debit, credit, closing = (money(getattr(row, side), row.currency) for side in _SIDES)
    where = addresses.with_query(addresses.books.ACCOUNTS, kind=row.kind, currency=row.currency.strip())
    return TrialBalanceItem(row.kind, row.gateway, opening, debit, credit, closing, where)


def _account(row: AccountRow) -> AccountItem:
    return AccountItem(
        addresses.books.account(row.id), row.owner, row.kind, row.gateway, money(row.balance_minor, row.currency)
    )


def _codes(page_request: PageRequest, name: str) -> AccountCodesView:
    chosen = name if name in FORMATS else FORMATS[0]
    with page_request.work() as uow:
        rows = [row for row in list_account_codes(uow) if row.format == chosen]
    items = tuple(AccountCodeItem(row.format, row.kind, row.code, row.name) for row in rows)
    return AccountCodesView(chosen, FORMATS, items, page_request.principal.may(MAY_CLOSE))


def _end_of(uow: UnitOfWork, on: str) -> datetime | None:
    """The end of a day of the platform's calendar; None for what is no day."""
    try:
        day = date.fromisoformat(on)
        following = day + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(following, time(), ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone))


routes = [
    show_books,
    close,
    reopen,
    show_accounts,
    show_account,
    show_transaction,
    show_account_codes,
    save_account_code,
]
