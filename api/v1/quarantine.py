"""Webhooks of gateways that could not be believed, or that only a person can settle: the operators' desk."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, list_page
from billing.gateways.quarantine import (
    QuarantinedWebhook,
    list_quarantined,
    look_again,
    settle_webhook,
    to_quarantined,
)


class QuarantinedWebhookOut(Out):
    """A webhook that was put aside. Nothing was concluded from it."""

    id: UUID
    gateway: str
    event_id: str
    kind: Annotated[str, Meta(description="The gateway's word for it")]
    subject_id: Annotated[UUID | None, Meta(description="The payment, refund or payout; good for /v1/trace")]
    reference: Annotated[str | None, Meta(description="The gateway's id of what it is about")]
    note: Annotated[str, Meta(description="Why it was put aside")]
    needs_person: Annotated[bool, Meta(description="No question to the gateway settles it")]
    state: str
    received_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    resolution: str | None

    @classmethod
    def of(cls, row: QuarantinedWebhook) -> QuarantinedWebhookOut:
        """From the query's row."""
        return cls.of_row(row)


class SettleWebhookIn(Wire):
    """What was done about it, and why that is right."""

    resolution: Annotated[str, Field(min_length=1, max_length=1000)]


@get("/v1/operator/webhooks", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_all_quarantined(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(("quarantined", "settled"))] = None
) -> Response[PageOut[QuarantinedWebhookOut]]:
    """Webhooks that were put aside (`quarantined`) and those that an operator closed (`settled`), newest first."""
    return list_page(request, paging, list_quarantined, QuarantinedWebhookOut.of, state=only)


@post(
    "/v1/operator/webhooks/{webhook_id:uuid}/settle",
    permission="operator.payouts",
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def settle(webhook_id: FromPath[UUID], data: JSONBody[SettleWebhookIn], request: ApiRequest) -> QuarantinedWebhookOut:
    """Close one with a reason; no money moves. Done twice, the second is refused (`webhook_settled`)."""
    return request.transact(
        lambda uow: QuarantinedWebhookOut.of(to_quarantined(settle_webhook(uow, webhook_id, data.resolution)))
    )


@post(
    "/v1/operator/webhooks/{webhook_id:uuid}/look-again",
    permission="operator.payouts",
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def look(webhook_id: FromPath[UUID], request: ApiRequest) -> QuarantinedWebhookOut:
    """Ask the gateway once more about one, when what did not fit was put right there. Done twice, the second is refused
    (`webhook_settled`).
    """
    return request.transact(lambda uow: QuarantinedWebhookOut.of(to_quarantined(look_again(uow, webhook_id))))


routes = [list_all_quarantined, settle, look]
