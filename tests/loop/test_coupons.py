"""Coupons: what they take off stands in the line, and no more of them are used than there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from billing.invoices.models import InvoiceLine
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from marketplace.catalog.models import Plan
from marketplace.notifications.models import Notification
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.models import Purchase
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.checkout.quote_models import Quote
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.coupons.jobs import SWEEP_ENDING
from orders.coupons.make_coupon import MakeCoupon, end_coupon, make_coupon
from orders.coupons.models import Coupon, CouponUse
from orders.coupons.price_coupons import CouponLine, _discounts
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import OrderLine
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_offers import expire, offered, refusal, reject, requested
from tests.loop.test_renewals import line_of, renewals, switch, until
from tests.loop.test_trials import of_order, shown, trial_plan
from tests.loop_stage import Stage

LIST = 19_900 * 20


def made(stage: Stage, **changes: Any) -> UUID:
    today = clock.today("Asia/Shanghai")
    values: dict[str, Any] = {
        "code": "LAUNCH-20",
        "percent_ppm": 200_000,
        "starts_on": today,
        "ends_on": today + timedelta(days=9),
    }
    command = MakeCoupon("Launch", **(values | changes))
    return transact(stage.services.db, stage.seller.owner, lambda uow: make_coupon(uow, command).id)


def quoted(stage: Stage, coupon: str = "", plan_id: UUID | None = None) -> Quote:
    command = CreateQuote((QuoteItem(plan_id or stage.seat_plan, 20),), coupon=coupon)
    quote_id = transact(stage.services.db, stage.purchaser, lambda uow: create_quote(uow, command).id)
    return stage.get(Quote, quote_id)


def held(stage: Stage) -> int:
    own = (CouponUse.buyer_org_id == stage.buyer.id) & CouponUse.released_at.is_(None)
    return int(stage.rows(select(func.count()).select_from(CouponUse).where(own))[0])


def test_what_is_off_stands_in_the_line_of_quote_order_and_invoice(stage: Stage) -> None:
    made(stage)
    quote = quoted(stage, " launch-20 ")
    (line,) = quote.lines
    assert (line["list_minor"], line["discount_minor"], line["gross_minor"]) == (LIST, LIST // 5, LIST - LIST // 5)
    assert (line["coupon"], quote.gross_minor) == ("LAUNCH-20", 318_400)
    assert line["net_minor"] + line["tax_minor"] == 318_400
    order_id = stage.place(quote.id)
    stage.run()
    (sold,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert (sold.list_minor, sold.discount_minor, sold.gross_minor) == (LIST, 79_600, 318_400)
    assert sold.plan["coupon"] == "LAUNCH-20"
    (payment,) = stage.payments(stage.order(order_id).purchase_id)
    assert payment.amount_minor == 318_400
    (paper,) = stage.papers(order_id)
    assert paper.gross_minor == 318_400
    (billed,) = stage.rows(select(InvoiceLine.description).where(InvoiceLine.reference == sold.id))
    assert "3980.00 CNY" in billed
    assert "−796.00 (LAUNCH-20)" in billed
    (use,) = stage.rows(select(CouponUse).where(CouponUse.order_id == order_id))
    assert (use.discount_minor, use.released_at) == (79_600, None)


def test_an_amount_is_never_more_than_the_price(stage: Stage) -> None:
    made(stage, code="ALLOFIT", percent_ppm=None, amount_minor=LIST * 2, currency="CNY")
    quote = quoted(stage, "ALLOFIT")
    assert (quote.gross_minor, quote.lines[0]["discount_minor"]) == (0, LIST)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": "OTHER-CODE"}, "coupon_unknown"),
        ({"org_ids": True}, "coupon_unknown"),
        ({"plan_codes": ("another",)}, "coupon_not_for_this"),
        ({"percent_ppm": None, "amount_minor": 100, "currency": "EUR"}, "coupon_not_for_this"),
        ({"starts_on": 2}, "coupon_not_begun"),
        ({"ended": True}, "coupon_over"),
    ],
)
def test_what_a_code_is_refused_for(stage: Stage, changes: dict[str, Any], code: str) -> None:
    changes = dict(changes)
    if "plan_codes" in changes:
        stage.offer(code="another")
    if changes.get("org_ids"):
        changes["org_ids"] = (stage.promoter.id,)
    if "starts_on" in changes:
        changes["starts_on"] = clock.today("Asia/Shanghai") + timedelta(days=changes["starts_on"])
    ends = changes.pop("ended", False)
    coupon_id = made(stage, **changes)
    if ends:
        transact(stage.services.db, stage.seller.owner, lambda uow: end_coupon(uow, coupon_id).id)
    assert refusal(lambda: quoted(stage, "LAUNCH-20")) == code


def test_a_plan_that_is_not_sold_is_refused(stage: Stage) -> None:
    assert refusal(lambda: made(stage, plan_codes=("zzz",))) == "coupon_plan_unknown"


def test_over_after_its_last_day(stage: Stage) -> None:
    coupon_id = made(stage)
    clock.advance(stage.get(Coupon, coupon_id).ends_at - clock.now())
    assert refusal(lambda: quoted(stage, "LAUNCH-20")) == "coupon_over"


def test_a_quote_holds_when_the_coupon_is_ended_after_it(stage: Stage) -> None:
    coupon_id = made(stage)
    quote = quoted(stage, "LAUNCH-20")
    transact(stage.services.db, stage.seller.owner, lambda uow: end_coupon(uow, coupon_id).id)
    assert stage.order(stage.place(quote.id)).gross_minor == 318_400


def test_used_once_by_an_organization_and_given_back_unpaid(stage: Stage) -> None:
    made(stage, most_per_org=1)
    first, second = quoted(stage, "LAUNCH-20"), quoted(stage, "LAUNCH-20")
    purchase_id = stage.purchase(first.id, method="sbx_declined")
    stage.run()
    assert refusal(lambda: stage.purchase(second.id)) == "coupon_used_by_you"
    assert refusal(lambda: quoted(stage, "LAUNCH-20")) == "coupon_used_by_you"
    expire(stage, purchase_id)
    assert held(stage) == 0
    again = stage.purchase(quoted(stage, "LAUNCH-20").id)
    stage.run()
    assert (stage.get(Purchase, again).state, held(stage)) == ("paid", 1)


def test_fifty_orders_at_once_never_use_more_than_there_are(stage: Stage) -> None:
    made(stage, most_uses=7)
    quotes = [quoted(stage, "LAUNCH-20").id for _ in range(50)]

    def place(quote_id: UUID) -> str:
        try:
            stage.purchase(quote_id)
        except DomainError as refused:
            return refused.code
        return "placed"

    with ThreadPoolExecutor(50) as pool:
        told = list(pool.map(place, quotes))
    assert (told.count("placed"), told.count("coupon_used_up"), held(stage)) == (7, 43, 7)
    assert refusal(lambda: quoted(stage, "LAUNCH-20")) == "coupon_used_up"


@pytest.mark.parametrize("seed", range(3))
def test_what_is_held_is_what_is_open_whatever_is_placed_and_ends(stage: Stage, seed: int) -> None:
    made(stage, most_uses=4)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 1))
    drawn, open_now = Random(seed), list[UUID]()
    for _ in range(24):
        if open_now and drawn.random() < 0.4:
            reject(stage, open_now.pop(drawn.randrange(len(open_now))))
        elif len(open_now) < 4:
            open_now.append(stage.purchase(quoted(stage, "LAUNCH-20").id))
        else:
            assert refusal(lambda: quoted(stage, "LAUNCH-20")) == "coupon_used_up"
        assert held(stage) == len(open_now)


def test_a_promotion_needs_no_code_and_the_code_goes_before_it(stage: Stage) -> None:
    made(stage, code="", percent_ppm=100_000)
    made(stage, code="", percent_ppm=50_000)
    made(stage)
    assert quoted(stage).lines[0]["discount_minor"] == 39_800
    assert quoted(stage).lines[0]["coupon"] == "Launch"
    assert quoted(stage, "LAUNCH-20").lines[0]["discount_minor"] == 79_600
    listing_id = stage.get(Plan, stage.seat_plan).listing_id
    made(stage, code="", percent_ppm=300_000, listing_ids=(listing_id,), most_uses=1)
    quote = quoted(stage)
    assert quote.lines[0]["discount_minor"] == 119_400
    stage.place(quote.id)
    assert quoted(stage).lines[0]["discount_minor"] == 39_800, "used up, the next best holds"


def test_an_amount_off_is_whole_on_the_lines_that_it_is_left(stage: Stage) -> None:
    """Where another promotion takes more off a line, what that line was to have is off the others."""
    listing_id = stage.get(Plan, stage.seat_plan).listing_id
    made(stage, code="", percent_ppm=None, amount_minor=10_000, currency="CNY")
    made(stage, code="", percent_ppm=500_000, listing_ids=(listing_id,))
    items = (QuoteItem(stage.seat_plan, 20), QuoteItem(stage.service_plan, 1))
    quote_id = transact(stage.services.db, stage.purchaser, lambda uow: create_quote(uow, CreateQuote(items)).id)
    assert [line["discount_minor"] for line in stage.get(Quote, quote_id).lines] == [LIST // 2, 10_000]
    stage.place(quote_id)
    uses = stage.rows(select(CouponUse.discount_minor).where(CouponUse.buyer_org_id == stage.buyer.id))
    assert sorted(uses) == [10_000, LIST // 2]


def test_with_the_price_of_an_offer_only_where_its_seller_says_so(stage: Stage) -> None:
    made(stage)
    made(stage, code="WITHOFFER", percent_ppm=100_000, with_offers=True)
    made(stage, code="", percent_ppm=500_000)
    offer_id = offered(stage, requested(stage))

    def price(coupon: str) -> Quote:
        command = QuoteOffer(offer_id, coupon=coupon)
        return stage.get(Quote, transact(stage.services.db, stage.purchaser, lambda uow: quote_offer(uow, command).id))

    assert price("").gross_minor == 338_300, "a promotion is of list prices"
    assert refusal(lambda: price("LAUNCH-20")) == "coupon_not_with_offer"
    assert price("WITHOFFER").gross_minor == 304_470


def test_a_trial_takes_no_coupon_and_no_promotion(stage: Stage) -> None:
    made(stage)
    made(stage, code="", percent_ppm=500_000)
    plan = trial_plan(stage)
    item = (QuoteItem(plan, 20),)

    def tried(code: str) -> Quote:
        command = CreateQuote(item, trial=True, coupon=code)
        return stage.get(Quote, transact(stage.services.db, stage.purchaser, lambda uow: create_quote(uow, command).id))

    assert refusal(lambda: tried(" launch-20 ")) == "coupon_not_with_trial"
    (line,) = tried("").lines
    assert (line["gross_minor"], line["coupon"], line["trial"]["after"]["discount_minor"]) == (0, "", 0)


@pytest.mark.parametrize(
    ("changes", "off"),
    [
        ({}, 0),
        ({"every_term": True}, 79_600),
        ({"every_term": True, "percent_ppm": None, "amount_minor": 50_000, "currency": "CNY"}, 50_000),
    ],
)
def test_a_renewal_is_reduced_only_where_the_coupon_holds_for_every_term(
    stage: Stage, changes: dict[str, Any], off: int
) -> None:
    made(stage, **changes)
    plan, _ = stage.offer(interval="month")
    order_id = stage.place(quoted(stage, "LAUNCH-20", plan).id)
    stage.run()
    subscription = switch(stage, of_order(stage, order_id), wanted=True)
    assert shown(stage, subscription).expected_minor == LIST - off
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    (renewal,) = renewals(stage, subscription)
    line = line_of(stage, renewal.id)
    assert (line.list_minor, line.discount_minor, line.gross_minor) == (LIST, off, LIST - off)
    assert line.plan.get("coupon", "") == ("LAUNCH-20" if off else "")
    assert held(stage) == 1, "a renewal takes no use"
    assert not stage.rows(select(CouponUse).where(CouponUse.order_id == renewal.id))


def test_seats_that_are_added_are_reduced_as_the_term_was(stage: Stage) -> None:
    made(stage)
    plan, _ = stage.offer(interval="month")
    order_id = stage.place(quoted(stage, "LAUNCH-20", plan).id)
    stage.run()
    subscription = of_order(stage, order_id)
    command = QuoteAmendment(subscription.id, quantity=30)
    quote_id = transact(stage.services.db, stage.purchaser, lambda uow: quote_amendment(uow, command).id)
    assert 0 < stage.get(Quote, quote_id).gross_minor <= 19_900 * 10 * 8 // 10


def test_a_refused_approval_gives_it_back(stage: Stage) -> None:

    made(stage, most_uses=1)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 1))
    purchase_id = stage.purchase(quoted(stage, "LAUNCH-20").id)
    assert held(stage) == 1
    reject(stage, purchase_id)
    assert held(stage) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": "a b"}, "coupon_code_invalid"),
        ({"code": "ab"}, "coupon_code_invalid"),
        ({"percent_ppm": 0}, "coupon_value"),
        ({"percent_ppm": 1_000_001}, "coupon_value"),
        ({"amount_minor": 5, "currency": "CNY"}, "coupon_value"),
        ({"percent_ppm": None, "amount_minor": 5, "currency": "XXX"}, "coupon_value"),
        ({"percent_ppm": None}, "coupon_value"),
        ({"most_uses": 0}, "coupon_limit"),
        ({"most_per_org": 0}, "coupon_limit"),
        ({"ends_on": "past"}, "coupon_window"),
        ({"listing_ids": (UUID(int=7),)}, "coupon_scope"),
        ({"org_ids": (UUID(int=7),)}, "partner_unknown"),
    ],
)
def test_what_cannot_be_made(stage: Stage, changes: dict[str, Any], code: str) -> None:
    if changes.get("ends_on"):
        changes = {"ends_on": clock.today("Asia/Shanghai") - timedelta(days=1)}
    assert refusal(lambda: made(stage, **changes)) == code


def test_a_code_is_taken_until_it_is_ended(stage: Stage) -> None:
    first = made(stage)
    assert refusal(lambda: made(stage)) == "coupon_code_taken"
    transact(stage.services.db, stage.seller.owner, lambda uow: end_coupon(uow, first).id)
    made(stage)
    for who in (stage.promoter.owner, stage.purchaser):
        with pytest.raises(DomainError):
            transact(stage.services.db, who, lambda uow: end_coupon(uow, first).id)


@given(
    prices=st.lists(st.integers(0, 10**12), min_size=1, max_size=20),
    percent=st.integers(1, 1_000_000),
    amount=st.integers(1, 10**13),
)
def test_never_below_zero_and_the_parts_are_the_whole(prices: list[int], percent: int, amount: int) -> None:
    seller_id = UUID(int=1)
    lines = [CouponLine(seller_id, seller_id, seller_id, "p", price, "CNY") for price in prices]
    common: dict[str, Any] = {"id": UUID(int=2), "seller_org_id": UUID(int=1), "name": "n", "code": "C"}
    common |= {"listing_ids": [], "plan_codes": []}
    share = _discounts(Coupon(**common, percent_ppm=percent, currency=None), lines)
    fixed = _discounts(Coupon(**common, amount_minor=amount, currency="CNY"), lines)
    for found in (share, fixed):
        assert all(0 < one.minor <= prices[number] for number, one in found.items())
    assert sum(one.minor for one in fixed.values()) == min(amount, sum(prices))


def told(stage: Stage, kind: str) -> list[str]:
    """The pages that the seller's owner was sent to by notices of a kind."""
    stage.tick(NOTIFY)
    own = Notification.person_id == stage.seller.owner.person()
    return sorted(stage.rows(select(Notification.path).where(own, Notification.kind == kind)))


def test_its_seller_is_told_when_the_last_use_is_taken_and_again_when_it_was_given_back(stage: Stage) -> None:
    page = f"/seller/coupons/{made(stage, most_uses=2)}"
    stage.purchase(quoted(stage, "LAUNCH-20").id)
    assert told(stage, "coupon_used_up") == []
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 1))
    last = stage.purchase(quoted(stage, "LAUNCH-20").id)
    assert told(stage, "coupon_used_up") == [page]
    reject(stage, last)
    assert held(stage) == 1
    stage.purchase(quoted(stage, "LAUNCH-20").id)
    assert told(stage, "coupon_used_up") == [page, page]


def test_its_seller_is_told_once_three_days_before_it_ends(stage: Stage) -> None:
    first = made(stage)
    ended = made(stage, code="OTHER-20")
    made(stage, code="SHORT-20", ends_on=clock.today("Asia/Shanghai") + timedelta(days=1))
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        end_coupon(uow, ended)
    stage.tick(SWEEP_ENDING)
    assert told(stage, "coupon_ends") == []
    clock.advance(stage.get(Coupon, first).ends_at - clock.now() - timedelta(days=3))
    for _ in range(2):
        stage.tick(SWEEP_ENDING)
    assert told(stage, "coupon_ends") == [f"/seller/coupons/{first}"]
