"""What every route shares: the door, the errors, the headers, and that no input is answered with a server error."""

from __future__ import annotations

import json
import warnings
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient
from sqlalchemy.exc import TimeoutError as PoolExhausted

import api
from api.conditional import is_unchanged
from api.context import Services
from api.pages.frame import assets
from api.routes import MODULES
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, acting, make_org, make_plans, make_seller

Client = TestClient[Any]


@pytest.fixture
def visitor(services: Services) -> Client:
    return TestClient(application(services), base_url="https://market.example")


@pytest.fixture
def owner(services: Services, visitor: Client) -> Client:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    opened = visitor.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    visitor.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return visitor


def test_a_static_file_says_its_type_once(visitor: Client) -> None:
    for name, asset in assets.all_assets().items():
        told = visitor.get(assets.address(name)).headers["content-type"]
        base = asset.media_type.partition(";")[0]
        assert told == (f"{base}; charset=utf-8" if base.startswith("text/") else base), name


def test_every_handler_is_a_route_of_its_own_module_alone() -> None:
    found = sorted(walk_packages(api.__path__, "api."), key=lambda found: found.name)
    defined = [
        (f"{name}.{key}", value)
        for name in (found.name for found in found)
        for key, value in vars(import_module(name)).items()
        if isinstance(value, HTTPRouteHandler)
    ]
    served = [id(handler) for module in MODULES for handler in module.routes]
    assert len(served) == len(set(served)), "none is served twice"
    assert [name for name, handler in defined if id(handler) not in served] == [], "none is forgotten"


def test_the_framework_announces_the_end_of_nothing_we_use(services: Services) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        application(services)


@pytest.mark.parametrize("token", ["ä".encode("latin-1"), b"\xff", b"", b"wrong"])
def test_a_forged_token_is_refused_whatever_its_bytes(owner: Client, token: bytes) -> None:
    answer = owner.request("DELETE", "/v1/session", headers=[(b"X-CSRF-Token", token)])
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_refused")


@pytest.mark.parametrize(("sender", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 401)])
def test_another_site_signs_nobody_in(visitor: Client, sender: str, status: int) -> None:
    body = {"email": "a@example.test", "password": "x" * 12}
    answer = visitor.post("/v1/session", json=body, headers={"Sec-Fetch-Site": sender})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", ["/v1/feed?q=a%00b", "/v1/listings?category=%00", "/v1/invoice-verifications/a%00b"])
def test_a_zero_byte_in_an_address_is_the_callers_error(visitor: Client, path: str) -> None:
    answer = visitor.get(path)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800"])
def test_unstorable_text_in_a_body_is_the_callers_error(visitor: Client, owner: Client, text: str) -> None:
    body = json.dumps({"email": f"a@example.test{text}", "password": "x" * 12})
    answer = visitor.post("/v1/session", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    profile = {"legal_name": f"某公司{text}", "country": "CN", "email": "a@example.test"}
    answer = owner.post(
        "/v1/billing-profiles", content=json.dumps(profile), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code < 500, answer.text


def test_the_next_page_is_linked_with_the_filter_it_was_found_by(visitor: Client, services: Services) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        for _ in range(2):
            seller = make_seller(uow)
            with acting(uow, seller.owner):
                make_plans(uow, seller)
    answer = visitor.get("/v1/listings", params={"limit": 1, "q": "招聘"})
    assert answer.status_code == 200, answer.text
    address = answer.headers["link"].removeprefix("<").partition(">")[0]
    query = parse_qs(urlsplit(address).query)
    assert query["q"] == ["招聘"]
    assert query["cursor"] == [answer.json()["next_cursor"]]
    assert visitor.get(address).json()["items"] != answer.json()["items"]


@pytest.mark.parametrize(
    "path", ["/v1/invoices/export?month=2020-01", "/v1/invoices/0197a1a0-0000-7000-8000-000000000000/pdf"]
)
def test_a_person_who_follows_a_download_that_is_not_there_gets_a_page(owner: Client, path: str) -> None:
    browsing = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
    assert owner.get(path, headers=browsing).headers["content-type"].startswith("text/html")
    assert owner.get(path, headers={"Accept": "*/*"}).headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [(None, False), ("", False), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False)],
)
def test_entity_tags_are_compared_as_the_standard_says(header: str | None, unchanged: bool) -> None:  # noqa: FBT001
    assert is_unchanged(header, '"a"') is unchanged


def test_a_busy_database_is_said_to_be_busy(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> NoReturn:
        raise PoolExhausted("QueuePool limit of size 8 overflow 10 reached, connection timed out, timeout 30.00")

    monkeypatch.setattr("api.request.unit_of_work", exhausted)
    answer = visitor.get("/v1/feed")
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "2"
