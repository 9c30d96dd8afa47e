"""Promoter plans on pages: made, refused with what was typed, asked for, answered and ended by both sides."""

from __future__ import annotations

import re
from datetime import timedelta

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.parties.models import Organization
from tests.api.pages.dashboards.conftest import Dashboards, text_of


def test_a_plan_from_its_form_to_its_end(dashboards: Dashboards) -> None:
    seller, promoter, stage = dashboards.seller, dashboards.promoter, dashboards.stage
    listing_id = str(stage.get(Plan, stage.seat_plan).listing_id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Organization, stage.promoter.id).tax_id_verified_at = clock.now()
    form = {"listing_id": listing_id, "kind": "general", "rate": "2", "currency": "CNY"}
    refused = seller.post("/seller/promoter-plans", **form, idempotency_key=uuid7().hex)
    assert (refused.status_code, 'value="2"' in refused.text) == (422, True)
    assert "what the share policy allows (from 5% to 85%)" in text_of(refused)
    chain = {"distributor": str(stage.promoter.id), "distributor_rate": "1.5", "month_cap": "9,000"}
    for kind, more in (("general", {}), ("targeted", chain)):
        asked = form | more | {"rate": "20", "kind": kind, "idempotency_key": uuid7().hex}
        assert seller.post("/seller/promoter-plans", **asked).status_code == 303
    shown = text_of(seller.get("/seller/promoter-plans"))
    assert "18.5% of it the promoter's own" in shown
    assert "¥9,000.00 a month" in shown
    clock.advance(timedelta(minutes=1))
    offered = promoter.get("/promoter/plans")
    assert stage.promoter.id.hex not in offered.text.replace("-", "")
    (application,) = re.findall(r'action="(/promoter/plans/[^"]+/application)"', offered.text)
    assert promoter.post(application).status_code == 303
    assert promoter.post(application).status_code == 409
    waiting = seller.get("/seller/promoter-plans").text
    (answer,) = re.findall(r'action="(/promoter-memberships/[^"]+/answer)"', waiting)
    _, stranger = dashboards.new_organization(seller=True)
    assert stranger.post(answer, answer="accept", side="seller").status_code == 404
    assert seller.post(answer, answer="accept", side="seller").status_code == 303
    assert "Takes part" in text_of(promoter.get("/promoter/plans"))
    (leave,) = set(re.findall(r'action="(/promoter-memberships/[^"]+/end)"', promoter.get("/promoter/plans").text))
    assert promoter.post(leave, side="promoter").status_code == 303
    ends = re.findall(r'action="(/seller/promoter-plans/[^"]+/end)"', seller.get("/seller/promoter-plans").text)
    assert [seller.post(end).status_code for end in ends] == [303, 303]
    assert stranger.post(ends[0]).status_code == 404
    assert "In force" not in text_of(seller.get("/seller/promoter-plans"))
