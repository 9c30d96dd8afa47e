"""Private offers on pages: made, found by either side, answered, replaced and bought."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from orders.offers.models import Offer
from orders.order.models import Order
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_offer_pages import offer, value
from tests.statement_counter import counting


def private(dashboards: Dashboards, **fields: str) -> dict[str, str]:
    return offer(dashboards, terms="One day of training.", takes_more="yes", **fields)


def made(dashboards: Dashboards, buyer_name: str, **fields: str) -> str:
    sent = dashboards.seller.post("/seller/offers", organization=buyer_name, **private(dashboards, **fields))
    assert sent.status_code == 303, text_of(sent)
    return str(sent.headers["Location"].split("?")[0].rsplit("/", 1)[1])


def bought(dashboards: Dashboards, offer_id: str, sheet: Any, **fields: str) -> Any:
    form = {name: value(sheet, name) for name in ("quote_id", "idempotency_key", *fields)} | fields
    form |= {
        "billing_profile_id": str(dashboards.stage.profile),
        "payment_method_id": "sandbox:sbx_ok",
        "action": "pay",
    }
    return dashboards.buyer.post(f"/offers/{offer_id}/buy", **form)


def test_made_seen_by_both_and_bought_with_more_seats(dashboards: Dashboards, buyer_name: str) -> None:
    assert 'href="/seller/offers/new"' in dashboards.seller.get("/seller/offers").text
    assert dashboards.seller.get("/seller/offers/new").status_code == 200
    offer_id = made(dashboards, buyer_name)
    assert made(dashboards, buyer_name) == offer_id, "pressed twice"
    for who, path in ((dashboards.buyer, "/offers"), (dashboards.seller, "/seller/offers")):
        assert f'href="{path}/{offer_id}"' in who.get(path).text
        assert f'href="{path}/{offer_id}"' in who.get(f"{path}?state=open").text
        assert f'href="{path}/{offer_id}"' not in who.get(f"{path}?state=declined").text
        shown = text_of(who.get(f"{path}/{offer_id}"))
        for said in ("One day of training.", "20 or more", "¥3,383.00"):
            assert said in shown, said
        assert dashboards.promoter.get(f"{path}/{offer_id}").status_code == 404
    page = dashboards.buyer.get(f"/offers/{offer_id}").text
    assert re.search(r'name="quantity_1"[^>]* min="20"', page)
    for typed in ("x", "19", "0", "1000001"):
        refused = dashboards.buyer.get(f"/offers/{offer_id}/buy?quantity_1={typed}")
        assert refused.status_code == 422, typed
        assert re.search(rf'id="take_1"[^>]* value="{typed}"[^>]* aria-invalid="true"', refused.text), typed
        assert "20" in re.search(r'id="take_1-wrong"[^>]*>([^<]*)', refused.text)[1]  # type: ignore[index]
    sheet = dashboards.buyer.get(f"/offers/{offer_id}/buy?quantity_1=30")
    assert (value(sheet, "quantity_1"), "¥5,074.50" in text_of(sheet)) == ("30", True)
    assert "One day of training." in text_of(sheet)
    placed = bought(dashboards, offer_id, sheet, quantity_1="30")
    assert placed.status_code == 303, text_of(placed)
    order = dashboards.stage.get(Order, UUID(placed.headers["Location"].rsplit("/", 1)[1]))
    assert (order.gross_minor, order.lead_id, str(order.offer_id)) == (507_450, None, offer_id)
    assert dashboards.buyer.get(f"/offers/{offer_id}/buy").headers["Location"] == f"/offers/{offer_id}"
    assert f'href="/orders/{order.id}"' in dashboards.buyer.get(f"/offers/{offer_id}").text


def test_both_sides_download_it_in_either_language(dashboards: Dashboards, buyer_name: str) -> None:
    offer_id = made(dashboards, buyer_name, valid_on="2027-01-31")
    own, sold = f"/v1/offers/{offer_id}/pdf", f"/v1/seller/offers/{offer_id}/pdf"
    assert dashboards.buyer.get(own).status_code == 409, "nobody has drawn it yet"
    page = f"/offers/{offer_id}"
    assert "The PDF is being drawn" in text_of(dashboards.buyer.get(page))
    assert "/pdf" not in dashboards.buyer.get(page).text
    dashboards.stage.run(documents=True)
    for who, path in ((dashboards.buyer, own), (dashboards.seller, sold)):
        assert f'href="{path}?locale=en"' in who.get(path.removeprefix("/v1").removesuffix("/pdf")).text
        drawn = [who.get(f"{path}?locale={locale}") for locale in ("zh-CN", "en")]
        for answer in drawn:
            assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
            assert 'filename="offer-2' in answer.headers["Content-Disposition"]
        assert drawn[0].content != drawn[1].content
    for who, path in ((dashboards.promoter, own), (dashboards.promoter, sold), (dashboards.seller, own)):
        assert who.get(path).status_code == 404
    assert dashboards.buyer.get(sold).status_code in {403, 404}


def test_a_refused_one_keeps_what_was_typed_and_says_where(dashboards: Dashboards, buyer_name: str) -> None:
    named = {"organization": buyer_name}
    own = select(Offer.id).where(Offer.buyer_org_id == dashboards.stage.buyer.id)
    before = dashboards.stage.rows(own)
    for fields, wrong in (
        ({"organization": "Nobody of that name"}, "organization"),
        ({"organization": ""}, "organization"),
        ({"organization": "01900000-0000-7000-8000-000000000000"}, ""),
        ({"quantity": "x"}, "quantity"),
        ({"discount_ppm": "101"}, "discount_ppm"),
        ({"valid_on": "soon"}, "valid_on"),
        ({"terms": "y" * 4_001}, "terms"),
    ):
        form = private(dashboards) | named | fields
        refused = dashboards.seller.post("/seller/offers", **form)
        assert refused.status_code == (422 if wrong else 404), (fields, text_of(refused))
        if wrong:
            assert re.search(rf'name="{wrong}"[^>]*aria-invalid="true"', refused.text), fields
        assert "One day of training." in refused.text or "terms" in fields
        assert value(refused, "organization") == form["organization"]
    assert dashboards.stage.rows(own) == before


def test_answered_with_other_figures_and_replaced(dashboards: Dashboards, buyer_name: str) -> None:
    offer_id = made(dashboards, buyer_name)
    sent = dashboards.buyer.post(f"/offers/{offer_id}/counter", quantity_1="30", unit_price_1="150", counter_text="?")
    assert (sent.status_code, sent.headers["Location"].split("?")[0]) == (303, f"/offers/{offer_id}")
    page = dashboards.seller.get(f"/seller/offers/{offer_id}")
    assert "Proposed instead" in text_of(page)
    form = {name: value(page, name) for name in ("quantity", "unit_price", "discount_ppm", "valid_on")}
    assert (form["quantity"], form["unit_price"]) == ("30", "150.00")
    form |= {"plan_id": str(dashboards.stage.seat_plan)}
    wrong = dashboards.seller.post(f"/seller/offers/{offer_id}/replacement", **(form | {"quantity": "x"}))
    assert (wrong.status_code, value(wrong, "quantity")) == (422, "x")
    assert dashboards.promoter.post(f"/seller/offers/{offer_id}/replacement", **form).status_code == 404
    first, second = (dashboards.seller.post(f"/seller/offers/{offer_id}/replacement", **form) for _ in range(2))
    assert first.status_code == 303, text_of(first)
    assert first.headers["Location"].split("?")[0] == second.headers["Location"].split("?")[0]
    newer = first.headers["Location"].split("?")[0].rsplit("/", 1)[1]
    assert "Replaced" in text_of(dashboards.buyer.get(f"/offers/{offer_id}"))
    assert dashboards.seller.post(f"/seller/offers/{newer}/withdraw").headers["Location"] == f"/seller/offers/{newer}"
    late = dashboards.seller.post(f"/seller/offers/{newer}/replacement", **(form | {"quantity": "31"}))
    assert (late.status_code, "withdrawn" in text_of(late)) == (409, True)
    declined = made(dashboards, buyer_name)
    done = dashboards.buyer.post(f"/offers/{declined}/decline", reason="price", decline_text="")
    assert done.headers["Location"].split("?")[0] == f"/offers/{declined}"


def test_what_each_page_asks_of_the_database(
    dashboards: Dashboards, buyer_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_id = made(dashboards, buyer_name)
    dashboards.stage.run(documents=True)
    budgets = {
        (dashboards.buyer, "/offers"): 5,
        (dashboards.buyer, f"/offers/{offer_id}"): 5,
        (dashboards.seller, "/seller/offers"): 5,
        (dashboards.seller, f"/seller/offers/{offer_id}"): 11,
        (dashboards.seller, "/seller/offers/new"): 8,
    }
    for (visitor, path), most in budgets.items():
        assert visitor.get(path).status_code == 200, path
        with counting(monkeypatch) as found:
            visitor.get(path)
        assert len(found.statements) <= most, (path, found.statements)
