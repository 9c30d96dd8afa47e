"""A card whose button is not for buying takes nobody's money."""

from __future__ import annotations

import html
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select, update

from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.placements.models import Placement
from orders.checkout.models import Purchase
from tests.loop_stage import Stage


def purchases(stage: Stage) -> int:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        found = uow.session.scalar(
            select(func.count()).select_from(Purchase).where(Purchase.buyer_org_id == stage.buyer.id)
        )
        return found or 0


def offered(stage: Stage, action: str) -> tuple[UUID, UUID, UUID]:
    """A card with such a button: its plan, itself, and its product."""
    plan_id, card = stage.offer()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Placement).where(Placement.id == card.placement_id).values(action=action))
        assert card.placement_id is not None
        return plan_id, card.placement_id, uow.session.get_one(Plan, plan_id).listing_id


def payment(stage: Stage, browser: TestClient[Any], plan_id: UUID) -> dict[str, str]:
    """What the pay sheet of a card for buying would send."""
    sent = {"plan_id": str(plan_id), "quantity": "5", "csrf": browser.headers["x-csrf-token"]}
    sent |= {"second": "7", "billing_profile_id": str(stage.profile), "payment_method_id": "sandbox:sbx_ok"}
    return sent | {"quote_id": str(uuid7()), "idempotency_key": str(uuid7()), "po_number": "", "share": ""}


@pytest.mark.parametrize(
    ("action", "asked"), [("demo", "demo"), ("quote", "quote"), ("consult", "consult"), ("trial", "consult")]
)
def test_a_card_that_asks_the_seller_leads_to_its_form_and_sells_nothing(
    stage: Stage, browser: TestClient[Any], action: str, asked: str
) -> None:
    plan_id, placement_id, listing_id = offered(stage, action)
    before, path = purchases(stage), f"/buy/{placement_id}"
    form = f"/products/{listing_id}/ask/{asked}?placement={placement_id}&second=7"
    shown = browser.get(f"{path}?second=7", follow_redirects=False)
    assert (shown.status_code, shown.headers["Location"]) == (303, form)
    sent = browser.post(path, data=payment(stage, browser, plan_id), follow_redirects=False)
    assert (sent.status_code, sent.headers["Location"]) == (303, form)
    assert purchases(stage) == before


def test_a_card_for_buying_opens_the_pay_sheet(stage: Stage, browser: TestClient[Any]) -> None:
    _, card = stage.offer()
    assert "data-pay" in html.unescape(browser.get(f"/buy/{card.placement_id}").text)
