"""A trial from the sheet to the page of what is in use, without scripts; and its seller's page of the customer."""

from __future__ import annotations

import html
import re
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select, update

from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.placements.models import Placement
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.order.models import Order
from orders.progress import progress_of
from tests.loop.test_renewals import now, renewals, until
from tests.loop.test_trials import DAYS, MONTH_MINOR, convert, of_order, quote_trial, trial_plan, trying
from tests.loop_stage import Stage


@pytest.fixture
def seller(seller_browser: TestClient[Any]) -> TestClient[Any]:
    return seller_browser


def shown(browser: TestClient[Any], path: str) -> str:
    return html.unescape(browser.get(path).text)


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def filled(stage: Stage, browser: TestClient[Any], page: str, plan: UUID, **changes: str) -> dict[str, str]:
    """What the sheet's form would send."""
    sent = {name: field(page, name) for name in ("quote_id", "idempotency_key", "trial")}
    sent |= {"plan_id": str(plan), "quantity": "20", "billing_profile_id": str(stage.profile), "po_number": ""}
    return sent | {"action": "pay", "csrf": browser.headers["x-csrf-token"]} | changes


def placed(stage: Stage) -> list[Order]:
    return stage.rows(select(Order).where(Order.buyer_org_id == stage.buyer.id))


def test_from_the_product_to_what_is_in_use_and_bought(stage: Stage, browser: TestClient[Any]) -> None:
    plan = trial_plan(stage)
    listing = stage.get(Plan, plan).listing_id
    sheet = f"/products/{listing}/buy?plan={plan}&trial=1&quantity=20"
    assert f"/products/{listing}/buy?plan={plan}&trial=1" in shown(browser, f"/products/{listing}")
    page = shown(browser, sheet)
    assert "3,980.00" in page
    assert 'name="payment_method_id"' not in page
    form = filled(stage, browser, page, plan)
    begun = browser.post(f"/products/{listing}/buy", data=form, follow_redirects=False)
    assert begun.status_code == 303
    again = browser.post(f"/products/{listing}/buy", data=form, follow_redirects=False)
    assert again.headers["Location"] == begun.headers["Location"]
    stage.run()
    (order,) = placed(stage)
    assert (order.state, order.gross_minor) == ("active", 0)
    subscription = of_order(stage, order.id)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        steps = progress_of(uow, order.id).steps
    assert [one.key for one in steps] == ["placed", "delivering", "active"], "nothing is paid for a trial"
    assert browser.get(f"/orders/{order.id}").status_code == 200
    at = f"/entitlements/{stage.entitlement(order.id).id}"
    assert "3,980.00" in shown(browser, at)
    csrf = {"csrf": browser.headers["x-csrf-token"]}
    missing = browser.post(f"{at}/conversion", data=csrf, follow_redirects=False)
    assert missing.status_code == 422
    assert renewals(stage, subscription) == []
    pay = csrf | {"payment_method_id": "sandbox:sbx_ok"}
    bought = [browser.post(f"{at}/conversion", data=pay, follow_redirects=False) for _ in range(2)]
    stage.run()
    (paid,) = renewals(stage, subscription)
    assert [one.headers["Location"].partition("?")[0] for one in bought] == [f"/orders/{paid.id}"] * 2
    assert (paid.state, paid.gross_minor) == ("active", MONTH_MINOR)
    order_page = shown(browser, f"/orders/{paid.id}")
    assert f"/subscriptions/{subscription.id}" in order_page, "nothing is delivered for it: it pays for what is in use"
    assert f"{at}/conversion" not in shown(browser, at)


def test_tried_before_the_sheet_says_so_and_sells(stage: Stage, browser: TestClient[Any]) -> None:
    order_id, _ = trying(stage)
    plan = stage.entitlement(order_id).plan_id
    listing = stage.get(Plan, plan).listing_id
    page = shown(browser, f"/products/{listing}/buy?plan={plan}&trial=1&quantity=20")
    assert field(page, "trial") == "0"
    assert 'name="payment_method_id"' in page
    assert "贵组织已试用过此商品" in shown(browser, f"/products/{listing}")
    sent = filled(stage, browser, page, plan, trial="1")
    mixed = browser.post(f"/products/{listing}/buy", data=sent, follow_redirects=False)
    assert mixed.status_code == 409
    assert len(placed(stage)) == 1


def test_a_card_for_a_trial_opens_its_sheet(stage: Stage, browser: TestClient[Any]) -> None:
    plan, card = stage.offer(interval="month", trial_days=DAYS, trial_needs_method=True)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Placement).where(Placement.id == card.placement_id).values(action="trial"))
    page = shown(browser, f"/buy/{card.placement_id}?second=7&quantity=20")
    assert field(page, "trial") == "1"
    sent = filled(stage, browser, page, plan, payment_method_id="sandbox:sbx_ok", second="7", share="")
    assert browser.post(f"/buy/{card.placement_id}", data=sent, follow_redirects=False).status_code == 303
    stage.run()
    (order,) = placed(stage)
    assert of_order(stage, order.id).auto_renew is True
    at = f"/entitlements/{stage.entitlement(order.id).id}"
    csrf = {"csrf": browser.headers["x-csrf-token"]}
    off = browser.post(f"{at}/auto-renew", data=csrf | {"wanted": "off"}, follow_redirects=False)
    assert off.status_code == 303
    assert of_order(stage, order.id).auto_renew is False


def test_the_seller_extends_it_on_the_customers_page(stage: Stage, seller: TestClient[Any]) -> None:
    order_id, subscription = trying(stage)
    at = f"/seller/customers/{stage.buyer.id}"
    assert field(shown(seller, at), "subscription_id") == str(subscription.id)
    form = {"csrf": seller.headers["x-csrf-token"], "subscription_id": str(subscription.id)}
    for days, status in (("0", 422), ("15", 422), ("x", 422), ("7", 303), ("1", 409)):
        answer = seller.post(f"{at}/trials", data=form | {"days": days}, follow_redirects=False)
        assert answer.status_code == status, days
        if status != 303:
            title = stage.entitlement(order_id).title
            said = html.unescape(answer.text)
            assert f"{title}：" in said, "a refusal names the trial"
            assert status == 409 or (f"1 到 {DAYS} 天" in said and f'value="{days}"' in said), "and says what is left"
    assert now(stage, subscription).trial_days == DAYS + 7
    foreign = form | {"subscription_id": str(uuid7()), "days": "1"}
    assert seller.post(f"{at}/trials", data=foreign, follow_redirects=False).status_code == 404


def test_an_order_that_is_over_asks_for_no_other_payment(stage: Stage, browser: TestClient[Any]) -> None:
    _, subscription = trying(stage)
    bought = convert(stage, subscription, "sbx_declined")
    stage.run()
    assert "请" in shown(browser, f"/orders/{bought}")
    until(stage, subscription.ends_at)
    stage.tick("orders.checkout.sweep")
    assert stage.order(bought).state == "expired"
    page = shown(browser, f"/orders/{bought}")
    assert "订单已关闭，无需再付款" in page
    assert "换一种" not in page


def test_by_the_api(stage: Stage, browser: TestClient[Any], seller: TestClient[Any]) -> None:
    plan = trial_plan(stage)
    quote = browser.post("/v1/quotes", json={"plan_id": str(plan), "quantity": 20, "trial": True}).json()
    (line,) = quote["lines"]
    assert (quote["gross"]["amount"], line["trial"]["days"], line["trial"]["converts"]) == (0, DAYS, False)
    assert line["trial"]["gross"]["amount"] == MONTH_MINOR
    body = {"quote_id": quote["id"], "billing_profile_id": str(stage.profile)}
    purchase = browser.post("/v1/purchases", json=body, headers={"Idempotency-Key": str(uuid7())})
    assert purchase.status_code == 201
    (bought_line,) = purchase.json()["orders"][0]["lines"]
    assert (bought_line["gross"]["amount"], bought_line["trial_days"]) == (0, DAYS)
    assert bought_line["trial_after"]["amount"] == MONTH_MINOR
    stage.run()
    refused = browser.post("/v1/quotes", json={"plan_id": str(plan), "trial": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "trial_used")
    none = browser.post("/v1/quotes", json={"plan_id": str(stage.seat_plan), "trial": True})
    assert (none.status_code, none.json()["code"]) == (409, "trial_not_offered")
    (found,) = browser.get("/v1/subscriptions").json()["items"]
    assert (found["state"], found["next_gross_minor"]) == ("trial", MONTH_MINOR)
    customer = seller.get(f"/v1/seller/customers/{stage.buyer.id}").json()
    assert [(one["subscription_id"], one["extendable_days"]) for one in customer["trials"]] == [(found["id"], DAYS)]
    assert [one["state"] for one in customer["entitlements"]] == ["trial"]
    extended = seller.post(f"/v1/seller/subscriptions/{found['id']}/trial-extension", json={"days": 7})
    assert extended.status_code == 200
    key = {"Idempotency-Key": str(uuid7())}
    address = f"/v1/subscriptions/{found['id']}/conversion"
    bought = [browser.post(address, json={"payment_method": "sbx_ok"}, headers=key) for _ in range(2)]
    assert [one.status_code for one in bought] == [200, 200]
    assert bought[0].json()["renewal_order_id"] is not None
    stage.run()
    (found,) = browser.get("/v1/subscriptions").json()["items"]
    assert found["state"] == "active"
    assert found["ends_at"] > extended.json()["ends_at"]


def test_whoever_approves_sees_what_follows(stage: Stage, browser: TestClient[Any]) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", MONTH_MINOR - 1))
    order_id = stage.place(quote_trial(stage, trial_plan(stage, trial_needs_method=True)))
    assert stage.order(order_id).state == "pending_approval"
    assert "3,980.00" in shown(browser, "/approvals")
