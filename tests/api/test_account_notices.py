"""What concerns somebody's memberships stands in their inbox, wherever they act, and not in their mailbox alone."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM, Principal
from marketplace.access.members import list_members
from marketplace.parties.models import Organization
from orders.notifications.notify_of_events import NOTIFY
from tests.api.test_notifications import Client, email_of, mails, signed_in, sweep
from tests.conftest import NOON
from tests.factories_marketplace import Org, acting, make_member, make_org, new_tax_id


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def elsewhere(services: Services) -> Org:
    """Another organization, with an account of its own."""
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def owner(services: Services, org: Org) -> Client:
    return signed_in(services, org.email)


@pytest.fixture
def colleague(services: Services, org: Org) -> Principal:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_member(uow, org, "finance")


def inbox(services: Services, client: Client) -> list[tuple[str, str, str]]:
    """Kind, title and page of what is unread."""
    sweep(services, NOTIFY)
    rows = client.get("/v1/notifications", headers={"Accept-Language": "en"}).json()["items"]
    return [(one["kind"], one["title"], one["path"]) for one in rows if not one["is_read"]]


def name_of(services: Services, org: Org) -> str:
    with unit_of_work(services.db, SYSTEM) as uow:
        return uow.session.scalars(select(Organization.display_name).where(Organization.id == org.id)).one()


def member_id(services: Services, org: Org, person: Principal) -> UUID:
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
        return next(row.id for row in list_members(uow) if row.person_id == person.person_id)


def invite(owner: Client, org: Org, email: str) -> None:
    body = {"email": email, "roles": ["viewer"], "locale": "en"}
    assert owner.post(f"/v1/organizations/{org.id}/invitations", json=body).status_code == 201


def test_an_invitation_to_an_account_is_found_and_answered_there(
    services: Services, owner: Client, org: Org, elsewhere: Org
) -> None:
    invite(owner, org, elsewhere.email)
    invited, name = signed_in(services, elsewhere.email), name_of(services, org)
    assert inbox(services, invited) == [("invitation_received", f"{name} asks you to join", "/account")]
    assert mails(services, elsewhere.owner, "notification") == []
    [shown] = invited.get("/v1/me/invitations").json()
    assert (shown["organization"], shown["roles"]) == (name, ["viewer"])
    page = invited.get("/account", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    assert f"Join {name}" in page
    assert f"/invitations/accept?token={shown['token']}" in page
    assert owner.get("/v1/me/invitations").json() == []
    accepted = invited.post("/v1/invitations/acceptance", json={"token": shown["token"]})
    assert accepted.status_code == 201, accepted.text
    invited.headers["X-CSRF-Token"] = accepted.json()["csrf"]
    assert invited.get("/v1/me/invitations").json() == []
    assert invited.get("/v1/me").json()["org_id"] == str(org.id)


def test_who_has_no_account_is_told_by_mail_alone(services: Services, owner: Client, org: Org) -> None:
    invite(owner, org, f"nobody-{org.id}@firm.example")
    assert inbox(services, owner) == []


def test_an_ownership_that_is_offered_is_found_wherever_one_acts(
    services: Services, owner: Client, org: Org, colleague: Principal
) -> None:
    body = {"member_id": str(member_id(services, org, colleague)), "keeps": "viewer"}
    path = f"/v1/organizations/{org.id}/ownership-transfers"
    for _ in range(2):
        assert owner.post(path, json=body).status_code == 201
    theirs = signed_in(services, email_of(services, colleague))
    registration = {"legal_name": "别处有限公司", "display_name": "别处", "country": "CN", "tax_id": new_tax_id()}
    made = theirs.post("/v1/organizations", json=registration)
    assert made.status_code == 201, made.text
    assert theirs.patch("/v1/session", json={"org_id": made.json()["org_id"]}).status_code == 204
    told = inbox(services, theirs)
    assert [(kind, path) for kind, _, path in told] == [("ownership_offered", "/account")]
    assert name_of(services, org) in told[0][1]


def test_other_roles_are_told_to_who_got_them(
    services: Services, owner: Client, org: Org, colleague: Principal
) -> None:
    path = f"/v1/organizations/{org.id}/members/{member_id(services, org, colleague)}"
    theirs = signed_in(services, email_of(services, colleague))
    for roles in (["viewer"], ["viewer"]):
        assert owner.patch(path, json={"roles": roles}).status_code == 200
    assert [kind for kind, _, _ in inbox(services, theirs)] == ["roles_changed"]
    assert "Viewer" in theirs.get("/account", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    own = f"/v1/organizations/{org.id}/members/{member_id(services, org, org.owner)}"
    assert owner.patch(own, json={"roles": ["owner", "viewer"]}).status_code == 200
    assert inbox(services, owner) == []


def test_who_is_removed_is_told_in_the_product_and_by_mail(
    services: Services, owner: Client, org: Org, colleague: Principal, elsewhere: Org
) -> None:
    email = email_of(services, colleague)
    invite(signed_in(services, elsewhere.email), elsewhere, email)
    theirs = signed_in(services, email)
    token = theirs.get("/v1/me/invitations").json()[0]["token"]
    assert theirs.post("/v1/invitations/acceptance", json={"token": token}).status_code == 201
    inbox(services, theirs)
    assert owner.delete(f"/v1/organizations/{org.id}/members/{member_id(services, org, colleague)}").status_code == 204
    told = inbox(services, theirs)
    assert told[0] == ("membership_ended", f"You are no member of {name_of(services, org)} any more", "/account")
    [mail] = mails(services, colleague, "notification")
    assert name_of(services, org) in mail.params["title"]
    assert "unsubscribe_group" not in mail.params


def test_who_leaves_by_themselves_is_told_nothing(services: Services, org: Org, colleague: Principal) -> None:
    theirs = signed_in(services, email_of(services, colleague))
    assert theirs.delete(f"/v1/organizations/{org.id}/membership").status_code == 204
    sweep(services, NOTIFY)
    assert mails(services, colleague, "notification") == []
