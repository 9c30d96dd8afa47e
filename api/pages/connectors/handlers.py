"""The seller's connectors: where deliveries go, the secret that signs them, the test with its transcript."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.connectors import presenter
from api.pages.connectors.views import ConnectorsView, OneConnectorView
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.rendering import FlashMessage
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from fulfillment.connectors.queries import connectors_of, get_connector, get_transcript
from fulfillment.connectors.save_connector import (
    ChangeConnector,
    SaveConnector,
    SavedConnector,
    change_connector,
    repeat_secret,
    rotate_secret,
    save_connector,
)
from fulfillment.runs.check_connector import ask_for_test
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, NotFound
from kernel.idempotency import Answer as Kept
from kernel.idempotency import with_idempotency_key
from kernel.ids import uuid7
from marketplace.input_text import line

Answer = Response[str] | Response[bytes]
REFUSED = 422
WRITE = "connectors.write"
_LOOK_AGAIN_S = 2
_MAX_NAME = 100
_MAX_URL = 2_048


@page(addresses.SELLER_CONNECTORS, WRITE)
def show_connectors(page_request: Given[PageRequest]) -> Answer:
    """The seller's connectors, and the form for one."""
    return page_request.render(_connectors(page_request, str(uuid7())))


@form_post(addresses.SELLER_CONNECTORS, WRITE)
def create_connector(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make a connector and show its secret. Pressed twice, the second shows the same."""
    require_seller(page_request)
    typed = {
        "name": form.text("name", most=1_000),
        "kind": form.text("kind", most=20),
        "url": form.text("url", most=4_000),
    }
    key = form.text("key", most=100) or str(uuid7())
    try:
        saved = page_request.transact(lambda uow: _create(page_request, uow, key, typed))
    except DomainError as refused:
        view = _connectors(page_request, key, typed, refused)
        return page_request.render(view, status=refused.status if isinstance(refused, Conflict) else REFUSED)
    if saved.secret is None:
        return page_request.redirect(addresses.seller_connector(str(saved.id)), notice="connector_made")
    return _with_secret(page_request, saved, "connector_made")


@page("/seller/connectors/{connector_id:uuid}", WRITE)
def show_connector(connector_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One connector. While its test runs the page looks again by itself."""
    view = _connector(page_request, connector_id)
    return page_request.render(view, refresh_s=_LOOK_AGAIN_S if view.connector.test == "running" else 0)


@form_post("/seller/connectors/{connector_id:uuid}", WRITE)
def edit_connector(connector_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change name or address; another address is tested anew."""
    require_seller(page_request)
    typed = {"name": form.text("name", most=1_000), "url": form.text("url", most=4_000)}

    def work(uow: UnitOfWork) -> None:
        get_connector(uow, connector_id)
        name = line("name", typed["name"], _MAX_NAME)
        url = line("url", typed["url"], _MAX_URL) if typed["url"] else None
        change_connector(uow, ChangeConnector(connector_id, name, url), policy=page_request.services.outbound_policy)

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(_connector(page_request, connector_id, typed, refused), status=REFUSED)
    return page_request.redirect(addresses.seller_connector(str(connector_id)), notice="connector_changed")


@form_post("/seller/connectors/{connector_id:uuid}/test", WRITE)
def test_connector(connector_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask for the test. Pressed twice, the second finds it running."""
    del form
    require_seller(page_request)
    try:
        page_request.transact(lambda uow: ask_for_test(uow, connector_id))
    except Conflict as refused:
        if refused.code != "connector_test_running":
            raise
    return page_request.redirect(addresses.seller_connector(str(connector_id)))


@form_post("/seller/connectors/{connector_id:uuid}/secret", WRITE)
def rotate(connector_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make a fresh secret and show it. Pressed twice, the second shows the same."""
    require_seller(page_request)
    replaces = form.text("replaces", most=40) or None
    box = page_request.services.secrets
    try:
        saved = page_request.transact(lambda uow: rotate_secret(uow, connector_id, box=box, replaces=replaces))
    except Conflict as refused:
        view = _connector(page_request, connector_id)
        return page_request.render(
            view, status=refused.status, notice=FlashMessage("bad", failure(page_request, refused))
        )
    return _with_secret(page_request, saved, "connector_rotated")


def _create(page_request: PageRequest, uow: UnitOfWork, key: str, typed: Mapping[str, str]) -> SavedConnector:
    services = page_request.services
    name = line("name", typed["name"], _MAX_NAME)
    url = line("url", typed["url"], _MAX_URL) if typed["url"] and typed["kind"] == "webhook" else None
    made: list[SavedConnector] = []

    def work() -> Kept:
        command = SaveConnector(name, typed["kind"], url)
        made.append(save_connector(uow, command, box=services.secrets, policy=services.outbound_policy))
        # Without the secret: what is kept of an answer is readable.
        return Kept(200, json.dumps({"id": str(made[0].id)}).encode())

    kept = with_idempotency_key(uow, route=addresses.SELLER_CONNECTORS, key=key, request=dict(typed), work=work)
    if made:
        return made[0]
    return repeat_secret(uow, UUID(json.loads(kept.body)["id"]), box=services.secrets)


def _with_secret(page_request: PageRequest, saved: SavedConnector, notice: str) -> Answer:
    view = _connector(page_request, saved.id, secret=saved.secret)
    return page_request.render(view, notice=FlashMessage("good", page_request.t(f"notice.{notice}")))


def _connectors(
    page_request: PageRequest, key: str, typed: Mapping[str, str] | None = None, refused: DomainError | None = None
) -> ConnectorsView:
    require_seller(page_request)
    with page_request.work() as uow:
        connectors = tuple(connectors_of(uow))
    return ConnectorsView(
        connectors, key, typed or {"name": "", "kind": "webhook", "url": ""}, *_said(page_request, refused)
    )


def _connector(
    page_request: PageRequest,
    connector_id: UUID,
    typed: Mapping[str, str] | None = None,
    refused: DomainError | None = None,
    secret: str | None = None,
) -> OneConnectorView:
    require_seller(page_request)
    with page_request.work() as uow:
        connector, transcript = get_connector(uow, connector_id), get_transcript(uow, connector_id)
    error, error_field = _said(page_request, refused)
    return OneConnectorView(
        connector=connector,
        steps=presenter.test_steps(page_request, connector, transcript),
        secret=secret,
        typed=typed or {"name": connector.name, "url": connector.url or ""},
        error=error,
        error_field=error_field,
    )


def _said(page_request: PageRequest, refused: DomainError | None) -> tuple[str | None, str]:
    """A refusal as a sentence, and the field it is about."""
    if refused is None:
        return None, ""
    return failure(page_request, refused), getattr(refused, "field", None) or ""


routes = [show_connectors, create_connector, show_connector, edit_connector, test_connector, rotate]
