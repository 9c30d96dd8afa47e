"""The members' page: roles are changed by whoever may, to what there is."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.access.members import list_members
from tests.api.test_left_organization import PAGE, add
from tests.api.test_notifications import Client, signed_in
from tests.factories_marketplace import Org, acting, make_org

ZH = {"Accept": "text/html", "Accept-Language": "zh-CN"}


@pytest.fixture
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


def member_of(services: Services, org: Org, person_id: UUID) -> UUID:
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
        return next(one.id for one in list_members(uow) if one.person_id == person_id)


def change(client: Client, member_id: UUID, headers: dict[str, str], **roles: str) -> tuple[int, str, str]:
    token = re.search(r'name="csrf" content="([^"]+)"', client.get("/members", headers=PAGE).text)
    assert token
    sent = client.post(f"/members/{member_id}/roles", data={"csrf": token[1], **roles}, headers=headers)
    return sent.status_code, sent.headers.get("Location", ""), sent.text


def test_who_gives_up_the_right_to_the_page_goes_on_at_their_account(services: Services, org: Org) -> None:
    email = f"second-{org.id}@firm.example"
    member_id = member_of(services, org, add(services, org, email, "owner"))
    client = signed_in(services, email)
    status, location, _ = change(client, member_id, PAGE, role_viewer="yes")
    assert (status, location) == (303, "/account")
    assert client.get(location, headers=PAGE).status_code == 200


def test_no_role_at_all_is_refused_in_words(services: Services, org: Org) -> None:
    email = f"third-{org.id}@firm.example"
    member_id = member_of(services, org, add(services, org, email, "owner"))
    status, _, page = change(signed_in(services, email), member_id, ZH)
    assert status == 422
    assert "没有勾选任何角色" in page
    assert "purchaser" not in re.sub(r"<form.*?</form>", "", page, flags=re.DOTALL)
