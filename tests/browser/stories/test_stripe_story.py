"""A market that takes real money. Through Stripe: paid on its page with 3-D Secure and back at the second, bought again by two
clicks with the card that was kept, declined and then paid another way; its seller paid to an account of its own there, from
which a refund takes its part back; a payment disputed and lost. And by transfer: asked for, told of by the bank's file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from app.demo.demo_client import DemoClient
from app.demo.demo_session import FOLLOWED_S, wait
from app.local_stripe.hook import Hook
from app.local_stripe.server import LocalStripe
from billing.bank.gateway import TOKEN
from kernel.ids import uuid7
from tests.bank_files import ACCOUNT, Entry, generic
from tests.browser.chromium import needs_chromium
from tests.browser.conftest import PASSWORD, Product, Visits, free_ports, running_product
from tests.browser.journeys.test_accounts import follow, looks_right
from tests.browser.journeys.test_journey import BUYERS, DESK, PHONE, open_hiring, seek, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    needs_chromium,
]
SECRET = "whsec_story"
LANGUAGE = "zh-CN"
PAID_MS = 60_000
SELLER, OPERATOR = "owner@yihao.example", "operator@market.example"


@dataclass(frozen=True)
class StripeMarket:
    """A market, and the Stripe that it was told of."""

    product: Product
    stripe: LocalStripe


@pytest.fixture(scope="module")
def shop() -> Iterator[StripeMarket]:
    """`market up` with Stripe and transfers beside the sandbox, through which its sample data has paid."""
    port, seller = free_ports(2)
    with LocalStripe() as stripe:
        stripe.hook = Hook(f"http://127.0.0.1:{port}/hooks/stripe", SECRET, copies=2, reversed=True)
        told = {
            "PORT": str(port),
            "SAMPLE_SELLER_PORT": str(seller),
            "SAMPLE_HISTORY": "off",
            "PAYMENT_GATEWAYS": "sandbox,stripe,bank_transfer",
            "STRIPE_API_KEY": "sk_test_story",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_BASE_ADDRESS": stripe.address,
        }
        with running_product(told) as (address, _):
            yield StripeMarket(Product(address, f"http://127.0.0.1:{seller}"), stripe)


def test_paid_on_another_page_kept_and_declined(shop: StripeMarket, visit: Visits) -> None:
    page = visit(PHONE, LANGUAGE).page
    sign_in(page, shop.product, BUYERS[LANGUAGE])
    second = open_sheet(page, shop.product)
    page.select_option("dialog #pay-with", "stripe:checkout_kept")
    page.locator("dialog[open] [data-pay]").click()

    # The payer is led to the gateway's page, and to the bank's; and comes back to this second of the video.
    page.wait_for_url(f"{shop.stripe.address}/pay/**")
    follow(page.locator("button[value=authenticate]"))
    page.wait_for_url(f"{shop.stripe.address}/bank/**")
    page.locator("button[value=confirm]").click()
    page.wait_for_url(re.compile(rf"{shop.product.address}/v/[0-9a-f-]+\?t={second}$"))

    # Two clicks with what was kept: it stands first in the sheet. This bank asks each time.
    page.wait_for_timeout(2_000)
    open_sheet(page, shop.product)
    expect(page.locator("dialog #pay-with option:checked")).to_have_text("万事达卡 •••• 3155")
    page.locator("dialog[open] [data-pay]").click()
    page.wait_for_url(f"{shop.stripe.address}/bank/**")
    page.locator("button[value=confirm]").click()
    page.wait_for_url(f"{shop.product.address}/v/**")

    page.goto(f"{shop.product.address}/payment-methods")
    expect(page.get_by_text("万事达卡 •••• 3155").first).to_be_visible()
    looks_right(page)

    # Declined, left, and paid another way from the order.
    open_sheet(page, shop.product)
    page.select_option("dialog #pay-with", "stripe:checkout")
    page.locator("dialog[open] [data-pay]").click()
    page.wait_for_url(f"{shop.stripe.address}/pay/**")
    page.locator("button[value=decline]").click()
    expect(page.get_by_text("Your card was declined.")).to_be_visible()
    page.locator("button[value=leave]").click()
    page.wait_for_url(f"{shop.product.address}/orders/**")
    looks_right(page)
    page.locator("form[action$='/withdraw'] button").click()
    expect(page.locator("form[action$='/pay']")).to_be_visible()
    looks_right(page)
    page.select_option("#pay-with", "stripe:checkout")
    page.locator("form[action$='/pay'] button").click()
    page.wait_for_url(f"{shop.stripe.address}/pay/**")
    page.locator("button[value=pay]").click()
    page.wait_for_url(f"{shop.product.address}/v/**", timeout=PAID_MS)


def test_a_seller_is_paid_to_its_own_account_and_a_refund_takes_its_part_back(
    shop: StripeMarket, visit: Visits
) -> None:
    address = shop.product.address
    seller = visit(DESK, LANGUAGE).page
    sign_in(seller, shop.product, SELLER, "/seller/start/payout-account")
    follow(seller.locator("form[action$='/gateway-account/stripe'] button"))
    looks_right(seller)
    seller.locator("a[href$='/gateway-account/stripe/again']").click()
    seller.wait_for_url(f"{shop.stripe.address}/connect/**")
    seller.locator("button[value=complete]").click()
    seller.wait_for_url(f"{address}/seller/start/payout-account*")
    looks_right(seller)
    seller.select_option("#use-stripe", "CNY")
    follow(seller.locator("form[action$='/payouts/settings/gateway-account'] button").first)
    looks_right(seller)

    # A sale, its statement, and the transfer to the account once it is no longer held.
    bought(visit, shop)
    people = {email: DemoClient(address, email, PASSWORD) for email in (BUYERS[LANGUAGE], SELLER, OPERATOR)}
    buyer, party, operator = people.values()
    order_id = buyer.get("/v1/orders", limit="1")["items"][0]["id"]
    wait(lambda: _in_state(buyer, order_id, "active"), "the order is delivered")
    statement = _next_statement(operator, party, days=8)
    operator.post("/v1/operator/payouts", {"statement_id": statement["id"]}, expect=201, key=str(uuid7()))
    paid = wait(
        lambda: next((one for one in party.get("/v1/payouts")["items"] if one["state"] == "paid"), None), "paid"
    )
    (transfer,) = [one for one in shop.stripe.objects.values() if one["object"] == "transfer"]
    assert (transfer["amount"], transfer["amount_reversed"]) == (paid["amount"]["amount"], 0)
    seller.goto(f"{address}/seller/statements/{statement['id']}")
    looks_right(seller)

    # What was bought is paid back, and the seller's part of it comes back from its account: its next statement is even.
    asked = buyer.post(f"/v1/orders/{order_id}/refund-cases", {"reason": "不再需要"}, expect=201, key=str(uuid7()))
    party.post(f"/v1/seller/refund-cases/{asked['id']}/decide", {"decision": "grant"})
    wait(lambda: _in_state(buyer, order_id, "refunded"), "the order is refunded")
    wait(lambda: {"back": transfer["amount_reversed"]} if transfer["amount_reversed"] else None, "its share is back")
    even = _next_statement(operator, party, days=31)
    assert even["net"]["amount"] == 0
    seller.goto(f"{address}/seller/statements/{even['id']}")
    looks_right(seller)


def test_a_payment_is_disputed_answered_and_lost(shop: StripeMarket, visit: Visits) -> None:
    """Each of the three sees it on a page of its own; what they say goes to the bank by the operator's; nobody is paid of it."""
    address = shop.product.address
    page = bought(visit, shop)
    paid = [one for one in shop.stripe.objects.values() if one["object"] == "payment_intent"][-1]
    # The market's clock may have been moved on: its week begins then.
    name = shop.stripe.dispute(paid["id"], days=90)
    shop.stripe.tell()
    seller, operator = visit(PHONE, LANGUAGE).page, visit(DESK, LANGUAGE).page
    sign_in(seller, shop.product, SELLER, "/seller/disputes")
    open_row(seller, f"{address}/seller/disputes")
    seller.fill("#words", "已按约开通二十个席位，买方同事次日登录并一直在用。")
    follow(seller.locator("form[action$='/words'] button"))
    looks_right(seller)

    sign_in(operator, shop.product, OPERATOR, "/operator/disputes")
    open_row(operator, f"{address}/operator/disputes")
    expect(operator.locator("#text")).to_have_value(re.compile("二十个席位"))
    operator.on("dialog", lambda asked: asked.accept())
    operator.fill("#text", operator.locator("#text").input_value() + "\nlosing_evidence")
    follow(operator.locator("form[action$='/evidence'] button"))
    looks_right(operator)
    wait(
        lambda: shop.stripe.objects[name] if shop.stripe.objects[name]["status"] == "lost" else None, "the bank decides"
    )
    shop.stripe.note("charge.dispute.closed", shop.stripe.objects[name])
    shop.stripe.tell()

    open_row(page, f"{address}/disputes")
    for one in (page, seller, operator):
        reload_until(one, "付款方胜诉")
        looks_right(one)


def test_a_transfer_is_delivered_when_the_banks_file_tells_of_it(shop: StripeMarket, visit: Visits) -> None:
    """Asked for with a code, printed, told of by a file that is tried before it is taken, and delivered."""
    address = shop.product.address
    operator = visit(DESK, LANGUAGE).page
    sign_in(operator, shop.product, OPERATOR, "/operator/bank")
    account = {"code": "main", "holder": "平台有限公司", "bank": "工商银行", "number": ACCOUNT}
    for field, value in account.items():
        operator.fill(f"form[action$='/bank/accounts'] #{field}", value)
    follow(operator.locator("form[action$='/bank/accounts'] button"))
    looks_right(operator)

    page = visit(PHONE, LANGUAGE).page
    sign_in(page, shop.product, BUYERS[LANGUAGE])
    open_sheet(page, shop.product)
    page.select_option("dialog #pay-with", f"bank_transfer:{TOKEN}")
    page.locator("dialog[open] [data-pay]").click()
    page.locator("dialog[open] [data-confirm-payment]").click()
    page.wait_for_url(re.compile(rf"{address}/payments/[0-9a-f-]+/transfer"))
    looks_right(page)
    href = page.locator("a[href*='/transfer/pdf']").get_attribute("href")
    printed = page.request.get(f"{address}{href}")
    while printed.status == 409:  # it is being drawn; the test's own limit ends this
        page.wait_for_timeout(500)
        printed = page.request.get(printed.url)
    assert printed.body().startswith(b"%PDF")
    code = page.locator("dd.mono.strong").inner_text()
    asked = page.locator("dd.num.sum").inner_text()
    amount_minor = int(re.sub(r"\D", "", asked))

    stranger = Entry(12_300, "货款", "某某贸易有限公司", reference="2")
    entries = [Entry(amount_minor, f"转账 {code}", "深圳星河精密制造有限公司", reference="1"), stranger]
    told = FilePayload(name="statement.csv", mimeType="text/csv", buffer=generic(entries))
    for act, word in (("try", "匹配"), ("import", "匹配")):
        operator.goto(f"{address}/operator/bank")
        operator.set_input_files("form[action$='/import'] input[type=file]", files=[told])
        follow(operator.locator(f"form[action$='/import'] button[value={act}]"))
        expect(operator.locator("main")).to_contain_text(word)
        looks_right(operator)
    operator.goto(f"{address}/operator/bank")
    expect(operator.locator("main")).to_contain_text("某某贸易有限公司")
    looks_right(operator)
    for _ in range(60):
        page.reload()
        if "已到账" in page.locator("main").inner_text():
            break
        page.wait_for_timeout(500)
    looks_right(page)
    page.locator("a[href*='/orders/']").first.click()
    reload_until(page, "可用")
    looks_right(page)


def bought(visit: Visits, shop: StripeMarket) -> Page:
    """What a buyer sees who has paid on Stripe's page and is back in the video."""
    page = visit(PHONE, LANGUAGE).page
    sign_in(page, shop.product, BUYERS[LANGUAGE])
    open_sheet(page, shop.product)
    page.select_option("dialog #pay-with", "stripe:checkout")
    page.locator("dialog[open] [data-pay]").click()
    page.wait_for_url(f"{shop.stripe.address}/pay/**")
    page.locator("button[value=pay]").click()
    page.wait_for_url(f"{shop.product.address}/v/**", timeout=PAID_MS)
    return page


def open_row(page: Page, address: str) -> None:
    """The first of a list, once there is one: it is heard of from outside."""
    link = page.locator("main a[href*='/disputes/']").first
    for _ in range(60):
        page.goto(address)
        if link.count():
            break
        page.wait_for_timeout(500)
    looks_right(page)
    follow(link)
    looks_right(page)


def reload_until(page: Page, words: str) -> None:
    """The head of a page says so, once what it is about was heard."""
    head = page.locator(".page-head")
    for _ in range(60):
        page.reload()
        if words in head.inner_text():
            return
        page.wait_for_timeout(500)
    expect(head).to_contain_text(words)


def _in_state(buyer: DemoClient, order_id: str, state: str) -> dict[str, Any] | None:
    order: dict[str, Any] = buyer.get(f"/v1/orders/{order_id}")
    return order if order["state"] == state else None


def _next_statement(operator: DemoClient, party: DemoClient, *, days: int) -> dict[str, Any]:
    """The party's statement of what there is to settle so many days later, by the sandbox's clock."""
    known = {one["id"] for one in party.get("/v1/statements")["items"]}
    operator.post("/v1/operator/clock", {"advance_s": days * 86_400})
    time.sleep(FOLLOWED_S)

    def closed() -> dict[str, Any] | None:
        operator.post("/v1/operator/statements", {}, expect=201)
        return next((one for one in party.get("/v1/statements")["items"] if one["id"] not in known), None)

    return wait(closed, "the statement is closed")


def open_sheet(page: Page, product: Product) -> int:
    """The hiring software's card in its video, pressed; returns the second."""
    open_hiring(page, product, LANGUAGE)
    card = page.locator("[data-card]").first
    second = int(card.get_attribute("data-from") or "0")
    seek(page, second + 0.2)
    card.click()
    page.wait_for_selector("dialog[open] [data-pay]")
    return second
