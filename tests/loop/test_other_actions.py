"""A card whose button is not for buying takes nobody's money."""

from __future__ import annotations

import html
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select, update

from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.placements.models import Placement
from orders.checkout.models import Purchase
from tests.loop_stage import Stage


def purchases(stage: Stage) -> int:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        found = uow.session.scalar(
            select(func.count()).select_from(Purchase).where(Purchase.buyer_org_id == stage.buyer.id)
        )
        return found or 0


@pytest.mark.parametrize("action", ["trial", "demo", "quote"])
def test_a_card_that_is_not_for_buying_opens_no_pay_sheet_and_sells_nothing(
    stage: Stage, browser: TestClient[Any], action: str
) -> None:
    plan_id, card = stage.offer()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Placement).where(Placement.id == card.placement_id).values(action=action))
    before, path = purchases(stage), f"/buy/{card.placement_id}"
    shown = browser.get(path)
    assert shown.status_code == 200
    assert "data-pay" not in shown.text
    assert "<form" not in shown.text.split("<main", 1)[1].split("</main", 1)[0]
    sent = {"plan_id": str(plan_id), "quantity": "5", "csrf": browser.headers["x-csrf-token"]}
    sent |= {"second": "7", "billing_profile_id": str(stage.profile), "payment_method_id": "sandbox:sbx_ok"}
    sent |= {"quote_id": str(uuid7()), "idempotency_key": str(uuid7()), "po_number": "", "share": ""}
    assert browser.post(path, data=sent).status_code == 409
    assert purchases(stage) == before


def test_a_card_for_buying_opens_the_pay_sheet(stage: Stage, browser: TestClient[Any]) -> None:
    _, card = stage.offer()
    assert "data-pay" in html.unescape(browser.get(f"/buy/{card.placement_id}").text)
