"""Notifications over HTTP: one's own alone, chosen how, and a link in a mail that ends mails of its kind for its reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from app.scheduler import run_sweep
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.jobs.runner import drain
from kernel.principal import SYSTEM, Principal
from marketplace.access.members import change_roles
from marketplace.access.models import Member, Person
from marketplace.mail.bounces import mark_bouncing
from marketplace.mail.compose import UNSUBSCRIBE
from marketplace.mail.models import Mail
from marketplace.notifications.jobs import DIGESTS, RETENTION
from marketplace.notifications.mark_read import KEPT
from marketplace.notifications.models import Notification
from marketplace.notifications.notify import NewNotification, notify
from marketplace.notifications.preferences import list_preferences
from orders.notifications.notify_of_events import NOTIFY
from tests.api_server import application
from tests.conftest import NOON
from tests.factories_marketplace import PASSWORD, Org, acting, make_member, make_org

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
def finance(services: Services, org: Org) -> Principal:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_member(uow, org, "finance")


@pytest.fixture
def client(services: Services, finance: Principal) -> Client:
    return signed_in(services, email_of(services, finance))


def signed_in(services: Services, email: str) -> Client:
    client: Client = TestClient(application(services), base_url=SITE)
    client.follow_redirects = False
    opened = client.post("/v1/session", json={"email": email, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def email_of(services: Services, person: Principal) -> str:
    with unit_of_work(services.db, SYSTEM) as uow:
        return uow.session.get_one(Person, person.person()).email


def invoice(org: Org, number: str = "INV-1") -> NewNotification:
    params: dict[str, str | int] = {"number": number, "seller": "某公司", "amount_minor": 398_000, "currency": "CNY"}
    return NewNotification(
        uuid7(), clock.now(), "invoice_issued", "/invoices", params, org_id=org.id, permission="billing.manage"
    )


def tell(services: Services, *wanted: NewNotification) -> None:
    transact(services.db, SYSTEM, lambda uow: notify(uow, wanted))
    drain(services.db)


def sweep(services: Services, name: str) -> None:
    run_sweep(services.db, next(item for item in sweeps() if item.name == name))
    drain(services.db)


def mails(services: Services, person: Principal, kind: str) -> list[Mail]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return list(uow.session.scalars(select(Mail).where(Mail.person_id == person.person(), Mail.kind == kind)))


def choose(client: Client, level: str, group: str = "invoices") -> Any:
    return client.put("/v1/notifications/preferences", json={"preferences": [{"group": group, "level": level}]})


def test_a_list_is_read_one_by_one_and_all_at_once(services: Services, client: Client, org: Org) -> None:
    tell(services, *(invoice(org, f"INV-{number}") for number in range(3)))
    found = client.get("/v1/notifications?limit=2", headers={"Accept-Language": "en"})
    assert [one["is_read"] for one in found.json()["items"]] == [False, False]
    assert "¥3,980.00" in found.json()["items"][0]["text"]
    assert found.headers["Link"]
    first = found.json()["items"][0]["id"]
    for _ in range(2):
        assert client.post(f"/v1/notifications/{first}/read").json()["is_read"] is True
    assert client.get("/v1/notifications/unread").json() == {"unread": 2}
    assert len(client.get("/v1/notifications?unread=true").json()["items"]) == 2
    assert client.post("/v1/notifications/read-all").status_code == 204
    assert client.get("/v1/notifications/unread").json() == {"unread": 0}


def test_a_colleagues_is_nobody_elses(services: Services, client: Client, org: Org, finance: Principal) -> None:
    tell(services, invoice(org))
    other = signed_in(services, org.email)
    with unit_of_work(services.db, SYSTEM) as uow:
        own = select(Notification.id).where(Notification.person_id == finance.person())
        notification_id = uow.session.scalars(own).one()
    assert other.post(f"/v1/notifications/{notification_id}/read").status_code == 404
    assert client.post(f"/v1/notifications/{notification_id}/read").status_code == 200


def test_who_lost_the_role_sees_it_no_more(services: Services, client: Client, org: Org, finance: Principal) -> None:
    tell(services, invoice(org))
    assert client.get("/v1/notifications/unread").json() == {"unread": 1}
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
        member = select(Member.id).where(Member.person_id == finance.person())
        change_roles(uow, uow.session.scalars(member).one(), ["approver"])
    assert client.get("/v1/notifications/unread").json() == {"unread": 0}
    assert client.get("/v1/notifications").json()["items"] == []


def test_a_key_has_none(services: Services, client: Client, org: Org) -> None:
    owner = signed_in(services, org.email)
    key = owner.post("/v1/api-keys", json={"name": "erp", "scopes": ["orders.read"]}).json()["key"]
    asked: Client = TestClient(application(services), base_url=SITE)
    asked.headers["Authorization"] = f"Bearer {key}"
    for path in ("/v1/notifications", "/v1/notifications/unread", "/v1/notifications/preferences"):
        answer = asked.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "person_required"), path


def test_levels_are_chosen_and_the_safety_of_an_account_is_none_of_them(client: Client) -> None:
    found = {one["group"]: one for one in choose(client, "none").json()}
    assert found["invoices"]["level"] == "none"
    assert found["security"] == {"group": "security", "level": "mail", "essential": True, "mailed": True}
    for group, level, code in (
        ("security", "none", "notification_essential"),
        ("gossip", "none", "notification_group_unknown"),
    ):
        refused = choose(client, level, group)
        assert (refused.status_code // 100, refused.json()["code"]) == (4, code)


def test_a_digest_comes_once_a_morning(services: Services, client: Client, org: Org, finance: Principal) -> None:
    tell(services, invoice(org), invoice(org, "INV-2"))
    sweep(services, DIGESTS)
    assert mails(services, finance, "digest") == []
    with clock.frozen(NOON + timedelta(hours=18)):
        sweep(services, DIGESTS)
        assert mails(services, finance, "digest") == []
    with clock.frozen(NOON + timedelta(hours=21)):
        for _ in range(2):
            sweep(services, DIGESTS)
        [mail] = mails(services, finance, "digest")
        assert (mail.params["count"], len(mail.params["items"])) == ("2", 2)
        assert mail.sent_at is not None


def test_a_digest_tells_nothing_to_who_may_not_see_it_any_more(
    services: Services, client: Client, org: Org, finance: Principal
) -> None:
    tell(services, invoice(org))
    with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
        member = select(Member.id).where(Member.person_id == finance.person())
        change_roles(uow, uow.session.scalars(member).one(), ["approver"])
    with clock.frozen(NOON + timedelta(days=1)):
        sweep(services, DIGESTS)
    assert mails(services, finance, "digest") == []


def test_an_address_that_takes_no_mail_is_sent_none(
    services: Services, client: Client, org: Org, finance: Principal
) -> None:
    choose(client, "mail")
    with unit_of_work(services.db, SYSTEM) as uow:
        mark_bouncing(uow, email_of(services, finance), "invoice_issued", "550 5.1.1 no such user")
    tell(services, invoice(org))
    assert mails(services, finance, "notification") == []
    assert client.get("/v1/notifications/unread").json() == {"unread": 1}


def link(services: Services, person: Principal, group: str) -> str:
    claims = {"person": str(person.person()), "group": group}
    token = services.signer.sign_token(UNSUBSCRIBE, claims, clock.now() + timedelta(days=1))
    return f"/notifications/unsubscribe?token={token}"


def levels(services: Services, person: Principal) -> dict[str, str]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return {one.group: one.level for one in list_preferences(uow, person.person())}


def test_one_click_ends_mails_of_a_kind_for_its_reader_alone(services: Services, org: Org, finance: Principal) -> None:
    before, stranger = levels(services, org.owner), TestClient(application(services), base_url=SITE)
    address = link(services, finance, "orders")
    assert stranger.get(address).status_code == 200
    # A program that follows every link in a mail has decided nothing (RFC 8058 §2).
    assert levels(services, finance)["orders"] == "mail"
    for _ in range(2):
        answer = stranger.post(address, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    after = levels(services, finance)
    assert after.pop("orders") == "in_app"
    assert after.items() <= before.items()
    assert levels(services, org.owner) == before


@pytest.mark.parametrize("group", ["security", "gossip"])
def test_a_link_that_would_end_more_ends_nothing(services: Services, finance: Principal, group: str) -> None:
    stranger: Client = TestClient(application(services), base_url=SITE)
    before = levels(services, finance)
    for address in (link(services, finance, group), link(services, finance, "orders") + "x"):
        assert stranger.post(address).status_code == 422
        assert stranger.get(address).status_code == 422
    assert levels(services, finance) == before


def test_an_unsubscribe_link_of_the_digest_ends_digests(services: Services, finance: Principal) -> None:
    stranger: Client = TestClient(application(services), base_url=SITE)
    stranger.post(link(services, finance, "digest"))
    assert (levels(services, finance)["invoices"], levels(services, finance)["orders"]) == ("in_app", "mail")


def test_what_was_read_long_ago_is_purged(services: Services, client: Client, org: Org, finance: Principal) -> None:
    tell(services, invoice(org), invoice(org, "INV-2"))
    first = client.get("/v1/notifications").json()["items"][0]["id"]
    client.post(f"/v1/notifications/{first}/read")
    with clock.frozen(NOON + KEPT + timedelta(days=1)):
        sweep(services, RETENTION)
    with unit_of_work(services.db, SYSTEM) as uow:
        left = select(Notification.read_at).where(Notification.person_id == finance.person())
        assert list(uow.session.scalars(left)) == [None]


def test_the_page_leads_to_where_one_acts(services: Services, client: Client, org: Org, finance: Principal) -> None:
    tell(services, invoice(org))
    shown = client.get("/notifications").text
    assert re.search(r'class="badge">1<', shown)
    [action] = re.findall(r'action="(/notifications/[0-9a-f-]+/open)"', shown)
    csrf = re.findall(r'name="csrf" value="([^"]+)"', shown)[0]
    answer = client.post(action, data={"csrf": csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/invoices")
    assert not re.search(r'class="badge">\d', client.get("/notifications").text)
    chosen = client.post("/notifications/preferences", data={"csrf": csrf, "invoices": "mail", "orders": "none"})
    assert chosen.status_code == 303
    assert (levels(services, finance)["invoices"], levels(services, finance)["orders"]) == ("mail", "none")
    refused = client.post("/notifications/preferences", data={"csrf": csrf, "security": "none"})
    assert refused.status_code == 422


def test_a_new_browser_and_a_new_password_are_told(services: Services, client: Client, finance: Principal) -> None:
    with clock.frozen(NOON + timedelta(days=2)):
        email = email_of(services, finance)
        elsewhere = signed_in(services, email)
        body = {"current_password": PASSWORD, "password": "another long password"}
        assert elsewhere.put("/v1/me/password", json=body).status_code == 204
        for _ in range(2):
            sweep(services, NOTIFY)
        kinds = {one["kind"] for one in elsewhere.get("/v1/notifications").json()["items"]}
        assert kinds == {"new_device", "password_changed"}
        [mail] = mails(services, finance, "notification")
        assert "unsubscribe_group" not in mail.params
