"""What takes one of a few words refuses any other by naming those that are known; it answered with nothing, or everything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from api.context import Services
from api.known_values import OPTION
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.add_operator import add_operator
from marketplace.access.add_person import NewPerson
from tests.api.test_notifications import signed_in
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, make_org

STATED = {
    "/v1/orders",
    "/v1/purchases",
    "/v1/leads",
    "/v1/seller/orders",
    "/v1/seller/leads",
    "/v1/seller/videos",
    "/v1/operator/disputes",
    "/v1/operator/incidents",
    "/v1/operator/payouts",
    "/v1/operator/statements",
    "/v1/operator/webhooks",
}
"""Lists whose `state` was any word."""


@pytest.fixture(scope="module")
def vocabularies(services: Services) -> dict[tuple[str, str], tuple[str, ...]]:
    """The words of each parameter, by path and name."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for route in application(services).routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and "GET" in handler.http_methods:
                found |= {(route.path, name): words for name, words in handler.opt.get(OPTION, {}).items()}
    return found


@pytest.fixture(scope="module")
def callers(services: Services) -> list[TestClient[Any]]:
    """An owner who sells, and an operator."""
    with unit_of_work(services.db, SYSTEM) as uow:
        seller, email = make_org(uow, seller=True), f"operator-{uuid7()}@market.example"
        add_operator(uow, NewPerson(email, "运营", PASSWORD))
    return [signed_in(services, seller.email), signed_in(services, email)]


def test_every_unknown_word_is_refused_and_the_known_ones_are_named(
    vocabularies: dict[tuple[str, str], tuple[str, ...]], callers: list[TestClient[Any]]
) -> None:
    assert {path for path, name in vocabularies if name == "state"} >= STATED
    for (path, name), known in vocabularies.items():
        address = re.sub(r"\{\w+:uuid\}", str(uuid7()), path)
        caller = callers["/operator/" in path]
        refused = caller.get(address, params={name: "no-such-word", "q": "x"}, headers={"Accept-Language": "en"})
        said = refused.json()
        assert (refused.status_code, said["code"]) == (400, "filter_unknown"), (path, said)
        assert said["params"] == {"name": name, "known": ", ".join(known)}
        assert [one["field"] for one in said["errors"]] == [name]
        assert all(word in said["title"] for word in known)


@pytest.mark.parametrize("path", sorted(STATED))
def test_every_known_word_is_taken(
    vocabularies: dict[tuple[str, str], tuple[str, ...]], callers: list[TestClient[Any]], path: str
) -> None:
    for word in vocabularies[path, "state"]:
        assert callers["/operator/" in path].get(path, params={"state": word}).status_code == 200
