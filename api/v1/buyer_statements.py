"""Signed monthly statements of a buyer: closed once a month is over, chained, and checked by anybody who holds one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from api.v1.invoice_export import parse_month
from api.v1.sale_papers import PDF, LanguageParameter, download
from kernel.errors import Invalid
from kernel.principal import SYSTEM
from orders.buyer_statements.close_month import close_buyer_month
from orders.buyer_statements.content import SECTIONS
from orders.buyer_statements.queries import (
    BuyerStatementRow,
    VerifiedStatement,
    buyer_statement_content,
    get_buyer_statement,
    list_buyer_statements,
    to_statement_row,
    verify_statement,
)

READ, CLOSE = "invoices.read", "billing.manage"


class BuyerStatementIn(Wire):
    """Which month."""

    month: Annotated[str, Field(max_length=7, description="YYYY-MM, a month that is over")]


class BuyerStatementTotalsOut(Out):
    """What a month comes to in one currency. Credit notes count against invoices."""

    orders: MoneyOut
    payments: MoneyOut
    refunds: MoneyOut
    invoices: MoneyOut
    open: Annotated[MoneyOut, Meta(description="Ordered and not paid at the end of the month")]


class BuyerStatementOut(Out):
    """A statement. Its data file holds every fact, and is what was hashed."""

    id: UUID
    number: str
    month: date
    totals: list[BuyerStatementTotalsOut]
    content_sha256: Annotated[str, Meta(description="SHA-256 of the data file")]
    previous_hash: Annotated[str, Meta(description="`hash` of the statement before; zeros where there was none")]
    hash: Annotated[str, Meta(description="SHA-256 of `previous_hash` and `content_sha256`, one after the other")]
    signature: str
    verification_code: str
    created_at: datetime

    @classmethod
    def of(cls, row: BuyerStatementRow) -> BuyerStatementOut:
        """From the query's row."""
        return cls.of_row(row, totals=[totals_out(name, one["totals"]) for name, one in row.currencies.items()])


class VerifiedStatementOut(Out):
    """What a statement's code confirms."""

    number: str
    month: date
    legal_name: str
    totals: list[BuyerStatementTotalsOut]
    content_sha256: str
    hash: str
    genuine: Annotated[bool, Meta(description="Whether content, chain and signature are as they were made")]

    @classmethod
    def of(cls, row: VerifiedStatement) -> VerifiedStatementOut:
        """From the query's row."""
        return cls.of_row(row, totals=[totals_out(name, sums) for name, sums in row.totals.items()])


def totals_out(currency: str, sums: dict[str, int]) -> BuyerStatementTotalsOut:
    """What each section comes to."""
    return BuyerStatementTotalsOut(**{name: MoneyOut.of(sums[name], currency) for name in SECTIONS})


@get("/v1/buyer-statements", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_buyer_statements(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[BuyerStatementOut]]:
    """The organization's monthly statements, newest first."""
    return list_page(request, paging, list_buyer_statements, BuyerStatementOut.of)


@post("/v1/buyer-statements", permission=CLOSE, refuses=[409], sync_to_thread=True, tags=["invoices"])
def close_month(data: JSONBody[BuyerStatementIn], request: ApiRequest) -> BuyerStatementOut:
    """Close a month that is over. Asked again, the answer is the same statement; months are closed in their order."""
    return closed(request, data.month)


@get("/v1/buyer-statements/{buyer_statement_id:uuid}", permission=READ, sync_to_thread=True, tags=["invoices"])
def get_one_buyer_statement(buyer_statement_id: FromPath[UUID], request: ApiRequest) -> BuyerStatementOut:
    """One of them."""
    with request.transaction() as uow:
        return BuyerStatementOut.of(get_buyer_statement(uow, buyer_statement_id))


@get(
    "/v1/buyer-statements/{buyer_statement_id:uuid}/data",
    permission=READ,
    refuses=[404],
    sync_to_thread=True,
    media_type="application/json",
    tags=["invoices"],
)
def download_buyer_statement_data(buyer_statement_id: FromPath[UUID], request: ApiRequest) -> Response[Any]:
    """Every fact of the month, byte for byte as it was hashed."""
    with request.transaction() as uow:
        content, number = buyer_statement_content(uow, buyer_statement_id)
    return Response(
        content.encode(),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{number}.json"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


@get(
    "/v1/buyer-statements/{buyer_statement_id:uuid}/pdf",
    permission=READ,
    refuses=[404, 409],
    sync_to_thread=True,
    media_type=PDF,
    tags=["invoices"],
)
def download_buyer_statement(
    buyer_statement_id: FromPath[UUID], request: ApiRequest, language: LanguageParameter = "zh-CN"
) -> Stream:
    """The statement as PDF. 409 `paper_not_ready`: ask again in a second."""
    return download(request, "buyer_statement", buyer_statement_id, language)


@get("/v1/buyer-statement-verifications/{code:str}", permission="public", sync_to_thread=True, tags=["invoices"])
def verify_buyer_statement(code: FromPath[str], request: ApiRequest) -> VerifiedStatementOut:
    """What stands behind the code printed on a statement; for anyone who holds it."""
    return VerifiedStatementOut.of(verified(request, code))


def closed(request: ApiRequest, text: str) -> BuyerStatementOut:
    """For the route and the page alike. Raises as `close_buyer_month`; Invalid `month_invalid`."""
    month = parse_month(text)
    if month is None:
        raise Invalid("month_invalid", field="month")
    signer = request.services.signer
    return request.transact(lambda uow: BuyerStatementOut.of(to_statement_row(close_buyer_month(uow, month, signer))))


def verified(request: ApiRequest, code: str) -> VerifiedStatement:
    """For the route and the page alike. Raises NotFound(`buyer_statement_not_found`)."""
    with request.transaction(acting_as=SYSTEM) as uow:
        return verify_statement(uow, code, request.services.signer)


routes = [
    get_buyer_statements,
    close_month,
    get_one_buyer_statement,
    download_buyer_statement_data,
    download_buyer_statement,
    verify_buyer_statement,
]
