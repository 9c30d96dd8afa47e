"""Purchases on account, on pages: what a buyer may owe and owes, and the operators' desk of lines and of what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses, on_account_addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.phrases import failure, money
from api.pages.frame.prices import amount_as_typed
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.on_account.views import AgeItem, CreditLineItem, CreditLinesPage, NoticeItem, OnAccountPage, OwedItem
from api.v1.credit_lines import ASK, READ, SEES, WRITE
from billing.credit_lines.decide import (
    MOST_TERM_DAYS,
    AskCreditLine,
    EndCreditLine,
    GrantCreditLine,
    ask_credit_line,
    close_credit_line,
    decline_credit_line,
    find_organization,
    grant_credit_line,
)
from billing.credit_lines.models import ON_ACCOUNT
from billing.credit_lines.queries import CreditLineView, get_credit_line, list_credit_lines, own_lines
from billing.on_account.queries import (
    AgeTotal,
    NoticeView,
    OwedView,
    list_notices,
    list_owed,
    owed_totals,
    own_notices,
    own_owed,
)
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from kernel.money import CURRENCIES

_PAGE = 20
_FIELDS = ("organization", "currency", "limit", "term_days", "reason")
_ENDS = {"decline": decline_credit_line, "close": close_credit_line}


@page(on_account_addresses.OWN, SEES)
def show_own(page_request: Given[PageRequest]) -> Response[str]:
    """The organization's lines, and what it owes, the first due first."""
    return page_request.render(_own(page_request))


@form_post(on_account_addresses.OWN, ASK)
def ask(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Ask for a line, or for another limit. Sent twice, the later words count."""
    try:
        currency = form.text("currency", most=3)
        command = AskCreditLine(currency, _limit(form, currency), form.text("reason", most=500))
        page_request.transact(lambda uow: ask_credit_line(uow, command).id)
    except DomainError as refused:
        view = _own(page_request, failure(page_request, refused), _typed(form))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(on_account_addresses.OWN, notice="credit_line_asked")


@page(on_account_addresses.OPERATOR, READ)
def show_all(page_request: Given[PageRequest]) -> Response[str]:
    """Requests, unless all lines are asked for; and what is owed."""
    return page_request.render(_all(page_request))


@form_post(on_account_addresses.OPERATOR, WRITE)
def grant(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Grant or change a line. Sent twice, it is as it was said the second time."""

    def work(uow: UnitOfWork) -> None:
        line_id = form.values.get("line", "")
        if line_id:
            line = get_credit_line(uow, _id(line_id))
            org_id, currency = line.org_id, line.currency
        else:
            org_id, currency = (
                find_organization(uow, form.text("organization", most=200)),
                form.text("currency", most=3),
            )
        days = form.number("term_days", least=1, most=MOST_TERM_DAYS)
        reason = form.text("reason", most=500)
        grant_credit_line(uow, GrantCreditLine(org_id, currency, _limit(form, currency), days, reason))

    try:
        page_request.transact(work)
    except DomainError as refused:
        typed = {} if form.values.get("line") else _typed(form)
        return page_request.render(_all(page_request, failure(page_request, refused), typed), status=refused.status)
    return page_request.redirect(f"{on_account_addresses.OPERATOR}?state=all", notice="credit_line_granted")


@form_post("/operator/on-account/{credit_line_id:uuid}/{act:str}", WRITE)
def end(
    credit_line_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Decline what is asked for, or close a line. Sent twice, the second finds it decided."""
    if act not in _ENDS:
        raise NotFound("not_found")
    try:
        command = EndCreditLine(credit_line_id, form.text("reason", most=500))
        page_request.transact(lambda uow: _ENDS[act](uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(_all(page_request, failure(page_request, refused)), status=refused.status)
    notice = "credit_line_declined" if act == "decline" else "credit_line_closed"
    return page_request.redirect(f"{on_account_addresses.OPERATOR}?state=all", notice=notice)


def _limit(form: Form, currency: str) -> int:
    limit = typed_amount(form.text("limit", most=40), currency, field="limit")
    if limit is None:
        raise Invalid("amount_invalid", field="limit")
    return limit


def _id(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError as error:
        raise NotFound("not_found") from error


def _typed(form: Form) -> dict[str, str]:
    return {name: form.values.get(name, "")[:500] for name in _FIELDS}


def _own(page_request: PageRequest, error: str | None = None, typed: dict[str, str] | None = None) -> OnAccountPage:
    with page_request.work() as uow:
        lines = own_lines(uow)
        owed = own_owed(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
        ages, reminders = owed_totals(uow), own_notices(uow, limit=_PAGE).items
    return OnAccountPage(
        lines=_lines(lines),
        owed=_owed(owed.items),
        ages=_ages(ages),
        reminders=notice_items(page_request, reminders),
        next_address=addresses.next_page(on_account_addresses.OWN, owed.next_cursor),
        offered_here=ON_ACCOUNT in page_request.services.gateways,
        may_ask=page_request.principal.may(ASK),
        currencies=CURRENCIES,
        typed=dict.fromkeys(_FIELDS, "") | (typed or {}),
        error=error,
    )


def _all(page_request: PageRequest, error: str | None = None, typed: dict[str, str] | None = None) -> CreditLinesPage:
    shown = "" if page_request.query("state", most=10) == "all" else "asked"
    after = {name: page_request.query(name, most=200) or None for name in ("cursor", "owed")}
    with page_request.work() as uow:
        lines = list_credit_lines(uow, state=shown or None, cursor=after["cursor"], limit=_PAGE)
        owed = list_owed(uow, cursor=after["owed"], limit=_PAGE)
        ages, reminders = owed_totals(uow), list_notices(uow, limit=_PAGE).items
    path = on_account_addresses.OPERATOR if shown else f"{on_account_addresses.OPERATOR}?state=all"
    return CreditLinesPage(
        lines=_lines(lines.items),
        shown=shown,
        next_lines=addresses.next_page(path, lines.next_cursor),
        owed=_owed(owed.items),
        ages=_ages(ages),
        reminders=notice_items(page_request, reminders, of_all=True),
        next_owed=addresses.with_query(on_account_addresses.OPERATOR, owed=owed.next_cursor)
        if owed.next_cursor
        else None,
        offered_here=ON_ACCOUNT in page_request.services.gateways,
        may_write=page_request.principal.may(WRITE),
        currencies=CURRENCIES,
        typed=dict.fromkeys(_FIELDS, "") | (typed or {}),
        error=error,
    )


def _lines(rows: Sequence[CreditLineView]) -> tuple[CreditLineItem, ...]:
    return tuple(
        CreditLineItem(
            row,
            money(row.limit_minor, row.currency),
            money(row.used_minor, row.currency),
            money(row.held_minor, row.currency),
            money(row.available_minor, row.currency),
            money(row.asked_minor, row.currency) if row.asked_minor is not None else None,
            amount_as_typed(row.limit_minor if row.asked_minor is None else row.asked_minor, row.currency),
        )
        for row in rows
    )


def _owed(rows: Sequence[OwedView]) -> tuple[OwedItem, ...]:
    return tuple(OwedItem(row, money(row.owed_minor, row.currency)) for row in rows)


def notice_items(
    page_request: PageRequest, rows: Sequence[NoticeView], *, of_all: bool = False
) -> tuple[NoticeItem, ...]:
    """What buyers were told, each with its letter in the reader's language."""
    locale = page_request.language
    return tuple(
        NoticeItem(
            row,
            money(row.owed_minor, row.currency),
            on_account_addresses.letter(row.id, locale, of_all=of_all) if locale in row.files else None,
        )
        for row in rows
    )


def _ages(rows: Sequence[AgeTotal]) -> tuple[AgeItem, ...]:
    return tuple(AgeItem(row.age, money(row.owed_minor, row.currency), row.purchases) for row in rows)


routes = [show_own, ask, show_all, grant, end]
