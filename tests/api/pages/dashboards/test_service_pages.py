"""Pages of services in milestones: the buyer's order, the seller's services, what the platform sees waiting."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from kernel import clock
from orders.milestones.jobs import SWEEP_MILESTONES
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.milestone_stage import Service, service_on, staged_price

PDF = {"file": ("报告.pdf", b"%PDF-1.7 report", "application/pdf")}


@pytest.fixture
def service(dashboards: Dashboards) -> Service:
    """Three milestones."""
    return service_on(dashboards.stage, staged_price())


def text(visitor: Visitor, path: str) -> str:
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer)


def address(order_id: UUID, milestone_id: UUID, act: str, side: str = "/seller/services") -> str:
    return f"{side}/{order_id}/{milestone_id}/{act}"


def test_a_seller_takes_an_order_on_delivers_and_the_buyer_decides(dashboards: Dashboards, service: Service) -> None:
    order_id = service.buy()
    seller, buyer = dashboards.seller, dashboards.buyer
    page = f"/seller/services/{order_id}"
    assert f'href="{page}"' in seller.get("/seller/services").text
    assert "Do you take this order on?" in text(seller, page)
    assert "Waits for the seller to take the order on" in text(buyer, f"/orders/{order_id}")
    for _ in range(2):
        assert seller.post(f"{page}/take-on").headers["location"] == page
    dashboards.stage.run()
    one = service.milestones(order_id)[0]
    put = seller.post(address(order_id, one.id, "files"), PDF, words="Almost done")
    assert (put.status_code, "Almost done" in put.text, "报告.pdf" in put.text) == (200, True, True)
    assert "报告.pdf" not in buyer.get(f"/orders/{order_id}").text
    for _ in range(2):
        done = seller.post(address(order_id, one.id, "deliver"), version="1", words="Done")
        assert done.headers["location"] == page
    shown = buyer.get(f"/orders/{order_id}").text
    assert "报告.pdf" in shown
    (link,) = {part.split('"')[0] for part in shown.split('href="') if "/files/" in part.split('"')[0]}
    file = buyer.get(link)
    assert (file.content, file.headers["content-disposition"][:10]) == (b"%PDF-1.7 report", "attachment")
    assert "sandbox" in file.headers["content-security-policy"]
    acts = f"/orders/{order_id}/milestones"
    refused = buyer.post(address_of(acts, one.id, "rework"), version="1", words="")
    assert (refused.status_code, "Give a reason" in refused.text or "reason" in refused.text) == (422, True)
    stale = buyer.post(address_of(acts, one.id, "rework"), version="2", words="The pictures")
    assert (stale.status_code, "The pictures" in stale.text) == (409, True)
    assert buyer.post(address_of(acts, one.id, "rework"), version="1", words="The pictures").status_code == 303
    assert "The pictures" in text(seller, page)
    again = seller.post(
        address(order_id, one.id, "deliver"), {"file": ("v2.txt", b"better", "text/plain")}, version="2"
    )
    assert again.status_code == 303
    for _ in range(2):
        accepted = buyer.post(address_of(acts, one.id, "accept"), version="2")
        assert accepted.headers["location"] == f"/orders/{order_id}"
    dashboards.stage.run()
    assert service.states(order_id) == ["accepted", "open", "open"]


def address_of(acts: str, milestone_id: UUID, act: str) -> str:
    return f"{acts}/{milestone_id}/{act}"


def test_files_that_are_not_what_they_say_are_refused_and_words_are_kept(
    dashboards: Dashboards, service: Service
) -> None:
    one = service.milestones(service.begun())[0]
    seller, files = dashboards.seller, address(one.order_id, one.id, "files")
    for name, content in (
        ("run.exe", b"MZ"),
        ("report.pdf", b"no pdf"),
        ("empty.txt", b""),
        ("x.txt", b"\xff\xfe\x00"),
    ):
        refused = seller.post(files, {"file": (name, content, "application/pdf")}, words="Kept")
        assert (refused.status_code, "Kept" in refused.text) == (422, True), name
    nothing = seller.post(address(one.order_id, one.id, "deliver"), version="1", words="")
    assert nothing.status_code == 422
    file = service.add(one)
    removed = seller.post(address(one.order_id, one.id, f"files/{file.id}/remove"))
    assert removed.status_code == 303
    assert seller.post(address(one.order_id, one.id, f"files/{file.id}/remove")).status_code == 303


def test_who_does_not_see_to_deliveries_may_look_and_strangers_see_nothing(
    dashboards: Dashboards, service: Service
) -> None:
    order_id = service.begun()
    viewer = dashboards.somebody(dashboards.stage.seller, "viewer")
    shown = viewer.get(f"/seller/services/{order_id}")
    assert (shown.status_code, "<textarea" in shown.text) == (200, False)
    assert viewer.post(f"/seller/services/{order_id}/take-on").status_code == 403
    _, stranger = dashboards.new_organization(seller=True)
    assert stranger.get(f"/seller/services/{order_id}").status_code == 404
    assert dashboards.seller.get(f"/seller/services/{dashboards.order_id}").status_code == 404


def test_a_seller_refuses_with_a_reason(dashboards: Dashboards, service: Service) -> None:
    order_id = service.buy()
    page = f"/seller/services/{order_id}"
    assert dashboards.seller.post(f"{page}/refuse", reason="").status_code == 422
    assert dashboards.seller.post(f"{page}/refuse", reason="No hands free").status_code == 303
    dashboards.stage.run()
    assert "No hands free" in text(dashboards.buyer, f"/orders/{order_id}")
    assert "No hands free" in text(dashboards.seller, page)


def test_overdue_is_shown_by_age_to_all_three(dashboards: Dashboards, service: Service) -> None:
    order_id = service.begun()
    one = service.milestones(order_id)[0]
    with clock.frozen(clock.now() + timedelta(days=25)):
        dashboards.stage.tick(SWEEP_MILESTONES)
        assert "Overdue for 2 weeks" in text(dashboards.buyer, f"/orders/{order_id}")
        assert "Overdue" in text(dashboards.seller, "/seller/services")
        assert service.stage.order(order_id).number in text(dashboards.operator, "/operator/services")
        acts = f"/orders/{order_id}/milestones"
        assert dashboards.buyer.post(address_of(acts, one.id, "cancel")).status_code == 303
        dashboards.stage.run()
        assert "Not delivered; its money goes back to you." in text(dashboards.buyer, f"/orders/{order_id}")
