"""A market whose only gateway is Stripe: what is bought, tried again, renewed and refunded there, and no page that lists ways to
pay is empty or speaks of another gateway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from app.local_stripe.server import LocalStripe
from billing.gateways.ports import PaymentGateway
from billing.gateways.stripe import StripeGateway
from billing.gateways.stripe_customers import CustomerBook
from kernel.db.uow import transact
from orders.order.models import Subscription
from orders.subscriptions.auto_renew import set_auto_renew
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_stripe_pages import PUBLIC, SECRET, Shop
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_renewals import renewals, until

WAYS = re.compile(r'<select[^>]*name="payment_method_id"[^>]*>(.*?)</select>', re.DOTALL)


@pytest.fixture(scope="module")
def alone(dashboards: Dashboards) -> Iterator[Shop]:
    """Stripe instead of the sandbox, for this module alone."""
    services = dashboards.stage.services
    gateways: dict[str, PaymentGateway] = services.gateways  # type: ignore[assignment]  # what composition made
    before = dict(gateways)
    gateways.clear()
    with LocalStripe() as stripe:
        book = CustomerBook(services.db, "stripe")
        gateways["stripe"] = StripeGateway(
            "sk_test_local", SECRET, base_address=stripe.address, payments_at=f"{PUBLIC}/payments", customers=book
        )
        yield Shop(dashboards, stripe)
    gateways.clear()
    gateways |= before


def bought(shop: Shop) -> tuple[UUID, Subscription]:
    """Paid on Stripe's page by a card that is kept, and delivered."""
    order_id, page = shop.buy("stripe:checkout_kept")
    shop.come_back(shop.stripe.press(page, "pay"))
    shop.dashboards.stage.run()
    assert shop.dashboards.stage.order(order_id).state == "active"
    (subscription,) = subscriptions(shop.dashboards.stage, order_id)
    return order_id, subscription


def test_every_page_that_lists_ways_to_pay_offers_stripes(alone: Shop) -> None:
    order_id, subscription = bought(alone)
    dashboards, stage = alone.dashboards, alone.dashboards.stage
    listing = {f"/buy/{stage.placement}?second=7", f"/subscriptions/{subscription.id}", _failed(alone)}
    others = {
        f"/orders/{order_id}",
        f"/entitlements/{stage.entitlement(order_id).id}",
        "/subscriptions",
        "/payment-methods",
        "/orders",
    }
    for path in sorted(listing | others):
        answer = dashboards.buyer.get(path)
        assert answer.status_code == 200, (path, text_of(answer))
        lists = WAYS.findall(answer.text)
        assert lists or path not in listing, path
        for ways in lists:
            values = re.findall(r'<option value="([^"]*)"', ways)
            assert values, path
            assert all(value.startswith("stripe:") for value in values), (path, values)
        assert "sbx_" not in answer.text, path


def _failed(shop: Shop) -> str:
    """The page of an order whose payment was declined."""
    order_id, page = shop.buy("stripe:checkout")
    shop.stripe.press(page, "decline")
    shop.come_back(shop.stripe.press(page, "leave"))
    answer = shop.dashboards.buyer.post(f"/payments/{shop.payment(order_id).id}/withdraw")
    assert answer.status_code == 303, text_of(answer)
    shop.dashboards.stage.run()
    return f"/orders/{order_id}"


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("seller", "/seller/start/payout-account"),
        ("seller", "/payouts/settings"),
        ("operator", "/operator"),
        ("operator", "/operator/gateway-balances"),
        ("operator", "/operator/reconciliation"),
    ],
)
def test_who_is_paid_and_who_pays_find_stripe_alone(alone: Shop, who: str, path: str) -> None:
    answer = getattr(alone.dashboards, who).get(path)
    assert answer.status_code == 200, text_of(answer)
    assert "sbx_" not in answer.text


def test_it_is_renewed_by_the_card_that_was_kept_and_refunded(alone: Shop) -> None:
    order_id, subscription = bought(alone)
    stage = alone.dashboards.stage
    transact(stage.services.db, stage.purchaser, lambda uow: set_auto_renew(uow, subscription.id, wanted=True))
    for before in (timedelta(days=31), timedelta(days=7), timedelta(hours=1), timedelta(minutes=-1)):
        until(stage, subscription.ends_at - before)
    (renewal,) = renewals(stage, subscription)
    assert renewal.state == "active"
    paid = alone.payment(renewal.id)
    assert (paid.gateway, paid.state, paid.payer_absent) == ("stripe", "succeeded", True)
    stage.refund(renewal.id)
    stage.run()
    assert stage.order(renewal.id).state == "refunded"
    assert [one["payment_intent"] for one in alone.stripe.objects.values() if one["object"] == "refund"] == [
        paid.gateway_reference
    ]
    assert stage.order(order_id).state in {"active", "completed"}
