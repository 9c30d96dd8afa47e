"""No handler runs before its route's declared permission was applied; generated from the routes, pages and JSON alike."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient
from sqlalchemy import event, update

from api.auth import PUBLIC, SAFE, SIGNED_IN
from api.context import Services
from api.exception_handler import answer_exception
from api.request import ApiRequest, authorize_handler, guard
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.access.models import ApiKey
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, acting, make_org

Client = TestClient[Any]
Route = tuple[str, str, str]
"""Method, address and declared permission."""
UNREADABLE = b"{not json"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def routes(services: Services) -> list[Route]:
    """Every route with a permission, its parameters filled in with something that does not exist."""
    found: set[Route] = set()
    for route in application(services).routes:
        address = re.sub(r"\{\w+:uuid\}", str(uuid7()), route.path)
        address = re.sub(r"\{step:str\}", "legal", address)
        address = re.sub(r"\{\w+:\w+\}", "CNY", address)
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and "permission" in handler.opt:
                found |= {(str(method), address, handler.opt["permission"]) for method in handler.http_methods}
    return sorted(found)


@pytest.fixture(scope="module")
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture(scope="module")
def powerless(services: Services, org: Org) -> dict[str, str]:
    """Headers of a key that holds no permission at all."""
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
        key = mint_api_key(uow, MintApiKey("powerless", ("orders.read",)))
        uow.session.execute(update(ApiKey).where(ApiKey.id == key.id).values(scopes=[]))
    return {"Authorization": f"Bearer {key.text}"}


@pytest.fixture
def visitor(services: Services) -> Client:
    return TestClient(application(services), base_url="https://market.example")


@pytest.fixture
def owner(visitor: Client, org: Org) -> Client:
    opened = visitor.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    visitor.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return visitor


def refusals(client: Client, routes: list[Route], headers: dict[str, str]) -> dict[Route, set[tuple[int, str]]]:
    """What each route answers to no body, to an unreadable one and to an empty form."""
    told: dict[Route, set[tuple[int, str]]] = {}
    for route in routes:
        method, address, _ = route
        sent: list[dict[str, Any]] = [{}]
        if method not in SAFE:
            sent += [{"content": UNREADABLE, "headers": JSON}, {"content": b"a=b", "headers": FORM}]
        for one in sent:
            said = client.request(method, address, **one | {"headers": headers | one.get("headers", {})})
            code = said.json()["code"] if "json" in said.headers.get("content-type", "") else ""
            told.setdefault(route, set()).add((said.status_code, code))
    return told


@pytest.mark.parametrize("who", ["nobody", "an unknown session", "an unknown key"])
def test_every_route_that_is_not_public_refuses_who_is_unknown(visitor: Client, routes: list[Route], who: str) -> None:
    headers = {
        "nobody": {},
        "an unknown session": {"Cookie": f"__Host-session={secrets.token_urlsafe(32)}"},
        "an unknown key": {"Authorization": f"Bearer {secrets.token_urlsafe(32)}"},
    }[who]
    closed = [route for route in routes if route[2] != PUBLIC]
    assert len(closed) > 100
    answers = refusals(visitor, closed, headers)
    head = {(401, "sign_in_required"), (401, "")}
    let_in = {route: told for route, told in answers.items() if not told <= head}
    assert let_in == {}


def test_every_route_with_a_permission_refuses_who_lacks_it(
    visitor: Client, routes: list[Route], powerless: dict[str, str]
) -> None:
    closed = [route for route in routes if route[2] not in {PUBLIC, SIGNED_IN}]
    let_in = {
        route: told
        for route, told in refusals(visitor, closed, powerless).items()
        if told != {(403, "permission_missing")}
    }
    assert let_in == {}
    # The key is a good one: where nothing but being somebody is asked, it is let in.
    assert visitor.get("/v1/me", headers=powerless).status_code == 200


def test_every_unsafe_route_refuses_a_session_from_elsewhere(owner: Client, routes: list[Route]) -> None:
    del owner.headers["X-CSRF-Token"]
    unsafe = [route for route in routes if route[0] not in SAFE]
    let_in = {
        route: told
        for route, told in refusals(owner, unsafe, {"Sec-Fetch-Site": "cross-site"}).items()
        if told != {(403, "csrf_refused")}
    }
    assert let_in == {}


def alone(services: Services, *handlers: HTTPRouteHandler) -> Client:
    """An application of nothing but these handlers."""
    app = Litestar(
        route_handlers=[authorize_handler(handler) for handler in handlers],
        guards=[guard],
        request_class=ApiRequest,
        exception_handlers={Exception: answer_exception},
        state=State({"services": services}),
    )
    return TestClient(app, base_url="https://market.example")


def test_a_handler_without_a_transaction_does_not_run_unauthorized(
    services: Services, powerless: dict[str, str]
) -> None:
    ran: list[str] = []

    @get("/quick", permission="orders.read", sync_to_thread=True)
    def quick(request: ApiRequest) -> None:
        del request
        ran.append("quick")

    @get("/stream", permission="orders.read")
    async def stream() -> None:
        ran.append("stream")

    @post("/much", permission="orders.read", sync_to_thread=True, request_max_body_size=None)
    def much(request: ApiRequest) -> None:
        del request
        ran.append("much")

    client = alone(services, quick, stream, much)
    for headers, status in (({}, 401), ({"Authorization": "Bearer x"}, 401), (powerless, 403)):
        assert client.get("/quick", headers=headers).status_code == status
        assert client.get("/stream", headers=headers).status_code == status
        assert client.post("/much", headers=headers).status_code == status
    assert ran == []


def test_a_handler_that_cannot_be_authorized_does_not_start(services: Services) -> None:
    @get("/undeclared", sync_to_thread=True)
    def undeclared(request: ApiRequest) -> None:
        del request

    @get("/blind", permission="orders.read", sync_to_thread=True)
    def blind() -> None:
        pass

    @get("/loop", permission="orders.read", sync_to_thread=False)
    def on_the_loop(request: ApiRequest) -> None:
        del request

    for handler in (undeclared, blind, on_the_loop):
        with pytest.raises(ImproperlyConfiguredException):
            alone(services, handler)


@contextmanager
def transactions(services: Services) -> Iterator[Callable[[], int]]:
    """How many connections were taken from the pool meanwhile: one a transaction."""
    taken: list[object] = []

    def count(*connection: object) -> None:
        taken.append(connection)

    event.listen(services.db.engine, "checkout", count)
    yield lambda: len(taken)
    event.remove(services.db.engine, "checkout", count)


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("GET", "/v1/orders", None, 200),
        ("GET", "/v1/me", None, 200),
        ("GET", "/v1/feed?q=one", None, 200),
        ("GET", "/orders", None, 200),
        ("GET", "/", None, 200),
        ("GET", "/v1/orders/01900000-0000-7000-8000-000000000000", None, 404),
        ("POST", "/v1/channels", {"handle": "one-transaction", "name": "一", "name_en": "One"}, 201),
        ("POST", "/v1/purchases", {"quote": 1}, 422),
        ("GET", "/static/x/market.css", None, None),
    ],
)
def test_a_request_is_one_transaction(
    services: Services, owner: Client, method: str, address: str, body: object, status: int | None
) -> None:
    with transactions(services) as count:
        answered = owner.request(method, address, json=body)
        if status is None:
            assert count() == 0, address
        else:
            assert (answered.status_code, count()) == (status, 1)


def test_a_refused_visitor_costs_no_transaction(services: Services, visitor: Client) -> None:
    with transactions(services) as count:
        assert visitor.get("/v1/orders").status_code == 401
        assert visitor.post("/v1/purchases", content=UNREADABLE, headers=JSON).status_code == 401
        assert count() == 0
        assert visitor.get("/v1/feed?q=one").status_code == 200
        assert count() == 1
