"""Credit that buyers have with sellers: a buyer's own, and what a seller's customers have with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, list_page
from api.v1.refund_cases import BUY, READ, SEES
from kernel.db.uow import UnitOfWork
from orders.store_credit.pay_back import ask_payback
from orders.store_credit.queries import CreditMovementView, StoreCreditView, get_credit, list_credits


class CreditMovementOut(Out):
    """One change of a balance."""

    kind: Annotated[str, Meta(description="given (by a refund), used (by an order's payment), paid_back (in money)")]
    amount: Annotated[MoneyOut, Meta(description="Positive into the balance, negative out of it")]
    order_id: UUID | None
    order_number: str | None
    created_at: datetime

    @classmethod
    def of(cls, row: CreditMovementView, currency: str) -> CreditMovementOut:
        """From the query's row."""
        return cls.of_row(row, amount=MoneyOut.of(row.amount_minor, currency))


class StoreCreditOut(Out):
    """What a buyer has with a seller in a currency. It never expires."""

    id: UUID
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    balance: MoneyOut
    available: Annotated[MoneyOut, Meta(description="Without what payments under way are about to use")]
    may_be_paid_back: Annotated[bool, Meta(description="Something is left, and nothing of the seller's goes on")]
    movements: Annotated[list[CreditMovementOut], Meta(description="The latest first; empty in lists")]
    created_at: datetime

    @classmethod
    def of(cls, row: StoreCreditView) -> StoreCreditOut:
        """From the query's row."""
        return cls.of_row(
            row,
            balance=MoneyOut.of(row.balance_minor, row.currency),
            available=MoneyOut.of(row.available_minor, row.currency),
            movements=[CreditMovementOut.of(one, row.currency) for one in row.movements],
        )


@get("/v1/store-credits", permission=READ, sync_to_thread=True, tags=["buying"])
def get_store_credits(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[StoreCreditOut]]:
    """What the organization has with sellers, the newest first."""
    return list_page(request, paging, _own, StoreCreditOut.of)


@get("/v1/store-credits/{credit_id:uuid}", permission=READ, sync_to_thread=True, tags=["buying"])
def get_store_credit(credit_id: FromPath[UUID], request: ApiRequest) -> StoreCreditOut:
    """One of them, with its movements."""
    with request.transaction() as uow:
        return StoreCreditOut.of(get_credit(uow, credit_id, side="buyer"))


@post(
    "/v1/store-credits/{credit_id:uuid}/payback",
    permission=BUY,
    refuses=[409],
    sync_to_thread=True,
    status_code=202,
    tags=["buying"],
)
def pay_store_credit_back(credit_id: FromPath[UUID], request: ApiRequest) -> StoreCreditOut:
    """Have all that is available paid back in money, once nothing of the seller's goes on. Repeated, nothing is left."""

    def work(uow: UnitOfWork) -> StoreCreditOut:
        ask_payback(uow, credit_id)
        return StoreCreditOut.of(get_credit(uow, credit_id, side="buyer"))

    return request.transact(work)


@get("/v1/seller/store-credits", permission=SEES, sync_to_thread=True, tags=["seller"])
def get_customers_credits(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[StoreCreditOut]]:
    """What customers have with the organization, the newest first."""
    return list_page(request, paging, _given, StoreCreditOut.of)


@get("/v1/seller/store-credits/{credit_id:uuid}", permission=SEES, sync_to_thread=True, tags=["seller"])
def get_customers_credit(credit_id: FromPath[UUID], request: ApiRequest) -> StoreCreditOut:
    """One of them, with its movements."""
    with request.transaction() as uow:
        return StoreCreditOut.of(get_credit(uow, credit_id, side="seller"))


def _own(uow: UnitOfWork, **how: Any) -> Any:
    return list_credits(uow, side="buyer", **how)


def _given(uow: UnitOfWork, **how: Any) -> Any:
    return list_credits(uow, side="seller", **how)


routes = [get_store_credits, get_store_credit, pay_store_credit_back, get_customers_credits, get_customers_credit]
