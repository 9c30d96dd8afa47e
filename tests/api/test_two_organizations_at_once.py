"""Two windows, two organizations: what was drawn for the one is never done for the other."""

from __future__ import annotations

import re

import pytest

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.api.test_left_organization import PAGE, add
from tests.api.test_notifications import Client, signed_in
from tests.factories_marketplace import Org, make_org

FORM = {**PAGE, "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def orgs(services: Services) -> tuple[Org, Org]:
    """Whose pages are open in the first window, and what the second switched to."""
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow, name="左窗公司"), make_org(uow, name="右窗公司")


@pytest.fixture
def person(services: Services, orgs: tuple[Org, Org]) -> Client:
    """Somebody who manages members of both, and acts for the first."""
    email = f"two-{orgs[0].id}@firm.example"
    for org in orgs:
        add(services, org, email, "owner")
    client = signed_in(services, email)
    del client.headers["X-CSRF-Token"]
    assert client.get("/v1/me").json()["org_id"] == str(orgs[0].id)
    return client


def token_of(page: str) -> str:
    found = re.search(r'name="csrf" (?:value|content)="([^"]+)"', page)
    assert found
    return found[1]


def switch(client: Client, org: Org) -> None:
    """In the other window."""
    token = token_of(client.get("/account", headers=PAGE).text)
    body = {"csrf": token, "organization_id": str(org.id)}
    assert client.post("/organization", data=body, headers=FORM).status_code == 303


def invited(client: Client, org: Org) -> list[str]:
    found = client.get(f"/v1/organizations/{org.id}/invitations")
    assert found.status_code == 200, found.text
    return [one["email"] for one in found.json()]


def test_a_form_of_the_one_does_nothing_for_the_other(person: Client, orgs: tuple[Org, Org]) -> None:
    form = {"csrf": token_of(person.get("/members", headers=PAGE).text), "email": "new@firm.example", "role": "owner"}
    switch(person, orgs[1])
    refused = person.post("/members/invite", data=form, headers=FORM)
    assert refused.status_code == 409
    assert "opened for another organization" in refused.text
    assert "右窗公司" in refused.text
    assert invited(person, orgs[1]) == []
    switch(person, orgs[0])
    assert person.post("/members/invite", data=form, headers=FORM).status_code == 303
    assert invited(person, orgs[0]) == ["new@firm.example"]


def test_a_script_of_the_page_does_nothing_for_the_other(person: Client, orgs: tuple[Org, Org]) -> None:
    token = token_of(person.get("/members", headers=PAGE).text)
    switch(person, orgs[1])
    body = {"email": "new@firm.example", "roles": ["viewer"]}
    path = f"/v1/organizations/{orgs[1].id}/invitations"
    refused = person.post(path, json=body, headers={"X-CSRF-Token": token})
    assert (refused.status_code, refused.json()["code"]) == (409, "organization_switched")
    assert invited(person, orgs[1]) == []


@pytest.mark.parametrize(("path", "more"), [("/language", {"language": "en", "next": "/"}), ("/sign-out", {})])
def test_what_is_nobodys_in_particular_is_done(
    person: Client, orgs: tuple[Org, Org], path: str, more: dict[str, str]
) -> None:
    token = token_of(person.get("/members", headers=PAGE).text)
    switch(person, orgs[1])
    assert person.post(path, data={"csrf": token} | more, headers=FORM).status_code == 303


def test_a_programs_token_is_for_whichever_it_chose(services: Services, orgs: tuple[Org, Org]) -> None:
    """A program says itself for which organization it acts; its token is the session's."""
    email = f"program-{orgs[0].id}@firm.example"
    for org in orgs:
        add(services, org, email, "owner")
    client = signed_in(services, email)
    assert client.patch("/v1/session", json={"org_id": str(orgs[1].id)}).status_code == 204
    body = {"email": "new@firm.example", "roles": ["viewer"]}
    assert client.post(f"/v1/organizations/{orgs[1].id}/invitations", json=body).status_code == 201
    assert invited(client, orgs[1]) == ["new@firm.example"]
