"""Where a refused mail is shown: on its invitation, on one's own account, on the operator's dashboard."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from api.pages.frame.translations import translations
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.mail.bounces import mark_bouncing, unmark_bouncing
from marketplace.mail.compose import texts
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, make_org

SITE = "https://market.example"
REPLY = "550 5.1.1 <script>no such user</script>"


@pytest.fixture
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def owner(services: Services, org: Org) -> TestClient[Any]:
    client: TestClient[Any] = TestClient(application(services), base_url=SITE)
    client.headers["Accept-Language"] = "en"
    opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def test_on_the_invitation_with_its_reason_and_the_way_on(services: Services, org: Org, owner: TestClient[Any]) -> None:
    email, address = f"{secrets.token_hex(6)}@firm.example", f"/v1/organizations/{org.id}/invitations"
    made = owner.post(address, json={"email": email, "roles": ["viewer"]})
    assert made.json()["bounced"] is None
    said = translations("en").text("bounce.address_unknown")
    assert said not in owner.get("/members").text
    with unit_of_work(services.db, SYSTEM) as uow:
        mark_bouncing(uow, email, "invitation", REPLY)
    assert [one["bounced"] for one in owner.get(address).json()] == ["address_unknown"]
    shown = owner.get("/members").text
    assert said in shown
    assert "no such user" not in shown
    with unit_of_work(services.db, SYSTEM) as uow:
        unmark_bouncing(uow, email)
    assert said not in owner.get("/members").text


def test_on_ones_own_account(services: Services, org: Org, owner: TestClient[Any]) -> None:
    said = translations("en").text("bounce.mailbox_full")
    assert said not in owner.get("/account").text
    with unit_of_work(services.db, SYSTEM) as uow:
        mark_bouncing(uow, org.email, "password_changed", "552 5.2.2 full")
    assert said in owner.get("/account").text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_kind_of_mail_has_a_name_for_the_operator(language: str) -> None:
    named = {key.removeprefix("mail_kind.") for key in translations(language).texts if key.startswith("mail_kind.")}
    assert named == set(texts(language)) - {"frame"}
