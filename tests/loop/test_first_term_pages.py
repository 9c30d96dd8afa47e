"""A first term that ends with another subscription, in the sheet without scripts and by API: told before, to the cent."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from marketplace.catalog.models import Plan
from orders.order.models import Order
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_first_terms import other_of
from tests.loop.test_trial_pages import filled, shown
from tests.loop_stage import Stage


@pytest.fixture
def plan(stage: Stage) -> UUID:
    return stage.offer(interval="month")[0]


def amount(page: str) -> str:
    found = re.search(r"data-gross>([^<]*)<", page)
    assert found
    return found[1]


def test_it_is_chosen_in_the_sheet_and_bought_as_shown(stage: Stage, browser: TestClient[Any], plan: UUID) -> None:
    other = other_of(stage)
    sheet = f"/products/{stage.get(Plan, plan).listing_id}/buy"
    page = shown(browser, f"{sheet}?plan={plan}&quantity=20")
    assert f'<option value="{other.id}">' in page
    assert amount(page) == "¥3,980.00"
    form = filled(stage, browser, page, plan, payment_method_id="sandbox:sbx_ok") | {"align_with": str(other.id)}
    unseen = browser.post(sheet, data=form, follow_redirects=False)
    assert unseen.status_code == 409, "what was not shown is not bought"
    priced = browser.post(sheet, data=form | {"action": "quote"})
    assert priced.status_code == 200
    assert f'<option value="{other.id}" selected>' in priced.text
    assert "Shorter first term" in priced.text or "首期较短" in priced.text
    told = amount(priced.text)
    assert told != "¥3,980.00"
    pay = form | filled(stage, browser, priced.text, plan) | {"payment_method_id": "sandbox:sbx_ok"}
    first, second = (browser.post(sheet, data=pay, follow_redirects=False) for _ in range(2))
    assert (first.status_code, first.headers["Location"]) == (303, second.headers["Location"])
    order_id = UUID(first.headers["Location"].rsplit("/", 1)[1])
    stage.run()
    order = stage.get(Order, order_id)
    assert told == f"¥{order.gross_minor // 100:,}.{order.gross_minor % 100:02}"
    assert subscriptions(stage, order_id)[0].ends_at == other.ends_at
    # A whole term again, once it is chosen.
    assert amount(browser.post(sheet, data=pay | {"action": "quote", "align_with": ""}).text) == "¥3,980.00"


def test_the_api_prices_it_alike_and_says_until_when(stage: Stage, browser: TestClient[Any], plan: UUID) -> None:
    other = other_of(stage)
    asked = {"plan_id": str(plan), "quantity": 20, "align_with": str(other.id)}
    quote = browser.post("/v1/quotes", json=asked)
    assert quote.status_code == 201, quote.text
    (line,) = quote.json()["lines"]
    assert line["first_term_ends_at"].startswith(f"{other.ends_at:%Y-%m-%dT%H:%M}")
    assert sum(part["amount"]["amount"] for part in line["price_lines"]) == line["list"]["amount"] < 398_000
    assert line["price_lines"][-1]["kind"] == "term_shortened"
    once = stage.offer(pricing="one_off", interval="none", max_seats=1)[0]
    refused = browser.post("/v1/quotes", json=asked | {"plan_id": str(once), "quantity": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "first_term_whole")
    strange = browser.post("/v1/quotes", json=asked | {"align_with": str(plan)})
    assert (strange.status_code, strange.json()["code"]) == (404, "not_found")
