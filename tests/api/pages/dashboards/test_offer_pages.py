"""Offers, times for demos and customers on pages, for both sides."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy import select

from api.pages.frame.translations import translations
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.demos.models import DemoBooking
from marketplace.leads.consent_text import CONSENT_VERSION
from marketplace.leads.models import Lead
from orders.offers.models import Offer
from orders.order.models import Order
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.statement_counter import counting


@pytest.fixture
def listing_id(dashboards: Dashboards) -> str:
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        return str(uow.session.get_one(Plan, dashboards.stage.seat_plan).listing_id)


def asked(dashboards: Dashboards, listing_id: str, kind: str = "quote", **fields: str) -> str:
    """A request of the buyer's; its id."""
    sent = dashboards.buyer.post(f"/products/{listing_id}/ask/{kind}", text="?", **fields)
    assert sent.status_code == 303, text_of(sent)
    return str(sent.headers["Location"].rsplit("/", 1)[1])


def offer(dashboards: Dashboards, **fields: str) -> dict[str, str]:
    day = (clock.today("Asia/Shanghai") + timedelta(days=30)).isoformat()
    form = {"plan_id": str(dashboards.stage.seat_plan), "quantity": "20", "unit_price": "", "discount_ppm": "15"}
    return {**form, "valid_on": day, **fields}


def value(page: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page.text)
    assert found, name
    return unescape(found[1])


def open_offer(dashboards: Dashboards, lead_id: str) -> UUID:
    found = select(Offer.id).where(Offer.lead_id == UUID(lead_id), Offer.state == "open")
    (only,) = dashboards.stage.rows(found)
    assert isinstance(only, UUID)
    return only


def test_offered_and_accepted_in_the_purchase_sheet(dashboards: Dashboards, listing_id: str) -> None:
    lead_id = asked(dashboards, listing_id, quantity="20")
    board = f"/seller/leads/{lead_id}"
    for _ in range(2):
        made = dashboards.seller.post(f"{board}/offers", **offer(dashboards))
        assert made.status_code == 303, text_of(made)
    offer_id = open_offer(dashboards, lead_id)
    assert "Offer" in text_of(dashboards.buyer.get("/requests"))
    thread = dashboards.buyer.get(f"/requests/{lead_id}")
    assert "¥3,383.00" in text_of(thread)
    assert f'href="/offers/{offer_id}/buy"' in thread.text
    sheet = dashboards.buyer.get(f"/offers/{offer_id}/buy")
    assert sheet.status_code == 200, text_of(sheet)
    assert f'data-offer="{offer_id}"' in sheet.text
    said = text_of(sheet)
    for amount in ("¥3,191.51", "¥191.49", "¥3,383.00"):
        assert amount in said, amount
    form = {name: value(sheet, name) for name in ("quote_id", "idempotency_key", "quantity")}
    form |= {"billing_profile_id": str(dashboards.stage.profile), "payment_method_id": "sandbox:sbx_ok"}
    # What the offer says is bought, whatever the form says.
    form |= {"quantity": "2000", "action": "pay", "po_number": ""}
    first, second = (dashboards.buyer.post(f"/offers/{offer_id}/buy", **form) for _ in range(2))
    assert first.status_code == 303, text_of(first)
    assert first.headers["Location"] == second.headers["Location"]
    order = dashboards.stage.get(Order, UUID(first.headers["Location"].rsplit("/", 1)[1]))
    assert (order.gross_minor, str(order.lead_id)) == (338_300, lead_id)
    dashboards.stage.run()
    assert dashboards.stage.get(Lead, UUID(lead_id)).state == "won"
    again = dashboards.buyer.get(f"/offers/{offer_id}/buy")
    assert (again.status_code, again.headers["Location"]) == (303, f"/requests/{lead_id}")
    assert f'href="/orders/{order.id}"' in dashboards.buyer.get(f"/requests/{lead_id}").text
    assert order.number in unescape(dashboards.seller.get(board).text)
    traced = dashboards.seller.get(f"/trace/{lead_id}")
    assert traced.status_code == 200
    assert "Offer" in text_of(traced)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"quantity": "x"}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"unit_price": "much", "discount_ppm": ""}, "unit_price"),
        ({"unit_price": "¥200", "discount_ppm": ""}, "unit_price"),
        ({"discount_ppm": "101"}, "discount_ppm"),
        ({"discount_ppm": "a"}, "discount_ppm"),
        ({"valid_on": "soon"}, "valid_on"),
        ({"valid_on": "2020-01-01"}, "valid_on"),
    ],
)
def test_a_refused_offer_keeps_what_was_typed_and_says_where(
    dashboards: Dashboards, listing_id: str, fields: dict[str, str], told: str
) -> None:
    lead_id = asked(dashboards, listing_id)
    refused = dashboards.seller.post(f"/seller/leads/{lead_id}/offers", **offer(dashboards, **fields))
    assert refused.status_code == 422, text_of(refused)
    assert re.search(rf'name="{told}"[^>]*aria-invalid="true"', refused.text)
    for name, typed in fields.items():
        assert value(refused, name) == typed


def test_several_lines_are_shown_whole_and_bought_as_one_order(dashboards: Dashboards, listing_id: str) -> None:
    stage, lead_id = dashboards.stage, asked(dashboards, listing_id)
    other, _ = stage.offer()
    board = f"/seller/leads/{lead_id}"
    lines = {"plan_id_3": str(other), "quantity_3": "10", "unit_price_3": "", "discount_ppm_3": "x"}
    refused = dashboards.seller.post(f"{board}/offers", **offer(dashboards), **lines)
    assert refused.status_code == 422
    assert re.search(r'name="discount_ppm_3"[^>]*aria-invalid="true"', refused.text)
    assert (value(refused, "discount_ppm_3"), value(refused, "quantity_3")) == ("x", "10")
    lines["discount_ppm_3"] = "50"
    assert dashboards.seller.post(f"{board}/offers", **offer(dashboards), **lines).status_code == 303
    offer_id = open_offer(dashboards, lead_id)
    # 20 × ¥169.15 and 10 × ¥99.50
    for page in (dashboards.buyer.get(f"/requests/{lead_id}"), dashboards.seller.get(board)):
        for amount in ("¥3,383.00", "¥995.00", "¥4,378.00"):
            assert amount in text_of(page), amount
    sheet = dashboards.buyer.get(f"/offers/{offer_id}/buy")
    assert sheet.status_code == 200
    for amount in ("¥3,383.00", "¥995.00", "¥4,378.00"):
        assert amount in text_of(sheet), amount
    form = {name: value(sheet, name) for name in ("quote_id", "idempotency_key")}
    form |= {"billing_profile_id": str(stage.profile), "payment_method_id": "sandbox:sbx_ok", "action": "pay"}
    bought = dashboards.buyer.post(f"/offers/{offer_id}/buy", **form)
    assert bought.status_code == 303, text_of(bought)
    stage.run()
    order = bought.headers["Location"]
    for amount in ("¥3,191.51", "¥938.68", "¥4,378.00"):
        assert amount in text_of(dashboards.buyer.get(order)), amount
    assert "¥4,378.00" in text_of(dashboards.buyer.get("/orders"))
    assert "¥4,378.00" in text_of(dashboards.seller.get(f"/trace/{lead_id}"))


def test_withdrawn_it_can_be_accepted_no_more(dashboards: Dashboards, listing_id: str) -> None:
    lead_id = asked(dashboards, listing_id)
    assert dashboards.seller.post(f"/seller/leads/{lead_id}/offers", **offer(dashboards)).status_code == 303
    offer_id = open_offer(dashboards, lead_id)
    for path in (f"/offers/{offer_id}/buy", f"/requests/{lead_id}"):
        assert dashboards.promoter.get(path).status_code == 404
    assert dashboards.promoter.post(f"/seller/offers/{offer_id}/withdraw").status_code == 404
    assert dashboards.seller.post(f"/seller/offers/{offer_id}/withdraw").status_code == 303
    assert dashboards.buyer.get(f"/offers/{offer_id}/buy").headers["Location"] == f"/requests/{lead_id}"
    page = dashboards.buyer.get(f"/requests/{lead_id}")
    assert "Withdrawn" in text_of(page)
    assert f"/offers/{offer_id}/buy" not in page.text


def test_declined_with_a_reason_that_its_seller_reads(dashboards: Dashboards, listing_id: str) -> None:
    lead_id = asked(dashboards, listing_id)
    assert dashboards.seller.post(f"/seller/leads/{lead_id}/offers", **offer(dashboards)).status_code == 303
    offer_id = open_offer(dashboards, lead_id)
    decline = f"/offers/{offer_id}/decline"
    assert f'action="{decline}"' in dashboards.buyer.get(f"/requests/{lead_id}").text
    assert f'action="{decline}"' not in dashboards.seller.get(f"/seller/leads/{lead_id}").text
    assert dashboards.promoter.post(decline).status_code == 404
    assert dashboards.seller.post(decline).status_code == 404
    long = dashboards.buyer.post(decline, reason="price", decline_text="y" * 1_001)
    assert long.status_code == 422
    assert 'id="decline_text-wrong"' in long.text
    assert "y" * 1_001 in long.text
    assert '<option value="price" selected>' in long.text
    for _ in range(2):
        done = dashboards.buyer.post(decline, reason="price", decline_text="<b>9 000</b>?")
        assert (done.status_code, done.headers["Location"].split("?")[0]) == (303, f"/requests/{lead_id}")
    said = text_of(dashboards.seller.get(f"/seller/leads/{lead_id}"))
    assert "Declined" in said
    assert "The price" in said
    assert "<b>9 000</b>?" in said
    assert translations("en").text("offers.was_declined") in text_of(dashboards.seller.get("/seller/leads"))
    assert dashboards.buyer.get(f"/offers/{offer_id}/buy").headers["Location"] == f"/requests/{lead_id}"
    assert dashboards.seller.post(f"/seller/leads/{lead_id}/offers", **offer(dashboards)).status_code == 303
    assert translations("en").text("offers.was_declined") not in text_of(dashboards.seller.get("/seller/leads"))


def test_other_figures_are_proposed_and_answered_in_the_thread(dashboards: Dashboards, listing_id: str) -> None:
    lead_id = asked(dashboards, listing_id)
    board, thread = f"/seller/leads/{lead_id}", f"/requests/{lead_id}"
    assert dashboards.seller.post(f"{board}/offers", **offer(dashboards)).status_code == 303
    offer_id = open_offer(dashboards, lead_id)
    answer = f"/offers/{offer_id}/counter"
    assert f'action="{answer}"' in dashboards.buyer.get(thread).text
    assert f'action="{answer}"' not in dashboards.seller.get(board).text
    typed = {"quantity_1": "30", "unit_price_1": "150", "counter_text": "30 <b>?</b>"}
    for other in (dashboards.promoter, dashboards.seller):
        assert other.post(answer, **typed).status_code == 404
    for field, wrong in (("quantity_1", "0"), ("quantity_1", "x"), ("unit_price_1", "much"), ("unit_price_1", "1990")):
        refused = dashboards.buyer.post(answer, **(typed | {field: wrong}))
        assert refused.status_code == 422, text_of(refused)
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', refused.text), field
        assert (value(refused, field), "30 <b>?</b>" in text_of(refused)) == (wrong, True)
    long = dashboards.buyer.post(answer, **(typed | {"counter_text": "y" * 1_001}))
    assert (long.status_code, 'id="counter_text-wrong"' in long.text) == (422, True)
    same = dashboards.buyer.post(answer, quantity_1="20", unit_price_1="169.15", counter_text="")
    assert (same.status_code, "That is what is offered already" in text_of(same)) == (422, True)
    for _ in range(2):
        done = dashboards.buyer.post(answer, **typed)
        assert (done.status_code, done.headers["Location"].split("?")[0]) == (303, thread)
    # The seller's form has the proposal in it: sent as it stands, it is what the buyer would take.
    shown = dashboards.seller.get(board)
    for said in ("Proposed instead", "¥4,500.00", "30 <b>?</b>"):
        assert text_of(shown).count(said) == 1, said
    form = {name: value(shown, name) for name in ("quantity", "unit_price", "discount_ppm", "valid_on")}
    assert (form["quantity"], form["unit_price"], form["discount_ppm"]) == ("30", "150.00", "")
    sent = dashboards.seller.post(f"{board}/offers", plan_id=str(dashboards.stage.seat_plan), **form)
    assert sent.status_code == 303, text_of(sent)
    after = dashboards.buyer.get(thread)
    for said in ("Replaced", "takes the place of the offer before", "¥4,500.00", "¥3,383.00"):
        assert said in text_of(after), said
    assert f'href="/offers/{offer_id}/buy"' not in after.text
    over = dashboards.buyer.post(answer, **typed)
    assert (over.status_code, "taken the place of this one" in text_of(over)) == (409, True)
    for path, who in ((f"/offers/{offer_id}", dashboards.buyer), (f"/seller/offers/{offer_id}", dashboards.seller)):
        assert who.get(path).status_code == 200
        assert dashboards.promoter.get(path).status_code == 404


def test_a_demo_is_booked_moved_and_given_up(dashboards: Dashboards, listing_id: str) -> None:
    hours = {f"day_{day}": "yes" for day in range(1, 8)} | {"begins": "09:00", "ends": "12:00", "length_minutes": "30"}
    hours |= {"notice_minutes": "60", "ahead_days": "20"}
    saved = dashboards.seller.post("/seller/demo-hours", **hours)
    assert saved.status_code == 303, text_of(saved)
    assert dashboards.seller.get("/seller/demo-hours").text.count(" checked") == 7
    wrong = dashboards.seller.post("/seller/demo-hours", **(hours | {"ends": "08:00"}))
    assert wrong.status_code == 422
    assert re.search(r'name="begins"[^>]* value="09:00"', wrong.text)
    assert 'id="ends-wrong"' in wrong.text
    assert value(dashboards.seller.get("/seller/demo-hours"), "ahead_days") == "20"
    form = dashboards.buyer.get(f"/products/{listing_id}/ask/demo")
    times = re.findall(r'<option value="(2[^"]+)"', form.text)
    assert len(times) > 10
    lead_id = asked(dashboards, listing_id, "demo", slot=unescape(times[0]))
    found = select(DemoBooking).where(DemoBooking.lead_id == UUID(lead_id))
    assert dashboards.stage.rows(found)[0].state == "booked"
    # One's own stays shown; nobody else is offered it.
    assert times[0] not in dashboards.buyer.get(f"/products/{listing_id}/ask/demo").text
    sold = f"/seller/leads/{lead_id}"
    shown = dashboards.seller.get(sold)
    assert translations("en").text("demos.move") in text_of(shown)
    moved = dashboards.seller.post(f"{sold}/booking", slot=unescape(times[1]), action="book")
    assert moved.status_code == 303, text_of(moved)
    refused = dashboards.buyer.post(f"/requests/{lead_id}/booking", slot="soon", action="book")
    assert refused.status_code == 422
    assert 'id="slot-wrong"' in refused.text
    assert dashboards.promoter.post(f"/requests/{lead_id}/booking", action="cancel").status_code == 404
    assert dashboards.buyer.post(f"/requests/{lead_id}/booking", action="cancel").status_code == 303
    (booking,) = dashboards.stage.rows(found)
    assert (booking.state, booking.sequence) == ("cancelled", 2)
    assert translations("en").text("demos.none") in text_of(dashboards.buyer.get(f"/requests/{lead_id}"))


def test_days_off_and_single_times_stand_in_the_calendar(dashboards: Dashboards, listing_id: str) -> None:
    seller, days = dashboards.seller, "/seller/demo-days"
    day = (clock.today("Asia/Shanghai") + timedelta(days=5)).isoformat()
    for _ in range(2):
        assert seller.post(days, day=day, kind="off", day_begins="").status_code == 303
    assert seller.post(days, day=day, kind="single", day_begins="21:15").status_code == 303
    shown = seller.get("/seller/demo-hours")
    removes = re.findall(r'action="(/seller/demo-days/[^"]+/remove)"', shown.text)
    assert len(removes) == 2
    assert "Day off" in text_of(shown)
    assert "21:15" in text_of(shown)
    assert "21:15" in text_of(dashboards.buyer.get(f"/products/{listing_id}/ask/demo"))
    for form, told in (
        ({"day": "soon", "kind": "off"}, "day"),
        ({"day": "2020-01-01", "kind": "off"}, "day"),
        ({"day": day, "kind": "single", "day_begins": "late"}, "day_begins"),
        ({"day": day, "kind": "single", "day_begins": "24:00"}, "day_begins"),
    ):
        wrong = seller.post(days, **form)
        assert wrong.status_code == 422, form
        assert f'id="{told}-wrong"' in wrong.text
        assert value(wrong, "day") == form["day"]
    for _ in range(2):
        assert dashboards.promoter.post(removes[1]).status_code in {303, 403, 404}
    assert len(re.findall("/remove", seller.get("/seller/demo-hours").text)) == 2
    for _ in range(2):
        assert all(seller.post(one).status_code == 303 for one in removes)
    assert "/remove" not in seller.get("/seller/demo-hours").text


def test_a_customer_has_a_page_for_its_seller_alone(dashboards: Dashboards, listing_id: str) -> None:
    stage = dashboards.stage
    page = f"/seller/customers/{stage.buyer.id}"
    if stage.rows(select(Order.id).where(Order.buyer_org_id == stage.buyer.id)) == []:
        assert dashboards.seller.get(page).status_code == 404
    lead_id = asked(dashboards, listing_id, "consult")
    order = stage.order(stage.buy())
    stage.run()
    shown = dashboards.seller.get(page)
    assert shown.status_code == 200, text_of(shown)
    assert f"/seller/leads/{lead_id}" in shown.text
    assert f"/trace/{order.id}" in shown.text
    assert "Recruiting Pro" in text_of(shown)
    assert stage.buyer.email not in shown.text
    assert f'href="{page}"' in dashboards.seller.get("/seller/orders").text
    assert f'href="{page}"' in dashboards.seller.get(f"/seller/leads/{lead_id}").text
    assert dashboards.promoter.get(page).status_code == 404
    assert dashboards.seller.get(f"/seller/customers/{uuid7()}").status_code == 404


def test_the_list_of_customers_leads_to_each_and_shows_no_contact(dashboards: Dashboards, listing_id: str) -> None:
    contact = {"contact_name": "Zhu", "contact_email": "zhu@firm.example", "agreed": "yes"}
    asked(dashboards, listing_id, "quote", **contact, consent_version=CONSENT_VERSION)
    page = f"/seller/customers/{dashboards.stage.buyer.id}"
    home = dashboards.seller.get("/seller")
    assert 'href="/seller/customers"' in home.text
    assert 'href="/seller/customers"' not in dashboards.buyer.get("/requests").text
    shown = dashboards.seller.get("/seller/customers")
    assert f'href="{page}"' in shown.text
    assert "zhu@firm.example" not in shown.text
    name = re.search(rf'href="{page}">([^<]+)<', shown.text)
    assert name is not None
    for query in (f"q={quote(unescape(name[1]))}", "state=asking"):
        assert f'href="{page}"' in dashboards.seller.get(f"/seller/customers?{query}").text, query
    none = dashboards.seller.get("/seller/customers?q=nobody+is+called+this")
    assert none.status_code == 200
    assert translations("en").text("customers.none_found") in text_of(none)
    assert page not in dashboards.promoter.get("/seller/customers").text


def test_what_each_page_and_command_asks_of_the_database(
    dashboards: Dashboards, listing_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = asked(dashboards, listing_id)
    assert dashboards.seller.post(f"/seller/leads/{lead_id}/offers", **offer(dashboards)).status_code == 303
    offer_id = open_offer(dashboards, lead_id)
    buyer, seller = dashboards.buyer, dashboards.seller
    budgets = {
        (buyer, "/requests"): 6,
        (buyer, f"/requests/{lead_id}"): 8,  # with the hall that it may come from
        (buyer, f"/products/{listing_id}/ask/demo"): 10,
        # The seller\'s coupons are asked for, too: one may go together with offers.
        (buyer, f"/offers/{offer_id}/buy"): 19,  # with the departments to choose from, and who pays for it
        (seller, f"/seller/leads/{lead_id}"): 12,  # the same
        (seller, "/seller/leads"): 6,
        (seller, "/seller/demo-hours"): 6,
        (seller, "/seller/customers"): 8,
        (seller, f"/seller/customers/{dashboards.stage.buyer.id}"): 7,
    }
    for (visitor, path), most in budgets.items():
        assert visitor.get(path).status_code == 200, path
        with counting(monkeypatch) as found:
            visitor.get(path)
        assert len(found.statements) <= most, (path, found.statements)
    with counting(monkeypatch) as found:
        another = seller.post(f"/seller/leads/{lead_id}/offers", **offer(dashboards, discount_ppm="20"))
    assert another.status_code == 303
    # The seller's floors are asked for, too: an offer below one is not sent.
    assert len(found.statements) <= 14, found.statements
