"""The buyer's invoice titles and purchase rules, as pages."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from marketplace.catalog.models import Plan
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.factories_marketplace import new_tax_id

ID = re.compile(r'href="/billing-profiles/([0-9a-f-]{36})"')


@pytest.fixture
def owner(dashboards: Dashboards) -> Visitor:
    return dashboards.new_organization()[1]


def title(**changes: str) -> dict[str, str]:
    return {
        "party_type": "organization",
        "legal_name": "湖畔科技有限公司",
        "country": "CN",
        "tax_id": new_tax_id(),
        "email": "invoices@firm.example",
        "invoice_kind": "ordinary",
        "vat_status": "general",
    } | changes


def value(answer: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', answer.text)
    assert found, name
    return unescape(found[1])


def ids(visitor: Visitor) -> list[str]:
    return list(dict.fromkeys(ID.findall(visitor.get("/billing-profiles").text)))


def listing_of(dashboards: Dashboards) -> UUID:
    return dashboards.stage.get(Plan, dashboards.stage.seat_plan).listing_id


class TestInvoiceTitles:
    def test_sent_twice_a_title_is_added_once(self, owner: Visitor) -> None:
        key, before = value(owner.get("/billing-profiles/new"), "idempotency_key"), ids(owner)
        fields = title()
        for _ in range(2):
            answer = owner.post("/billing-profiles/new", **fields, idempotency_key=key)
            assert (answer.status_code, answer.headers["location"]) == (303, "/billing-profiles")
        assert len(ids(owner)) == len(before) + 1
        assert fields["tax_id"] in owner.get("/billing-profiles").text

    def test_what_was_typed_stays_and_the_mistake_is_at_its_field(self, owner: Visitor) -> None:
        key = value(owner.get("/billing-profiles/new"), "idempotency_key")
        answer = owner.post("/billing-profiles/new", **title(tax_id="9133", phone="0571"), idempotency_key=key)
        assert answer.status_code == 422
        assert value(answer, "legal_name") == "湖畔科技有限公司"
        assert value(answer, "tax_id") == "9133"
        wrong = re.search(r'<p class="wrong" id="tax_id-wrong" role="alert">([^<]*)</p>', answer.text)
        assert wrong is not None
        assert "4 characters" in wrong[1]
        assert 'aria-describedby="tax_id-wrong tax_id-hint" aria-invalid="true"' in answer.text
        # Corrected, it goes through with the form that was shown.
        again = value(answer, "idempotency_key")
        assert owner.post("/billing-profiles/new", **title(), idempotency_key=again).status_code == 303

    def test_one_is_changed_made_the_default_retired_and_restored(self, owner: Visitor) -> None:
        (first,) = ids(owner)
        key = value(owner.get("/billing-profiles/new"), "idempotency_key")
        owner.post("/billing-profiles/new", **title(legal_name="分公司"), idempotency_key=key)
        (second,) = set(ids(owner)) - {first}
        refused = owner.post(f"/billing-profiles/{first}/retire")
        assert refused.status_code == 409
        assert "default" in text_of(refused)
        assert owner.post(f"/billing-profiles/{second}", **title(legal_name="上海分公司")).status_code == 303
        assert "上海分公司" in text_of(owner.get("/billing-profiles"))
        assert owner.post(f"/billing-profiles/{second}/default").status_code == 303
        assert ids(owner) == [second, first]
        assert owner.post(f"/billing-profiles/{first}/retire").status_code == 303
        assert ids(owner) == [second]
        assert owner.get(f"/billing-profiles/{first}").status_code == 404
        assert owner.post(f"/billing-profiles/{first}/restore").status_code == 303
        assert ids(owner) == [second, first]

    def test_of_another_organization_there_is_none(self, dashboards: Dashboards, owner: Visitor) -> None:
        (own,) = ids(owner)
        stranger = dashboards.new_organization()[1]
        assert stranger.get(f"/billing-profiles/{own}").status_code == 404
        for act in ("", "/default", "/retire", "/restore"):
            assert stranger.post(f"/billing-profiles/{own}{act}", **title()).status_code == 404, act

    def test_who_may_not_manage_them_has_no_page_and_no_entry(self, dashboards: Dashboards) -> None:
        purchaser = dashboards.somebody(dashboards.stage.buyer, "purchaser")
        assert purchaser.get("/billing-profiles").status_code == 403
        assert "/billing-profiles" not in purchaser.get("/orders").text
        assert "/billing-profiles" in dashboards.somebody(dashboards.stage.buyer, "finance").get("/orders").text


class TestPurchaseRules:
    def test_limits_are_said_in_words_and_changed(self, owner: Visitor) -> None:
        assert "No rule yet" in text_of(owner.get("/purchase-rules"))
        made = owner.post("/purchase-rules", new="yes", currency="CNY", max_order="50,000", max_month="200000.50")
        assert (made.status_code, made.headers["location"]) == (303, "/purchase-rules")
        said = text_of(owner.get("/purchase-rules"))
        assert "A purchase above ¥50,000 waits for an approver." in said
        assert "more than ¥200,000.50; ¥0.00 of it is used." in said
        assert "Nobody approves a purchase of their own." in said
        owner.post("/purchase-rules", currency="CNY", max_order="", max_month="", self_approval="yes")
        said = text_of(owner.get("/purchase-rules"))
        assert "No amount needs an approver." in said
        assert "An approver may approve a purchase of their own." in said
        assert owner.post("/purchase-rules/CNY/remove").status_code == 303
        assert "No rule yet" in text_of(owner.get("/purchase-rules"))
        assert owner.post("/purchase-rules/CNY/remove").status_code == 404

    @pytest.mark.parametrize("field", ["max_order", "max_month"])
    @pytest.mark.parametrize("known", ["", "known"])
    def test_what_is_no_amount_stays_at_its_field(self, owner: Visitor, field: str, known: str) -> None:
        if known:
            owner.post("/purchase-rules", new="yes", currency="JPY", max_order="5")
        typed = {"currency": "JPY", field: "12.5"} | ({} if known else {"new": "yes"})
        answer = owner.post("/purchase-rules", **typed)
        assert answer.status_code == 422
        assert len(re.findall(r'role="alert"', answer.text)) == 1
        assert re.search(rf'name="{field}" value="12\.5"[^>]*aria-invalid="true"', answer.text)

    def test_an_unknown_currency_is_no_error_of_ours(self, owner: Visitor) -> None:
        assert owner.post("/purchase-rules", new="yes", currency="ZZZ", max_order="1").status_code == 422
        assert owner.post("/purchase-rules/ZZZ/remove").status_code == 404

    def test_who_buys_reads_them_and_who_manages_members_sets_them(self, dashboards: Dashboards) -> None:
        purchaser = dashboards.somebody(dashboards.stage.buyer, "purchaser")
        shown = purchaser.get("/purchase-rules")
        assert shown.status_code == 200
        assert "<form class=" not in shown.text.partition("<main")[2]
        assert purchaser.post("/purchase-rules", new="yes", currency="CNY", max_order="1").status_code == 403
        assert purchaser.post("/purchase-rules/CNY/remove").status_code == 403


class TestRulesOfSellersAndCategories:
    def test_they_are_set_said_changed_and_removed(self, dashboards: Dashboards, owner: Visitor) -> None:
        product = f"https://market.example/products/{listing_of(dashboards)}"
        for scope in ({"category": "hr"}, {"product": product}):
            made = owner.post("/purchase-rules", new="scoped", currency="CNY", max_order="100", **scope)
            assert made.status_code == 303, text_of(made)
        said = text_of(owner.get("/purchase-rules"))
        assert "With more than ¥100 of HR in it, a purchase waits for an approver." in said
        assert said.count("With more than ¥100 of ") == 2
        owner.post("/purchase-rules", currency="CNY", category="hr", max_month="50")
        assert "more than ¥50 of HR" in text_of(owner.get("/purchase-rules"))
        assert owner.post("/purchase-rules/CNY/remove", category="hr").status_code == 303
        assert "HR in it" not in text_of(owner.get("/purchase-rules"))

    @pytest.mark.parametrize("scope", [{}, {"category": "hr", "product": "x"}, {"product": "no address"}])
    def test_one_seller_or_one_category_is_named(self, owner: Visitor, scope: dict[str, str]) -> None:
        answer = owner.post("/purchase-rules", new="scoped", currency="CNY", max_order="7", **scope)
        assert answer.status_code == 422
        assert len(re.findall(r'role="alert"', answer.text)) == 1
        assert 'value="7"' in answer.text


class TestPurchasePolicy:
    def test_steps_are_set_and_said(self, owner: Visitor) -> None:
        assert "Any approver decides alone." in text_of(owner.get("/purchase-policy"))
        me = re.findall(r'<option value="([0-9a-f-]{36})"', owner.get("/purchase-policy").text)[0]
        typed = {"who_1": "approver", "who_2": "persons", "person_2_1": me, "above_2": "50,000", "currency_2": "CNY"}
        assert owner.post("/purchase-policy/steps", **typed).status_code == 303
        said = text_of(owner.get("/purchase-policy"))
        assert "only above ¥50,000" in said
        assert owner.post("/purchase-policy/steps", who_1="").status_code == 303
        assert "Any approver decides alone." in text_of(owner.get("/purchase-policy"))

    @pytest.mark.parametrize(
        "typed",
        [
            {"who_1": "persons"},
            {"who_1": "nobody"},
            {"who_1": "finance", "above_1": "1.234"},
            {"who_1": "persons", "person_1_1": "x"},
        ],
    )
    def test_what_is_no_step_keeps_what_was_typed(self, owner: Visitor, typed: dict[str, str]) -> None:
        answer = owner.post("/purchase-policy/steps", **typed)
        assert answer.status_code == 422
        assert len(re.findall(r'role="alert"', answer.text)) == 1
        assert all(value in answer.text for name, value in typed.items() if name.startswith("above"))

    def test_a_list_is_filled_by_addresses_and_emptied(self, dashboards: Dashboards, owner: Visitor) -> None:
        product = f"https://market.example/products/{listing_of(dashboards)}?share=x"
        assert owner.post("/purchase-policy/allow-list", mode="refuse").status_code == 303
        for kind in ("listing", "seller", "listing"):
            assert owner.post("/purchase-policy/allow-list/add", product=product, kind=kind).status_code == 303
        shown = owner.get("/purchase-policy").text
        assert "Only what is on the list can be bought." in shown
        entries = re.findall(r'name="kind" value="(\w+)"><input type="hidden" name="id" value="([0-9a-f-]+)"', shown)
        assert [kind for kind, _ in entries] == ["seller", "listing"]
        for kind, entry_id in entries * 2:
            assert owner.post("/purchase-policy/allow-list/remove", kind=kind, id=entry_id).status_code == 303
        assert "Nothing is on the list yet." in owner.get("/purchase-policy").text
        assert owner.post("/purchase-policy/allow-list/add", product="?", kind="listing").status_code == 422
        assert owner.post("/purchase-policy/allow-list", mode="x").status_code == 422

    def test_who_buys_reads_it_and_who_manages_members_sets_it(self, dashboards: Dashboards) -> None:
        purchaser = dashboards.somebody(dashboards.stage.buyer, "purchaser")
        shown = purchaser.get("/purchase-policy")
        assert shown.status_code == 200
        assert "<form class=" not in shown.text.partition("<main")[2]
        for path in ("steps", "allow-list", "allow-list/add", "allow-list/remove"):
            assert purchaser.post(f"/purchase-policy/{path}").status_code == 403


class TestDeputies:
    def test_one_is_appointed_once_and_ended(self, dashboards: Dashboards) -> None:
        approver = dashboards.somebody(dashboards.stage.buyer, "approver")
        today = re.findall(r'type="date" value="([\d-]{10})"', approver.get("/approvals").text)[0]
        colleague = re.findall(r'<option value="([0-9a-f-]{36})"', approver.get("/approvals").text)[0]
        typed = {"deputy_id": colleague, "starts_on": today, "ends_on": today}
        assert approver.post("/approvals/deputies", **typed).status_code == 303
        assert approver.post("/approvals/deputies", **typed).status_code == 409
        assert approver.post("/approvals/deputies", **typed | {"ends_on": "yesterday"}).status_code == 422
        ended = re.findall(r'action="(/approvals/deputies/[0-9a-f-]{36}/end)"', approver.get("/approvals").text)
        for _ in range(2):
            assert approver.post(ended[0]).status_code == 303
        assert ended[0] not in approver.get("/approvals").text

    def test_a_deputy_finds_the_way_in_as_long_as_they_are_one(self, dashboards: Dashboards) -> None:
        approver = dashboards.somebody(dashboards.stage.buyer, "approver")
        deputy = dashboards.somebody(dashboards.stage.buyer, "viewer")
        entry = '<a href="/approvals"'
        assert entry not in deputy.get("/orders").text
        page = approver.get("/approvals").text
        today = re.findall(r'type="date" value="([\d-]{10})"', page)[0]
        newest = re.findall(r'<option value="([0-9a-f-]{36})"', page)
        for colleague in newest:
            typed = {"deputy_id": colleague, "starts_on": today, "ends_on": today}
            assert approver.post("/approvals/deputies", **typed).status_code == 303
        assert entry in deputy.get("/orders").text
        for ended in re.findall(r'action="(/approvals/deputies/[0-9a-f-]{36}/end)"', approver.get("/approvals").text):
            assert approver.post(ended).status_code == 303
        assert entry not in deputy.get("/orders").text


class TestWhyAndWho:
    def test_the_sheet_and_the_order_say_why_it_waits_and_who_decides(self, dashboards: Dashboards) -> None:
        org, owner = dashboards.new_organization()
        listing = listing_of(dashboards)
        assert owner.post("/billing-profiles/new", **title(), idempotency_key="k1").status_code == 303
        owner.post("/purchase-rules", new="yes", currency="CNY", max_order="1")
        owner.post("/purchase-policy/allow-list", mode="ask")
        owner.post("/purchase-policy/steps", who_1="approver", who_2="finance")
        sheet = owner.get(f"/products/{listing}/buy")
        said = text_of(sheet)
        assert "Above the limit of ¥1 for one purchase" in said
        assert "is not on your organization's allow-list" in said
        assert "Decided by an approver, then finance." in said
        assert "/purchase-policy?product=" in owner.get(f"/products/{listing}").text
        hidden = {name: value(sheet, name) for name in ("quote_id", "idempotency_key", "plan_id")}
        chosen = {
            name: re.findall(rf'name="{name}".*?<option value="([^"]+)"', sheet.text)[0]
            for name in ("billing_profile_id", "payment_method_id")
        }
        seats = value(sheet, "quantity")
        bought = owner.post(f"/products/{listing}/buy", action="pay", quantity=seats, **hidden, **chosen)
        assert bought.status_code == 303, text_of(bought)
        assert "Waiting for approval by an approver; nothing was charged" in text_of(
            owner.get(bought.headers["location"])
        )
        waiting = text_of(owner.get("/approvals"))
        assert "This is your own request" in waiting
        colleague = dashboards.somebody(org, "approver", "finance")
        approve, step = re.findall(
            r'action="(/approvals/[^"]+/approve)".*?name="step" value="(\d+)"', colleague.get("/approvals").text
        )[0]
        assert colleague.post(approve, step=step).status_code == 303
        assert "You decided an earlier step" in text_of(colleague.get("/approvals"))
        assert colleague.post(approve, step=step).status_code == 409
        finance = dashboards.somebody(org, "finance")
        approve, step = re.findall(
            r'action="(/approvals/[^"]+/approve)".*?name="step" value="(\d+)"', finance.get("/approvals").text
        )[0]
        assert step == "2"
        assert finance.post(approve, step=step).status_code == 303
        assert "Approved" in text_of(finance.get("/approvals"))
