"""Invoice titles: what they hold, which is the default, and what is retired without touching what was bought."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.api_server import application
from tests.conftest import NOON
from tests.factories_marketplace import PASSWORD, Org, make_org, new_tax_id

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
def client(services: Services, org: Org) -> Client:
    client: Client = TestClient(application(services), base_url=SITE)
    opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def body(**changes: Any) -> dict[str, Any]:
    return {
        "legal_name": "湖畔科技有限公司",
        "country": "CN",
        "tax_id": new_tax_id(),
        "address": "文三路 1 号",
        "phone": "0571-88156688 转 8012",
        "bank_name": "招商银行文三支行",
        "bank_account": "5719 0812 3410 210",
        "email": "Invoices@Firm.Example",
        "recipient": "王会计",
        "invoice_kind": "special",
        "vat_status": "general",
    } | changes


def add(client: Client, **changes: Any) -> dict[str, Any]:
    made = client.post("/v1/billing-profiles", json=body(**changes))
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/v1/billing-profiles{query}").json()
    return found


def test_all_fields_are_kept_and_of_the_account_its_end(client: Client) -> None:
    made = add(client)
    assert made | {"id": "", "tax_id": ""} == {
        "id": "",
        "party_type": "organization",
        "legal_name": "湖畔科技有限公司",
        "tax_id": "",
        "country": "CN",
        "address": "文三路 1 号",
        "street": "",
        "city": "",
        "post_code": "",
        "subdivision": "",
        "phone": "0571-88156688 转 8012",
        "bank_name": "招商银行文三支行",
        "bank_account_masked": "•••• 0210",
        "email": "invoices@firm.example",
        "recipient": "王会计",
        "invoice_kind": "special",
        "vat_status": "general",
        "is_default": False,
        "is_retired": False,
        "monthly_invoice": False,
    }
    assert made in listed(client)


def test_an_address_in_its_parts_is_its_line(client: Client) -> None:
    parts = {"street": "文三路 478 号", "city": "杭州市", "post_code": "310012", "subdivision": "浙江省"}
    made = add(client, address="x", **parts)
    assert {name: made[name] for name in parts} == parts
    assert made["address"] == "浙江省 杭州市 文三路 478 号 310012"
    abroad = {"street": "Chausseestraße 12", "city": "Berlin", "post_code": "10115"}
    made = add(client, country="DE", tax_id="DE136695976", invoice_kind="ordinary", **abroad)
    assert made["address"] == "Chausseestraße 12 10115 Berlin"
    refused = client.post("/v1/billing-profiles", json=body(street="文三路 1 号"))
    assert (refused.status_code, refused.json()["code"]) == (422, "address_city_required")
    kept = client.put(f"/v1/billing-profiles/{made['id']}", json=body(address="某路 2 号"))
    assert (kept.json()["address"], kept.json()["street"], kept.json()["city"]) == ("某路 2 号", "", "")


def test_an_account_stays_until_its_bank_goes(client: Client) -> None:
    made = add(client)
    path = f"/v1/billing-profiles/{made['id']}"
    kept = client.put(path, json=body(tax_id=made["tax_id"], bank_account=None)).json()
    assert kept["bank_account_masked"] == "•••• 0210"
    gone = client.put(path, json=body(tax_id=made["tax_id"], bank_account=None, bank_name=None)).json()
    assert (gone["bank_name"], gone["bank_account_masked"]) == (None, None)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"tax_id": "9133010"}, "tax_id_length", "tax_id"),
        ({"tax_id": "91330106MA2CF9B3RK"}, "tax_id_check_digit", "tax_id"),
        ({"tax_id": "9133O106MA2CF9B3RJ"}, "tax_id_characters", "tax_id"),
        ({"tax_id": None}, "tax_id_required", "tax_id"),
        ({"phone": "call me"}, "phone_invalid", "phone"),
        ({"bank_name": None}, "bank_name_required", "bank_name"),
        ({"bank_account": "12"}, "bank_account_invalid", "bank_account"),
        ({"vat_status": "small_scale"}, "special_invoice_refused", "invoice_kind"),
        ({"party_type": "person", "tax_id": None}, "special_invoice_refused", "invoice_kind"),
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"legal_name": " "}, "text_required", "legal_name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, changes: dict[str, Any], code: str, field: str) -> None:
    before = listed(client)
    refused = client.post("/v1/billing-profiles", json=body(**changes))
    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["errors"][0]["field"]) == (code, field)
    assert listed(client) == before


def test_a_person_and_a_foreign_title_have_what_applies_to_them(client: Client) -> None:
    person = add(client, party_type="person", tax_id=None, invoice_kind="ordinary")
    assert (person["tax_id"], person["vat_status"]) == (None, None)
    foreign = add(client, country="DE", tax_id="136695976", phone="+49 30 123456")
    assert (foreign["tax_id"], foreign["invoice_kind"], foreign["vat_status"]) == ("DE136695976", "ordinary", None)


def test_one_is_the_default_and_another_is_chosen(client: Client) -> None:
    (first,) = listed(client)
    assert first["is_default"]
    other = add(client)
    chosen = client.post(f"/v1/billing-profiles/{other['id']}/default")
    assert (chosen.status_code, chosen.json()["is_default"]) == (200, True)
    assert [(one["id"], one["is_default"]) for one in listed(client)] == [(other["id"], True), (first["id"], False)]


def test_a_retired_title_is_not_offered_until_it_is_restored(client: Client) -> None:
    (first,) = listed(client)
    refused = client.post(f"/v1/billing-profiles/{first['id']}/retire")
    assert (refused.status_code, refused.json()["code"]) == (409, "billing_profile_is_default")
    other = add(client)
    path = f"/v1/billing-profiles/{other['id']}"
    for _ in range(2):
        assert client.post(f"{path}/retire").json()["is_retired"] is True
    assert [one["id"] for one in listed(client)] == [first["id"]]
    assert [one["id"] for one in listed(client, "?retired=true")] == [first["id"], other["id"]]
    for answer in (client.post(f"{path}/default"), client.put(path, json=body())):
        assert (answer.status_code, answer.json()["code"]) == (409, "billing_profile_retired")
    assert client.post(f"{path}/restore").json()["is_retired"] is False
    assert client.post(f"{path}/default").status_code == 200


def test_of_two_that_choose_at_once_there_is_one_default(services: Services, org: Org, client: Client) -> None:
    others = [add(client)["id"] for _ in range(4)]

    def choose(profile_id: str) -> int:
        return int(client.post(f"/v1/billing-profiles/{profile_id}/default").status_code)

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(choose, others))
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert [one["is_default"] for one in listed(client)].count(True) == 1
