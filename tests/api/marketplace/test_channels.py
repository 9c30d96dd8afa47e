"""A channel needs a name in one language; where the other is read, that one is shown."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, make_seller


@pytest.fixture
def owner(services: Services) -> TestClient[Any]:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_seller(uow)
    client: TestClient[Any] = TestClient(application(services), base_url="https://market.example")
    opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


@pytest.mark.parametrize("field", ["name", "name_en"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_one_language_is_enough(owner: TestClient[Any], field: str, language: str) -> None:
    handle, name = f"one-{token_hex(4)}", f"星河 {token_hex(3)}"
    assert owner.post("/v1/channels", json={"handle": handle, field: name}).status_code == 201
    shown = owner.get("/seller/channel", headers={"Accept": "text/html", "Accept-Language": language}).text
    assert f">{name}</h2>" in shown
    found = next(one for one in owner.get("/v1/channels").json() if one["handle"] == handle)
    changed = owner.put(f"/v1/channels/{found['id']}", json={"name": "甲", "name_en": ""})
    assert (changed.status_code, changed.json()["name_en"]) == (200, "")


def test_without_any_name_it_is_refused(owner: TestClient[Any]) -> None:
    answer = owner.post("/v1/channels", json={"handle": f"none-{token_hex(4)}", "name": " ", "name_en": ""})
    assert (answer.status_code, answer.json()["code"]) == (422, "text_required")
