"""Requests on pages: asked from a product, answered on the seller's board, each side with its own page."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from api.pages.frame.translations import translations
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.authenticate import csrf_of
from marketplace.access.counted_limits import Limit
from marketplace.catalog.models import Plan
from marketplace.leads import create_lead
from marketplace.leads.models import Lead
from marketplace.placements.models import Placement
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.factories_marketplace import make_channel


@pytest.fixture
def listing_id(dashboards: Dashboards) -> str:
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        return str(uow.session.get_one(Plan, dashboards.stage.seat_plan).listing_id)


def key_of(page: str) -> str:
    found = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert found
    return found[1]


def test_asked_answered_and_noted(dashboards: Dashboards, listing_id: str) -> None:
    path = f"/products/{listing_id}/ask/quote"
    shown = dashboards.buyer.get(path)
    assert shown.status_code == 200
    version = re.search(r'name="consent_version" value="([^"]+)"', shown.text)
    assert version
    contact = {"contact_name": "王芳", "contact_email": "wang@firm.example", "consent_version": version[1]}
    asked = {"text": "Twenty seats?", "quantity": "20", "agreed": "yes", **contact}
    wrong = dashboards.buyer.post(path, **{**asked, "contact_email": "nobody"})
    assert wrong.status_code == 422
    assert "Twenty seats?" in wrong.text
    assert 'id="contact_email-wrong"' in wrong.text
    first, second = (dashboards.buyer.post(path, **asked) for _ in range(2))
    assert first.status_code == 303, text_of(first)
    assert first.headers["Location"] == second.headers["Location"]
    own = first.headers["Location"]
    board = dashboards.seller.get("/seller/leads")
    sold = own.replace("/requests/", "/seller/leads/")
    assert sold in board.text
    page = dashboards.seller.get(sold)
    assert "wang@firm.example" in text_of(page)
    for _ in range(2):
        said = dashboards.seller.post(f"{sold}/messages", text="Here it is.", idempotency_key=key_of(page.text))
        assert said.status_code == 303, text_of(said)
    assert text_of(dashboards.buyer.get(own)).count("Here it is.") == 1
    noted = dashboards.seller.post(f"{sold}/notes", note="Big one", idempotency_key=key_of(page.text))
    assert noted.status_code == 303, text_of(noted)
    assert "Big one" in text_of(dashboards.seller.get(sold))
    assert "Big one" not in text_of(dashboards.buyer.get(own))
    assert dashboards.seller.post(sold, assigned_to="", due_on="2026-12-01", state="working").status_code == 303
    assert dashboards.seller.post(sold, assigned_to="", due_on="soon", state="").status_code == 422
    assert dashboards.promoter.get(own).status_code == 404
    assert dashboards.promoter.get(sold).status_code == 404
    assert dashboards.buyer.post(f"{own}/withdraw").status_code == 303
    assert "wang@firm.example" not in dashboards.seller.get(sold).text


def test_refused_in_the_players_sheet_it_stays_a_sheet(dashboards: Dashboards, listing_id: str) -> None:
    path = f"/products/{listing_id}/ask/quote"
    refused = dashboards.buyer.post(path, part="sheet", text="Twenty?", quantity="0", placement="", second="7")
    assert refused.status_code == 422
    assert "<html" not in refused.text
    assert "Twenty?" in refused.text
    assert 'id="quantity-wrong"' in refused.text
    assert 'name="second" value="7"' in refused.text
    sent = dashboards.buyer.post(path, part="sheet", text="Twenty?", quantity="20")
    assert (sent.status_code, sent.text) == (201, "")
    assert sent.headers["Location"].startswith("/requests/")
    assert "notice=" in sent.headers["Set-Cookie"], "the page that the player goes to says that it was sent"


def test_a_contact_without_consent_is_refused_and_what_was_typed_stays(dashboards: Dashboards, listing_id: str) -> None:
    path = f"/products/{listing_id}/ask/demo"
    before = dashboards.seller.get("/seller/leads").text.count("/seller/leads/")
    shown = re.findall(r'name="contact_\w+"[^>]* value="([^"]*)"', dashboards.buyer.get(path).text)
    assert shown == ["", "", ""], "nobody's contact stands there before it was typed"
    refused = dashboards.buyer.post(path, text="Monday?", contact_name="王芳", contact_email="wang@firm.example")
    assert refused.status_code == 422
    assert 'id="agreed-wrong"' in refused.text
    assert translations("en").text("leads.agree_first") in refused.text
    for typed in ("Monday?", "王芳", "wang@firm.example"):
        assert typed in refused.text
    assert dashboards.seller.get("/seller/leads").text.count("/seller/leads/") == before
    sent = dashboards.buyer.post(path, text="Monday?")
    assert sent.status_code == 303
    sold = sent.headers["Location"].replace("/requests/", "/seller/leads/")
    assert translations("en").text("leads.no_contact") in dashboards.seller.get(sold).text


def test_a_contact_without_consent_is_refused_by_the_contract(dashboards: Dashboards, listing_id: str) -> None:
    contact = {"name": "王芳", "email": "wang@firm.example"}
    asked = {"kind": "demo", "listing_id": listing_id, "contact": contact}
    cookie = dashboards.buyer.cookie
    headers = {"Cookie": f"__Host-session={cookie}", "X-CSRF-Token": csrf_of(cookie), "Idempotency-Key": uuid7().hex}
    refused = dashboards.buyer.client.post("/v1/leads", json=asked, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "consent_required")
    assert "consent_version" in refused.text


@pytest.mark.parametrize(
    ("who", "path", "active"), [("buyer", "/requests", "/requests"), ("seller", "/seller/leads", "/seller/leads")]
)
def test_the_menu_says_where_one_is(dashboards: Dashboards, who: str, path: str, active: str) -> None:
    shown = getattr(dashboards, who).get(path)
    assert re.search(rf'<a[^>]*href="{active}"[^>]*aria-current="page"', shown.text)


@pytest.mark.parametrize("action", ["demo", "quote", "consult"])
def test_a_card_leads_to_what_it_says(dashboards: Dashboards, action: str) -> None:
    _, card = dashboards.stage.offer()
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Placement, card.placement_id).listing_id
        uow.session.execute(update(Placement).where(Placement.id == card.placement_id).values(action=action))
    sent = dashboards.buyer.get(f"/buy/{card.placement_id}?second=7")
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith(f"/products/{listing_id}/ask/{action}?placement={card.placement_id}")
    assert dashboards.buyer.get(sent.headers["Location"]).status_code == 200


def test_ones_own_card_says_why_it_is_not_bought(dashboards: Dashboards, listing_id: str) -> None:
    _, card = dashboards.stage.offer()
    said = translations("en").text("own_product.text")
    for path in (f"/buy/{card.placement_id}", f"/products/{listing_id}/buy", f"/products/{listing_id}/ask/quote"):
        shown = dashboards.seller.get(path)
        assert (shown.status_code, said in text_of(shown)) == (200, True), path
        fragment = dashboards.seller.get(f"{path}?part=sheet")
        assert said in text_of(fragment)
        assert "<html" not in fragment.text
    refused = dashboards.seller.post(f"/products/{listing_id}/buy", quantity="1")
    assert (refused.status_code, said in text_of(refused)) == (409, True)


@pytest.mark.parametrize("kind", ["demo", "quote", "consult"])
def test_the_form_is_a_sheet_of_its_own_in_the_player(dashboards: Dashboards, listing_id: str, kind: str) -> None:
    shown = dashboards.buyer.get(f"/products/{listing_id}/ask/{kind}?part=sheet&second=7")
    assert shown.status_code == 200
    assert "<html" not in shown.text
    assert f'action="/products/{listing_id}/ask/{kind}"' in shown.text
    assert 'name="second" value="7"' in shown.text
    assert "data-close" in shown.text


def test_what_nobody_offers(dashboards: Dashboards, listing_id: str) -> None:
    assert dashboards.buyer.get(f"/products/{listing_id}/ask/trial").status_code == 404


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_network_that_asks_too_often_is_told_when_to_come_back(
    dashboards: Dashboards, listing_id: str, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(create_lead, "OF_NETWORK", Limit(1, timedelta(days=1)))
    asks = "api.pages.leads.handlers" if door == "page" else "api.v1.leads"
    here = f"2001:db8::{uuid7().hex[-4:]}"
    monkeypatch.setattr(f"{asks}.network_address", lambda *_: here)

    def ask(kind: str) -> Any:
        if door == "page":
            return dashboards.buyer.post(f"/products/{listing_id}/ask/{kind}", text="?")
        key = {"Idempotency-Key": str(uuid7())}
        headers = {
            **key,
            "Cookie": f"session={dashboards.buyer.cookie}",
            "X-CSRF-Token": csrf_of(dashboards.buyer.cookie),
        }
        asked = {"kind": kind, "listing_id": listing_id, "text": "?"}
        return dashboards.buyer.client.post("/v1/leads", json=asked, headers=headers)

    # What other tests left open is closed: asking for it again would count nothing.
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        left = update(Lead).where(Lead.buyer_org_id == dashboards.stage.buyer.id)
        uow.session.execute(left.values(state="lost"))
    first, second = (ask(kind) for kind in ("quote", "consult"))
    assert (first.status_code, second.status_code) == (303 if door == "page" else 201, 429)
    assert int(second.headers["Retry-After"]) > 0


def test_a_channel_is_followed_and_its_seller_gets_in_touch(dashboards: Dashboards, listing_id: str) -> None:
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        channel = str(make_channel(uow, dashboards.stage.seller).id)
        of_promoter = str(make_channel(uow, dashboards.stage.promoter).id)
    path = f"/channels/{channel}/contact"
    assert path in dashboards.buyer.get(f"/channels/{channel}").text
    assert path not in dashboards.seller.get(f"/channels/{channel}").text
    assert f"/channels/{of_promoter}/contact" not in dashboards.buyer.get(f"/channels/{of_promoter}").text
    shown = dashboards.buyer.get(path)
    assert shown.status_code == 200
    version = re.search(r'name="consent_version" value="([^"]+)"', shown.text)
    assert version
    asked = {
        "product": listing_id,
        "contact_name": "王芳",
        "contact_email": "wang@firm.example",
        "consent_version": version[1],
    }
    refused = dashboards.buyer.post(path, **asked, text="Next week?")
    assert refused.status_code == 422
    assert 'id="agreed-wrong"' in refused.text
    assert "Next week?" in refused.text
    assert dashboards.buyer.post(path, **{**asked, "product": ""}, agreed="yes").status_code in {404, 422}
    first, second = (dashboards.buyer.post(path, **asked, agreed="yes") for _ in range(2))
    assert first.status_code == 303, text_of(first)
    assert first.headers["Location"] == second.headers["Location"]
    own = first.headers["Location"]
    assert f"/channels/{channel}" in dashboards.buyer.get(own).text
    sold = own.replace("/requests/", "/seller/leads/")
    assert sold in dashboards.seller.get("/seller/leads").text
    page = dashboards.seller.get(sold)
    assert "wang@firm.example" in text_of(page)
    assert f"/channels/{channel}" in page.text
    assert own in dashboards.buyer.get(path).text, "asked already: the form says so and leads there"
    assert dashboards.seller.get(path).status_code == 409
    nothing = dashboards.buyer.get(f"/channels/{of_promoter}/contact")
    assert nothing.status_code == 200
    assert '<form class="buy"' not in nothing.text
