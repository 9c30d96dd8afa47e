"""A price of several parts is offered on pages: edited as a plan's is, kept when refused, seen part by part and bought."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from marketplace.pricing.components import PlanPrice
from orders.offers.models import Offer, OfferLine
from orders.order.models import Order
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_offer_pages import value
from tests.api.pages.dashboards.test_private_offer_pages import bought, private
from tests.loop.test_offered_components import MIXED, OWN_FIRST


@pytest.fixture
def plan_id(dashboards: Dashboards) -> str:
    return str(dashboards.stage.offer(price=MIXED)[0])


def fields(page: str, prefix: str = "own_1-") -> dict[str, str]:
    """What stands in the editor of the first line."""
    found = re.findall(rf'<input[^>]* name="({prefix}[^"]+)" [^>]*value="([^"]*)"', page)
    boxes = re.findall(rf'<select[^>]* name="({prefix}[^"]+)".*?<option value="([^"]*)" selected', page, re.DOTALL)
    hidden = re.findall(rf'<input type="hidden" name="({prefix}[^"]+)" value="([^"]*)"', page)
    filled = {name: unescape(text) for name, text in (*found, *boxes, *hidden)}
    return {name: text for name, text in filled.items() if name != f"{prefix}price_free"}


def line_of(dashboards: Dashboards, offer_id: str) -> OfferLine:
    (line,) = dashboards.stage.rows(select(OfferLine).where(OfferLine.offer_id == UUID(offer_id)))
    assert isinstance(line, OfferLine)
    return line


def test_the_plans_editor_is_opened_changed_sent_and_bought(
    dashboards: Dashboards, buyer_name: str, plan_id: str
) -> None:
    form = private(dashboards, plan_id=plan_id, quantity="90", discount_ppm="", contract_terms="3")
    to = {"organization": buyer_name}
    opened = dashboards.seller.post("/seller/offers", **form, **to, editor="")
    assert opened.status_code == 200, text_of(opened)
    own = fields(opened.text)
    assert own["own_1-price_flat"] == "3980.00"
    assert (value(opened, "contract_terms"), value(opened, "organization")) == ("3", buyer_name)
    assert 'name="unit_price"' not in opened.text
    wrong = dashboards.seller.post("/seller/offers", **form, **to, **own | {"own_1-price_flat": "much"})
    assert wrong.status_code == 422
    assert re.search(r'name="own_1-price_flat"[^>]*value="much"[^>]*aria-invalid="true"', wrong.text), text_of(wrong)
    above = dashboards.seller.post("/seller/offers", **form, **to, **own | {"own_1-price_flat": "398000"})
    assert "not above the plan" in text_of(above)
    changed = own | {"own_1-price_flat": "3000", "own_1-price_setup": ""}
    changed |= {"own_1-seats_tier_0_to": "", "own_1-seats_tier_0_price": "120"}
    changed |= {name: "" for name in own if "seats_tier_1" in name}
    sent = dashboards.seller.post("/seller/offers", **form, **to, **changed)
    assert sent.status_code == 303, text_of(sent)
    offer_id = sent.headers["Location"].split("?")[0].rsplit("/", 1)[1]
    line = line_of(dashboards, offer_id)
    assert (line.unit_price_minor, dashboards.stage.get(Offer, UUID(offer_id)).contract_terms) == (OWN_FIRST, 3)
    page = text_of(dashboards.buyer.get(f"/offers/{offer_id}"))
    for said in ("¥11,400 / first term", "Seats 90: 70 × ¥120.00 = ¥8,400.00", "ends after 3 terms", "Usage calls"):
        assert said in page, (said, page)
    sheet = dashboards.buyer.get(f"/offers/{offer_id}/buy")
    for said in ("¥11,400 / first term", "Seats 90: 70 × ¥120.00 = ¥8,400.00", "ends after 3 terms"):
        assert said in text_of(sheet), said
    placed = bought(dashboards, offer_id, sheet)
    assert placed.status_code == 303, text_of(placed)
    order = dashboards.stage.get(Order, UUID(placed.headers["Location"].rsplit("/", 1)[1]))
    assert order.gross_minor == OWN_FIRST
    assert "ends after 3 terms" in text_of(dashboards.buyer.get(f"/orders/{order.id}"))
    again = dashboards.seller.get(f"/seller/offers/{offer_id}")
    assert again.status_code == 200


def test_another_in_its_place_begins_with_its_own_figures(
    dashboards: Dashboards, buyer_name: str, plan_id: str
) -> None:
    form = private(dashboards, plan_id=plan_id, quantity="90", discount_ppm="10", contract_terms="2")
    sent = dashboards.seller.post("/seller/offers", organization=buyer_name, **form)
    address = sent.headers["Location"].split("?")[0]
    page = dashboards.seller.get(address)
    own = fields(page.text)
    assert (own["own_1-price_flat"], value(page, "contract_terms")) == ("3582.00", "2")
    closed = dashboards.seller.post(f"{address}/replacement", **form, **own, editor="")
    assert (closed.status_code, fields(closed.text), value(closed, "unit_price")) == (200, {}, "")
    cheaper = form | {"discount_ppm": ""} | own | {"own_1-price_flat": "3000"}
    replaced = dashboards.seller.post(f"{address}/replacement", **cheaper)
    assert replaced.status_code == 303, text_of(replaced)
    offer_id = replaced.headers["Location"].split("?")[0].rsplit("/", 1)[1]
    price = PlanPrice.model_validate(line_of(dashboards, offer_id).price)
    assert price.components[0].model_dump() == {"kind": "flat", "amount_minor": 300_000}


def test_a_plan_of_one_figure_has_no_parts_to_edit(dashboards: Dashboards, buyer_name: str) -> None:
    form = private(dashboards)
    refused = dashboards.seller.post("/seller/offers", organization=buyer_name, **form, editor="")
    assert refused.status_code == 422
    assert re.search(r'name="unit_price"[^>]*aria-invalid="true"', refused.text)
    assert value(refused, "discount_ppm") == "15"


@pytest.mark.parametrize("typed", ["x", "0", "61"])
def test_a_contract_of_no_terms_is_refused_where_it_was_typed(
    dashboards: Dashboards, buyer_name: str, typed: str
) -> None:
    form = private(dashboards, contract_terms=typed)
    refused = dashboards.seller.post("/seller/offers", organization=buyer_name, **form)
    assert refused.status_code == 422
    assert re.search(r'name="contract_terms"[^>]*aria-invalid="true"', refused.text)
    assert value(refused, "contract_terms") == typed


def test_a_contract_that_ends_on_a_day_is_said_everywhere_and_kept(dashboards: Dashboards, buyer_name: str) -> None:
    plan_id = str(dashboards.stage.offer(interval="month")[0])
    day = clock.today("Asia/Shanghai") + timedelta(days=75)
    form = private(dashboards, plan_id=plan_id, contract_ends_on=day.isoformat())
    early = form | {"contract_ends_on": form["valid_on"]}
    refused = dashboards.seller.post("/seller/offers", organization=buyer_name, **early)
    assert refused.status_code == 422
    assert re.search(r'name="contract_ends_on"[^>]*aria-invalid="true"', refused.text)
    assert value(refused, "contract_ends_on") == form["valid_on"]
    sent = dashboards.seller.post("/seller/offers", organization=buyer_name, **form)
    assert sent.status_code == 303, text_of(sent)
    address = sent.headers["Location"].split("?")[0]
    assert value(dashboards.seller.get(address), "contract_ends_on") == day.isoformat()
    offer_id = address.rsplit("/", 1)[1]
    assert "the first term is as much shorter" in text_of(dashboards.buyer.get(f"/offers/{offer_id}"))
    sheet = dashboards.buyer.get(f"/offers/{offer_id}/buy")
    assert "first term until" in text_of(sheet)
    assert "20 × ¥169.15 = ¥3,383.00" in text_of(sheet), "of the offered price"
    placed = bought(dashboards, offer_id, sheet)
    assert placed.status_code == 303, text_of(placed)
    order_id = UUID(placed.headers["Location"].rsplit("/", 1)[1])
    page = text_of(dashboards.buyer.get(f"/orders/{order_id}"))
    assert "first term until" in page
    assert "ends after 3 terms" in page
