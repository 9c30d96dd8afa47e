"""Order sheets on pages: pasted lines are checked, the wrong ones named, corrected and left out, then priced and ordered."""

from __future__ import annotations

import re

from sqlalchemy import select

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Listing, Plan
from marketplace.relations.save_tier import SaveTier, SetTierPrice, save_tier, set_tier_price
from orders.order.models import Order
from orders.order_sheets.models import OrderSheet
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_offer_pages import value
from tests.loop.test_partner_prices import as_seller, linked


def test_a_sheet_is_pasted_corrected_priced_and_ordered(dashboards: Dashboards) -> None:
    stage, buyer = dashboards.stage, dashboards.buyer
    plan_id, _ = stage.offer()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        plan = uow.session.get_one(Plan, plan_id)
        code, listing_id = f"{uow.session.get_one(Listing, plan.listing_id).slug}/{plan.code}", plan.listing_id
    assert "no seller" in text_of(buyer.get("/order-sheets/template"))
    bronze = as_seller(stage, lambda uow: save_tier(uow, SaveTier("TIN", "锡牌", "Tin", 5)).id)
    as_seller(stage, lambda uow: set_tier_price(uow, SetTierPrice(bronze, listing_id, discount_ppm=500_000)).id)
    linked(stage, bronze)
    stage.run()
    template = buyer.get("/order-sheets/template")
    assert (template.status_code, template.content[:2]) == (200, b"PK")
    assert "/order-sheets/template" in buyer.get("/order-sheets").text

    empty = buyer.post("/order-sheets", name="", lines=" \n")
    assert (empty.status_code, "There is no line in it" in text_of(empty)) == (422, True)
    made = buyer.post("/order-sheets", name="November", lines=f"{code},20,Wuhan\n{code},many,Xi'an\n<b>,1,\n")
    assert made.status_code == 303, text_of(made)
    address = made.headers["location"]
    page = buyer.get(address)
    assert "3 lines · 2 wrong" in text_of(page)
    assert "Line 2" in text_of(page)
    assert re.search(r'id="quantity-2"[^>]*value="many"[^>]*aria-invalid="true"', page.text)
    assert re.search(r'id="code-3"[^>]*value="&lt;b&gt;"[^>]*aria-invalid="true"', page.text)
    refused = buyer.post(f"{address}/quotes")
    assert (refused.status_code, "2 lines of the sheet are wrong" in text_of(refused)) == (409, True)
    typed = {"line-2": "1", "code-2": code, "quantity-2": "10", "note-2": "Xi'an", "line-3": "1", "code-3": "<b>"}
    saved = buyer.post(f"{address}/lines", **typed, **{"quantity-3": "1", "note-3": "", "out-3": "1"})
    assert saved.status_code == 303, text_of(saved)
    assert "1 left out" in text_of(buyer.get(address))
    assert buyer.post(f"{address}/quotes").status_code == 303
    page = buyer.get(address)
    assert "¥2,985.00" in text_of(page)
    how = {
        "idempotency_key": value(page, "idempotency_key"),
        "billing_profile_id": str(stage.profile),
        "payment_method_id": "sandbox:sbx_ok",
        "po_number": "PO-8",
    }
    first, again = (buyer.post(f"{address}/order", **how) for _ in range(2))
    assert (first.status_code, again.status_code) == (303, 303), text_of(first)
    stage.run()
    (sheet,) = stage.rows(select(OrderSheet).where(OrderSheet.name == "November"))
    (order,) = stage.rows(select(Order).where(Order.purchase_id.in_(sheet.purchase_ids)))
    assert (order.gross_minor, order.po_number) == (298_500, "PO-8")
    assert order.number in text_of(buyer.get(address))
    assert buyer.post(f"{address}/discard").status_code == 409
    assert dashboards.seller.get(address).status_code == 404
