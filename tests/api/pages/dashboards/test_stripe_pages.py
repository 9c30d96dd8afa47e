"""Stripe in pages: paid on its own page and back at the second of the video, methods kept, declined and paid another way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import select

from app.local_stripe.checkout import Injected
from app.local_stripe.server import LocalStripe, signed_event
from billing.gateways.janitor import JANITOR
from billing.gateways.models import GatewayCustomer
from billing.gateways.ports import PaymentGateway
from billing.gateways.stripe import StripeGateway
from billing.gateways.stripe_customers import CustomerBook
from billing.incidents.models import Incident
from billing.payment_methods.models import PaymentMethod
from billing.payments.models import Payment
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from marketplace.access.authenticate import csrf_of
from marketplace.notifications.models import Notification
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.notifications.notify_of_events import NOTIFY
from tests.api.pages.dashboards.conftest import Dashboards, text_of

SECRET = "whsec_local"
PUBLIC = "https://market.example"


@dataclass
class Shop:
    """A buyer's browser in a market that takes money through Stripe, and Stripe."""

    dashboards: Dashboards
    stripe: LocalStripe

    def buy(self, method: str) -> tuple[UUID, str]:
        """The sheet's two clicks, without script; returns the order and where the payer is led."""
        stage, buyer = self.dashboards.stage, self.dashboards.buyer
        at = f"/buy/{stage.placement}"
        sheet = buyer.get(f"{at}?second=7").text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', sheet))
        hidden.pop("csrf")
        (plan,) = re.findall(r'name="plan_id" value="([^"]+)"[^>]*checked', sheet)
        profile = re.findall(r'name="billing_profile_id">.*?<option value="([^"]+)"', sheet)[0]
        quantity = re.findall(r'name="quantity"[^>]* value="(\d+)"', sheet)[0]
        chosen = {"plan_id": plan, "quantity": quantity, "billing_profile_id": profile}
        answer = buyer.post(at, action="pay", payment_method_id=method, **hidden, **chosen)
        assert answer.status_code == 303, text_of(answer)
        order_id = re.findall(r"/orders/([0-9a-f-]{36})", answer.headers["location"])[0]
        return UUID(order_id), self.led(answer.headers["location"])

    def led(self, path: str) -> str:
        """Where this address leads, by as many steps as it takes inside the market."""
        while path.startswith("/"):
            answer = self.dashboards.buyer.get(path)
            if answer.status_code != 303:
                return path
            path = answer.headers["location"]
        return path

    def come_back(self, address: str) -> str:
        """The payer follows the way back."""
        assert address.startswith(PUBLIC), address
        return self.led(address.removeprefix(PUBLIC))

    def payment(self, order_id: UUID) -> Payment:
        """The newest payment of an order."""
        stage = self.dashboards.stage
        return stage.payments(stage.order(order_id).purchase_id)[-1]

    def tell(self) -> None:
        """Stripe tells everything that has happened so far, the last first, each twice."""
        for number, event in enumerate(reversed(self.stripe.events)):
            subject = event["data"]["object"]
            for _ in range(2):
                at = int(clock.wall_now().timestamp())
                body, headers = signed_event(SECRET, at, subject, id=f"evt_{subject['id']}_{number}", **event)
                answer = self.dashboards.buyer.client.post("/hooks/stripe", content=body, headers=headers)
                assert answer.status_code == 200, answer.text
        self.dashboards.stage.run()

    def kept(self) -> list[PaymentMethod]:
        """What is kept for the buyer."""
        buyer = self.dashboards.stage.buyer.id
        found = select(PaymentMethod).where(PaymentMethod.org_id == buyer, PaymentMethod.removed_at.is_(None))
        return self.dashboards.stage.rows(found.order_by(PaymentMethod.id))


@pytest.fixture(scope="module")
def shop(dashboards: Dashboards) -> Iterator[Shop]:
    """Stripe beside the sandbox, for this module alone."""
    services = dashboards.stage.services
    gateways: dict[str, PaymentGateway] = services.gateways  # type: ignore[assignment]  # what composition made
    with LocalStripe() as stripe:
        book = CustomerBook(services.db, "stripe")
        gateways["stripe"] = StripeGateway(
            "sk_test_local", SECRET, base_address=stripe.address, payments_at=f"{PUBLIC}/payments", customers=book
        )
        yield Shop(dashboards, stripe)
        del gateways["stripe"]


def test_the_sheet_offers_to_pay_on_the_gateways_page(shop: Shop) -> None:
    sheet = shop.dashboards.buyer.get(f"/buy/{shop.dashboards.stage.placement}?second=7").text
    assert re.search(r'<option value="stripe:checkout" [^>]*data-leads', sheet)
    assert 'value="stripe:checkout_kept"' in sheet


def test_paid_with_3d_secure_and_back_at_the_second(shop: Shop) -> None:
    """The return, Stripe's events in the wrong order and twice, and a question race: it is paid once."""
    order_id, page = shop.buy("stripe:checkout_kept")
    assert page.startswith(f"{shop.stripe.address}/pay/cs_")
    waiting = shop.payment(order_id)
    assert (waiting.state, waiting.payer_absent) == ("requires_action", False)
    bank = shop.stripe.press(page, "authenticate")
    back = shop.stripe.press(bank, "confirm")
    video = shop.dashboards.stage.video
    assert shop.come_back(back) == f"/v/{video}?t=7"
    paid = shop.payment(order_id)
    assert paid.state == "succeeded"
    assert (paid.gateway_reference or "").startswith("pi_")
    shop.tell()
    assert shop.come_back(back) == f"/v/{video}?t=7"
    assert shop.payment(order_id).id == paid.id
    assert shop.dashboards.stage.order(order_id).state == "active"
    (method,) = shop.kept()
    assert (method.brand, method.last_four, method.is_default) == ("mastercard", "3155", True)
    # What follows is asked of the card that was kept.
    assert shop.dashboards.stage.purchase_of(order_id).method_token == method.token
    customers = select(GatewayCustomer).where(GatewayCustomer.org_id == shop.dashboards.stage.buyer.id)
    assert len(shop.dashboards.stage.rows(customers)) == 1


def test_two_clicks_with_what_is_kept(shop: Shop) -> None:
    """The bank wants this card confirmed each time: the payer is led there, and back."""
    (method,) = shop.kept()
    sheet = shop.dashboards.buyer.get(f"/buy/{shop.dashboards.stage.placement}?second=7").text
    assert re.search(rf'<option value="stripe:{method.token}"[^>]* selected', sheet)
    order_id, bank = shop.buy(f"stripe:{method.token}")
    assert "/bank/pi_" in bank
    back = shop.stripe.press(bank, "confirm")
    assert shop.come_back(back).startswith("/v/")
    assert shop.payment(order_id).state == "succeeded"


def test_declined_left_and_paid_another_way(shop: Shop) -> None:
    order_id, page = shop.buy("stripe:checkout")
    shop.stripe.press(page, "decline")
    order = f"/orders/{order_id}"
    # A declined card leaves the page open: another can be tried on it, and nothing else is started meanwhile.
    assert shop.come_back(shop.stripe.press(page, "leave")) == order
    assert shop.payment(order_id).state == "requires_action"
    buyer, payment_id = shop.dashboards.buyer, shop.payment(order_id).id
    assert f'action="/payments/{payment_id}/withdraw"' in buyer.get(order).text
    assert buyer.post(f"/payments/{payment_id}/withdraw").headers["location"] == order
    failed = shop.payment(order_id)
    assert (failed.state, failed.error_code) == ("failed", "checkout_expired")
    assert "was not paid on the payment page" in text_of(buyer.get(order))
    # On the page that was closed nobody pays any more.
    shop.stripe.press(page, "pay")
    assert shop.payment(order_id).state == "failed"
    again = buyer.post(f"{order}/pay", payment_method_id="stripe:checkout")
    assert again.headers["location"] == f"{order}/confirm"
    other = shop.led(again.headers["location"])
    assert other != page
    shop.come_back(shop.stripe.press(other, "pay"))
    assert shop.payment(order_id).state == "succeeded"


def test_a_method_that_takes_its_time_is_waited_for(shop: Shop) -> None:
    order_id, page = shop.buy("stripe:checkout")
    back = shop.stripe.press(page, "slow")
    assert shop.come_back(back) == f"/orders/{order_id}"
    waiting = shop.payment(order_id)
    assert waiting.state == "processing"
    shop.stripe.settle(waiting.gateway_reference or "", succeeds=False)
    shop.tell()
    assert shop.payment(order_id).state == "failed"


def test_methods_are_added_replaced_and_removed(shop: Shop) -> None:
    buyer = shop.dashboards.buyer
    answer = buyer.post("/payment-methods", gateway="stripe")
    page = answer.headers["location"]
    assert page.startswith(f"{shop.stripe.address}/pay/cs_")
    assert shop.come_back(shop.stripe.press(page, "pay")) == "/payment-methods"
    old, new = shop.kept()
    shown = text_of(buyer.get("/payment-methods"))
    assert "Visa •••• 4242" in shown
    assert "Mastercard •••• 3155" in shown
    assert buyer.post(f"/payment-methods/{new.id}/default").status_code == 303
    assert [one.is_default for one in shop.kept()] == [False, True]
    refused = buyer.post(f"/payment-methods/{old.id}/remove")
    assert refused.status_code == 409
    assert "Subscriptions are paid by this method" in text_of(refused)
    assert buyer.post(f"/payment-methods/{old.id}/remove", replace_by=str(new.id)).status_code == 303
    shop.dashboards.stage.run()
    assert [one.id for one in shop.kept()] == [new.id]
    assert shop.stripe.objects[old.token]["customer"] is None
    # Stripe's events about it change nothing that was decided here.
    shop.tell()
    assert [one.id for one in shop.kept()] == [new.id]


def test_a_program_is_told_the_same_and_opens_a_page(shop: Shop) -> None:
    buyer = shop.dashboards.buyer
    session = {"Cookie": f"__Host-session={buyer.cookie}", "X-CSRF-Token": csrf_of(buyer.cookie)}
    (listed,) = buyer.client.get("/v1/payment-methods", headers=session).json()
    assert (listed["last_four"], listed["is_default"], listed["has_expired"]) == ("4242", True, False)
    made = buyer.client.post("/v1/payment-methods", json={}, headers=session)
    assert made.status_code == 201, made.text
    assert made.json()["url"].startswith(f"{shop.stripe.address}/pay/cs_")
    refused = buyer.client.post("/v1/payment-methods", json={"gateway": "sandbox"}, headers=session)
    assert refused.json()["code"] == "gateway_keeps_no_methods"
    shop.stripe.faults.append(Injected("POST", "checkout/sessions", "503"))
    assert buyer.client.post("/v1/payment-methods", json={}, headers=session).json()["code"] == "gateway_silent"


def test_another_organization_sees_nothing_of_them(shop: Shop) -> None:
    (method,) = shop.kept()
    _, stranger = shop.dashboards.new_organization()
    assert "4242" not in stranger.get("/payment-methods").text
    for act in ("default", "remove"):
        assert stranger.post(f"/payment-methods/{method.id}/{act}").status_code == 404


@pytest.mark.parametrize("what", ["lost", "500", "409", "429"])
def test_a_page_whose_answer_did_not_come_is_opened_once(shop: Shop, what: str) -> None:
    before = sum(one["object"] == "checkout.session" for one in shop.stripe.objects.values())
    shop.stripe.faults.append(Injected("POST", "checkout/sessions", what))
    order_id, page = shop.buy("stripe:checkout")
    assert page == f"/orders/{order_id}"
    clock.advance(shop.payment(order_id).next_check_at - clock.now())
    shop.dashboards.stage.tick(JANITOR)
    assert shop.payment(order_id).state == "requires_action"
    assert sum(one["object"] == "checkout.session" for one in shop.stripe.objects.values()) == before + 1


def test_a_key_that_stood_for_something_else_is_put_before_the_operator(shop: Shop) -> None:
    shop.stripe.faults.append(Injected("POST", "checkout/sessions", "key_reused"))
    order_id, _ = shop.buy("stripe:checkout")
    payment = shop.payment(order_id)
    assert payment.state == "unknown"
    incidents = select(Incident.kind).where(Incident.subject_id == payment.id)
    assert shop.dashboards.stage.rows(incidents) == ["key_reused"]


def test_approved_long_after_the_buyer_is_asked_and_pays(shop: Shop) -> None:
    """Nobody is there when it is charged: the bank wants its customer, who is told and finds the way there on the order."""
    stage = shop.dashboards.stage
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 1))
    customer = stage.rows(select(GatewayCustomer).where(GatewayCustomer.org_id == stage.buyer.id))[0].reference
    token = shop.stripe.keep(customer, "visa", "3155", "authenticate")
    command = PlacePurchase(stage.quote(), stage.profile, "stripe", token)
    purchase_id = transact(stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id)
    decision = DecidePurchase(purchase_id, "approved", None)
    transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, decision))
    stage.run()
    (order,) = stage.orders_of(purchase_id)
    waiting = shop.payment(order.id)
    assert (waiting.state, waiting.payer_absent) == ("requires_action", True)
    stage.tick(NOTIFY)
    kinds = select(Notification.kind).where(Notification.person_id == stage.purchaser.person())
    assert "payment_waits" in stage.rows(kinds)
    bank = shop.led(f"/orders/{order.id}/confirm")
    shop.come_back(shop.stripe.press(bank, "confirm"))
    assert shop.payment(order.id).state == "succeeded"
