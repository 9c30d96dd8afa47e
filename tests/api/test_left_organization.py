"""Removed while they act there, a member goes on in another organization of theirs, knowing it; with none they are signed out."""

from __future__ import annotations

from uuid import UUID

import pytest

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.access.members import AddMember, add_member, list_members, remove_member
from tests.api.test_notifications import Client, signed_in
from tests.factories_marketplace import PASSWORD, Org, acting, make_org

PAGE = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def orgs(services: Services) -> tuple[Org, Org]:
    """The one that somebody is removed from, and the one that stays theirs."""
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow, name="左手公司"), make_org(uow, name="右手公司")


def add(services: Services, org: Org, email: str, role: str) -> UUID:
    with unit_of_work(services.db, org.owner) as uow:
        return add_member(uow, AddMember(email, [role], "王芳", PASSWORD)).person_id


def remove(services: Services, org: Org, person_id: UUID) -> None:
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
        remove_member(uow, next(row.id for row in list_members(uow) if row.person_id == person_id))


@pytest.fixture
def removed(services: Services, orgs: tuple[Org, Org]) -> Client:
    """The browser of who acted for the first, and has just been removed there."""
    here, other = orgs
    email = f"both-{here.id}@firm.example"
    person_id = add(services, here, email, "owner")
    add(services, other, email, "viewer")
    client = signed_in(services, email)
    assert client.get("/v1/me").json()["org_id"] == str(here.id)
    remove(services, here, person_id)
    return client


@pytest.mark.parametrize("path", ["/account", "/members", "/", "/orders/0199a3f2-7c41-7d2e-9f10-5b8c2e4a6d11"])
def test_they_are_told_and_go_on(removed: Client, orgs: tuple[Org, Org], path: str) -> None:
    """Whatever page they ask for next: it may be none of theirs in the other organization."""
    sent = removed.get(path, headers=PAGE)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/organization/left")
    told = removed.get("/organization/left", headers=PAGE)
    assert told.status_code == 200
    assert "You are no member of 左手公司 any more" in told.text
    assert "You act for 右手公司 now" in told.text
    me = removed.get("/v1/me").json()
    assert (me["org_id"], [one["roles"] for one in me["organizations"]]) == (str(orgs[1].id), [["viewer"]])
    assert removed.get("/account", headers=PAGE).status_code == 200
    again = removed.get("/organization/left", headers=PAGE)
    assert (again.status_code, again.headers["Location"]) == (303, "/")


def test_nothing_is_done_in_the_other_organization_before_they_know(removed: Client, orgs: tuple[Org, Org]) -> None:
    """A page of the one organization, sent a moment later, would act for the other."""
    refused = removed.delete(f"/v1/organizations/{orgs[1].id}/membership")
    assert (refused.status_code, refused.json()["code"]) == (409, "organization_left")
    read = removed.get("/v1/orders")
    assert (read.status_code, read.json()["code"]) == (409, "organization_left")
    assert removed.get("/v1/session").json()["org_id"] == str(orgs[1].id)
    assert removed.patch("/v1/session", json={"org_id": str(orgs[1].id)}).status_code == 204
    assert removed.get("/v1/orders").status_code == 200


def test_they_can_sign_out(removed: Client) -> None:
    assert removed.delete("/v1/session").status_code == 204
    assert removed.get("/v1/me").status_code == 401


def test_with_none_left_they_are_signed_out(services: Services, orgs: tuple[Org, Org]) -> None:
    email = f"one-{orgs[0].id}@firm.example"
    person_id = add(services, orgs[0], email, "viewer")
    client = signed_in(services, email)
    remove(services, orgs[0], person_id)
    assert client.get("/v1/me").status_code == 401
    assert client.get("/account", headers=PAGE).headers["Location"].startswith("/sign-in")


def test_who_leaves_by_themselves_goes_on_too(services: Services, orgs: tuple[Org, Org]) -> None:
    email = f"leaves-{orgs[0].id}@firm.example"
    for org in orgs:
        add(services, org, email, "viewer")
    client = signed_in(services, email)
    assert client.delete(f"/v1/organizations/{orgs[0].id}/membership").status_code == 204
    assert client.get("/organization/left", headers=PAGE).status_code == 200
    assert client.get("/v1/me").json()["org_id"] == str(orgs[1].id)
