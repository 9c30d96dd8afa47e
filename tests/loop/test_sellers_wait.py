"""What a seller is told of what it waits for: its buyers' payments, and the month's invoices of its sales."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from billing.bank.gateway import BankTransferGateway
from billing.bank.models import BANK_TRANSFER
from billing.credit_lines.models import ON_ACCOUNT
from billing.on_account.gateway import OnAccountGateway
from kernel import clock
from kernel.db.uow import unit_of_work
from marketplace.parties.models import BillingProfile
from orders.awaited_payments import list_awaited
from orders.invoicing.sold_unbilled import list_sold_unbilled, sold_invoices_to_come
from orders.tracing.trace import trace
from tests.loop.test_on_account import Account
from tests.loop_stage import Stage
from tests.month_stage import choose_monthly, end_month, sweep_months
from tests.reseller_stage import offer_resold

GROSS = 398_000
AWAITED = "/v1/seller/awaited-payments"
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def owing(stage: Stage) -> Iterator[Account]:
    made = {BANK_TRANSFER: BankTransferGateway(stage.services.db), ON_ACCOUNT: OnAccountGateway(stage.services.db)}
    stage.services.gateways.update(made)  # type: ignore[attr-defined]
    account = Account(stage)
    account.grant(term_days=10)
    yield account
    stage.run()
    for name in made:
        del stage.services.gateways[name]  # type: ignore[attr-defined]


def test_a_seller_is_told_since_when_and_until_when_a_purchase_on_account_is_unpaid(
    owing: Account, seller_browser: TestClient[Any], browser: TestClient[Any]
) -> None:
    stage = owing.stage
    empty = seller_browser.get("/seller/awaited-payments", headers=ENGLISH).text
    assert "No sale waits for its buyer" in empty
    purchase_id = owing.owe()
    (order,) = stage.orders_of(purchase_id)
    asked = owing.asked(purchase_id)
    one, each = f"/v1/seller/orders/{order.id}", "/v1/seller/orders"
    waits = seller_browser.get(one).json()["awaited_payment"]
    assert (waits["state"], waits["days_overdue"], waits["on_account"]) == ("awaited", 0, True)
    assert seller_browser.get(each).json()["items"][0]["awaited_payment"] == waits
    (listed,) = seller_browser.get(AWAITED).json()["items"]
    assert (listed["order_id"], listed["buyer_name"]) == (str(order.id), order.buyer_name)
    assert (listed["gross"]["amount"], listed["awaited"]) == (order.gross_minor, waits)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        (node,) = (found for found in trace(uow, order.id).nodes if found.kind == "awaited_payment")
        assert (node.id, node.state, node.after) == (asked.id, "awaited", (order.id,))
        assert trace(uow, node.id).asked_id == node.id, "a trace may begin there"
    assert "awaited_payment" not in browser.get(f"/v1/orders/{order.id}").json()
    assert "Unpaid, due" in seller_browser.get("/seller/orders", headers=ENGLISH).text
    clock.advance(timedelta(days=11))
    waits = seller_browser.get(one).json()["awaited_payment"]
    assert (waits["state"], waits["days_overdue"]) == ("overdue", 1)
    assert "Overdue since" in seller_browser.get("/seller/orders", headers=ENGLISH).text
    assert "1 day overdue" in seller_browser.get("/seller/awaited-payments", headers=ENGLISH).text
    assert "which is overdue" in seller_browser.get(f"/trace/{order.id}", headers=ENGLISH).text
    for stranger in (stage.promoter.owner, stage.purchaser):
        with unit_of_work(stage.services.db, stranger) as uow:
            assert list_awaited(uow).items == []
    owing.pay(asked)
    assert seller_browser.get(one).json()["awaited_payment"] is None
    assert seller_browser.get(AWAITED).json()["items"] == []


def test_of_what_is_to_come_by_transfer_a_seller_is_not_told_who_placed_it(
    owing: Account, seller_browser: TestClient[Any]
) -> None:
    purchase_id, asked = owing.buy()
    (order,) = owing.stage.orders_of(purchase_id)
    (listed,) = seller_browser.get(AWAITED).json()["items"]
    assert (listed["number"], listed["buyer_name"]) == (order.number, "")
    assert (listed["awaited"]["on_account"], listed["awaited"]["state"]) == (False, "awaited")
    page = seller_browser.get("/seller/awaited-payments", headers=ENGLISH).text
    assert order.number in page
    assert order.buyer_name not in page
    assert seller_browser.get(f"/v1/seller/orders/{order.id}").status_code == 404, "it is the seller's once it is paid"
    owing.pay(asked)
    assert seller_browser.get(AWAITED).json()["items"] == []
    assert seller_browser.get(f"/v1/seller/orders/{order.id}").status_code == 200


def test_what_was_refunded_before_it_was_paid_is_awaited_no_more(owing: Account) -> None:
    stage = owing.stage
    (order,) = stage.orders_of(owing.owe())
    stage.refund(order.id)
    stage.run()
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        assert list_awaited(uow).items == []


def test_a_seller_sees_what_waits_for_its_months_invoice(stage: Stage, seller_browser: TestClient[Any]) -> None:
    path, coming = "/v1/seller/unbilled-orders", "/v1/seller/invoices-to-come"
    empty = seller_browser.get("/seller/to-be-invoiced", headers=ENGLISH).text
    assert "No sale waits for a monthly invoice" in empty
    choose_monthly(stage)
    first, second, back = stage.buy(), stage.buy(), stage.buy()
    stage.run()
    stage.refund(first, 98_000)
    stage.refund(back)
    stage.run()
    found = seller_browser.get(path).json()["items"]
    assert [(one["order_id"], one["gross"]["amount"]) for one in found] == [
        (str(second), GROSS),
        (str(first), GROSS - 98_000),
    ]
    order = stage.order(first)
    assert {one["buyer_name"] for one in found} == {order.buyer_name}
    assert {one["issuer_name"] for one in found} == {order.seller_name}
    assert {one["title"] for one in found} == {title_of(stage)}
    (invoice,) = seller_browser.get(coming).json()
    assert (invoice["orders"], invoice["gross"]["amount"]) == (2, 2 * GROSS - 98_000)
    assert invoice["net"]["amount"] + invoice["tax"]["amount"] == invoice["gross"]["amount"]
    assert seller_browser.get(f"{path}?order_id={back}").json()["items"] == []
    page = seller_browser.get("/seller/to-be-invoiced", headers=ENGLISH).text
    assert order.number in page
    assert stage.order(back).number not in page
    for stranger in (stage.promoter.owner, stage.purchaser):
        with unit_of_work(stage.services.db, stranger) as uow:
            assert (list_sold_unbilled(uow).items, sold_invoices_to_come(uow)) == ([], [])
    end_month(stage, first)
    sweep_months(stage)
    stage.run()
    assert (seller_browser.get(path).json()["items"], seller_browser.get(coming).json()) == ([], [])


def title_of(stage: Stage) -> str:
    (name,) = stage.rows(select(BillingProfile.legal_name).where(BillingProfile.id == stage.profile))
    return str(name)


def test_of_what_the_platform_sold_the_platform_issues_the_invoice(stage: Stage) -> None:
    choose_monthly(stage)
    order_id = stage.buy(offer_resold(stage))
    stage.run()
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        (row,) = list_sold_unbilled(uow).items
        (coming,) = sold_invoices_to_come(uow)
    assert (row.order_id, row.gross_minor, coming.orders) == (order_id, GROSS, 1)
    for one in (row, coming):
        assert (one.title, one.buyer_name) == ("", stage.order(order_id).buyer_name)
        assert one.issuer_name != stage.order(order_id).seller_name
