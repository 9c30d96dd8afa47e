"""Delivery over HTTP: entitlements, seats, the check, a seller's runs and connectors, and the callback address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from fulfillment.runs.conclude import Success, give_up, lock_run, succeed
from fulfillment.runs.receive_callback import MAX_BYTES
from fulfillment.runs.request_body import CALLBACK
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM, Principal
from marketplace.access.api_keys import MintApiKey, mint_api_key
from tests.api_server import application, services_for
from tests.factories_fulfillment import BOX, SIGNER, Delivery, make_delivery, provision_run, register, work
from tests.factories_marketplace import make_member, make_org, make_seller

Client = TestClient[Any]


@pytest.fixture(scope="module")
def client(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    register()
    folder: Path = tmp_path_factory.mktemp("home")
    services = services_for(db, folder, signer=SIGNER, box=BOX, policy=OutboundPolicy())
    with TestClient(application(services)) as found:
        yield found


def key(db: Database, owner: Principal, *scopes: str) -> dict[str, str]:
    """The header of a fresh API key of this owner."""
    with unit_of_work(db, owner) as uow:
        return {"Authorization": f"Bearer {mint_api_key(uow, MintApiKey('test', scopes)).text}"}


def active(db: Database, **changes: Any) -> Delivery:
    with unit_of_work(db, SYSTEM) as uow:
        made = make_delivery(uow, **changes)
        succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/t/1"))
        return made


def code(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["todo"]
    return str(body["code"])


class TestEntitlements:
    def test_list_detail_and_launch(self, db: Database, client: Client) -> None:
        made = active(db)
        buyer = key(db, made.buyer.owner, "entitlements.read")
        (row,) = client.get("/v1/entitlements", headers=buyer).json()["items"]
        assert (row["id"], row["state"], row["usable"], row["seats"]) == (str(made.id), "active", True, 3)
        detail = client.get(f"/v1/entitlements/{made.id}", headers=buyer).json()
        assert detail == row | {"holders": []}
        launch = client.post(f"/v1/entitlements/{made.id}/launch", headers=buyer)
        assert (launch.status_code, launch.json()) == (200, {"url": "https://app.example/t/1"})

    def test_seats(self, db: Database, client: Client) -> None:
        made = active(db, seats=1)
        with unit_of_work(db, SYSTEM) as uow:
            first, second = (make_member(uow, made.buyer, "viewer").person() for _ in range(2))
        buyer = key(db, made.buyer.owner, "entitlements.read", "seats.assign")
        path = f"/v1/entitlements/{made.id}/seats"

        def give(person_id: UUID, **headers: str) -> Any:
            return client.post(path, json={"person_id": str(person_id)}, headers=buyer | headers)

        assert code(give(first), 422) == "idempotency_key_required"
        one = give(first, **{"Idempotency-Key": "k1"})
        assert one.status_code == 201
        again = give(first, **{"Idempotency-Key": "k1"})
        assert again.headers["idempotency-replayed"] == "true"
        # Byte for byte: somebody may have signed it, or compare it as text.
        assert (again.content, again.headers["content-type"]) == (one.content, one.headers["content-type"])
        assert code(give(second, **{"Idempotency-Key": "k1"}), 422) == "idempotency_key_reused"
        assert code(give(first, **{"Idempotency-Key": "k2"}), 409) == "seat_already_assigned"
        assert code(give(second, **{"Idempotency-Key": "k3"}), 409) == "no_seat_left"
        assert code(give(uuid7(), **{"Idempotency-Key": "k4"}), 404) == "not_found"
        assert [
            seat["person_id"] for seat in client.get(path.removesuffix("/seats"), headers=buyer).json()["holders"]
        ] == [str(first)]
        for _ in range(2):
            assert client.delete(f"{path}/{one.json()['id']}", headers=buyer).status_code == 204
        # A refusal is not frozen under its key.
        assert give(second, **{"Idempotency-Key": "k3"}).status_code == 201

    @pytest.mark.parametrize(
        "body", [{}, {"person_id": "x"}, {"person_id": 1}, [], {"person_id": str(uuid7()), "more": 1}]
    )
    def test_a_malformed_seat_is_refused(self, db: Database, client: Client, body: Any) -> None:
        made = active(db)
        buyer = key(db, made.buyer.owner, "seats.assign") | {"Idempotency-Key": "k"}
        answer = client.post(f"/v1/entitlements/{made.id}/seats", json=body, headers=buyer)
        assert code(answer, answer.status_code) in {"validation_failed", "request_malformed"}
        assert answer.status_code in {400, 422}

    def test_the_check_and_its_tag(self, db: Database, client: Client) -> None:
        made = active(db)
        seller = key(db, made.seller.owner, "entitlements.read")
        path = f"/v1/entitlements/check?entitlement_id={made.id}"
        first = client.get(path, headers=seller)
        assert (first.status_code, first.json()["active"], first.json()["plan_code"]) == (200, True, "pro")
        tag = first.headers["etag"]
        for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            same = client.get(path, headers=seller | {"If-None-Match": sent})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers=seller | {"If-None-Match": '"other"'}).status_code == 200
        assert code(client.get("/v1/entitlements/check?entitlement_id=x", headers=seller), 422) == "validation_failed"

    def test_others_find_what_nobody_finds(self, db: Database, client: Client) -> None:
        made = active(db)
        with unit_of_work(db, SYSTEM) as uow:
            strangers = [make_org(uow).owner, make_seller(uow).owner]
        scopes = ("entitlements.read", "seats.assign", "seller.orders.read", "runs.replay", "connectors.write")
        for stranger in strangers:
            headers = key(db, stranger, *scopes) | {"Idempotency-Key": "k"}
            for method, path in (
                ("GET", "/v1/entitlements/{}"),
                ("GET", "/v1/entitlements/check?entitlement_id={}"),
                ("POST", "/v1/entitlements/{}/launch"),
                ("POST", "/v1/entitlements/{}/seats"),
                ("GET", "/v1/seller/runs/{}"),
                ("POST", "/v1/seller/runs/{}/replay"),
                ("GET", "/v1/connectors/{}"),
                ("POST", "/v1/connectors/{}/secret"),
                ("POST", "/v1/connectors/{}/test"),
            ):
                body = {"person_id": str(stranger.person())} if path.endswith("seats") else None
                target = made.run_id if "/runs/" in path else made.id
                theirs, nobodys = (
                    client.request(method, path.format(one), headers=headers, json=body) for one in (target, uuid7())
                )
                assert code(theirs, 404) == code(nobodys, 404) == "not_found"
                assert _without_id(theirs.json()) == _without_id(nobodys.json())

    def test_without_permission_or_key(self, db: Database, client: Client) -> None:
        made = active(db)
        assert code(client.get("/v1/entitlements"), 401) == "sign_in_required"
        weak = key(db, made.buyer.owner, "orders.read")
        for path in ("/v1/entitlements", f"/v1/entitlements/{made.id}", "/v1/seller/runs", "/v1/connectors"):
            assert code(client.get(path, headers=weak), 403) == "permission_missing"


def _without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request_id"}


class TestRuns:
    def test_list_detail_and_replay(self, db: Database, client: Client) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            made = make_delivery(uow)
            give_up(uow, *lock_run(uow, made.run_id), state="dead", reason="deadline_missed")
        seller = key(db, made.seller.owner, "seller.orders.read", "runs.replay")
        (row,) = client.get("/v1/seller/runs?state=dead", headers=seller).json()["items"]
        assert (row["id"], row["failure"], row["may_replay"]) == (str(made.run_id), "deadline_missed", True)
        assert client.get("/v1/seller/runs/troubled", headers=seller).json()["items"] == [row]
        assert client.get("/v1/seller/runs?state=queued", headers=seller).json()["items"] == []
        assert code(client.get("/v1/seller/runs?state=nonsense", headers=seller), 400) == "filter_unknown"
        again = client.post(f"/v1/seller/runs/{made.run_id}/replay", headers=seller)
        assert (again.status_code, again.json()["state"]) == (200, "queued")
        refused = client.post(f"/v1/seller/runs/{made.run_id}/replay", headers=seller)
        assert code(refused, 409) == "run_not_replayable"
        work(db, made.id)
        detail = client.get(f"/v1/seller/runs/{made.run_id}", headers=seller).json()
        assert (detail["state"], [item["outcome"] for item in detail["attempts"]]) == ("succeeded", ["succeeded"])

    def test_pages(self, db: Database, client: Client) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            org = make_seller(uow)
            made = [make_delivery(uow, seller=org).run_id for _ in range(3)]
        seller = key(db, org.owner, "seller.orders.read")
        first = client.get("/v1/seller/runs?limit=2", headers=seller)
        following = first.headers["link"].split(";")[0].strip("<>")
        second = client.get(following, headers=seller)
        found = [row["id"] for page in (first, second) for row in page.json()["items"]]
        assert found == [str(run_id) for run_id in made[::-1]]
        assert second.json()["next_cursor"] is None


class TestConnectors:
    def test_made_listed_changed_rotated(self, db: Database, client: Client) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            org = make_seller(uow)
        seller = key(db, org.owner, "connectors.write")
        body = {"kind": "webhook", "name": "main", "url": "https://seller.example/hook"}
        made = client.post("/v1/connectors", json=body, headers=seller)
        assert made.status_code == 201
        secret, path = made.json()["secret"], f"/v1/connectors/{made.json()['id']}"
        assert secret.startswith("whsec_")
        listed = client.get("/v1/connectors", headers=seller)
        assert [item["name"] for item in listed.json()["items"]] == ["main"]
        assert "secret" not in listed.text
        changed = client.patch(path, json={"name": "renamed"}, headers=seller).json()
        assert (changed["name"], changed["url"], changed["secret"]) == ("renamed", body["url"], None)
        rotated = client.post(f"{path}/secret", headers=seller).json()
        assert rotated["secret"] not in (None, secret)
        assert rotated["overlap_until"] is not None
        assert secret not in client.get(path, headers=seller).text

    def test_asked_for_a_test(self, db: Database, client: Client) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            org = make_seller(uow)
        seller = key(db, org.owner, "connectors.write")
        body = {"kind": "webhook", "name": "main", "url": "https://seller.example/hook"}
        made = client.post("/v1/connectors", json=body, headers=seller).json()
        path = f"/v1/connectors/{made['id']}"
        asked = client.post(f"{path}/test", headers=seller)
        assert (made["test"], asked.status_code, asked.json()["test"]) == ("untested", 202, "running")
        assert code(client.post(f"{path}/test", headers=seller), 409) == "connector_test_running"

    @pytest.mark.parametrize(
        ("body", "status", "wanted"),
        [
            ({"kind": "webhook", "name": "x"}, 422, "connector_url_required"),
            ({"kind": "webhook", "name": "x", "url": "http://169.254.169.254/"}, 422, "connector_url_refused"),
            ({"kind": "webhook", "name": "x", "url": "https://127.0.0.1/"}, 422, "connector_url_refused"),
            ({"kind": "osb", "name": "x"}, 422, "validation_failed"),
            ({"kind": "none", "name": ""}, 422, "validation_failed"),
            ({"kind": "none", "name": " \u202e "}, 422, "validation_failed"),
            ({"kind": "none", "name": "x", "secret": "whsec_x"}, 422, "validation_failed"),
            ({"kind": "none", "name": "\u0000x" * 60}, 422, "validation_failed"),
        ],
    )
    def test_refused(self, db: Database, client: Client, body: dict[str, Any], status: int, wanted: str) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            org = make_seller(uow)
        seller = key(db, org.owner, "connectors.write")
        assert code(client.post("/v1/connectors", json=body, headers=seller), status) == wanted
        assert client.get("/v1/connectors", headers=seller).json()["items"] == []


class TestCallbackAddress:
    def test_taken_and_applied(self, db: Database, client: Client) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            made = make_delivery(uow)
        path = _address(made.run_id)
        done = {"status": "succeeded", "external_id": "t-1", "launch_url": "https://app.example/t/1"}
        for _ in range(2):
            answer = client.post(path, content=json.dumps(done))
            assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
        work(db, made.id)
        with unit_of_work(db, SYSTEM) as uow:
            assert provision_run(uow, made.id).state == "succeeded"
        # After the end it is still taken, and changes nothing.
        assert client.post(path, json={"status": "failed"}).status_code == 202
        work(db, made.id)
        with unit_of_work(db, SYSTEM) as uow:
            assert provision_run(uow, made.id).state == "succeeded"

    @pytest.mark.parametrize(
        "body", [b"", b"\x00", b"[]", b"[" * 60_000, b'{"status":"done"}', b'\xff{"status":"failed"}']
    )
    def test_malformed(self, db: Database, client: Client, body: bytes) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            made = make_delivery(uow)
        assert code(client.post(_address(made.run_id), content=body), 422) == "callback_malformed"

    def test_too_long(self, db: Database, client: Client) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            made = make_delivery(uow)
        assert code(client.post(_address(made.run_id), content=b" " * (MAX_BYTES + 1)), 413) == "body_too_large"

    def test_not_ours(self, client: Client) -> None:
        for wrong in ("x", "%00", "%F0%9F", "a.b", _address(uuid7()).rsplit("/", 1)[-1]):
            answer = client.post(f"/hooks/runs/{wrong}", content=b'{"status":"failed"}')
            assert code(answer, 404) == "not_found"


def _address(run_id: UUID) -> str:
    token = SIGNER.sign_token(CALLBACK, {"run": str(run_id)}, clock.now() + timedelta(days=1))
    return f"/hooks/runs/{token}"
