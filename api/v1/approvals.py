"""Approvals: a purchase that waits for a second pair of eyes is let pass or refused, step by step."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.paying import PayingCommand, Started, run_paying
from api.request import ApiRequest
from api.schema import KeyHeader, Wire, answered
from api.v1.purchases import PurchaseOut, shown_purchase
from kernel.db.uow import UnitOfWork
from orders import queries
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase


class DecisionIn(Wire):
    """Why; required for a rejection."""

    reason: Annotated[str, Field(max_length=500)] | None = None
    step: Annotated[int, Field(strict=True, ge=1, le=100)] | None = Field(
        default=None,
        description="The step that is meant; refused when another is the present one. Default: the present one",
    )


@post(
    "/v1/purchases/{purchase_id:uuid}/approve",
    permission="orders.read",
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def approve_purchase(
    purchase_id: FromPath[UUID],
    data: JSONBody[DecisionIn],
    request: ApiRequest,
    idempotency_key: KeyHeader,
) -> Response[PurchaseOut]:
    """Let a purchase pass this step; after the last one its payment starts.

    Asks for what the step asks for: `orders.approve`, `billing.manage`, or to be one of the named persons; a deputy decides
    in their place. Nobody decides two steps of one purchase.
    """
    return _decide(request, purchase_id, "approved", data, idempotency_key)


@post(
    "/v1/purchases/{purchase_id:uuid}/reject",
    permission="orders.read",
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def reject_purchase(
    purchase_id: FromPath[UUID],
    data: JSONBody[DecisionIn],
    request: ApiRequest,
    idempotency_key: KeyHeader,
) -> Response[PurchaseOut]:
    """Refuse a purchase, with the reason its requester will read."""
    return _decide(request, purchase_id, "rejected", data, idempotency_key)


def _decide(
    request: ApiRequest, purchase_id: UUID, decision: Literal["approved", "rejected"], data: DecisionIn, key: str | None
) -> Response[PurchaseOut]:
    command = DecidePurchase(purchase_id, decision, data.reason, pay_at_once=True, step=data.step)

    def decide(uow: UnitOfWork) -> Started:
        decided = decide_purchase(uow, command)
        uow.flush()
        return Started(queries.get_purchase(uow, purchase_id), decided.submission)

    return answered(
        run_paying(
            request,
            key,
            data,
            PayingCommand(decide, partial(shown_purchase, purchase_id)),
            shown=PurchaseOut.of,
            status=200,
        )
    )


routes = [approve_purchase, reject_purchase]
