"""The pages of what recurs for whoever sold it, for the platform, and for finance."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest

from kernel import clock
from orders.loop import SWEEP_RENEWALS, SWEEP_TERMS
from orders.order.models import Subscription
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.api.pages.dashboards.conftest import Dashboards, Visitor
from tests.loop.test_renewals import subscribed
from tests.loop_stage import Stage


@pytest.fixture(scope="module")
def unpaid(dashboards: Dashboards) -> Subscription:
    """A monthly subscription whose renewal was refused twice, two days into the next term."""
    stage = dashboards.stage
    _, found = subscribed(stage, method="sbx_declined")
    for at in (found.ends_at - RENEWS_BEFORE, found.ends_at + timedelta(minutes=1), found.ends_at + timedelta(days=2)):
        step(stage, at - clock.now())
    return found


def step(stage: Stage, ahead: timedelta) -> None:
    clock.advance(ahead)
    stage.tick(SWEEP_RENEWALS)
    stage.tick(SWEEP_TERMS)


def text(visitor: Visitor, address: str) -> str:
    answer = visitor.get(address)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def test_all_three_sides_see_the_dunning_and_the_seller_no_reason(dashboards: Dashboards, unpaid: Subscription) -> None:
    buyer = text(dashboards.buyer, f"/subscriptions/{unpaid.id}")
    seller = text(dashboards.seller, f"/seller/subscriptions/{unpaid.id}")
    operator = text(dashboards.operator, f"/operator/subscriptions/{unpaid.id}")
    for html in (buyer, seller, operator):
        assert "Payment is tried again, day 14" in html
        assert "Ended for want of payment" in html
        assert html.count("A term that is not paid begins") == 1
    assert "Pay now" in buyer
    assert "declined" in buyer.lower()
    assert "declined" in operator.lower()
    assert "declined" not in seller.lower()


def test_the_seller_lists_what_is_due_and_what_came_and_went(dashboards: Dashboards, unpaid: Subscription) -> None:
    html = text(dashboards.seller, "/seller/subscriptions")
    assert f"/seller/subscriptions/{unpaid.id}" in html
    assert 'figure class="chart"' in html
    assert "style=" not in html
    assert f"/seller/subscriptions/{unpaid.id}" in text(dashboards.seller, "/seller/subscriptions?due=30")
    customer = text(dashboards.seller, f"/seller/customers/{dashboards.stage.buyer.id}")
    assert f"/seller/subscriptions?customer={dashboards.stage.buyer.id}" in customer
    listed = text(dashboards.seller, f"/seller/subscriptions?customer={dashboards.stage.buyer.id}")
    assert f"/seller/subscriptions/{unpaid.id}" in listed
    nobody = text(dashboards.seller, f"/seller/subscriptions?customer={dashboards.stage.seller.id}")
    assert f"/seller/subscriptions/{unpaid.id}" not in nobody


def test_the_platform_sees_what_is_stuck(dashboards: Dashboards, unpaid: Subscription) -> None:
    html = text(dashboards.operator, "/operator/subscriptions?stuck=past_due")
    assert f"/operator/subscriptions/{unpaid.id}" in html
    assert f"/operator/subscriptions/{unpaid.id}" not in text(
        dashboards.operator, "/operator/subscriptions?stuck=run_dead"
    )
    assert dashboards.seller.get("/operator/subscriptions").status_code == 403
    assert dashboards.buyer.get(f"/operator/subscriptions/{unpaid.id}").status_code == 403


def test_anothers_is_not_there(dashboards: Dashboards, unpaid: Subscription) -> None:
    for visitor in (dashboards.promoter, dashboards.new_organization(seller=True)[1]):
        assert visitor.get(f"/seller/subscriptions/{unpaid.id}").status_code == 404
        assert str(unpaid.id) not in text(visitor, "/seller/subscriptions")


def test_finance_sees_what_was_paid_and_what_is_ahead(dashboards: Dashboards, unpaid: Subscription) -> None:
    html = text(dashboards.buyer, "/spending")
    assert f"/subscriptions/{unpaid.id}" in html
    assert 'figure class="chart"' in html
    assert "fixed, you were told" in html
    table = dashboards.buyer.get("/v1/spend/export")
    assert table.status_code == 200
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    lines = table.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "month,seller,department_code,department,asked_by,orders,amount,currency"
    assert len(lines) > 1
    assert all(line.endswith(",CNY") for line in lines[1:])
    _, stranger = dashboards.new_organization()
    assert 'figure class="chart"' not in text(stranger, "/spending")
