"""A seller's start as pages: every step has one, says how it stands, and may be sent twice."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select

from fulfillment.connectors.models import ConnectorRow
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.channels.models import Channel
from marketplace.onboarding.models import LegalProof, PayoutAccount
from marketplace.onboarding.save_payout_account import open_account
from marketplace.parties.models import Organization
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.factories_marketplace import Org
from tests.statement_counter import counting

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40) + b"\0\0\0\0IEND\xae\x42\x60\x82"
ACCOUNT = {
    "currency": "CNY",
    "country": "CN",
    "holder": "测试有限公司",
    "bank_name": "中国工商银行",
    "account": "6222020200112233445",
    "bank_code": "102100099996",
}
CHANNEL = {"name": "频道", "name_en": "Channel", "bio": "", "bio_en": ""}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def states(visitor: Visitor) -> list[str]:
    """How the steps stand, in the order of the page."""
    page = visitor.get("/seller/start")
    assert page.status_code == 200, page.text
    return re.findall(r'<li class="(\w+)"><span class="dot"', page.text)


@pytest.fixture
def newcomer(dashboards: Dashboards) -> tuple[Org, Visitor]:
    """A seller who has done nothing yet."""
    return dashboards.new_organization(seller=True)


def test_a_complete_seller_sees_every_step_done(dashboards: Dashboards) -> None:
    assert states(dashboards.seller)[:5] == ["done"] * 5


def test_who_buys_may_begin_to_sell(dashboards: Dashboards) -> None:
    org, owner = dashboards.new_organization()
    assert 'href="/seller/start"' in owner.get("/orders").text
    assert "Begin" in text_of(owner.get("/seller/start"))
    for _ in range(2):
        assert owner.post("/seller/start").headers["location"] == "/seller/start"
    assert states(owner)[:5] == ["todo"] * 5
    assert 'href="/seller/videos"' in owner.get("/seller").text
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        assert uow.session.get_one(Organization, org.id).is_seller


@pytest.mark.parametrize("role", ["purchaser", "viewer", "finance", "catalog"])
def test_only_owners_and_admins_begin_to_sell(dashboards: Dashboards, role: str) -> None:
    org, _ = dashboards.new_organization()
    visitor = dashboards.somebody(org, role)
    assert visitor.get("/seller/start").status_code == 403
    assert visitor.post("/seller/start").status_code == 403
    assert 'href="/seller/start"' not in visitor.get("/").text


def test_a_step_of_another_role_says_whose_it_is(dashboards: Dashboards, newcomer: tuple[Org, Visitor]) -> None:
    finance = dashboards.somebody(newcomer[0], "finance")
    page = finance.get("/seller/start")
    assert 'href="/seller/start/payout-account"' in page.text
    assert 'href="/seller/start/legal"' not in page.text
    assert "Done by: Owner" in text_of(page)
    for path, status in (
        ("/seller/start/payout-account", 200),
        ("/seller/start/legal", 403),
        ("/seller/connectors", 403),
    ):
        assert finance.get(path).status_code == status, path


def test_who_does_not_sell_finds_no_steps(dashboards: Dashboards) -> None:
    for path in ("legal", "tax", "payout-account", "agreement"):
        assert dashboards.buyer.get(f"/seller/start/{path}").status_code == 404, path
    for path in ("/seller/connectors", f"/seller/connectors/{uuid7()}"):
        assert dashboards.buyer.get(path).status_code == 404, path
    assert dashboards.buyer.post("/seller/start/payout-account", **ACCOUNT).status_code == 404


def test_who_recommends_what_others_sell_opens_a_channel(dashboards: Dashboards) -> None:
    handle = f"p-{uuid7().hex[-8:]}"
    opened = dashboards.buyer.post("/seller/channel", handle=handle, **CHANNEL)
    assert opened.status_code == 303
    page = dashboards.buyer.get("/seller/channel")
    assert f"@{handle}" in text_of(page)
    assert "/seller/start" not in page.text.split("<main")[1].split("</main")[0]


class TestLegalProof:
    def test_a_document_is_handed_in_looked_at_and_decided(
        self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]
    ) -> None:
        org, seller = newcomer
        sent = seller.post("/seller/start/legal", {"file": ("../licence.png", PNG, "text/html")})
        assert sent.headers["location"] == "/seller/start/legal"
        assert "looking at your document" in text_of(seller.get("/seller/start/legal"))
        assert states(seller)[0] == "waiting"
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            proof = uow.session.scalars(select(LegalProof).where(LegalProof.org_id == org.id)).one()
        assert proof.media_type == "image/png"

        operator = dashboards.operator
        assert f"/operator/sellers/{proof.id}" in operator.get("/operator/sellers").text
        assert 'href="/operator/sellers"' in operator.get("/operator").text
        page = operator.get(f"/operator/sellers/{proof.id}")
        assert f'src="/v1/operator/legal-proofs/{proof.id}/file"' in page.text
        document = operator.get(f"/v1/operator/legal-proofs/{proof.id}/file")
        assert (document.content, document.headers["content-type"]) == (PNG, "image/png")
        assert document.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert document.headers["x-content-type-options"] == "nosniff"

        bare = operator.post(f"/operator/sellers/{proof.id}", action="reject", reason=" ")
        assert (bare.status_code, 'aria-invalid="true"' in bare.text) == (422, True)
        for _ in range(2):
            rejected = operator.post(f"/operator/sellers/{proof.id}", action="reject", reason="Too dark.")
            assert rejected.headers["location"] == "/operator/sellers"
        assert operator.post(f"/operator/sellers/{proof.id}", action="approve").status_code == 409
        assert "Too dark." in text_of(seller.get("/seller/start"))
        assert "Too dark." in text_of(seller.get("/seller/start/legal"))
        assert states(seller)[0] == "rejected"

        seller.post("/seller/start/legal", {"file": ("licence.png", PNG + b"\n", "image/png")})
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            newer = uow.session.scalars(
                select(LegalProof.id).where(LegalProof.org_id == org.id, LegalProof.state == "submitted")
            ).one()
        operator.post(f"/operator/sellers/{newer}", action="approve")
        assert states(seller)[0] == "done"

    def test_sent_twice_one_waits_and_no_bytes_are_left_over(
        self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]
    ) -> None:
        org, seller = newcomer
        for _ in range(2):
            seller.post("/seller/start/legal", {"file": ("a.png", PNG, "image/png")})
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            (key,) = uow.session.scalars(select(LegalProof.file_key).where(LegalProof.org_id == org.id))
        assert list(dashboards.stage.services.storage.keys(f"legal/{org.id}")) == [key]

    @pytest.mark.parametrize("content", [b"<html>", b"", b"%PDF-1.7 cut"])
    def test_what_is_no_document_is_told_and_not_kept(
        self, dashboards: Dashboards, newcomer: tuple[Org, Visitor], content: bytes
    ) -> None:
        org, seller = newcomer
        answer = seller.post("/seller/start/legal", {"file": ("a.pdf", content, "application/pdf")})
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
        assert seller.post("/seller/start/legal").status_code == 422
        assert list(dashboards.stage.services.storage.keys(f"legal/{org.id}")) == []

    def test_others_do_not_see_it(self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]) -> None:
        org, seller = newcomer
        seller.post("/seller/start/legal", {"file": ("a.png", PNG, "image/png")})
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            (proof_id,) = uow.session.scalars(select(LegalProof.id).where(LegalProof.org_id == org.id))
        assert seller.get(f"/v1/onboarding/legal-proof/{proof_id}").content == PNG
        assert dashboards.seller.get(f"/v1/onboarding/legal-proof/{proof_id}").status_code == 404
        assert dashboards.seller.get(f"/operator/sellers/{proof_id}").status_code == 403
        assert dashboards.seller.get("/operator/sellers").status_code == 403
        assert dashboards.operator.get(f"/operator/sellers/{uuid7()}").status_code == 404


class TestSteps:
    def test_tax_and_agreement(self, newcomer: tuple[Org, Visitor]) -> None:
        _, seller = newcomer
        assert seller.post("/seller/start/tax").headers["location"] == "/seller/start"
        page = seller.get("/seller/start/agreement")
        version = hidden(page.text, "version")
        refused = seller.post("/seller/start/agreement", version=version)
        assert refused.status_code == 422, "not ticked"
        for _ in range(2):
            seller.post("/seller/start/agreement", version=version, accepted="yes")
        assert "Accepted by 老板" in text_of(seller.get("/seller/start/agreement"))
        assert states(seller)[:5] == ["todo", "done", "todo", "done", "todo"]

    def test_a_wrong_account_keeps_what_was_typed_and_a_right_one_is_shown_by_its_end(
        self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]
    ) -> None:
        org, seller = newcomer
        refused = seller.post("/seller/start/payout-account", **(ACCOUNT | {"bank_code": "1"}))
        assert refused.status_code == 422
        assert 'value="6222020200112233445"' in refused.text
        assert re.search(r'id="bank_code"[^>]*aria-invalid="true"', refused.text)
        for _ in range(2):
            seller.post("/seller/start/payout-account", **ACCOUNT)
        page = seller.get("/seller/start/payout-account")
        assert "•••• 3445" in text_of(page)
        assert ACCOUNT["account"] not in page.text
        assert ACCOUNT["account"] not in seller.get("/seller/start").text
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            (row,) = uow.session.scalars(select(PayoutAccount).where(PayoutAccount.org_id == org.id))
        assert open_account(row, dashboards.stage.services.secrets) == ACCOUNT["account"]

    def test_a_channel_is_opened_once_and_its_words_change(
        self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]
    ) -> None:
        org, seller = newcomer
        handle = f"c-{uuid7().hex[-10:]}"
        refused = seller.post("/seller/channel", handle="No Good!", **CHANNEL)
        assert (refused.status_code, "No Good!" in refused.text) == (422, True)
        for _ in range(2):
            assert seller.post("/seller/channel", handle=handle, **CHANNEL).status_code == 303
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            (channel,) = uow.session.scalars(select(Channel).where(Channel.org_id == org.id))
        assert seller.post(f"/seller/channel/{channel.id}", **(CHANNEL | {"name_en": "Other"})).status_code == 303
        assert "Other" in text_of(seller.get("/seller/channel"))
        taken = dashboards.seller.post("/seller/channel", handle=handle, **CHANNEL)
        assert taken.status_code == 409
        assert dashboards.seller.post(f"/seller/channel/{channel.id}", **CHANNEL).status_code == 404


class TestConnector:
    def make(self, dashboards: Dashboards, seller: Visitor) -> tuple[dict[str, str], str]:
        """What the form sends, and the page that answers."""
        fields = {"name": "Production", "kind": "webhook"}
        fields["url"] = f"{dashboards.stage.seller_app.address}/webhooks/marketplace/northwind"
        fields["key"] = hidden(seller.get("/seller/connectors").text, "key")
        return fields, seller.post("/seller/connectors", **fields).text

    def test_its_secret_is_shown_once_and_again_only_to_a_form_sent_twice(
        self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]
    ) -> None:
        org, seller = newcomer
        fields, first = self.make(dashboards, seller)
        secret = re.search(r'value="(whsec_[^"]+)"', first)
        assert secret is not None
        assert secret[1] in seller.post("/seller/connectors", **fields).text, "the answer that was lost is given again"
        with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
            (row,) = uow.session.scalars(select(ConnectorRow).where(ConnectorRow.org_id == org.id))
        for path in ("/seller/connectors", f"/seller/connectors/{row.id}", "/seller/start"):
            assert "whsec_" not in seller.get(path).text, path
        assert dashboards.seller.get(f"/seller/connectors/{row.id}").status_code == 404
        for act in ("", "/test", "/secret"):
            assert dashboards.seller.post(f"/seller/connectors/{row.id}{act}", name="x").status_code == 404, act

    def test_what_is_refused_keeps_what_was_typed(self, newcomer: tuple[Org, Visitor]) -> None:
        _, seller = newcomer
        for change, field in (({"url": "ftp://x"}, "url"), ({"url": ""}, "url"), ({"name": " "}, "name")):
            fields = {"name": "Production", "kind": "webhook", "url": "https://seller.example/", "key": uuid7().hex}
            answer = seller.post("/seller/connectors", **(fields | change))
            assert answer.status_code == 422
            assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', answer.text), change
        assert seller.post("/seller/connectors", name="x", kind="pigeon").status_code == 422

    def test_a_rotation_sent_twice_makes_one_secret(
        self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]
    ) -> None:
        _, seller = newcomer
        _, page = self.make(dashboards, seller)
        address = re.search(r'action="(/seller/connectors/[0-9a-f-]{36})"', page)
        assert address is not None
        replaces = hidden(seller.get(address[1]).text, "replaces")
        shown = [seller.post(f"{address[1]}/secret", replaces=replaces).text for _ in range(2)]
        found = [re.search(r'value="(whsec_[^"]+)"', one) for one in shown]
        assert found[0] is not None
        assert found[1] is not None
        assert found[0][1] == found[1][1]

    def test_the_test_tells_its_steps(self, dashboards: Dashboards, newcomer: tuple[Org, Visitor]) -> None:
        """The secret is a fresh one that the seller's system does not know: the first step fails, and says why."""
        _, seller = newcomer
        _, page = self.make(dashboards, seller)
        address = re.search(r'action="(/seller/connectors/[0-9a-f-]{36})"', page)
        assert address is not None
        for _ in range(2):
            assert seller.post(f"{address[1]}/test").headers["location"] == address[1]
        running = seller.get(address[1])
        assert "data-running" in running.text
        assert 'http-equiv="refresh"' in running.text
        assert states(seller)[4] == "waiting"
        dashboards.stage.run()
        over = seller.get(address[1])
        assert re.findall(r'<li class="(\w+)"><span class="dot"', over.text) == ["failed", "todo", "todo"]
        assert "HTTP 401" in text_of(over)
        assert "does not verify" in text_of(over)
        assert states(seller)[4] == "rejected"


def test_the_checklist_asks_the_database_the_same_number_of_times_however_much_there_is(
    dashboards: Dashboards, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboards.seller.get("/seller/start")
    with counting(monkeypatch) as asked:
        dashboards.seller.get("/seller/start")
    assert len(asked.statements) <= 16, asked.statements
