"""Endpoints of an organization's own systems: where events are sent, what was sent, and sending again.

No answer here is kept for an Idempotency-Key where it holds a secret. Whoever loses one rotates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import AfterValidator, Field, StringConstraints

from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, UtcIn, Wire, linked
from kernel.db.uow import UnitOfWork
from kernel.text import plain_text
from marketplace.webhooks.queries import attempts_of, deliveries_of, endpoints_of, get_delivery, get_endpoint
from marketplace.webhooks.replay import replay_delivery, replay_range
from marketplace.webhooks.replay import test_endpoint as send_test
from marketplace.webhooks.save_endpoint import (
    MANAGE,
    MAX_NAME,
    ChangeEndpoint,
    SavedEndpoint,
    SaveEndpoint,
    change_endpoint,
    remove_endpoint,
    rotate_endpoint_secret,
    save_endpoint,
    switch_endpoint,
)
from marketplace.webhooks.views import DeliveryView

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME),
    AfterValidator(plain_text),
    StringConstraints(min_length=1),
]
Address = Annotated[str, Field(min_length=1, max_length=2_048, examples=["https://erp.example/events"])]
Types = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=200, examples=[["order.paid"]])]


class EndpointOut(Out):
    """Where events are sent."""

    id: UUID
    name: str
    url: str
    types: Annotated[Sequence[str], Meta(description="Types of the events that are sent there")]
    state: Literal["active", "disabled"]
    disabled_for: Annotated[
        Literal["owner", "failures", "gone"] | None,
        Meta(description="`failures`: it took nothing for six days; `gone`: it answered 410"),
    ]
    disabled_at: datetime | None
    failures: Annotated[int, Meta(description="Attempts in a row that failed")]
    failing_since: datetime | None
    rests_until: Annotated[datetime | None, Meta(description="Nothing is sent before: it failed too often in a row")]
    overlap_until: Annotated[datetime | None, Meta(description="Until when the former secret signs too")]
    pending: Annotated[int, Meta(description="Deliveries that wait, 1,000 at most")]
    created_at: datetime


class SavedEndpointOut(EndpointOut):
    """An endpoint as saved; `secret` is shown this once when it is new, else null."""

    secret: str | None


class EndpointsOut(Out):
    """The organization's endpoints, the oldest first."""

    items: Sequence[EndpointOut]


class DeliveryOut(Out):
    """One event on its way to one endpoint."""

    id: UUID
    event_id: UUID
    message_id: Annotated[str, Meta(description="The header `webhook-id`")]
    type: str
    position: int
    subject_id: UUID
    occurred_at: datetime
    state: Literal["pending", "delivered", "failed"]
    tries: Annotated[int, Meta(description="Since it was last made pending; 12 at most")]
    attempts: Annotated[int, Meta(description="In all")]
    next_attempt_at: datetime | None
    failure: Literal["exhausted", "endpoint_disabled", "endpoint_removed"] | None
    created_at: datetime
    ended_at: datetime | None


class WebhookCallOut(Out):
    """One call."""

    number: int
    succeeded: bool
    status: int | None
    reason: Annotated[str | None, Meta(description="Why it was no success, as `http_503` or `read_timeout`")]
    answered: Annotated[str, Meta(description="What the endpoint answered, redacted and cut short")]
    elapsed_ms: int | None
    started_at: datetime


class DeliveryWithCallsOut(DeliveryOut):
    """A delivery with its calls, the newest first."""

    calls: Sequence[WebhookCallOut]


class EndpointIn(Wire):
    """A new endpoint: an https address that the guarded client may call, and types whose permission the caller holds."""

    name: Name
    url: Address
    types: Types


class EndpointChange(Wire):
    """Fields that are left out stay as they are. `state` switches it off and on."""

    name: Name | None = None
    url: Address | None = None
    types: Types | None = None
    state: Literal["active", "disabled"] | None = None


class ReplayIn(Wire):
    """What happened in [since, until), of the types the endpoint wants: what it has not taken, or with `also_delivered` all."""

    since: Annotated[UtcIn, Field(examples=["2026-11-01T00:00:00Z"])]
    until: Annotated[UtcIn, Field(examples=["2026-11-02T00:00:00Z"])]
    also_delivered: bool = False


class ReplayOut(Out):
    """How many events are sent again."""

    events: int


DeliveryStateParameter = Annotated[
    Literal["pending", "delivered", "failed"] | None,
    QueryParameter(name="state", required=False, description="Only deliveries in this state"),
]
_ALL = "/v1/webhook-endpoints"
_ONE = f"{_ALL}/{{endpoint_id:uuid}}"
_DELIVERY = f"{_ONE}/deliveries/{{delivery_id:uuid}}"


@get(_ALL, permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def list_endpoints(request: ApiRequest) -> EndpointsOut:
    """The organization's endpoints, without their secrets."""
    with request.transaction() as uow:
        return EndpointsOut(items=[EndpointOut.of_row(row) for row in endpoints_of(uow)])


@post(_ALL, permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def create_endpoint(data: JSONBody[EndpointIn], request: ApiRequest) -> SavedEndpointOut:
    """Make an endpoint: it is sent what happens from now on. Its signing secret is in this answer and nowhere else."""
    command, services = SaveEndpoint(data.name, data.url, data.types), request.services

    def save(uow: UnitOfWork) -> SavedEndpointOut:
        return _shown(uow, save_endpoint(uow, command, box=services.secrets, policy=services.outbound_policy))

    return request.transact(save)


@get(_ONE, permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def read_endpoint(endpoint_id: FromPath[UUID], request: ApiRequest) -> EndpointOut:
    """One endpoint, without its secrets."""
    with request.transaction() as uow:
        return EndpointOut.of_row(get_endpoint(uow, endpoint_id))


@patch(_ONE, permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def update_endpoint(endpoint_id: FromPath[UUID], data: JSONBody[EndpointChange], request: ApiRequest) -> EndpointOut:
    """Change name, address or types, switch it off or on. The secret stays. What happens while it is off: see `replay`."""
    command = ChangeEndpoint(endpoint_id, data.name, data.url, data.types)

    def change(uow: UnitOfWork) -> EndpointOut:
        change_endpoint(uow, command, policy=request.services.outbound_policy)
        if data.state is not None:
            switch_endpoint(uow, endpoint_id, on=data.state == "active")
        uow.flush()
        return EndpointOut.of_row(get_endpoint(uow, endpoint_id))

    return request.transact(change)


@delete(_ONE, permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def delete_endpoint(endpoint_id: FromPath[UUID], request: ApiRequest) -> None:
    """Send nothing there any more, for good."""
    request.transact(lambda uow: remove_endpoint(uow, endpoint_id))


@post(f"{_ONE}/secret", permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def rotate_secret(endpoint_id: FromPath[UUID], request: ApiRequest) -> SavedEndpointOut:
    """A fresh secret, shown once. The former one signs along for 24 hours, so that nothing is refused meanwhile."""
    box = request.services.secrets

    def change(uow: UnitOfWork) -> SavedEndpointOut:
        return _shown(uow, rotate_endpoint_secret(uow, endpoint_id, box=box))

    return request.transact(change)


@post(f"{_ONE}/test", permission=MANAGE, sync_to_thread=True, status_code=202, tags=["webhooks"])
def test_endpoint(endpoint_id: FromPath[UUID], request: ApiRequest) -> DeliveryOut:
    """Send a `webhook.test` there. Ask for its delivery to see how it went."""

    def send(uow: UnitOfWork) -> DeliveryOut:
        delivery_id = send_test(uow, endpoint_id)
        return DeliveryOut.of_row(get_delivery(uow, endpoint_id, delivery_id))

    return request.transact(send)


@post(f"{_ONE}/replay", permission=MANAGE, sync_to_thread=True, status_code=202, tags=["webhooks"])
def replay(endpoint_id: FromPath[UUID], data: JSONBody[ReplayIn], request: ApiRequest) -> ReplayOut:
    """Send what happened in a time: what it missed, or everything once more. 10,000 events at most."""

    def again(uow: UnitOfWork) -> ReplayOut:
        count = replay_range(uow, endpoint_id, since=data.since, until=data.until, also_delivered=data.also_delivered)
        return ReplayOut(events=count)

    return request.transact(again)


@get(f"{_ONE}/deliveries", permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def list_deliveries(
    endpoint_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging], only: DeliveryStateParameter = None
) -> Response[PageOut[DeliveryOut]]:
    """What was sent there or waits, the newest first."""
    with request.transaction() as uow:
        page = deliveries_of(uow, endpoint_id, state=only, cursor=paging.cursor, limit=paging.limit)
    return linked(page, _delivery, request.scope["path"], state=only, limit=paging.limit)


@get(_DELIVERY, permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def read_delivery(
    endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], request: ApiRequest
) -> DeliveryWithCallsOut:
    """One delivery with its calls."""
    with request.transaction() as uow:
        row, calls = get_delivery(uow, endpoint_id, delivery_id), attempts_of(uow, delivery_id)
    return DeliveryWithCallsOut.of_row(row, calls=[WebhookCallOut.of_row(one) for one in calls])


@post(f"{_DELIVERY}/replay", permission=MANAGE, sync_to_thread=True, status_code=202, tags=["webhooks"])
def replay_one(endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], request: ApiRequest) -> DeliveryOut:
    """Send one event again, at once; asked twice before it went, once."""

    def again(uow: UnitOfWork) -> DeliveryOut:
        replay_delivery(uow, endpoint_id, delivery_id)
        return DeliveryOut.of_row(get_delivery(uow, endpoint_id, delivery_id))

    return request.transact(again)


def _delivery(row: DeliveryView) -> DeliveryOut:
    return DeliveryOut.of_row(row)


def _shown(uow: UnitOfWork, saved: SavedEndpoint) -> SavedEndpointOut:
    uow.flush()
    return SavedEndpointOut.of_row(get_endpoint(uow, saved.id), secret=saved.secret)


routes = [
    list_endpoints,
    create_endpoint,
    read_endpoint,
    update_endpoint,
    delete_endpoint,
    rotate_secret,
    test_endpoint,
    replay,
    list_deliveries,
    read_delivery,
    replay_one,
]
