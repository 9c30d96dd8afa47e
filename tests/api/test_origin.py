"""A request that changes something comes from our own pages: by scheme, host and port of BASE_URL, not by its Host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, make_org

Client = TestClient[Any]


def signed_in(services: Services, base_url: str) -> Client:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    client = TestClient(application(services), base_url=base_url)
    opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    return client


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://market.example", 204),
        ("https://market.example:443", 204),
        ("HTTPS://Market.Example", 204),
        ("http://market.example", 403),
        ("https://market.example:8443", 403),
        ("https://market.example.elsewhere.example", 403),
        ("https://elsewhere.example", 403),
        ("null", 403),
        ("", 403),
        ("https://[", 403),
        ("https://market.example:port", 403),
    ],
)
def test_an_origin_is_ours_by_scheme_host_and_port(services: Services, origin: str, status: int) -> None:
    client = signed_in(services, "https://market.example")
    assert client.delete("/v1/session", headers={"Origin": origin}).status_code == status


def test_the_host_that_a_request_names_makes_no_origin_ours(services: Services) -> None:
    client = signed_in(services, "https://market.example")
    named = {"Host": "elsewhere.example", "Origin": "https://elsewhere.example"}
    assert client.delete("/v1/session", headers=named).status_code == 403
    # A proxy may put its own name there, too.
    inner = {"Host": "api.internal:8000", "Origin": "https://market.example"}
    assert client.delete("/v1/session", headers=inner).status_code == 204


def test_nobody_is_signed_in_from_another_origin_by_a_browser_that_tells_no_more(services: Services) -> None:
    client = TestClient(application(services), base_url="https://market.example")
    body = {"email": "a@example.test", "password": "x" * 12}
    theirs = client.post("/v1/session", json=body, headers={"Origin": "http://market.example"})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "csrf_refused")
    assert client.post("/v1/session", json=body, headers={"Origin": "https://market.example"}).status_code == 401


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_without_a_base_url_ones_own_machine_has_several_names(services: Services, name: str) -> None:
    here = replace(services, settings=services.settings.model_copy(update={"base_url": "", "port": 8123}))
    address = f"http://{name}:8123"
    client = signed_in(here, "http://127.0.0.1:8123")
    for origin in ("http://127.0.0.1:9000", "https://localhost:8123", "http://elsewhere.example:8123"):
        assert client.delete("/v1/session", headers={"Origin": origin}).status_code == 403
    assert client.delete("/v1/session", headers={"Origin": address}).status_code == 204


@pytest.mark.parametrize("referer", ["http://[", "https://market.example:port/orders", "https://elsewhere.example/x"])
def test_a_page_goes_back_to_our_own_pages_only(services: Services, referer: str) -> None:
    client = TestClient(application(services), base_url="https://market.example")
    lost = client.get("/nowhere", headers={"Accept": "text/html", "Referer": referer})
    assert (lost.status_code, "elsewhere" in lost.text) == (404, False)
