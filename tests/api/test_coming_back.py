"""Whoever left their last organization begins one of their own, by the account that they have."""

from __future__ import annotations

import pytest

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.api.test_accounts import Client, ask, code_in, mails, newcomer, signed_in
from tests.api.test_left_organization import add
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, Org, make_org


@pytest.fixture
def left(services: Services) -> str:
    """The address of somebody who has just left the only organization that they were in."""
    with unit_of_work(services.db, SYSTEM) as uow:
        org: Org = make_org(uow)
    email = f"left-{org.id}@firm.example"
    add(services, org, email, "viewer")
    client = signed_in(services, email)
    assert client.delete(f"/v1/organizations/{org.id}/membership").status_code == 204
    return email


@pytest.fixture
def visitor(services: Services) -> Client:
    return Client(application(services), base_url="https://market.example")


def test_sign_in_says_that_they_can(visitor: Client, left: str) -> None:
    asked = {"email": left, "password": PASSWORD}
    refused = visitor.post("/v1/session", json=asked, headers={"Accept-Language": "en"})
    assert (refused.status_code, refused.json()["code"]) == (403, "membership_ended")
    assert "sign up" in refused.json()["todo"]


def test_they_sign_up_by_the_password_of_their_account(services: Services, visitor: Client, left: str) -> None:
    ask(visitor, left)
    kind, text = mails(services, left)[0]
    assert kind == "sign_up"
    proof = {"email": left, "code": code_in(text)}
    wrong = visitor.post("/v1/sign-ups/completion", json=newcomer(**proof) | {"password": "another long password"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "account_password_wrong")
    made = visitor.post("/v1/sign-ups/completion", json=newcomer(**proof))
    assert made.status_code == 201, made.text
    me = signed_in(services, left).get("/v1/me").json()
    assert (me["org_id"], [one["roles"] for one in me["organizations"]]) == (made.json()["org_id"], [["owner"]])
    assert me["name"] == "王芳"  # the account is the one that was there


def test_who_may_sign_in_is_mailed_that_they_may(services: Services, visitor: Client) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    ask(visitor, org.email)
    assert mails(services, org.email)[0][0] == "account_exists"


def test_an_organization_that_was_just_registered_is_not_registered_again(services: Services) -> None:
    """The back button sends the form once more."""
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
    client = signed_in(services, org.email)
    wanted = newcomer()["organization"]
    first, again = (client.post("/v1/organizations", json=wanted) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.json() == again.json()
    other = client.post("/v1/organizations", json=wanted | {"legal_name": "另一家有限公司"})
    assert other.json() != first.json()
