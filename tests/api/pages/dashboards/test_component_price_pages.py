"""A price of components through pages: made in the editor, shown to buyers, explained where it is charged."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import unit_of_work
from marketplace.access.authenticate import csrf_of
from marketplace.catalog.models import Plan
from marketplace.pricing.components import MICRO, PlanPrice
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.order.models import OrderLine
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.api.pages.dashboards.test_listing_editor import TICKED, began, decided, plan_fields, save_text
from tests.loop.test_component_prices import FIRST, PRICE

COMPOSED = {
    "price_kind": "components",
    "price_interval": "month",
    "price_term_months": "1",
    "price_instalments": "1",
    "price_flat": "3,980",
    "price_setup": "500",
    "seats_minimum": "20",
    "seats_included": "20",
    "seats_maximum": "500",
    "seats_step": "10",
    "seats_tier_0_to": "50",
    "seats_tier_0_price": "199",
    "seats_tier_1_price": "159",
}


def typed_fields(html: str, action: str, code: str) -> dict[str, str]:
    """What a plan's form would send as it stands."""
    for form in re.findall(r"<form[^>]*>.*?</form>", html, re.DOTALL):
        if f'action="{action}"' in form and f'name="code" value="{code}"' in form:
            found = {
                name: unescape(value)
                for tag in re.findall(r"<input[^>]*>", form)
                for name in re.findall(r' name="([^"]+)"', tag)
                for value in re.findall(r' value="([^"]*)"', tag) or [""]
            }
            for name, inner in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
                options = re.findall(r'<option value="([^"]*)"( selected)?', inner)
                found[name] = next((value for value, selected in options if selected), options[0][0])
            del found["csrf"]
            return found
    raise AssertionError(code)


@pytest.fixture(scope="module")
def path(dashboards: Dashboards) -> str:
    """A listing with a plan of components, on sale."""
    seller = dashboards.seller
    found = began(seller)
    assert save_text(seller, found).status_code == 303
    assert seller.post(f"{found}/plans", **plan_fields(dashboards, **COMPOSED)).status_code == 303
    assert seller.post(f"{found}/submit").status_code == 303
    assert decided(dashboards, found, action="approve", **TICKED).status_code == 303
    return found


@pytest.fixture(scope="module")
def plan(dashboards: Dashboards, path: str) -> Plan:
    (one,) = dashboards.stage.rows(select(Plan).where(Plan.listing_id == UUID(path.rsplit("/", 1)[1])))
    assert isinstance(one, Plan)
    return one


def test_the_editor_makes_it_and_fills_with_it_again(dashboards: Dashboards) -> None:
    seller = dashboards.seller
    path = began(seller)
    assert seller.post(f"{path}/plans", **plan_fields(dashboards, **COMPOSED)).status_code == 303
    page = seller.get(f"{path}/edit")
    said = text_of(page)
    for expected in (
        "from ¥3,980 / month",
        "Setup ¥500.00, the first time only",
        "up to 50: ¥199.00",
        "in steps of 10",
    ):
        assert expected in said, expected
    again = typed_fields(page.text, f"{path}/plans", "standard")
    assert seller.post(f"{path}/plans", **again).status_code == 303
    assert typed_fields(seller.get(f"{path}/edit").text, f"{path}/plans", "standard") == again


def test_a_refusal_is_told_at_its_field_and_nothing_typed_is_lost(dashboards: Dashboards) -> None:
    seller = dashboards.seller
    path = began(seller)
    wrong = COMPOSED | {"seats_tier_1_to": "40", "metered_0_code": "api_calls", "metered_0_tier_0_price": "0.0035"}
    refused = seller.post(f"{path}/plans", **plan_fields(dashboards, **wrong))
    assert refused.status_code == 422
    assert re.search(r'name="seats_tier_1_to"[^>]*aria-invalid="true"', refused.text)
    assert 'id="new-seats_tier_1_to-wrong"' in refused.text
    assert "The tiers of the price are out of order." in text_of(refused)
    for value in ("3,980", "0.0035", "api_calls"):
        assert f'value="{value}"' in refused.text


def test_what_is_too_much_as_a_whole_is_told_at_what_is_shown(dashboards: Dashboards) -> None:
    path = began(dashboards.seller)
    dear = {
        "price_kind": "components",
        "price_interval": "none",
        "price_one_off": "900000000",
        "price_setup": "900000000",
    }
    refused = dashboards.seller.post(f"{path}/plans", **plan_fields(dashboards, **dear))
    assert refused.status_code == 422
    assert 'id="new-price_kind-wrong"' in refused.text


def test_usage_alone_is_shown_by_what_a_unit_costs(dashboards: Dashboards) -> None:
    path = began(dashboards.seller)
    calls = {"price_kind": "components", "price_interval": "month", "price_term_months": "1", "price": ""}
    calls |= {"metered_0_code": "api_calls", "metered_0_tier_0_price": "0.0035"}
    assert dashboards.seller.post(f"{path}/plans", **plan_fields(dashboards, **calls)).status_code == 303
    for page in (f"{path}/edit", f"{path}/preview"):
        said = text_of(dashboards.seller.get(page))
        assert "by usage" in said, page
        assert "Usage api_calls: ¥0.0035 each" in said, page
    assert "¥0 ×" not in text_of(dashboards.seller.get(f"{path}/preview"))


def test_buyers_read_every_part_of_it(dashboards: Dashboards, path: str, plan: Plan) -> None:
    product = text_of(dashboards.nobody.get(f"/products/{plan.listing_id}"))
    for expected in ("from ¥3,980 / month", "20 seats included", "¥4,480.00", "in steps of 10"):
        assert expected in product, expected
    chinese = text_of(Visitor(dashboards.nobody.client, "", "zh-CN").get(f"/products/{plan.listing_id}"))
    assert "¥3,980 / 月 起" in chinese
    assert "含 20 席" in chinese
    assert "from ¥3,980" in text_of(dashboards.seller.get(f"{path}/preview"))
    assert "from ¥3,980" in text_of(dashboards.seller.get(path))
    assert "from ¥3,980" in text_of(dashboards.nobody.get("/products?pricing=mixed"))
    assert "from ¥3,980" not in text_of(dashboards.nobody.get("/products?pricing=flat"))


def test_the_sheet_sells_it_in_packs_and_explains_the_amount(dashboards: Dashboards, plan: Plan) -> None:
    sheet = dashboards.buyer.get(f"/products/{plan.listing_id}/buy?part=sheet")
    assert re.search(r'name="quantity"[^>]* min="20" max="500" step="10"', sheet.text)
    said = text_of(sheet)
    assert "Base: ¥3,980.00" in said
    assert "Setup: ¥500.00" in said


def test_order_and_approval_say_how_the_amount_came_about(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    plan_id, context = stage.offer(price=PlanPrice.model_validate(PRICE))
    order_id = stage.place(stage.quote(plan_id, 90, context=context))
    stage.run()
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert line.list_minor == FIRST
    order = text_of(dashboards.buyer.get(f"/orders/{order_id}"))
    assert "Seats 90: 50 × ¥199.00 + 20 × ¥159.00 = ¥13,130.00" in order
    assert "Setup: ¥500.00" in order
    assert "Seats 90: 50 × ¥199.00" in text_of(dashboards.seller.get(f"/trace/{order_id}"))


def test_an_approver_reads_what_the_amount_is_made_of(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    plan_id, context = stage.offer(price=PlanPrice.model_validate(PRICE))
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", FIRST - 1))
    stage.place(stage.quote(plan_id, 90, context=context))
    assert "Setup: ¥500.00" in text_of(dashboards.buyer.get("/approvals"))


def test_the_next_version_says_which_part_of_the_price_changes(dashboards: Dashboards, path: str) -> None:
    seller = dashboards.seller
    assert seller.post(f"{path}/versions").status_code == 303
    stored = typed_fields(seller.get(f"{path}/edit").text, f"{path}/plans", "standard")
    assert seller.post(f"{path}/plans", **(stored | {"seats_tier_1_price": "149"})).status_code == 303
    preview = seller.get(f"{path}/preview").text
    assert "Price made of" in preview
    assert re.search(r"<del>[^\n]*?159</del><ins>[^\n]*?149</ins>", preview)


class TestOverTheApi:
    @pytest.mark.parametrize(
        ("price", "code", "field"),
        [
            ({"interval": "quarter"}, "interval_unfit", "price"),
            ({"interval": "day"}, "price_invalid", "price.interval"),
            ({"components": [{"kind": "flat", "amount_minor": 1}] * 2}, "component_twice", "price"),
            (
                {"components": [{"kind": "per_seat", "tiers": [{"up_to": 5, "unit_micro": MICRO}]}]},
                "tiers_out_of_order",
                "price.components.0.per_seat",
            ),
            ("free", "price_invalid", "price"),
        ],
    )
    def test_a_bad_price_is_refused_by_the_domain(
        self, dashboards: Dashboards, price: Any, code: str, field: str
    ) -> None:
        whole = {"currency": "CNY", "interval": "month", "term_months": 1, "components": []}
        body = {
            "kind": "saas",
            "category": "hr",
            "slug": "bad-price",
            "title": "a",
            "title_en": "a",
            "summary": "a",
            "summary_en": "a",
            "plans": [
                {"code": "a", "name": "a", "name_en": "a", "price": whole | price if isinstance(price, dict) else price}
            ],
        }
        seller = dashboards.seller
        headers = {"Cookie": f"__Host-session={seller.cookie}", "X-CSRF-Token": csrf_of(seller.cookie)}
        answer = seller.client.post("/v1/listings", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert field in str(answer.json())
