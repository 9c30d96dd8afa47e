"""Discount floors and approvals of offers on pages: set, waited for, decided, and told."""

from __future__ import annotations

from uuid import UUID

import pytest

from orders.offers.models import Offer
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_offer_pages import value
from tests.api.pages.dashboards.test_private_offer_pages import private

FLOORS = "/seller/offers/floors"


@pytest.fixture(autouse=True)
def floored(dashboards: Dashboards) -> None:
    """Anybody may take up to 10 % off; the offers of these tests are 15 % off."""
    assert dashboards.seller.post(FLOORS, product="", floor="90").status_code == 303


def made(dashboards: Dashboards, buyer_name: str, by: str = "catalog", **fields: str) -> str:
    who = dashboards.somebody(dashboards.stage.seller, by)
    sent = who.post("/seller/offers", organization=buyer_name, **private(dashboards, **fields))
    assert sent.status_code == 303, text_of(sent)
    return str(sent.headers["Location"].split("?")[0].rsplit("/", 1)[1])


def test_it_waits_unseen_until_it_is_approved(dashboards: Dashboards, buyer_name: str) -> None:
    offer_id = made(dashboards, buyer_name)
    page, board = f"/seller/offers/{offer_id}", "/seller/offers?state=awaiting_approval"
    assert f'href="{page}"' in dashboards.seller.get(board).text
    shown = dashboards.seller.get(page)
    for said in ("Awaits approval", "15% off; up to 10% needs no approval", "Approve and send"):
        assert said in text_of(shown), said
    assert "The PDF is being drawn" not in text_of(shown)
    assert dashboards.seller.get(f"/v1{page}/pdf").status_code == 410
    for path in (f"/offers/{offer_id}", f"/offers/{offer_id}/buy", f"/v1/offers/{offer_id}"):
        assert dashboards.buyer.get(path).status_code == 404
    assert offer_id not in dashboards.buyer.get("/offers").text
    assert dashboards.buyer.get("/v1/offers?state=awaiting_approval").status_code == 400
    catalog = dashboards.somebody(dashboards.stage.seller, "catalog")
    assert "Approve and send" not in text_of(catalog.get(page))
    assert catalog.post(f"{page}/decision", decision="approved").status_code == 403
    refused = dashboards.seller.post(f"{page}/decision", decision="rejected", decision_text=" ")
    assert refused.status_code == 422
    assert 'id="decision_text-wrong"' in refused.text
    for _ in range(2):
        decided = dashboards.seller.post(f"{page}/decision", decision="approved", decision_text="An old customer.")
        assert decided.status_code == 303, text_of(decided)
    assert "An old customer." in text_of(catalog.get(page))
    seen = dashboards.buyer.get(f"/offers/{offer_id}")
    assert seen.status_code == 200
    for kept in ("An old customer.", "needs no approval", "Approved"):
        assert kept not in text_of(seen), kept
    assert dashboards.buyer.get(f"/offers/{offer_id}/buy").status_code == 200
    late = dashboards.seller.post(f"{page}/decision", decision="rejected", decision_text="No.")
    assert (late.status_code, "does not wait for approval" in text_of(late)) == (409, True)


def test_rejected_its_maker_reads_why(dashboards: Dashboards, buyer_name: str) -> None:
    offer_id = made(dashboards, buyer_name, valid_on="2027-02-01")
    page = f"/seller/offers/{offer_id}"
    too_long = dashboards.seller.post(f"{page}/decision", decision="rejected", decision_text="x" * 1_001)
    assert too_long.status_code == 422
    assert "x" * 1_001 in too_long.text
    assert dashboards.seller.post(f"{page}/decision", decision="rejected", decision_text="Too low.").status_code == 303
    assert dashboards.stage.get(Offer, UUID(offer_id)).state == "rejected"
    maker = dashboards.somebody(dashboards.stage.seller, "catalog")
    for said in ("Not approved", "Too low."):
        assert said in text_of(maker.get(page)), said
    assert dashboards.buyer.get(f"/offers/{offer_id}").status_code == 404


def test_ones_own_is_a_colleagues_to_decide_and_can_be_withdrawn(dashboards: Dashboards, buyer_name: str) -> None:
    admin = dashboards.somebody(dashboards.stage.seller, "admin")
    sent = admin.post("/seller/offers", organization=buyer_name, **private(dashboards, valid_on="2027-02-02"))
    page = sent.headers["Location"].split("?")[0]
    shown = text_of(admin.get(page))
    assert "another owner or administrator has to decide" in shown
    assert "Approve and send" not in shown
    refused = admin.post(f"{page}/decision", decision="approved")
    assert (refused.status_code, "where a colleague can" in text_of(refused)) == (403, True)
    assert "Approve and send" in text_of(dashboards.seller.get(page))
    assert admin.post(f"{page}/withdraw").status_code == 303
    assert dashboards.stage.get(Offer, UUID(page.rsplit("/", 1)[1])).state == "withdrawn"


def test_floors_are_set_shown_removed_and_refused_as_typed(dashboards: Dashboards) -> None:
    assert f'href="{FLOORS}"' in dashboards.seller.get("/seller/offers").text
    assert "From 90% of the list price" in text_of(dashboards.seller.get(FLOORS))
    for wrong in ("x", "101", "0", "-1"):
        refused = dashboards.seller.post(FLOORS, product="", floor=wrong)
        assert (refused.status_code, value(refused, "floor")) == (422, wrong)
        assert 'id="floor-wrong"' in refused.text
    assert dashboards.seller.post(FLOORS, product=str(UUID(int=1)), floor="50").status_code == 404
    assert dashboards.seller.post(FLOORS, product="", floor="８５ %").status_code == 303
    assert "From 85% of the list price" in text_of(dashboards.seller.get(FLOORS))
    assert dashboards.seller.post(FLOORS, product="", floor="").status_code == 303
    assert "There is no floor" in text_of(dashboards.seller.get(FLOORS))
    catalog = dashboards.somebody(dashboards.stage.seller, "catalog")
    assert FLOORS not in catalog.get("/seller/offers").text
    for refused in (catalog.get(FLOORS), catalog.post(FLOORS, product="", floor="1"), dashboards.buyer.get(FLOORS)):
        assert refused.status_code in {403, 404}
