"""An organization's own systems: where events are sent, what was sent, what happened, and what there is to be told."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.rendering import FlashMessage
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.webhooks import presenter
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Forbidden, Invalid
from kernel.idempotency import Answer as Kept
from kernel.idempotency import with_idempotency_key
from kernel.ids import uuid7
from marketplace.webhooks.event_types import event_types
from marketplace.webhooks.queries import (
    DeliveryState,
    attempts_of,
    deliveries_of,
    endpoints_of,
    get_delivery,
    get_endpoint,
    get_event,
    newest_events,
)
from marketplace.webhooks.replay import replay_delivery, replay_range
from marketplace.webhooks.replay import test_endpoint as send_test
from marketplace.webhooks.save_endpoint import (
    MANAGE,
    ChangeEndpoint,
    SavedEndpoint,
    SaveEndpoint,
    change_endpoint,
    remove_endpoint,
    repeat_endpoint_secret,
    rotate_endpoint_secret,
    save_endpoint,
    switch_endpoint,
)

Answer = Response[str] | Response[bytes]
REFUSED = 422
EVENTS = 30


@page(addresses.WEBHOOKS, MANAGE)
def show_endpoints(page_request: Given[PageRequest]) -> Answer:
    """The organization's endpoints, and the form for one."""
    return _endpoints(page_request, str(uuid7()))


@form_post(addresses.WEBHOOKS, MANAGE)
def create_endpoint(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make an endpoint and show its secret. Pressed twice, the second shows the same."""
    typed, chosen = _typed(form), _chosen(form)
    key = form.text("key", most=100) or str(uuid7())
    try:
        saved = page_request.transact(lambda uow: _create(page_request, uow, key, typed, chosen))
    except Forbidden:
        raise
    except DomainError as refused:
        return _endpoints(page_request, key, typed, chosen, refused)
    return _with_secret(page_request, saved, "endpoint_made")


@page(addresses.WEBHOOK_EVENTS, SIGNED_IN)
def show_events(page_request: Given[PageRequest]) -> Answer:
    """What happened, the newest first: for people; systems read it in order."""
    before = page_request.query_number("before", default=0, most=2**62)
    with page_request.work() as uow:
        found = newest_events(uow, before=before or None, limit=EVENTS)
        return page_request.render(presenter.events_page(page_request, found, EVENTS))


@page(addresses.WEBHOOK_TYPES, SIGNED_IN)
def show_types(page_request: Given[PageRequest]) -> Answer:
    """The catalogue: schema and sample of every type."""
    return page_request.render(presenter.types_page(page_request))


@page("/webhooks/{endpoint_id:uuid}", MANAGE)
def show_endpoint(endpoint_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One endpoint, and what was sent there."""
    return _endpoint(page_request, endpoint_id)


@form_post("/webhooks/{endpoint_id:uuid}", MANAGE)
def edit_endpoint(endpoint_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change name, address or types."""
    typed, chosen = _typed(form), _chosen(form)
    command = ChangeEndpoint(endpoint_id, typed["name"], typed["url"], chosen)
    policy = page_request.services.outbound_policy
    try:
        page_request.transact(lambda uow: change_endpoint(uow, command, policy=policy))
    except Invalid as refused:
        return _endpoint(page_request, endpoint_id, typed=typed, chosen=chosen, refused=refused, status=REFUSED)
    return page_request.redirect(addresses.webhook(str(endpoint_id)), notice="endpoint_changed")


@form_post("/webhooks/{endpoint_id:uuid}/state", MANAGE)
def switch(endpoint_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Switch it on or off."""
    on = form.text("on", most=5) == "yes"
    page_request.transact(lambda uow: switch_endpoint(uow, endpoint_id, on=on))
    return page_request.redirect(addresses.webhook(str(endpoint_id)), notice="endpoint_on" if on else "endpoint_off")


@form_post("/webhooks/{endpoint_id:uuid}/removal", MANAGE)
def remove(endpoint_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Send nothing there any more."""
    del form
    page_request.transact(lambda uow: remove_endpoint(uow, endpoint_id))
    return page_request.redirect(addresses.WEBHOOKS, notice="endpoint_removed")


@form_post("/webhooks/{endpoint_id:uuid}/secret", MANAGE)
def rotate(endpoint_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make a fresh secret and show it. Pressed twice, the second shows the same."""
    replaces, box = form.text("replaces", most=40) or None, page_request.services.secrets
    try:
        saved = page_request.transact(lambda uow: rotate_endpoint_secret(uow, endpoint_id, box=box, replaces=replaces))
    except Conflict as refused:
        return _refused(page_request, endpoint_id, refused)
    return _with_secret(page_request, saved, "endpoint_rotated")


@form_post("/webhooks/{endpoint_id:uuid}/test", MANAGE)
def test_endpoint(endpoint_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Send a test. Pressed twice, it is one."""
    del form
    return _sent(page_request, endpoint_id, lambda uow: bool(send_test(uow, endpoint_id)), "endpoint_tested")


@form_post("/webhooks/{endpoint_id:uuid}/replay", MANAGE)
def replay(endpoint_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Send what happened from one day to another, both of them the reader's."""
    also = form.text("also_delivered", most=5) == "yes"
    first, last = form.text("since", most=20), form.text("until", most=20)

    def work(uow: UnitOfWork) -> bool:
        get_endpoint(uow, endpoint_id)
        since = _midnight(page_request, "since", first)
        until = _midnight(page_request, "until", last, days=1)
        return replay_range(uow, endpoint_id, since=since, until=until, also_delivered=also) > 0

    return _sent(page_request, endpoint_id, work, "events_replayed", none="events_none")


@page("/webhooks/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}", MANAGE)
def show_delivery(endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One event that was sent there: its calls, and what it says to whoever may read that."""
    with page_request.work() as uow:
        endpoint, delivery = get_endpoint(uow, endpoint_id), get_delivery(uow, endpoint_id, delivery_id)
        attempts = attempts_of(uow, delivery_id)
        may = event_types()[delivery.type].is_for(page_request.principal)
        event = get_event(uow, delivery.event_id) if may else None
        view = presenter.delivery_page(page_request, endpoint, delivery, attempts, event)
    return page_request.render(view)


@form_post("/webhooks/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/replay", MANAGE)
def replay_one(
    endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Send one event again."""
    del form
    try:
        page_request.transact(lambda uow: replay_delivery(uow, endpoint_id, delivery_id))
    except Conflict as refused:
        return _refused(page_request, endpoint_id, refused)
    address = addresses.webhook(endpoint_id, delivery_id)
    return page_request.redirect(address, notice="delivery_replayed")


def _sent(
    page_request: PageRequest, endpoint_id: UUID, work: Callable[[UnitOfWork], bool], notice: str, none: str = ""
) -> Answer:
    try:
        some = page_request.transact(work)
    except (Conflict, Invalid) as refused:
        return _refused(page_request, endpoint_id, refused)
    return page_request.redirect(addresses.webhook(str(endpoint_id)), notice=notice if some else none)


def _refused(page_request: PageRequest, endpoint_id: UUID, refused: DomainError) -> Answer:
    notice = FlashMessage("bad", failure(page_request, refused))
    status = refused.status if isinstance(refused, Conflict) else REFUSED
    return _endpoint(page_request, endpoint_id, status=status, notice=notice)


def _create(
    page_request: PageRequest, uow: UnitOfWork, key: str, typed: Mapping[str, str], chosen: list[str]
) -> SavedEndpoint:
    services = page_request.services
    made: list[SavedEndpoint] = []

    def work() -> Kept:
        command = SaveEndpoint(typed["name"], typed["url"], chosen)
        made.append(save_endpoint(uow, command, box=services.secrets, policy=services.outbound_policy))
        # Without the secret: what is kept of an answer is readable.
        return Kept(200, json.dumps({"id": str(made[0].id)}).encode())

    request = {**typed, "types": chosen}
    kept = with_idempotency_key(uow, route=addresses.WEBHOOKS, key=key, request=request, work=work)
    if made:
        return made[0]
    return repeat_endpoint_secret(uow, UUID(json.loads(kept.body)["id"]), box=services.secrets)


def _with_secret(page_request: PageRequest, saved: SavedEndpoint, notice: str) -> Answer:
    message = FlashMessage("good", page_request.t(f"notice.{notice}"))
    return _endpoint(page_request, saved.id, secret=saved.secret, notice=message)


def _endpoints(
    page_request: PageRequest,
    key: str,
    typed: Mapping[str, str] | None = None,
    chosen: Collection[str] | None = None,
    refused: DomainError | None = None,
) -> Answer:
    with page_request.work() as uow:
        endpoints = endpoints_of(uow)
    view = presenter.endpoints_page(page_request, endpoints, key, typed, chosen, refused)
    status = 200 if refused is None else (refused.status if isinstance(refused, Conflict) else REFUSED)
    return page_request.render(view, status=status)


def _endpoint(
    page_request: PageRequest,
    endpoint_id: UUID,
    *,
    typed: Mapping[str, str] | None = None,
    chosen: Collection[str] | None = None,
    refused: DomainError | None = None,
    secret: str | None = None,
    status: int = 200,
    notice: FlashMessage | None = None,
) -> Answer:
    asked = page_request.query("state", most=20)
    state: DeliveryState | None = next((one for one in presenter.STATES if one == asked), None)
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        one, deliveries = get_endpoint(uow, endpoint_id), deliveries_of(uow, endpoint_id, state=state, cursor=cursor)
    view = presenter.endpoint_page(
        page_request,
        one,
        deliveries,
        current=state or "",
        typed=typed,
        chosen=chosen,
        refused=refused,
        secret=secret,
    )
    return page_request.render(view, status=status, notice=notice)


def _typed(form: Form) -> dict[str, str]:
    return {"name": form.text("name", most=1_000), "url": form.text("url", most=4_000)}


def _chosen(form: Form) -> list[str]:
    return [name for name in event_types() if form.text(f"type_{name}", most=5) == "yes"]


def _midnight(page_request: PageRequest, field: str, text: str, *, days: int = 0) -> datetime:
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return datetime.combine(day, time(), tzinfo=ZoneInfo(page_request.time_zone))
    except (ValueError, OverflowError):
        raise Invalid("validation_failed", field=field) from None


routes = [
    show_endpoints,
    create_endpoint,
    show_events,
    show_types,
    show_endpoint,
    edit_endpoint,
    switch,
    remove,
    rotate,
    test_endpoint,
    replay,
    show_delivery,
    replay_one,
]
