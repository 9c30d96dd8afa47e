"""A payment that its payer has to confirm: the order says so, leads to the bank, and shows what became of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from billing.payments.models import Payment
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of


def waiting(dashboards: Dashboards, method: str = "sbx_requires_action") -> tuple[UUID, UUID]:
    """An order bought with this method, and its payment."""
    order_id = dashboards.stage.buy(method=method)
    dashboards.stage.run()
    (payment,) = dashboards.stage.payments(dashboards.stage.order(order_id).purchase_id)
    return order_id, payment.id


def location(answer: object) -> str:
    """Where an answer leads."""
    assert answer.status_code == 303, answer.text  # type: ignore[attr-defined]  # a response of the test client
    return str(answer.headers["location"])  # type: ignore[attr-defined]  # (same)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_order_leads_to_the_bank(dashboards: Dashboards, language: str) -> None:
    order_id, payment_id = waiting(dashboards)
    buyer = Visitor(dashboards.buyer.client, dashboards.buyer.cookie, language)
    said = text_of(buyer.get(f"/orders/{order_id}"))
    assert {"en": "The bank wants this payment confirmed.", "zh-CN": "银行要求确认这笔付款。"}[language] in said
    assert f'href="/orders/{order_id}/confirm"' in buyer.get(f"/orders/{order_id}").text
    assert location(buyer.get(f"/orders/{order_id}/confirm")) == f"/payments/{payment_id}/confirm"
    bank = text_of(buyer.get(f"/payments/{payment_id}/confirm"))
    assert {"en": "Confirm the payment", "zh-CN": "确认付款"}[language] in bank
    assert dashboards.stage.order(order_id).number in bank


def test_confirmed_it_is_paid_and_delivered(dashboards: Dashboards) -> None:
    order_id, payment_id = waiting(dashboards)
    answer = dashboards.buyer.post(f"/payments/{payment_id}/confirm", action="approve")
    assert location(answer) == f"/orders/{order_id}"
    dashboards.stage.run()
    assert dashboards.stage.order(order_id).state == "active"
    assert "The bank wants this" not in text_of(dashboards.buyer.get(f"/orders/{order_id}"))
    again = dashboards.buyer.post(f"/payments/{payment_id}/confirm", action="refuse")
    assert location(again) == f"/orders/{order_id}"
    for path in (f"/payments/{payment_id}/confirm", f"/payments/{payment_id}", f"/orders/{order_id}/confirm"):
        assert location(dashboards.buyer.get(path)) == f"/orders/{order_id}", path


def test_refused_it_can_be_paid_another_way(dashboards: Dashboards) -> None:
    order_id, payment_id = waiting(dashboards)
    assert "Pay</a>" in dashboards.buyer.get("/orders?state=pending_payment").text
    assert location(dashboards.buyer.post(f"/payments/{payment_id}/confirm", action="refuse")) == f"/orders/{order_id}"
    dashboards.stage.run()
    page = dashboards.buyer.get(f"/orders/{order_id}")
    assert "The payment was not confirmed. Nothing was charged." in text_of(page)
    assert f'action="/orders/{order_id}/pay"' in page.text


def test_an_answer_without_our_form_is_no_answer(dashboards: Dashboards) -> None:
    order_id, payment_id = waiting(dashboards)
    assert dashboards.buyer.post(f"/payments/{payment_id}/confirm", csrf="x", action="approve").status_code == 403
    dashboards.stage.run()
    assert dashboards.stage.order(order_id).state == "pending_payment"


def test_a_payment_of_others_is_not_there(dashboards: Dashboards) -> None:
    order_id, payment_id = waiting(dashboards)
    for path in ("/payments/{}", "/payments/{}/confirm"):
        texts = {dashboards.seller.get(path.format(one)).status_code for one in (payment_id, uuid7())}
        assert texts == {404}, path
    assert dashboards.seller.get(f"/orders/{order_id}/confirm").status_code == 404
    assert dashboards.seller.post(f"/payments/{payment_id}/confirm", action="approve").status_code == 404


def test_who_may_not_buy_is_told_who_can(dashboards: Dashboards) -> None:
    order_id, payment_id = waiting(dashboards)
    reader = dashboards.somebody(dashboards.stage.buyer, "viewer")
    page = reader.get(f"/orders/{order_id}")
    assert "Somebody who may buy for your organization" in text_of(page)
    assert "/confirm" not in page.text
    assert reader.get(f"/payments/{payment_id}/confirm").status_code == 403


def test_an_action_without_a_page_says_so(dashboards: Dashboards) -> None:
    order_id, payment_id = waiting(dashboards)
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        payment = uow.session.get_one(Payment, payment_id)
        payment.next_action = {"kind": "use_stripe_sdk", "client_secret": "pi_secret_1"}
    page = dashboards.buyer.get(f"/orders/{order_id}")
    assert "Confirm it in the bank's app." in text_of(page)
    assert "pi_secret_1" not in page.text
    assert location(dashboards.buyer.get(f"/orders/{order_id}/confirm")) == f"/orders/{order_id}"


def test_a_program_is_told_where_to_confirm(dashboards: Dashboards) -> None:
    order_id, payment_id = waiting(dashboards)
    progress = dashboards.buyer.get(f"/v1/orders/{order_id}/status").json()
    asked = {"kind": "redirect", "url": progress["next_action"]["url"]}
    assert progress["payment_id"] == str(payment_id)
    assert progress["next_action"] == asked
    assert asked["url"].startswith("http")
    assert asked["url"].endswith(f"/payments/{payment_id}/confirm")
    assert dashboards.buyer.get(f"/v1/payments/{payment_id}").json()["next_action"] == asked


def test_a_seller_sees_that_an_order_is_in_dispute(dashboards: Dashboards) -> None:
    assert "In dispute" not in text_of(dashboards.seller.get("/seller/orders"))
    order_id = dashboards.stage.buy(method="sbx_disputed")
    dashboards.stage.run()
    clock.advance(timedelta(seconds=3))
    dashboards.stage.run()
    page = text_of(dashboards.seller.get("/seller/orders"))
    assert page.count("In dispute") == 1
    assert dashboards.stage.order(order_id).number in page
