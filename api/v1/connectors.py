"""A seller's connectors: where runs are sent and what signs them. A secret is shown once, when it is made.

No answer here is kept for an Idempotency-Key: it may hold a secret. Whoever loses it rotates.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import AfterValidator, StringConstraints

from api.request import ApiRequest
from api.schema import Out, Wire
from fulfillment.connectors import queries as connectors_queries
from fulfillment.connectors.save_connector import (
    ChangeConnector,
    SaveConnector,
    SavedConnector,
    change_connector,
    rotate_secret,
    save_connector,
)
from fulfillment.connectors.views import ConnectorView
from fulfillment.runs.check_connector import ask_for_test
from kernel.db.uow import UnitOfWork
from kernel.text import plain_text

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100),
    AfterValidator(plain_text),
    StringConstraints(min_length=1),
]
Address = Annotated[str, StringConstraints(max_length=2_048)]


class ConnectorOut(Out):
    """How runs reach the seller's system."""

    id: UUID
    kind: str
    name: str
    url: str | None
    overlap_until: Annotated[datetime | None, Meta(description="Until when the former secret signs too")]
    test: Annotated[
        Literal["untested", "running", "passed", "failed"],
        Meta(description="How the latest test of the present address and secret went"),
    ]
    tested_at: datetime | None
    test_failure: Annotated[str | None, Meta(description="Why it failed: a code of ours or the seller's own words")]
    created_at: datetime


class SavedOut(ConnectorOut):
    """A connector as saved; `secret` is shown this once when it is new, else null."""

    secret: str | None


class ConnectorsOut(Out):
    """The organization's connectors, the oldest first."""

    items: list[ConnectorOut]


class TranscriptStepOut(Out):
    """One call of a test: `message`, `repetition` (the same again) or `forgery` (signed with a secret that is not ours)."""

    step: Literal["message", "repetition", "forgery"]
    status: int | None
    elapsed_ms: int | None
    sent: str
    answered: str
    failure: Annotated[str | None, Meta(description="Why it did not pass; null when it did")]


class TranscriptOut(Out):
    """What the latest test saw, step by step, up to the first that failed."""

    steps: list[TranscriptStepOut]


class ConnectorIn(Wire):
    """A new connector. `webhook` needs an https address that the guarded client may call."""

    kind: Literal["webhook", "none"]
    name: Name
    url: Address | None = None


class ConnectorChange(Wire):
    """Fields that are left out stay as they are."""

    name: Name | None = None
    url: Address | None = None


@get("/v1/connectors", permission="connectors.write", sync_to_thread=True, tags=["seller"])
def list_connectors(request: ApiRequest) -> ConnectorsOut:
    """The organization's connectors, without their secrets."""
    with request.transaction() as uow:
        return ConnectorsOut(items=[ConnectorOut.of_row(row) for row in connectors_queries.connectors_of(uow)])


@get("/v1/connectors/{connector_id:uuid}", permission="connectors.write", sync_to_thread=True, tags=["seller"])
def get_connector(connector_id: FromPath[UUID], request: ApiRequest) -> ConnectorOut:
    """One connector, without its secrets."""
    with request.transaction() as uow:
        return ConnectorOut.of_row(connectors_queries.get_connector(uow, connector_id))


@get(
    "/v1/connectors/{connector_id:uuid}/transcript", permission="connectors.write", sync_to_thread=True, tags=["seller"]
)
def read_transcript(connector_id: FromPath[UUID], request: ApiRequest) -> TranscriptOut:
    """What the latest test sent, and what the seller's system answered, redacted and cut short."""
    with request.transaction() as uow:
        connectors_queries.get_connector(uow, connector_id)
        steps = connectors_queries.get_transcript(uow, connector_id)
    return TranscriptOut(steps=[TranscriptStepOut.of_row(step) for step in steps])


@post("/v1/connectors", permission="connectors.write", sync_to_thread=True, tags=["seller"])
def create_connector(data: JSONBody[ConnectorIn], request: ApiRequest) -> SavedOut:
    """Make a connector; a webhook's signing secret is in this answer and nowhere else."""
    command = SaveConnector(name=data.name, kind=data.kind, url=data.url)

    def save(uow: UnitOfWork) -> SavedOut:
        return _shown(
            uow, save_connector(uow, command, box=request.services.secrets, policy=request.services.outbound_policy)
        )

    return request.transact(save)


@patch("/v1/connectors/{connector_id:uuid}", permission="connectors.write", sync_to_thread=True, tags=["seller"])
def update_connector(
    connector_id: FromPath[UUID],
    data: JSONBody[ConnectorChange],
    request: ApiRequest,
) -> SavedOut:
    """Change name or address. The secret stays."""
    command = ChangeConnector(connector_id, data.name, data.url)

    def change(uow: UnitOfWork) -> SavedOut:
        change_connector(uow, command, policy=request.services.outbound_policy)
        return _shown(uow, SavedConnector(connector_id, None))

    return request.transact(change)


@post("/v1/connectors/{connector_id:uuid}/secret", permission="connectors.write", sync_to_thread=True, tags=["seller"])
def rotate(connector_id: FromPath[UUID], request: ApiRequest) -> SavedOut:
    """A fresh secret, shown once. The former one signs along for 24 hours, so that no call is refused meanwhile."""

    def change(uow: UnitOfWork) -> SavedOut:
        return _shown(uow, rotate_secret(uow, connector_id, box=request.services.secrets))

    return request.transact(change)


@post(
    "/v1/connectors/{connector_id:uuid}/test",
    permission="connectors.write",
    sync_to_thread=True,
    status_code=202,
    tags=["seller"],
)
def test_connector(connector_id: FromPath[UUID], request: ApiRequest) -> ConnectorOut:
    """Test it: three harmless calls (`docs/protocols/webhook.md` §4). Ask for the connector until `test` says how it went."""

    def ask(uow: UnitOfWork) -> ConnectorOut:
        ask_for_test(uow, connector_id)
        uow.flush()
        return ConnectorOut.of_row(connectors_queries.get_connector(uow, connector_id))

    return request.transact(ask)


def _shown(uow: UnitOfWork, saved: SavedConnector) -> SavedOut:
    view: ConnectorView = connectors_queries.get_connector(uow, saved.id)
    return SavedOut.of_row(view, secret=saved.secret)


routes = [
    list_connectors,
    get_connector,
    read_transcript,
    create_connector,
    update_connector,
    rotate,
    test_connector,
]
