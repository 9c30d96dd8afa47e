"""The buyer's own pages: what is refused is told where it was asked for."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from orders.checkout.create_quote import QuoteItem
from tests.api.pages.dashboards.conftest import Dashboards, text_of


@pytest.fixture
def late() -> None:
    """The refund window of the order is over."""
    clock.advance(timedelta(days=400))


@pytest.mark.usefixtures("late")
def test_a_cancellation_that_comes_too_late_is_told_on_the_order(dashboards: Dashboards) -> None:
    answer = dashboards.buyer.post(f"/orders/{dashboards.order_id}/cancel")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert dashboards.stage.order(dashboards.order_id).number in text_of(answer), "the order is still in view"


@pytest.mark.parametrize("method", ["", "sandbox:sbx_ok", "nowhere:x"])
def test_a_payment_that_is_not_due_is_told_on_the_order(dashboards: Dashboards, method: str) -> None:
    answer = dashboards.buyer.post(f"/orders/{dashboards.order_id}/pay", payment_method_id=method)
    assert answer.status_code in {409, 422}
    assert dashboards.stage.order(dashboards.order_id).number in text_of(answer)


def test_anothers_order_is_not_there(dashboards: Dashboards) -> None:
    for act in ("cancel", "accept", "pay", "call-off"):
        answers = {
            dashboards.seller.post(f"/orders/{which}/{act}").status_code for which in (dashboards.order_id, uuid7())
        }
        assert answers == {404}, act


def test_what_is_not_paid_is_called_off_on_its_page(dashboards: Dashboards) -> None:
    order_id = dashboards.stage.buy(method="sbx_declined")
    form = f'action="/orders/{order_id}/call-off"'
    assert form not in dashboards.buyer.get(f"/orders/{order_id}").text, "its payment is under way"
    refused = dashboards.buyer.post(f"/orders/{order_id}/call-off")
    assert (refused.status_code, "A payment of this purchase is running" in text_of(refused)) == (409, True)
    dashboards.stage.run()
    page = dashboards.buyer.get(f"/orders/{order_id}")
    assert form in page.text
    assert f'action="/orders/{order_id}/cancel"' not in page.text
    for _ in range(2):
        answer = dashboards.buyer.post(f"/orders/{order_id}/call-off")
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, f"/orders/{order_id}")
    assert dashboards.stage.order(order_id).state == "cancelled"
    over = dashboards.buyer.get(f"/orders/{order_id}").text
    assert form not in over
    assert f'action="/orders/{order_id}/pay"' not in over


def test_a_service_that_is_complete_is_not_said_to_be_usable(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    order_id = stage.buy(stage.service_plan, 1)
    stage.run()
    entitlement = stage.entitlement(order_id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        # Nobody's system opens it.
        uow.session.get_one(Entitlement, entitlement.id).launch_url = None
    address = f"/entitlements/{entitlement.id}"
    assert "Completed" not in text_of(dashboards.buyer.get(address))
    dashboards.buyer.post(f"/orders/{order_id}/accept")
    stage.run()
    assert stage.order(order_id).state == "completed"
    for shown in (address, "/entitlements"):
        assert "Completed" in text_of(dashboards.buyer.get(shown)), shown
    assert "No end" not in text_of(dashboards.buyer.get(address))


def test_a_quantity_that_is_none_is_said_on_the_sheet_and_the_rest_is_kept(dashboards: Dashboards) -> None:
    address = re.search(r'href="(/buy/[0-9a-f-]+)', dashboards.buyer.get("/").text)
    assert address is not None
    answer = dashboards.buyer.post(address[1], second="4", quantity="many", po_number="PO-7", action="quote")
    assert answer.status_code == 422
    assert 'value="PO-7"' in answer.text
    assert re.search(r'name="quantity"[^>]*aria-invalid="true"', answer.text)


def test_an_order_of_several_lines_is_listed_whole_to_both_sides(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    other, _ = stage.offer(code="team", name="团队版", name_en="Team")
    quote_id = stage.quote(lines=(QuoteItem(stage.seat_plan, 20), QuoteItem(other, 3)))
    purchase_id = stage.purchase(quote_id)
    waits = text_of(dashboards.buyer.get(f"/orders/{stage.orders_of(purchase_id)[0].id}"))
    assert "What was bought" in waits
    stage.run()
    for visitor, path in ((dashboards.buyer, "/orders"), (dashboards.seller, "/seller/orders")):
        said = text_of(visitor.get(path))
        for line in ("Recruiting Pro · Pro × 20", "Recruiting Pro · Team × 3"):
            assert line in said, path
    order_id = stage.orders_of(purchase_id)[0].id
    page = dashboards.buyer.get(f"/orders/{order_id}")
    assert len(re.findall(r'href="/entitlements/[0-9a-f-]{36}/launch"', page.text)) == 2
    assert len(set(re.findall(r'href="(/entitlements/[0-9a-f-]{36})"', page.text))) == 2
    for line in ("Recruiting Pro · Pro × 20", "Recruiting Pro · Team × 3"):
        # Delivered, and open to be used: each line for itself.
        assert text_of(page).count(line) >= 2
    progress = dashboards.buyer.get(f"/v1/orders/{order_id}/status").json()
    assert progress["launch_url"] is None
    assert len({one["launch_url"] for one in progress["lines"]}) == 2
    assert len({one["order_line_id"] for one in progress["lines"]}) == 2
