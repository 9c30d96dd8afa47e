"""A plan says what its price is where no tax applies; whatever is bought, and goes on, is at that, as it was shown before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from app.verify.instalments import CHARGED, WHOLE
from app.verify.orders import PRICED, UNTAXED
from billing.charges.models import Charge
from billing.invoices.models import Invoice, InvoiceLine
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict
from kernel.money import net_of_included
from kernel.principal import SYSTEM
from orders.checkout.quote_models import Quote
from orders.order.models import OrderLine
from orders.subscriptions.queries import get_subscription
from orders.subscriptions.upcoming import upcoming_charges
from tests.loop import test_amendments, test_coupons
from tests.loop.test_instalments import at, charged, line_of, rows, sold
from tests.loop.test_renewals import renewals, subscribed, until
from tests.loop.test_tax_of_the_title import shown, taxed, title
from tests.loop_stage import Stage

LIST, NET = 398_000, 375_472
"""Twenty seats, with 6 % and without."""
DAY = timedelta(days=1)


def abroad(stage: Stage) -> UUID:
    """The buyer's default title is of Hong Kong."""
    return title(stage, "HK", "22609317-000", id=stage.profile, is_default=True)


def verified(stage: Stage) -> dict[str, int]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return {rule.name: rule.find(uow).violations for rule in (UNTAXED, PRICED, WHOLE, CHARGED)}


@pytest.fixture
def well(stage: Stage) -> dict[str, int]:
    """What other tests left behind."""
    return verified(stage)


def described(stage: Stage, order_id: UUID) -> str:
    (line,) = stage.rows(
        select(InvoiceLine).join(Invoice, Invoice.id == InvoiceLine.invoice_id).where(Invoice.reference == order_id)
    )
    return str(line.description)


def test_whoever_pays_no_tax_pays_the_price_less_it(stage: Stage, well: dict[str, int]) -> None:
    plan, _ = stage.offer(untaxed_price="net")
    profile = title(stage, "HK", "22609317-000")
    assert shown(stage, stage.quote(plan)) == (NET, LIST - NET, LIST, "cn_service")
    quote_id = stage.quote(plan, profile=profile)
    assert shown(stage, quote_id) == (NET, 0, NET, "cn_export")
    order_id = stage.place(quote_id, profile=profile)
    assert taxed(stage, order_id) == (NET, 0, NET, "cn_export")
    stage.run()
    (charge,) = stage.rows(select(Charge).where(Charge.group_reference == order_id))
    assert (charge.net_minor, charge.tax_minor, charge.gross_minor) == (NET, 0, NET)
    (payment,) = stage.payments(stage.order(order_id).purchase_id)
    assert payment.amount_minor == NET
    assert "已减去 6% 的税 Price less its 6 % tax" in described(stage, order_id)
    assert verified(stage) == well


def test_for_another_title_the_other_total_is_seen_before(stage: Stage) -> None:
    plan, _ = stage.offer(untaxed_price="net")
    profile = title(stage, "HK", "22609317-000")
    for quote_id, named, gross in (
        (stage.quote(plan), profile, NET),
        (stage.quote(plan, profile=profile), stage.profile, LIST),
    ):
        with pytest.raises(Conflict, match="price_changed") as refused:
            stage.place(quote_id, profile=named)
        assert refused.value.params["gross_minor"] == gross


def test_a_price_that_stays_whole_says_so(stage: Stage, browser: TestClient[Any]) -> None:
    abroad(stage)
    plan, _ = stage.offer()
    asked = {"plan_id": str(plan), "quantity": 20}
    (line,) = browser.post("/v1/quotes", json=asked, headers={"Accept-Language": "en"}).json()["lines"]
    assert (line["untaxed_price"], line["home_rate_ppm"], line["gross"]["amount"]) == ("whole", 60_000, LIST)
    assert "stays whole" in line["tax_note"]
    order_id = stage.place(stage.quote(plan))
    stage.run()
    assert "不变 Price with 6 % tax stays whole" in described(stage, order_id)
    (line,) = browser.get(f"/v1/orders/{order_id}").json()["lines"]
    assert (line["untaxed_price"], line["home_rate_ppm"]) == ("whole", 60_000)
    assert "价格不变" in browser.get(f"/orders/{order_id}", headers={"Accept-Language": "zh-CN"}).text


def test_pages_and_api_say_what_was_taken_off(stage: Stage, browser: TestClient[Any]) -> None:
    plan, _ = stage.offer(untaxed_price="net")
    (line,) = browser.post("/v1/quotes", json={"plan_id": str(plan), "quantity": 20}).json()["lines"]
    assert (line["untaxed_price"], line["home_rate_ppm"], line["tax_note"]) == ("net", 0, None)
    abroad(stage)
    (line,) = browser.post("/v1/quotes", json={"plan_id": str(plan), "quantity": 20}).json()["lines"]
    assert (line["list"]["amount"], line["gross"]["amount"], line["home_rate_ppm"]) == (LIST, NET, 60_000)
    order_id = stage.place(stage.quote(plan))
    (line,) = browser.get(f"/v1/orders/{order_id}").json()["lines"]
    assert (line["untaxed_price"], line["home_rate_ppm"], line["net"]["amount"]) == ("net", 60_000, NET)
    for address in (f"/orders/{order_id}", f"/trace/{order_id}"):
        assert "less that tax" in browser.get(address, headers={"Accept-Language": "en"}).text, address


def test_a_coupon_is_off_the_price_before_its_tax_is(stage: Stage, well: dict[str, int]) -> None:
    abroad(stage)
    plan, _ = stage.offer(untaxed_price="net")
    test_coupons.made(stage)
    quote = test_coupons.quoted(stage, "LAUNCH-20", plan)
    (line,) = quote.lines
    assert (line["list_minor"], line["discount_minor"]) == (LIST, LIST // 5)
    assert quote.gross_minor == net_of_included(LIST - LIST // 5, 60_000)
    assert stage.order(stage.place(quote.id)).gross_minor == quote.gross_minor
    assert verified(stage) == well


def test_renewals_and_changes_are_at_it_and_told_ahead(stage: Stage, well: dict[str, int]) -> None:
    abroad(stage)
    order_id, subscription = subscribed(stage, untaxed_price="net")
    paid = stage.order(order_id).gross_minor
    assert paid == NET
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert get_subscription(uow, subscription.id).expected_minor == paid
        assert upcoming_charges(uow)[0].amount_minor == paid
    more = test_amendments.quoted(stage, subscription, 40)
    (line,) = stage.get(Quote, more).lines
    assert line["gross_minor"] == net_of_included(line["list_minor"], 60_000) < line["list_minor"]
    assert stage.order(stage.place(more)).gross_minor == line["gross_minor"]
    stage.run()
    until(stage, subscription.ends_at - DAY)
    renewal = next(one for one in renewals(stage, subscription) if one.usage_period_id is None and one.net_minor > NET)
    assert (renewal.gross_minor, renewal.tax_minor) == (net_of_included(2 * LIST, 60_000), 0)
    assert verified(stage) == well


def test_instalments_add_up_to_the_net_price(stage: Stage, well: dict[str, int]) -> None:
    abroad(stage)
    order_id, subscription = sold(stage, untaxed_price="net", tax_included=True)
    second, *_ = later = rows(stage, subscription)
    whole = net_of_included(100_001, 60_000)
    assert stage.order(order_id).gross_minor + sum(one.gross_minor for one in later) == whole
    at(stage, second.due_at)
    (order,) = charged(stage, subscription)
    line = line_of(stage, order.id)
    assert (line.gross_minor, line.list_minor) == (second.gross_minor, 25_000)
    assert line.plan["home_rate_ppm"] == 60_000
    assert verified(stage) == well


def test_the_order_keeps_what_its_plan_said(stage: Stage) -> None:
    """Only of a price of which something is to be said."""
    order_id = stage.place(stage.quote(stage.offer(untaxed_price="net")[0]))
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert "home_rate_ppm" not in line.plan
