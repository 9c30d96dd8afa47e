"""Purchases on account: a buyer's lines of credit and what it owes, and the platform's decisions about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta
from pydantic import Field

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, StrictInt, Wire, list_page
from api.v1.offers import LocaleParameter
from billing.credit_lines.decide import (
    MOST_MINOR,
    MOST_TERM_DAYS,
    USUAL_TERM_DAYS,
    AskCreditLine,
    EndCreditLine,
    GrantCreditLine,
    ask_credit_line,
    close_credit_line,
    decline_credit_line,
    grant_credit_line,
)
from billing.credit_lines.models import CREDIT_LINE
from billing.credit_lines.queries import (
    CreditLineView,
    get_credit_line,
    list_credit_lines,
    own_line,
    own_lines,
)
from billing.on_account.queries import (
    AgeTotal,
    NoticeView,
    OwedView,
    find_letter_file,
    list_notices,
    list_owed,
    owed_totals,
    own_notices,
    own_owed,
)
from kernel.db.uow import UnitOfWork

ASK, SEES = "billing.manage", "orders.read"
READ, WRITE = "operator.read", "operator.payouts"
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Currency = Annotated[str, Field(min_length=3, max_length=3, examples=["CNY"])]


class CreditLineOut(Out):
    """What an organization may owe in a currency, and how much of that is free."""

    id: UUID
    org_id: UUID
    organization: str
    currency: str
    state: Annotated[str, Meta(description="asked, open, declined or closed")]
    limit: MoneyOut
    term_days: Annotated[int, Meta(description="Days after a purchase by which its money has to be here")]
    used: Annotated[MoneyOut, Meta(description="What is owed")]
    held: Annotated[MoneyOut, Meta(description="What payments under way are about to add")]
    available: Annotated[MoneyOut, Meta(description="What the next purchase may add; none while something is overdue")]
    is_overdue: bool
    first_due_at: datetime | None
    asked: Annotated[MoneyOut | None, Meta(description="What limit is asked for, until that is decided")]
    asked_reason: str
    decision_reason: str
    decided_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: CreditLineView) -> CreditLineOut:
        """From the query's row."""
        asked = MoneyOut.of(row.asked_minor, row.currency) if row.asked_minor is not None else None
        return cls.of_row(row, asked=asked)


class CreditLinesOut(Out):
    """All of them: one for each currency at most."""

    items: list[CreditLineOut]


class OwedOut(Out):
    """A purchase on account that is not paid: to be sent by bank transfer with this code."""

    payment_id: UUID
    org_id: UUID
    organization: str
    description: str
    remark_code: str
    owed: MoneyOut
    due_at: datetime
    days_overdue: Annotated[int, Meta(description="0 until it is due")]
    age: Annotated[str, Meta(description="current, or days overdue: to_30, to_60, to_90, over_90")]
    created_at: datetime

    @classmethod
    def of(cls, row: OwedView) -> OwedOut:
        """From the query's row."""
        return cls.of_row(row)


class DunningNoticeOut(Out):
    """A reminder, or a letter, about a purchase on account."""

    id: UUID
    payment_id: UUID
    organization: str
    remark_code: str
    description: str
    days: Annotated[int, Meta(description="After the due day; negative before it. A notice after it is a letter, too")]
    owed: Annotated[MoneyOut, Meta(description="What was owed then")]
    due_at: datetime
    files: Annotated[list[str], Meta(description="Languages in which its letter is drawn as PDF")]
    created_at: datetime

    @classmethod
    def of(cls, row: NoticeView) -> DunningNoticeOut:
        """From the query's row."""
        return cls.of_row(row, files=list(row.files))


class AgeTotalOut(Out):
    """What is owed of one age in one currency."""

    age: str
    owed: MoneyOut
    purchases: int

    @classmethod
    def of(cls, row: AgeTotal) -> AgeTotalOut:
        """From the query's row."""
        return cls.of_row(row)


class AgeTotalsOut(Out):
    """By currency, then by age."""

    items: list[AgeTotalOut]


class AskCreditLineIn(Wire):
    """What limit is wished for, and why."""

    currency: Currency
    limit: Annotated[StrictInt, Field(ge=1, le=MOST_MINOR, description="Minor units of the currency")]
    reason: Reason


class GrantCreditLineIn(Wire):
    """A line of an organization, new or changed. The reason is told to it."""

    org_id: UUID
    currency: Currency
    limit: Annotated[StrictInt, Field(ge=0, le=MOST_MINOR, description="Minor units of the currency")]
    term_days: Annotated[StrictInt, Field(ge=1, le=MOST_TERM_DAYS)] = USUAL_TERM_DAYS
    reason: Reason


class EndCreditLineIn(Wire):
    """Why; it is told to the organization."""

    reason: Reason


@get("/v1/credit-lines", permission=SEES, sync_to_thread=True, tags=["buying"])
def get_own_credit_lines(request: ApiRequest) -> CreditLinesOut:
    """What the organization may buy on account, by currency."""
    with request.transaction() as uow:
        return CreditLinesOut(items=[CreditLineOut.of(row) for row in own_lines(uow)])


@post("/v1/credit-lines", permission=ASK, sync_to_thread=True, status_code=202, tags=["buying"])
def ask_for_credit_line(data: JSONBody[AskCreditLineIn], request: ApiRequest) -> CreditLineOut:
    """Ask for a line, or for another limit. Asked again before it is decided, the later words count."""

    def work(uow: UnitOfWork) -> CreditLineOut:
        line = ask_credit_line(uow, AskCreditLine(data.currency, data.limit, data.reason))
        return CreditLineOut.of(own_line(uow, line.currency.strip()))

    return request.transact(work)


@get("/v1/owed", permission=SEES, sync_to_thread=True, tags=["buying"])
def get_own_owed(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[OwedOut]]:
    """What the organization owes for purchases on account, the first due first."""
    return list_page(request, paging, own_owed, OwedOut.of)


@get("/v1/owed/totals", permission=SEES, sync_to_thread=True, tags=["buying"])
def get_own_owed_totals(request: ApiRequest) -> AgeTotalsOut:
    """What the organization owes, by currency and age."""
    return _totals(request)


@get("/v1/operator/credit-lines", permission=READ, sync_to_thread=True, tags=["operator"])
def get_credit_lines(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(CREDIT_LINE.states)] = None,
) -> Response[PageOut[CreditLineOut]]:
    """Lines of all organizations, newest first; `asked`: those of which something is to be decided."""
    return list_page(request, paging, list_credit_lines, CreditLineOut.of, state=only)


@post(
    "/v1/operator/credit-lines",
    permission=WRITE,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def grant_one(data: JSONBody[GrantCreditLineIn], request: ApiRequest) -> CreditLineOut:
    """Grant an organization a line, or change the one that it has. What it owes already stays due as it was."""
    command = GrantCreditLine(data.org_id, data.currency, data.limit, data.term_days, data.reason)
    return request.transact(lambda uow: CreditLineOut.of(get_credit_line(uow, grant_credit_line(uow, command).id)))


def _on_line(verb: str) -> dict[str, Any]:
    return {
        "path": f"/v1/operator/credit-lines/{{credit_line_id:uuid}}/{verb}",
        "permission": WRITE,
        "refuses": [409],
        "sync_to_thread": True,
        "status_code": 200,
        "tags": ["operator"],
    }


@post(**_on_line("decline"))
def decline_one(credit_line_id: FromPath[UUID], data: JSONBody[EndCreditLineIn], request: ApiRequest) -> CreditLineOut:
    """Say no to what is asked for; an open line stays as it is."""
    command = EndCreditLine(credit_line_id, data.reason)
    return request.transact(lambda uow: CreditLineOut.of(get_credit_line(uow, decline_credit_line(uow, command).id)))


@post(**_on_line("close"))
def close_one(credit_line_id: FromPath[UUID], data: JSONBody[EndCreditLineIn], request: ApiRequest) -> CreditLineOut:
    """Close a line: nothing is added any more; what is owed stays due."""
    command = EndCreditLine(credit_line_id, data.reason)
    return request.transact(lambda uow: CreditLineOut.of(get_credit_line(uow, close_credit_line(uow, command).id)))


@get("/v1/operator/owed", permission=READ, sync_to_thread=True, tags=["operator"])
def get_owed(
    request: ApiRequest,
    paging: Given[Paging],
    *,
    overdue: Annotated[
        bool, QueryParameter(name="overdue", required=False, description="Only what should be here by now")
    ] = False,
) -> Response[PageOut[OwedOut]]:
    """What all buyers owe for purchases on account, the first due first."""
    return list_page(request, paging, list_owed, OwedOut.of, overdue=overdue)


@get("/v1/operator/owed/totals", permission=READ, sync_to_thread=True, tags=["operator"])
def get_owed_totals(request: ApiRequest) -> AgeTotalsOut:
    """What all buyers owe, by currency and age."""
    return _totals(request)


@get("/v1/dunning-notices", permission=SEES, sync_to_thread=True, tags=["buying"])
def get_own_notices(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[DunningNoticeOut]]:
    """What the organization was told of what it owes, newest first."""
    return list_page(request, paging, own_notices, DunningNoticeOut.of)


@get("/v1/operator/dunning-notices", permission=READ, sync_to_thread=True, tags=["operator"])
def get_notices(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[DunningNoticeOut]]:
    """What all buyers were told of what they owe, newest first."""
    return list_page(request, paging, list_notices, DunningNoticeOut.of)


def _pdf(path: str, permission: str, tag: str) -> dict[str, Any]:
    return {
        "path": f"{path}/{{dunning_notice_id:uuid}}/pdf",
        "permission": permission,
        "refuses": [404, 409],
        "sync_to_thread": True,
        "media_type": "application/pdf",
        "tags": [tag],
    }


@get(**_pdf("/v1/dunning-notices", SEES, "buying"))
def download_own_letter(
    dunning_notice_id: FromPath[UUID], request: ApiRequest, locale: LocaleParameter = "zh-CN"
) -> Stream:
    """A letter as PDF. It is drawn within seconds of being written."""
    return _letter(request, dunning_notice_id, locale)


@get(**_pdf("/v1/operator/dunning-notices", READ, "operator"))
def download_letter(
    dunning_notice_id: FromPath[UUID], request: ApiRequest, locale: LocaleParameter = "zh-CN"
) -> Stream:
    """A letter to any buyer as PDF."""
    return _letter(request, dunning_notice_id, locale)


def _letter(request: ApiRequest, notice_id: UUID, locale: str) -> Stream:
    with request.transaction() as uow:
        found = find_letter_file(uow, notice_id, locale)
    return Stream(
        request.services.storage.stream(found.key),
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _totals(request: ApiRequest) -> AgeTotalsOut:
    with request.transaction() as uow:
        return AgeTotalsOut(items=[AgeTotalOut.of(row) for row in owed_totals(uow)])


routes = [
    get_own_credit_lines,
    ask_for_credit_line,
    get_own_owed,
    get_own_owed_totals,
    get_credit_lines,
    grant_one,
    decline_one,
    close_one,
    get_owed,
    get_owed_totals,
    get_own_notices,
    get_notices,
    download_own_letter,
    download_letter,
]
