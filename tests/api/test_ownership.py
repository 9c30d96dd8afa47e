"""Handing an organization over: asked, accepted or not, and never without an owner nor without consent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM, Principal
from marketplace.access import ownership
from marketplace.access.counted_limits import Limit
from marketplace.access.models import Member, Person
from marketplace.access.ownership import KEPT_ROLES, LASTS
from marketplace.mail.models import Mail
from tests.api_server import application
from tests.conftest import NOON
from tests.factories_marketplace import PASSWORD, Org, make_member, make_org

Client = TestClient[Any]
SITE = "https://market.example"


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def receiver(services: Services, org: Org) -> Principal:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_member(uow, org, "finance")


@pytest.fixture
def owner(services: Services, org: Org) -> Client:
    return signed_in(services, org.email)


def signed_in(services: Services, email: str) -> Client:
    client: Client = TestClient(application(services), base_url=SITE)
    client.follow_redirects = False
    opened = client.post("/v1/session", json={"email": email, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def email_of(services: Services, who: Principal) -> str:
    with unit_of_work(services.db, SYSTEM) as uow:
        return uow.session.get_one(Person, who.person()).email


def member_of(services: Services, org: Org, who: Principal) -> Member:
    with unit_of_work(services.db, SYSTEM) as uow:
        return uow.session.scalars(
            select(Member).where(Member.org_id == org.id, Member.person_id == who.person())
        ).one()


def offer(client: Client, org: Org, member_id: UUID, keeps: str = "admin") -> Any:
    return client.post(
        f"/v1/organizations/{org.id}/ownership-transfers", json={"member_id": str(member_id), "keeps": keeps}
    )


def told(services: Services, email: str) -> list[str]:
    with unit_of_work(services.db, SYSTEM) as uow:
        found = select(Mail.kind).where(Mail.to_address == email).order_by(Mail.id)
        return list(uow.session.scalars(found))


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_both_roles_change_when_it_is_accepted_and_not_before(
    services: Services, org: Org, owner: Client, receiver: Principal
) -> None:
    theirs = signed_in(services, email_of(services, receiver))
    made = offer(owner, org, member_of(services, org, receiver).id, "viewer")
    assert made.status_code == 201, made.text
    [shown] = made.json()
    assert (shown["keeps"], shown["org_id"]) == ("viewer", str(org.id))
    assert member_of(services, org, receiver).roles == ["finance"]
    assert theirs.get("/v1/me/ownership-transfers").json() == [shown]
    assert owner.get("/v1/me/ownership-transfers").json() == []
    for _ in range(2):
        done = theirs.post(f"/v1/me/ownership-transfers/{shown['id']}/acceptance")
        assert done.status_code == 204, done.text
    assert member_of(services, org, receiver).roles == ["finance", "owner"]
    assert member_of(services, org, org.owner).roles == ["viewer"]
    assert theirs.get("/v1/me/ownership-transfers").json() == []
    assert owner.get(f"/v1/organizations/{org.id}/ownership-transfers").status_code == 403
    assert told(services, email_of(services, receiver)) == ["ownership_offered", "ownership_received"]
    assert told(services, org.email) == ["ownership_handed_over"]


def test_asked_again_it_is_the_same_and_asked_of_another_the_first_ends(
    services: Services, org: Org, owner: Client, receiver: Principal
) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        second = make_member(uow, org, "viewer")
    ids = [offer(owner, org, member_of(services, org, receiver).id).json()[0]["id"] for _ in range(2)]
    assert ids[0] == ids[1]
    assert told(services, email_of(services, receiver)) == ["ownership_offered"]
    [other] = offer(owner, org, member_of(services, org, second).id).json()
    assert other["id"] != ids[0]
    theirs = signed_in(services, email_of(services, receiver))
    assert theirs.get("/v1/me/ownership-transfers").json() == []
    assert code_of(theirs.post(f"/v1/me/ownership-transfers/{ids[0]}/acceptance")) == (409, "transfer_over")
    assert code_of(theirs.post(f"/v1/me/ownership-transfers/{other['id']}/acceptance")) == (404, "transfer_not_found")


def test_declined_or_withdrawn_nothing_changes(
    services: Services, org: Org, owner: Client, receiver: Principal
) -> None:
    theirs = signed_in(services, email_of(services, receiver))
    [first] = offer(owner, org, member_of(services, org, receiver).id).json()
    for _ in range(2):
        assert theirs.post(f"/v1/me/ownership-transfers/{first['id']}/refusal").status_code == 204
    assert told(services, org.email) == ["ownership_declined"]
    address = f"/v1/organizations/{org.id}/ownership-transfers"
    assert code_of(owner.delete(f"{address}/{first['id']}")) == (409, "invalid_transition")
    [second] = offer(owner, org, member_of(services, org, receiver).id).json()
    for _ in range(2):
        assert owner.delete(f"{address}/{second['id']}").status_code == 204
    assert code_of(theirs.post(f"/v1/me/ownership-transfers/{second['id']}/acceptance")) == (409, "transfer_over")
    assert member_of(services, org, org.owner).roles == ["owner"]


def test_it_is_over_after_two_weeks(services: Services, org: Org, owner: Client, receiver: Principal) -> None:
    email = email_of(services, receiver)
    [made] = offer(owner, org, member_of(services, org, receiver).id).json()
    clock.advance(LASTS)
    theirs = signed_in(services, email)
    assert theirs.get("/v1/me/ownership-transfers").json() == []
    assert code_of(theirs.post(f"/v1/me/ownership-transfers/{made['id']}/acceptance")) == (409, "transfer_over")
    again = signed_in(services, org.email)
    assert offer(again, org, member_of(services, org, receiver).id).json()[0]["id"] != made["id"]


def test_what_is_refused(services: Services, org: Org, owner: Client, receiver: Principal) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        admin, stranger = make_member(uow, org, "admin"), make_org(uow)
        peer = make_member(uow, org, "owner")
    ids = [member_of(services, where, who).id for where, who in ((org, receiver), (org, org.owner), (org, peer))]
    theirs = member_of(services, stranger, stranger.owner).id
    for member_id, keeps, refusal in (
        (ids[1], "admin", (422, "transfer_to_self")),
        (ids[2], "admin", (409, "already_owner")),
        (theirs, "admin", (404, "member_not_found")),
        (ids[0], "owner", (422, "role_unknown")),
        (ids[0], "", (422, "role_unknown")),
    ):
        assert code_of(offer(owner, org, member_id, keeps)) == refusal
    other = signed_in(services, email_of(services, admin))
    assert code_of(offer(other, org, ids[0])) == (403, "owner_required")
    assert code_of(offer(signed_in(services, stranger.email), org, ids[0]))[0] == 404


def test_nobody_is_flooded_with_offers(
    services: Services, org: Org, owner: Client, receiver: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "A_DAY", Limit(2, timedelta(days=1)))
    member_id = member_of(services, org, receiver).id
    answers = [offer(owner, org, member_id, keeps).status_code for keeps in KEPT_ROLES[:3]]
    assert answers == [201, 201, 429]


def test_by_the_pages(services: Services, org: Org, owner: Client, receiver: Principal) -> None:
    def post(client: Client, page: str, path: str, **values: str) -> Any:
        found = re.search(r'name="csrf" value="([^"]+)"', client.get(page).text)
        assert found is not None
        return client.post(path, data={"csrf": found.group(1), **values})

    theirs, member_id = signed_in(services, email_of(services, receiver)), str(member_of(services, org, receiver).id)
    refused = post(owner, "/members", "/members/ownership", member_id=member_id, keeps="owner")
    assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)
    for _ in range(2):
        asked = post(owner, "/members", "/members/ownership", member_id=member_id, keeps="viewer")
        assert (asked.status_code, asked.headers["location"]) == (303, "/members")
        back = re.search(r'action="(/members/ownership/[^"]+/withdraw)"', owner.get("/members").text)
        assert back is not None
        if _ == 0:
            assert post(owner, "/members", back.group(1)).status_code == 303
    found = re.search(r'action="(/account/ownership/[^"]+)/accept"', theirs.get("/account").text)
    assert found is not None
    assert post(theirs, "/account", f"{found.group(1)}/accept").status_code == 303
    assert member_of(services, org, org.owner).roles == ["viewer"]
    assert post(theirs, "/account", f"{found.group(1)}/decline").status_code == 422
    assert "/members/ownership" in theirs.get("/members").text
