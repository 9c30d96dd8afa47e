"""Requests on pages: asked from a product, answered on the seller's board, each side with its own page."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.placements.models import Placement
from tests.api.pages.dashboards.conftest import Dashboards, text_of


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


def test_without_consent_no_contact_is_kept(dashboards: Dashboards, listing_id: str) -> None:
    path = f"/products/{listing_id}/ask/demo"
    sent = dashboards.buyer.post(path, text="Monday?", contact_name="王芳", contact_email="wang@firm.example")
    sold = sent.headers["Location"].replace("/requests/", "/seller/leads/")
    shown = dashboards.seller.get(sold).text
    assert "wang@firm.example" not in shown
    assert "王芳" not in shown


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


def test_what_nobody_offers(dashboards: Dashboards, listing_id: str) -> None:
    assert dashboards.buyer.get(f"/products/{listing_id}/ask/trial").status_code == 404
