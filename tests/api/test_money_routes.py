"""Money over HTTP: invoices and their files, shares, statements, payouts, the operator's dashboard; each to its own eyes only."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import update

from api.context import Services
from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.gateways.ports import GatewayRecord, GatewayStatus, GatewayWebhook
from billing.gateways.webhooks import store_webhook
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from billing.refunds.apply_external import apply_external
from billing.shares.models import Share
from billing.shares.release import RELEASE
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.money import Money
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM, Principal
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import Member, Person, SignInSession
from marketplace.parties.models import PLATFORM_ORG_ID
from tests.api_server import application, services_for
from tests.factories_billing import House, Sale, do_sweep, make_house, read
from tests.factories_fulfillment import BOX, SIGNER
from tests.factories_marketplace import Org, make_org, make_seller

Client = TestClient[Any]
Headers = dict[str, str]


@dataclass(frozen=True)
class World:
    """A sold, delivered and invoiced line, and the credentials of everybody around it."""

    house: House
    sale: Sale
    payment_id: UUID
    invoice_id: UUID
    buyer: Headers
    seller: Headers
    promoter: Headers
    stranger: Headers
    operator: Headers


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def services(db: Database, home: Path) -> Services:
    found = services_for(db, home, signer=SIGNER, box=BOX, policy=OutboundPolicy())
    return replace(found, gateways={"sandbox": make_house(db, home / "storage").gateway})


@pytest.fixture
def client(services: Services, noon: object) -> Iterator[Client]:
    with TestClient(application(services)) as found:
        yield found


def key(db: Database, owner: Principal, *scopes: str) -> Headers:
    with unit_of_work(db, owner) as uow:
        return {"Authorization": f"Bearer {mint_api_key(uow, MintApiKey('test', scopes)).text}"}


def operator(db: Database) -> Headers:
    """A session of somebody of the platform's own staff."""
    token, person_id = uuid7().hex, uuid7()
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.add(
            Person(
                id=person_id,
                email=f"{person_id.hex}@platform.test",
                name="Ops",
                password_hash="x",
                locale="en",
                is_operator=True,
            )
        )
        uow.flush()
        uow.session.add(Member(org_id=PLATFORM_ORG_ID, person_id=person_id, roles=["operator"], state="active"))
        uow.session.add(
            SignInSession(
                token_hash=hash_token(token),
                person_id=person_id,
                org_id=PLATFORM_ORG_ID,
                expires_at=clock.now() + timedelta(days=30),
            )
        )
    return {"Cookie": f"session={token}", "X-CSRF-Token": csrf_of(token)}


@pytest.fixture
def world(db: Database, client: Client, home: Path) -> World:
    house = make_house(db, home / "storage")
    with unit_of_work(db, SYSTEM) as uow:
        buyer, seller, promoter, stranger = make_org(uow), make_seller(uow), make_seller(uow), make_seller(uow)
    sale = Sale(buyer_org_id=buyer.id, seller_org_id=seller.id, promoter_org_id=promoter.id)
    payment_id = sale.paid(house)
    sale.deliver(db)
    invoice_id = sale.invoice(db)
    house.run()
    scopes = ("invoices.read", "money.read", "orders.read", "orders.buy", "trace.read")

    def of(org: Org) -> Headers:
        return key(db, org.owner, *scopes)

    return World(house, sale, payment_id, invoice_id, of(buyer), of(seller), of(promoter), of(stranger), operator(db))


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["todo"]


def second_invoice(world: World) -> UUID:
    """Another seller's first invoice to the same buyer: its number is the first seller's too."""
    sale = Sale(buyer_org_id=world.sale.buyer_org_id)
    sale.paid(world.house)
    sale.deliver(world.house.db)
    invoice_id = sale.invoice(world.house.db)
    world.house.run()
    return invoice_id


class TestInvoices:
    def test_the_buyer_lists_opens_and_downloads_it(self, client: Client, world: World) -> None:
        listed = client.get("/v1/invoices?kind=invoice&limit=1&q=O-2026", headers=world.buyer).json()
        assert [row["id"] for row in listed["items"]] == [str(world.invoice_id)]
        assert listed["items"][0]["gross"] == {"amount": 106_000, "currency": "CNY"}
        opened = client.get(f"/v1/invoices/{world.invoice_id}", headers=world.buyer).json()
        assert (opened["number"], opened["lines"][0]["quantity"]) == ("INV-2026-000001", "10")
        pdf = client.get(f"/v1/invoices/{world.invoice_id}/pdf", headers=world.buyer)
        assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
        assert 'filename="INV-2026-000001.pdf"' in pdf.headers["content-disposition"]
        assert pdf.content.startswith(b"%PDF")
        xml = client.get(f"/v1/invoices/{world.invoice_id}/xml", headers=world.buyer)
        assert b"CrossIndustryInvoice" in xml.content
        ubl = client.get(f"/v1/invoices/{world.invoice_id}/ubl", headers=world.buyer)
        assert 'filename="INV-2026-000001-ubl.xml"' in ubl.headers["content-disposition"]
        assert b"<cbc:ID>INV-2026-000001</cbc:ID>" in ubl.content

    @pytest.mark.parametrize("which", ["month", "one by one"])
    def test_a_month_is_one_archive_of_the_very_files(self, client: Client, world: World, which: str) -> None:
        query = "month=2026-11" if which == "month" else f"id={world.invoice_id}"
        answer = client.get(f"/v1/invoices/export?{query}", headers=world.buyer)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            stem = "卖方软件有限公司 INV-2026-000001"
            assert archive.namelist() == [f"{stem}.pdf", f"{stem}.xml", "index.csv", "index.xlsx"]
            assert stem.split()[1] in archive.read("index.csv").decode("utf-8-sig")
            for form in ("pdf", "xml"):
                single = client.get(f"/v1/invoices/{world.invoice_id}/{form}", headers=world.buyer)
                assert archive.read(f"{stem}.{form}") == single.content

    def test_unpacked_nothing_is_lost_where_sellers_share_a_number(
        self, client: Client, world: World, tmp_path: Path
    ) -> None:
        second_invoice(world)
        answer = client.get("/v1/invoices/export?month=2026-11", headers=world.buyer)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            archive.extractall(tmp_path / "unpacked")
            assert len(archive.namelist()) == 6
        assert len(list((tmp_path / "unpacked").iterdir())) == 6

    def test_a_number_of_several_documents_is_asked_about(self, client: Client, world: World) -> None:
        second = second_invoice(world)
        found = client.get("/v1/trace?q=INV-2026-000001", headers=world.buyer).json()
        assert {row["id"] for row in found} == {str(world.invoice_id), str(second)}
        assert {(row["kind"], row["number"], row["of"]) for row in found} == {
            ("invoice", "INV-2026-000001", "卖方软件有限公司")
        }
        own = client.get("/v1/trace?q=INV-2026-000001", headers=world.seller).json()
        assert [row["id"] for row in own] == [str(world.invoice_id)]
        assert client.get("/v1/trace?q=INV-2026-000001", headers=world.stranger).json() == []
        assert client.get("/v1/trace?q=", headers=world.buyer).status_code == 422

    def test_an_archive_holds_nobody_elses(self, client: Client, world: World) -> None:
        for query in ("month=2026-11", f"id={world.invoice_id}", "month=2025-01&state=credited"):
            assert client.get(f"/v1/invoices/export?{query}", headers=world.stranger).status_code == 404
        for query, status in (("month=2026-13", 422), ("state=lost", 400), ("seller=x", 422)):
            assert client.get(f"/v1/invoices/export?{query}", headers=world.buyer).status_code == status

    def test_the_seller_sees_what_it_issued(self, client: Client, world: World) -> None:
        issued = client.get("/v1/seller/invoices", headers=world.seller).json()
        assert [row["id"] for row in issued["items"]] == [str(world.invoice_id)]
        assert client.get("/v1/invoices", headers=world.seller).json()["items"] == []

    @pytest.mark.parametrize("tail", ["", "/pdf", "/xml", "/ubl"])
    def test_a_stranger_learns_as_little_as_of_a_missing_one(self, client: Client, world: World, tail: str) -> None:
        for who in (world.stranger, world.promoter):
            theirs = client.get(f"/v1/invoices/{world.invoice_id}{tail}", headers=who)
            missing = client.get(f"/v1/invoices/{uuid7()}{tail}", headers=who)
            refused(theirs, 404, "invoice_not_found")
            assert theirs.json() | {"request_id": ""} == missing.json() | {"request_id": ""}

    @pytest.mark.parametrize("query", ["issued_from=yesterday", "least_minor=-1", "kind=x", "cursor=x", "party=1"])
    def test_bad_filters_are_refused(self, client: Client, world: World, query: str) -> None:
        assert client.get(f"/v1/invoices?{query}", headers=world.buyer).status_code in {400, 422}

    def test_a_missing_parameter_and_swapped_limits_are_named(self, client: Client, world: World) -> None:
        missing = client.get("/v1/trace", headers=world.buyer)
        refused(missing, 422, "validation_failed")
        assert [one["field"] for one in missing.json()["errors"]] == ["q"]
        swapped = client.get("/v1/invoices?least_minor=2&most_minor=1", headers=world.buyer)
        refused(swapped, 422, "amount_limits_swapped")
        assert [one["field"] for one in swapped.json()["errors"]] == ["most_minor"]

    def test_anybody_with_the_paper_can_check_it(self, client: Client, world: World) -> None:
        code = read(world.house.db, Invoice, world.invoice_id).verification_code
        assert client.get(f"/v1/invoice-verifications/{code}").json()["number"] == "INV-2026-000001"
        refused(client.get("/v1/invoice-verifications/wrong"), 404, "invoice_not_found")


class TestMoney:
    def settle(self, client: Client, world: World) -> dict[str, Any]:
        clock.advance(timedelta(days=8))
        closed = client.post(
            "/v1/operator/statements", json={"org_id": str(world.sale.seller_org_id)}, headers=world.operator
        )
        assert closed.status_code == 201, closed.text
        found: dict[str, Any] = closed.json()["items"][0]
        return found

    def test_a_seller_sees_its_money_before_it_comes(self, client: Client, world: World) -> None:
        balance = client.get("/v1/seller/balances", headers=world.seller).json()[0]
        assert (balance["pending"]["amount"], balance["available"]["amount"]) == (86_000, 0)
        assert [day["amount"]["amount"] for day in balance["forecast"]] == [86_000]
        share = client.get("/v1/seller/shares?state=pending", headers=world.seller).json()["items"][0]
        assert (share["commission"]["amount"], share["promoter"]["amount"]) == (15_000, 5_000)

    def test_a_promoter_sees_its_part_and_no_buyer(self, client: Client, world: World) -> None:
        answer = client.get("/v1/promoter/shares", headers=world.promoter)
        assert [row["amount"]["amount"] for row in answer.json()["items"]] == [5_000]
        assert client.get("/v1/promoter/videos", headers=world.promoter).json()[0]["earned"]["amount"] == 5_000
        for hidden in (world.sale.buyer_org_id, world.sale.order_id):
            assert str(hidden) not in answer.text

    def test_from_statement_to_payout(self, client: Client, world: World) -> None:
        statement = self.settle(client, world)
        own = client.get(f"/v1/statements/{statement['id']}", headers=world.seller).json()
        assert (own["net"]["amount"], len(own["lines"])) == (86_000, 1)
        body = {"statement_id": statement["id"], "gateway": "sandbox", "destination": "sbx_acct_ok"}
        headers = world.operator | {"Idempotency-Key": "pay-1"}
        first = client.post("/v1/operator/payouts", json=body, headers=headers)
        again = client.post("/v1/operator/payouts", json=body, headers=headers)
        assert (first.status_code, again.json()) == (201, first.json())
        second = client.post("/v1/operator/payouts", json=body, headers=world.operator | {"Idempotency-Key": "pay-2"})
        refused(second, 409, "statement_not_payable")
        world.house.run()
        payout = client.get("/v1/payouts", headers=world.seller).json()["items"][0]
        assert (payout["id"], payout["state"]) == (first.json()["id"], "paid")
        refused(client.get(f"/v1/payouts/{payout['id']}", headers=world.stranger), 404, "payout_not_found")
        refused(client.get(f"/v1/statements/{statement['id']}", headers=world.buyer), 404, "statement_not_found")

    def test_an_account_in_another_name_waits_for_a_person(self, client: Client, world: World) -> None:
        statement = self.settle(client, world)
        headers = world.operator | {"Idempotency-Key": "in-another-name"}
        told = client.post("/v1/operator/payouts", json={"statement_id": statement["id"]}, headers=headers)
        refused(told, 409, "payout_holder_differs")
        assert client.get("/v1/payouts", headers=world.seller).json()["items"] == []

    @pytest.mark.parametrize(
        "account", [{"gateway": "sandbox"}, {"destination": "acct_1"}, {"gateway": "sandbox", "destination": "  "}]
    )
    def test_without_an_account_nothing_is_paid(self, client: Client, world: World, account: dict[str, str]) -> None:
        statement = self.settle(client, world)
        for number, language in enumerate(("zh-CN", "en")):
            headers = world.operator | {"Idempotency-Key": f"blank-{number}", "Accept-Language": language}
            told = client.post(
                "/v1/operator/payouts", json={"statement_id": statement["id"]} | account, headers=headers
            )
            refused(told, 422, "payout_account_missing")
            assert ("账户" if language == "zh-CN" else "account") in told.json()["title"]
        own = client.get(f"/v1/statements/{statement['id']}", headers=world.seller).json()
        assert (own["state"], own["net"]["amount"]) == ("closed", 86_000)
        assert client.get("/v1/payouts", headers=world.seller).json()["items"] == []

    def test_a_gateway_that_is_not_here_pays_nothing(self, client: Client, world: World) -> None:
        statement = self.settle(client, world)
        body = {"statement_id": statement["id"], "gateway": "elsewhere", "destination": "acct_1"}
        told = client.post("/v1/operator/payouts", json=body, headers=world.operator | {"Idempotency-Key": "pay-1"})
        refused(told, 422, "gateway_unknown")

    def test_a_party_that_does_not_reconcile_is_named_and_the_others_are_closed(
        self, client: Client, world: World
    ) -> None:
        clock.advance(timedelta(days=8))
        do_sweep(world.house.db, RELEASE)
        mine = (Share.reference == world.sale.line_id, Share.kind == "seller")
        with unit_of_work(world.house.db, SYSTEM) as uow:
            uow.session.execute(update(Share).where(*mine).values(amount_minor=Share.amount_minor + 1))
        told = client.post("/v1/operator/statements", json={}, headers=world.operator)
        with unit_of_work(world.house.db, SYSTEM) as uow:
            uow.session.execute(update(Share).where(*mine).values(amount_minor=Share.amount_minor - 1))
        assert told.status_code == 201
        assert str(world.sale.promoter_org_id) in {row["org_id"] for row in told.json()["items"]}
        seller = str(world.sale.seller_org_id)
        (refused_party,) = [row for row in told.json()["refused"] if row["org_id"] == seller]
        assert refused_party["code"] == "statement_does_not_reconcile"
        assert "-1" in refused_party["detail"]

    def test_the_operators_desk_is_closed_to_others(self, client: Client, world: World) -> None:
        for path in ("/v1/operator/statements", "/v1/operator/payouts", "/v1/operator/money-queues"):
            refused(client.get(path, headers=world.seller), 403, "permission_missing")
            refused(client.get(path), 401, "sign_in_required")
        refused(
            client.post("/v1/operator/clock", json={"advance_s": 1}, headers=world.buyer), 403, "permission_missing"
        )

    def test_the_operator_sees_queues_and_everybodys_statements(self, client: Client, world: World) -> None:
        self.settle(client, world)
        listed = client.get(f"/v1/operator/statements?org_id={world.sale.seller_org_id}", headers=world.operator).json()
        assert [row["state"] for row in listed["items"]] == ["closed"]
        queues = client.get("/v1/operator/money-queues", headers=world.operator).json()
        assert {"payments_unknown", "notices_quarantined"} <= {queue["key"] for queue in queues}

    def test_what_a_gateway_did_by_itself_is_on_the_desk_until_it_is_closed_with_a_reason(
        self, client: Client, world: World
    ) -> None:
        reference = read(world.house.db, Payment, world.payment_id).gateway_reference or ""
        amount = Money(6_000, "CNY")
        by_hand = GatewayRecord(GatewayStatus.SUCCEEDED, f"hand_{world.payment_id.hex}", reference, amount)
        dispute = GatewayRecord(GatewayStatus.PENDING, f"dis_{world.payment_id.hex}", reference, amount, "fraudulent")
        with unit_of_work(world.house.db, SYSTEM) as uow:
            apply_external(uow, "sandbox", by_hand)
            apply_gateway_record(uow, "sandbox", dispute)
        for path in ("/v1/operator/incidents", "/v1/operator/disputes"):
            refused(client.get(path, headers=world.seller), 403, "permission_missing")
        disputes = client.get("/v1/operator/disputes?state=open&limit=100", headers=world.operator).json()["items"]
        assert [one["amount"]["amount"] for one in disputes if one["payment_id"] == str(world.payment_id)] == [6_000]
        (share,) = client.get("/v1/seller/shares", headers=world.seller).json()["items"]
        assert share["disputed"]
        listed = client.get("/v1/operator/incidents?state=open&limit=100", headers=world.operator).json()["items"]
        (incident,) = [one for one in listed if one["subject_id"] == str(world.payment_id)]
        assert (incident["kind"], incident["amount"]["amount"], incident["suspense"]["amount"]) == (
            "external_refund",
            6_000,
            0,
        )
        desk = client.get("/operator", headers=world.operator | {"Accept-Language": "en"}).text
        assert by_hand.reference in desk
        assert dispute.reference in desk
        path = f"/v1/operator/incidents/{incident['id']}/close"
        refused(client.post(path, json={"resolution": "agreed"}, headers=world.seller), 403, "permission_missing")
        refused(client.post(path, json={"resolution": " "}, headers=world.operator), 422, "resolution_required")
        form = {"resolution": "asked the colleague", "csrf": world.operator["X-CSRF-Token"]}
        closed = client.post(
            f"/operator/incidents/{incident['id']}/close", data=form, headers=world.operator, follow_redirects=False
        )
        assert closed.status_code == 303, closed.text
        refused(client.post(path, json={"resolution": "agreed"}, headers=world.operator), 409, "incident_closed")
        nowhere = f"/v1/operator/incidents/{uuid7()}/close"
        refused(client.post(nowhere, json={"resolution": "agreed"}, headers=world.operator), 404, "incident_not_found")

    def test_a_webhook_that_only_a_person_settles_is_on_the_desk_until_it_is_closed(
        self, client: Client, world: World
    ) -> None:
        event = f"evt_{uuid7().hex}"
        notice = GatewayWebhook(event, "charge.dispute.created", f"dp_{event}", {}, needs_person=True)
        with unit_of_work(world.house.db, SYSTEM) as uow:
            store_webhook(uow, "stripe", notice)
        world.house.run()
        refused(client.get("/v1/operator/webhooks", headers=world.seller), 403, "permission_missing")
        listed = client.get("/v1/operator/webhooks?state=quarantined&limit=100", headers=world.operator).json()["items"]
        (found,) = [one for one in listed if one["event_id"] == event]
        assert (found["gateway"], found["reference"], found["needs_person"]) == ("stripe", f"dp_{event}", True)
        assert f"dp_{event}" in client.get("/operator", headers=world.operator).text
        path = f"/v1/operator/webhooks/{found['id']}"
        refused(
            client.post(f"{path}/settle", json={"resolution": "x"}, headers=world.seller), 403, "permission_missing"
        )
        refused(client.post(f"{path}/look-again", headers=world.seller), 403, "permission_missing")
        refused(client.post(f"{path}/look-again", headers=world.operator), 409, "webhook_needs_person")
        refused(
            client.post(f"{path}/settle", json={"resolution": " "}, headers=world.operator), 422, "resolution_required"
        )
        form = {"resolution": "answered with the invoice", "csrf": world.operator["X-CSRF-Token"]}
        page = f"/operator/webhooks/{found['id']}/settle"
        assert client.post(page, data=form, headers=world.operator, follow_redirects=False).status_code == 303
        refused(client.post(f"{path}/settle", json={"resolution": "x"}, headers=world.operator), 409, "webhook_settled")
        settled = client.get("/v1/operator/webhooks?state=settled&limit=100", headers=world.operator).json()["items"]
        assert [one["resolution"] for one in settled if one["event_id"] == event] == ["answered with the invoice"]
        nowhere = client.post(f"/v1/operator/webhooks/{uuid7()}/look-again", headers=world.operator)
        refused(nowhere, 404, "webhook_not_found")

    @pytest.mark.parametrize("body", [{"advance_s": 0}, {"advance_s": "9"}, {"advance_s": 10**12}, {}])
    def test_the_clock_takes_sensible_steps_only(self, client: Client, world: World, body: dict[str, Any]) -> None:
        answer = client.post("/v1/operator/clock", json=body, headers=world.operator)
        assert answer.status_code in {400, 422}

    def test_the_policy_is_public(self, client: Client) -> None:
        rates = {row["category"]: row["commission_ppm"] for row in client.get("/v1/share-policy").json()}
        assert rates == {"saas": 150_000, "service": 100_000}


class TestSandboxAuthentication:
    def test_the_payer_confirms(self, client: Client, world: World) -> None:
        sale = Sale(buyer_org_id=world.sale.buyer_org_id)
        payment_id = sale.start(world.house.db, "sbx_requires_action")
        world.house.run()
        path = f"/v1/sandbox/payments/{payment_id}/authentication"
        refused(client.post(path, json={"approve": True}, headers=world.seller), 404, "payment_not_found")
        assert client.post(path, json={"approve": True}, headers=world.buyer).status_code == 202
        world.house.run()
        assert read(world.house.db, Payment, payment_id).state == "succeeded"
        seen = client.get(f"/v1/payments/{payment_id}", headers=world.buyer).json()
        assert (seen["state"], seen["amount"]["amount"]) == ("succeeded", 106_000)
        refused(client.post(path, json={"approve": True}, headers=world.buyer), 409, "payment_needs_no_action")
