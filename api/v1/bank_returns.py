"""Returns of received transfers that are above the limit of one person: asked for by one operator, approved by another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath
from msgspec import Meta

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, list_page
from billing.bank.ask_return import (
    READ,
    BankReturnView,
    approve_return,
    list_returns,
    return_view,
    withdraw_return,
)
from billing.bank.models import RETURNED_TRANSFER, BankReturn
from billing.bank.settle_line import MANAGE
from kernel.db.uow import UnitOfWork


class BankReturnOut(Out):
    """A return above the limit: whoever asked for it does not approve it."""

    id: UUID
    line_id: UUID
    amount: MoneyOut
    payee_name: str
    payee_account: str
    reason: str
    state: Annotated[str, Meta(description="asked, approved (it is to be sent) or withdrawn")]
    asked_by: UUID | None
    decided_by: UUID | None
    decided_at: datetime | None
    outgoing_id: Annotated[UUID | None, Meta(description="What is to be sent since it was approved")]
    created_at: datetime

    @classmethod
    def of(cls, row: BankReturnView) -> BankReturnOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/operator/bank/returns", permission=READ, sync_to_thread=True, tags=["operator"])
def get_bank_returns(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(RETURNED_TRANSFER.states)] = None
) -> Response[PageOut[BankReturnOut]]:
    """Returns that wait for a second person, or waited for one; the newest first."""
    return list_page(request, paging, list_returns, BankReturnOut.of, state=only)


def _on_return(verb: str) -> dict[str, Any]:
    return {
        "path": f"/v1/operator/bank/returns/{{return_id:uuid}}/{verb}",
        "permission": MANAGE,
        "refuses": [409],
        "sync_to_thread": True,
        "status_code": 200,
        "tags": ["operator"],
    }


@post(**_on_return("approve"))
def approve_bank_return(return_id: FromPath[UUID], request: ApiRequest) -> BankReturnOut:
    """Agree that the money goes back: then it is on the list of what is to be sent. Not for whoever asked for it, nor keys."""
    return _after(request, return_id, approve_return)


@post(**_on_return("withdraw"))
def withdraw_bank_return(return_id: FromPath[UUID], request: ApiRequest) -> BankReturnOut:
    """Do not send it back: the line is as it was."""
    return _after(request, return_id, withdraw_return)


def _after(request: ApiRequest, return_id: UUID, verb: Callable[[UnitOfWork, UUID], BankReturn]) -> BankReturnOut:
    return BankReturnOut.of(request.transact(lambda uow: return_view(verb(uow, return_id))))


routes = [get_bank_returns, approve_bank_return, withdraw_bank_return]
