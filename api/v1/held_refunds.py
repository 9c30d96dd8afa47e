"""Refunds that wait until a red tax invoice (数电票) takes back what they undo: what each side reads of them, and may do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from billing.fapiao.held_refunds import HeldRefundRow, HeldSide, list_held_refunds
from billing.refunds.models import Refund
from kernel.db.uow import UnitOfWork
from orders.refunds.held import pay_before_red, withdraw_held_refund

READ, BUY, SEES, PAYS = "orders.read", "orders.buy", "money.read", "operator.payouts"


class HeldRefundOut(Out):
    """A refund that waits. Its money goes by itself once the red tax invoice is issued."""

    id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    amount: MoneyOut
    reason: str
    automatic: Annotated[bool, Meta(description="Owed by a promise of the platform, and not asked for by a person")]
    held_at: Annotated[datetime, Meta(description="Since when it waits")]
    waits_for: Annotated[
        str,
        Meta(
            description="`issuer`: nobody has to do anything; `buyer`, `seller`: their confirmation of the red letter; "
            "`both`: a letter was refused or taken back, and either of them enters another"
        ),
    ]
    until: Annotated[
        datetime | None, Meta(description="Until when the letter has to be confirmed; another follows then")
    ]
    goes_at: Annotated[datetime | None, Meta(description="From when on the money goes without the red one")]
    red_letter_ids: list[UUID]

    @classmethod
    def of(cls, row: HeldRefundRow) -> HeldRefundOut:
        """From the query's row."""
        return cls.of_row(row, red_letter_ids=list(row.letter_ids))


class HeldRefundEndOut(Out):
    """What became of one: `failed` after its buyer let it be, else how far its money is."""

    id: UUID
    order_id: UUID
    amount: MoneyOut
    state: str


class ReleaseRefundIn(Wire):
    """Why the money goes before the red tax invoice; kept in the audit log."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


@get("/v1/held-refunds", permission=READ, sync_to_thread=True, tags=["buying"])
def get_held_refunds(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[HeldRefundOut]]:
    """Refunds to the organization that wait for a red tax invoice, newest first."""
    return list_page(request, paging, _listed("buyer"), HeldRefundOut.of)


@get("/v1/seller/held-refunds", permission=SEES, sync_to_thread=True, tags=["seller"])
def get_sellers_held_refunds(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[HeldRefundOut]]:
    """Refunds of the organization's sales that wait for a red tax invoice, newest first."""
    return list_page(request, paging, _listed("seller"), HeldRefundOut.of)


@get("/v1/operator/held-refunds", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_all_held_refunds(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[HeldRefundOut]]:
    """Everybody's, newest first."""
    return list_page(request, paging, _listed("operator"), HeldRefundOut.of)


@post(
    "/v1/held-refunds/{refund_id:uuid}/withdraw",
    permission=BUY,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def withdraw_held(refund_id: FromPath[UUID], request: ApiRequest) -> HeldRefundEndOut:
    """Let a refund be that the organization asked for itself: its tax invoice stands. Repeating it changes nothing."""
    return request.transact(lambda uow: _ended(withdraw_held_refund(uow, refund_id)))


@post(
    "/v1/operator/held-refunds/{refund_id:uuid}/release",
    permission=PAYS,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def release_held(refund_id: FromPath[UUID], data: JSONBody[ReleaseRefundIn], request: ApiRequest) -> HeldRefundEndOut:
    """Let the money go before the red tax invoice, where the sides do not come to one. Repeating it changes nothing."""
    return request.transact(lambda uow: _ended(pay_before_red(uow, refund_id, data.reason)))


def _listed(side: HeldSide) -> Any:
    def listed(uow: UnitOfWork, **how: Any) -> Any:
        return list_held_refunds(uow, side=side, **how)

    return listed


def _ended(row: Refund) -> HeldRefundEndOut:
    amount = MoneyOut.of(row.amount_minor, row.currency)
    return HeldRefundEndOut(id=row.id, order_id=row.reference, amount=amount, state=row.state)


routes = [get_held_refunds, get_sellers_held_refunds, get_all_held_refunds, withdraw_held, release_held]
