"""Meetings of demos on pages: the seller says where, both sides have the link."""

from __future__ import annotations

import re
from html import unescape

from api.pages.frame.translations import translations
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_offer_pages import asked, value

OWN, OTHER = "https://meeting.tencent.com/dm/3kXhTq7Yw2Lp", "https://meet.example/b/a1"


def test_the_seller_says_where_a_demo_is_held_and_both_have_the_link(dashboards: Dashboards) -> None:
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        listing_id = str(uow.session.get_one(Plan, dashboards.stage.seat_plan).listing_id)
    buyer, seller, own = dashboards.buyer, dashboards.seller, "/seller/demo-hours/meeting"
    hours = {f"day_{day}": "yes" for day in range(1, 8)} | {"begins": "09:00", "ends": "12:00", "length_minutes": "30"}
    assert seller.post("/seller/demo-hours", **hours, notice_minutes="60", ahead_days="20").status_code == 303
    assert seller.post(own, meeting_url=f" {OWN} ").status_code == 303
    assert value(seller.get("/seller/demo-hours"), "meeting_url") == OWN
    for wrong in ("http://meet.example/", f"{OWN}{'a' * 500}"):
        refused = seller.post(own, meeting_url=wrong)
        assert refused.status_code == 422
        assert 'id="meeting_url-wrong"' in refused.text
        assert value(refused, "meeting_url") == wrong, "what was typed stands there"
    times = re.findall(r'<option value="(2[^"]+)"', buyer.get(f"/products/{listing_id}/ask/demo").text)
    lead_id = asked(dashboards, listing_id, "demo", slot=unescape(times[0]))
    shown, sold = buyer.get(f"/requests/{lead_id}"), f"/seller/leads/{lead_id}"
    assert f'<a href="{OWN}" rel="noopener noreferrer" target="_blank">' in shown.text
    assert "Tencent Meeting" in text_of(shown)
    assert 'name="meeting_url"' not in shown.text
    assert value(seller.get(sold), "meeting_url") == OWN
    refused = seller.post(f"{sold}/booking/meeting", meeting_url="meet.example")
    assert (refused.status_code, value(refused, "meeting_url")) == (422, "meet.example")
    assert dashboards.promoter.post(f"{sold}/booking/meeting", meeting_url=OTHER).status_code in {303, 403, 404}
    assert seller.post(f"{sold}/booking/meeting", meeting_url=OTHER).status_code == 303
    shown = buyer.get(f"/requests/{lead_id}")
    assert f'href="{OTHER}"' in shown.text
    assert "meet.example" in text_of(shown)
    assert seller.post(f"{sold}/booking/meeting", meeting_url="").status_code == 303
    assert translations("en").text("demos.meeting") not in text_of(buyer.get(f"/requests/{lead_id}"))
    assert seller.post(f"{sold}/booking", action="cancel").status_code == 303
    assert seller.post(f"{sold}/booking/meeting", meeting_url=OTHER).status_code == 409
    assert seller.post(own, meeting_url="").status_code == 303
    assert value(seller.get("/seller/demo-hours"), "meeting_url") == ""
