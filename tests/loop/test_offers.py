"""A request is answered with an offer, which is accepted once, at its price, and followed to the order and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, DomainError, NotFound
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import withdraw_plan
from marketplace.demos.end_request import plan_request
from marketplace.leads.create_lead import CreateLead, create_lead
from marketplace.leads.models import Lead
from marketplace.leads.work_lead import PlanLead
from marketplace.notifications.models import Notification
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.loop import SWEEP_PURCHASES
from orders.notifications.notify_of_events import NOTIFY
from orders.offers.counter_offer import MakeCounterOffer, make_counter_offer
from orders.offers.decline_offer import DeclineOffer, decline_offer
from orders.offers.make_offer import MakeOffer, make_offer, withdraw_offer
from orders.offers.models import Offer, OfferLine
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import get_offer, leads_last_declined, leads_with_offers, offers_of
from orders.order.models import Order, OrderLine
from tests.factories_marketplace import make_member
from tests.loop.test_quotes import raise_price
from tests.loop_stage import Stage

PRICE = 16_915
QUANTITY = 20
GROSS = PRICE * QUANTITY


def requested(stage: Stage) -> UUID:
    """The buyer's request for a quote, from inside the video."""
    listing_id = stage.get(Plan, stage.seat_plan).listing_id
    asked = CreateLead("quote", listing_id, "20?", placement_id=stage.placement, second_ms=7_000)
    return transact(stage.services.db, stage.purchaser, lambda uow: create_lead(uow, asked).id)


def offered(stage: Stage, lead_id: UUID, **changes: Any) -> UUID:
    valid_on = changes.pop("valid_on", clock.today("Asia/Shanghai") + timedelta(days=30))
    more, plan_id = changes.pop("more", ()), changes.pop("plan_id", stage.seat_plan)
    first = OfferedPlan(plan_id, QUANTITY, **({"unit_price_minor": PRICE} | changes))
    command = MakeOffer(lead_id, (first, *more), valid_on)
    return transact(stage.services.db, stage.seller.owner, lambda uow: make_offer(uow, command).id)


def quoted(stage: Stage, offer_id: UUID) -> UUID:
    return transact(stage.services.db, stage.purchaser, lambda uow: quote_offer(uow, QuoteOffer(offer_id)).id)


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as refused:
        work()
    return refused.value.code


def withdraw(stage: Stage, offer_id: UUID) -> None:
    transact(stage.services.db, stage.seller.owner, lambda uow: withdraw_offer(uow, offer_id).id)


def reject(stage: Stage, purchase_id: UUID) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        decide_purchase(uow, DecidePurchase(purchase_id, "rejected", "?"))


def decline(stage: Stage, offer_id: UUID, reason: str | None = None, text: str = "") -> None:
    command = DeclineOffer(offer_id, reason, text)
    transact(stage.services.db, stage.purchaser, lambda uow: decline_offer(uow, command).id)


def test_who_may_not_buy_answers_no_offer(stage: Stage, lead_id: UUID) -> None:
    offer_id = offered(stage, lead_id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        finance = make_member(uow, stage.buyer, "finance")
    with unit_of_work(stage.services.db, finance) as uow:
        assert refusal(lambda: decline_offer(uow, DeclineOffer(offer_id))) == "permission_missing"
        assert refusal(lambda: make_counter_offer(uow, MakeCounterOffer(offer_id, ()))) == "permission_missing"


def expire(stage: Stage, purchase_id: UUID) -> None:
    deadline = stage.get(Purchase, purchase_id).deadline_at
    assert deadline is not None
    clock.advance(deadline - clock.now() + timedelta(seconds=1))
    stage.tick(SWEEP_PURCHASES)
    assert stage.get(Purchase, purchase_id).state == "expired"


def told(stage: Stage, person_id: UUID) -> list[str]:
    """The kinds of what somebody was told of offers."""
    found = select(Notification.kind).where(Notification.person_id == person_id, Notification.kind.like("offer_%"))
    return sorted(stage.rows(found))


@pytest.fixture
def lead_id(stage: Stage) -> UUID:
    return requested(stage)


class TestAccepted:
    def test_it_is_bought_at_the_offered_price_and_the_order_names_its_request(
        self, stage: Stage, lead_id: UUID
    ) -> None:
        offer_id = offered(stage, lead_id)
        assert stage.get(Lead, lead_id).state == "answered"
        quote = stage.get(Quote, quoted(stage, offer_id))
        assert (quote.gross_minor, quote.net_minor, quote.tax_minor) == (338_300, 319_151, 19_149)
        order_id = stage.place(quote.id)
        stage.run()
        order = stage.order(order_id)
        assert (order.state, order.gross_minor, order.lead_id, order.offer_id) == ("active", GROSS, lead_id, offer_id)
        (sold,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
        assert (sold.unit_price_minor, sold.quantity, sold.list_minor, sold.discount_minor) == (PRICE, 20, GROSS, 0)
        (payment,) = stage.payments(order.purchase_id)
        assert payment.amount_minor == GROSS
        assert [(paper.gross_minor, paper.tax_minor) for paper in stage.papers(order_id)] == [(GROSS, 19_149)]
        assert (stage.get(Offer, offer_id).state, stage.get(Lead, lead_id).state) == ("accepted", "won")

    def test_the_trace_leads_from_the_request_to_the_order_for_both_sides(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        order_id = stage.place(quoted(stage, offer_id))
        stage.run()
        for who in (stage.purchaser, stage.seller.owner):
            for any_id in (lead_id, offer_id, order_id):
                found = {node.id: node for node in stage.trace(who, any_id).nodes}
                assert found[offer_id].after == (lead_id,)
                assert offer_id in found[order_id].after
        assert stage.trace(stage.purchaser, order_id).is_whole
        with pytest.raises(NotFound):
            stage.trace(stage.promoter.owner, lead_id)

    def test_what_the_buyers_rule_asks_an_approver_for_is_asked(self, stage: Stage, lead_id: UUID) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", GROSS - 1))
        purchase_id = stage.purchase(quoted(stage, offered(stage, lead_id)))
        assert stage.get(Purchase, purchase_id).state == "pending_approval"
        assert stage.get(Lead, lead_id).state == "answered"

    def test_once(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        first, second = quoted(stage, offer_id), quoted(stage, offer_id)
        stage.purchase(first)
        assert refusal(lambda: stage.purchase(second)) == "offer_accepted"
        assert refusal(lambda: quoted(stage, offer_id)) == "offer_accepted"
        assert refusal(lambda: withdraw(stage, offer_id)) == "offer_accepted"

    def test_a_newer_price_of_the_listing_does_not_undo_it_but_a_plan_taken_back_does(
        self, stage: Stage, lead_id: UUID
    ) -> None:
        offer_id = offered(stage, lead_id)
        raise_price(stage, stage.seat_plan, 29_900)
        assert stage.get(Quote, quoted(stage, offer_id)).gross_minor == GROSS

    def test_a_plan_taken_back_is_not_sold_by_an_offer_either(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            withdraw_plan(uow, stage.seat_plan)
        assert refusal(lambda: quoted(stage, offer_id)) == "plan_withdrawn"


class TestSeveralLines:
    """Plans of one seller are offered together, and bought as one order."""

    def test_one_order_of_all_of_them(self, stage: Stage, lead_id: UUID) -> None:
        service, _ = stage.offer()
        offer_id = offered(stage, lead_id, more=(OfferedPlan(service, 1, discount_ppm=100_000),))
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            shown = get_offer(uow, offer_id, sells=False)
        assert [one.plan_id for one in shown.lines] == [stage.seat_plan, service]
        assert shown.total_minor == GROSS + shown.lines[1].unit_price_minor
        assert shown.lines[1].unit_price_minor * 10 == shown.lines[1].list_price_minor * 9
        quote = stage.get(Quote, quoted(stage, offer_id))
        purchase_id = stage.purchase(quote.id)
        stage.run()
        (order,) = stage.rows(select(Order).where(Order.purchase_id == purchase_id))
        sold = stage.rows(select(OrderLine).where(OrderLine.order_id == order.id))
        assert {one.plan_id: one.unit_price_minor for one in sold} == {
            one.plan_id: one.unit_price_minor for one in shown.lines
        }
        assert (order.offer_id, order.gross_minor) == (offer_id, sum(one.gross_minor for one in sold))
        assert order.paid_at is not None
        offered_lines = [(line["plan_id"], line["gross_minor"]) for line in quote.lines]
        assert len(offered_lines) == 2

    def test_the_same_again_is_the_same_and_one_line_less_another(self, stage: Stage, lead_id: UUID) -> None:
        service, _ = stage.offer()
        more = (OfferedPlan(service, 1, discount_ppm=0),)
        first = offered(stage, lead_id, more=more)
        assert offered(stage, lead_id, more=more) == first
        second = offered(stage, lead_id)
        assert (stage.get(Offer, first).state, stage.get(Offer, second).state) == ("superseded", "open")

    def test_what_cannot_be_offered_together(self, stage: Stage, lead_id: UUID) -> None:
        again = OfferedPlan(stage.seat_plan, 1, 1)
        assert refusal(lambda: offered(stage, lead_id, more=(again,))) == "offered_twice"
        _, other, _ = stage.second_seller()
        assert refusal(lambda: offered(stage, lead_id, more=(OfferedPlan(other, 1, 1),))) == "plan_not_found"
        assert refusal(lambda: offered(stage, lead_id, more=(again,) * 20)) == "too_many_lines"
        with pytest.raises(DomainError) as refused:
            offered(stage, lead_id, more=(OfferedPlan(stage.offer()[0], 1),))
        assert (refused.value.code, refused.value.params["line"]) == ("offer_price", 2)
        assert stage.get(Lead, lead_id).state == "new"


class TestNotUsedUp:
    """A purchase that ends unpaid gives its offer back."""

    @pytest.fixture
    def needs_approval(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", GROSS - 1))

    def bought(self, stage: Stage, offer_id: UUID) -> None:
        purchase_id = stage.purchase(quoted(stage, offer_id))
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            decide_purchase(uow, DecidePurchase(purchase_id, "approved"))
        stage.run()
        assert stage.get(Purchase, purchase_id).state == "paid"

    @pytest.mark.usefixtures("needs_approval")
    def test_by_a_refused_approval(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        before = stage.purchase(quoted(stage, offer_id))
        reject(stage, before)
        assert stage.get(Offer, offer_id).state == "open"
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            (shown,) = offers_of(uow, lead_id)
            assert (shown.is_open, shown.order_id) == (True, None)
        self.bought(stage, offer_id)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            (shown,) = offers_of(uow, lead_id)
        paid = stage.rows(select(Order.id).where(Order.offer_id == offer_id, Order.paid_at.is_not(None)))
        assert [shown.order_id] == paid
        assert stage.get(Lead, lead_id).state == "won"

    @pytest.mark.usefixtures("needs_approval")
    def test_by_an_approval_that_nobody_gave(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        purchase_id = stage.purchase(quoted(stage, offer_id))
        expire(stage, purchase_id)
        assert stage.get(Offer, offer_id).state == "open"
        self.bought(stage, offer_id)

    def test_by_a_payment_that_was_declined_until_its_time_was_over(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        purchase_id = stage.purchase(quoted(stage, offer_id), method="sbx_declined")
        stage.run()
        assert stage.get(Offer, offer_id).state == "accepted"
        expire(stage, purchase_id)
        assert stage.get(Offer, offer_id).state == "open"
        again = stage.purchase(quoted(stage, offer_id))
        stage.run()
        assert stage.get(Purchase, again).state == "paid"
        assert stage.get(Offer, offer_id).state == "accepted"

    @pytest.mark.usefixtures("needs_approval")
    def test_past_its_last_day_it_is_open_and_refused(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id, valid_on=clock.today("Asia/Shanghai"))
        purchase_id = stage.purchase(quoted(stage, offer_id))
        clock.advance(timedelta(days=1))
        reject(stage, purchase_id)
        assert refusal(lambda: quoted(stage, offer_id)) == "offer_expired"

    @pytest.mark.usefixtures("needs_approval")
    def test_one_that_another_took_the_place_of_meanwhile_stays_away(self, stage: Stage, lead_id: UUID) -> None:
        first = offered(stage, lead_id)
        purchase_id = stage.purchase(quoted(stage, first))
        second = offered(stage, lead_id, unit_price_minor=PRICE - 1)
        reject(stage, purchase_id)
        assert (stage.get(Offer, first).state, stage.get(Offer, second).state) == ("superseded", "open")
        assert refusal(lambda: quoted(stage, first)) == "offer_superseded"

    @pytest.mark.usefixtures("needs_approval")
    def test_its_seller_is_told(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        reject(stage, stage.purchase(quoted(stage, offer_id)))
        stage.tick(NOTIFY)
        assert told(stage, stage.seller.owner.person()) == ["offer_accepted", "offer_reopened"]


class TestDeclined:
    def test_its_request_goes_on_with_another(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        quote_id = quoted(stage, offer_id)
        for _ in range(2):
            decline(stage, offer_id, "price", " 太贵。 ")
        found = stage.get(Offer, offer_id)
        assert (found.state, found.decline_reason, found.decline_text) == ("declined", "price", "太贵。")
        assert stage.get(Lead, lead_id).state == "working"
        assert refusal(lambda: quoted(stage, offer_id)) == "offer_declined"
        assert refusal(lambda: stage.purchase(quote_id)) == "offer_declined"
        assert refusal(lambda: withdraw(stage, offer_id)) == "offer_declined"
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert leads_last_declined(uow, [lead_id]) == {lead_id}
        stage.tick(NOTIFY)
        assert told(stage, stage.seller.owner.person()) == ["offer_declined"]
        another = offered(stage, lead_id)
        assert another != offer_id
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert leads_last_declined(uow, [lead_id]) == frozenset()
        stage.purchase(quoted(stage, another))
        assert refusal(lambda: decline(stage, another)) == "offer_accepted"

    def test_no_reason_need_be_given_and_an_unknown_one_is_refused(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        assert refusal(lambda: decline(stage, offer_id, "weather")) == "decline_reason_unknown"
        assert refusal(lambda: decline(stage, offer_id, None, "x" * 1_001)) == "text_too_long"
        assert stage.get(Offer, offer_id).state == "open"
        decline(stage, offer_id)
        assert stage.get(Offer, offer_id).decline_reason is None

    def test_by_its_buyer_alone(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        for who in (stage.seller.owner, stage.promoter.owner):
            with unit_of_work(stage.services.db, who) as uow:
                assert refusal(lambda: decline_offer(uow, DeclineOffer(offer_id))) == "offer_not_found"
        withdraw(stage, offer_id)
        assert refusal(lambda: decline(stage, offer_id)) == "offer_withdrawn"


class TestRefused:
    def test_past_its_last_day(self, stage: Stage, lead_id: UUID) -> None:
        today = clock.today("Asia/Shanghai")
        offer_id = offered(stage, lead_id, valid_on=today)
        quote_id = quoted(stage, offer_id)
        clock.advance(stage.get(Offer, offer_id).valid_until - clock.now())
        assert refusal(lambda: quoted(stage, offer_id)) == "offer_expired"
        assert refusal(lambda: stage.purchase(quote_id)) in {"offer_expired", "quote_expired"}

    def test_withdrawn(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        quote_id = quoted(stage, offer_id)
        for _ in range(2):
            withdraw(stage, offer_id)
        assert refusal(lambda: quoted(stage, offer_id)) == "offer_withdrawn"
        assert refusal(lambda: stage.purchase(quote_id)) == "offer_withdrawn"
        assert stage.rows(select(Purchase.id).where(Purchase.buyer_org_id == stage.buyer.id)) == []

    def test_another_takes_its_place_and_the_same_again_is_the_same(self, stage: Stage, lead_id: UUID) -> None:
        first = offered(stage, lead_id)
        assert offered(stage, lead_id) == first
        second = offered(stage, lead_id, unit_price_minor=None, discount_ppm=150_000)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            seen = [(one.id, one.state, one.lines[0].unit_price_minor) for one in offers_of(uow, lead_id)]
        # The clock stands still: of one moment, the later id first.
        assert seen == [(first, "open", PRICE)]
        assert second == first, "15 % off ¥199 is the same price"
        third = offered(stage, lead_id, unit_price_minor=None, discount_ppm=333_333)
        assert stage.rows(select(OfferLine.unit_price_minor).where(OfferLine.offer_id == third)) == [13_267]
        assert stage.get(Offer, first).state == "superseded"
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert leads_with_offers(uow, [lead_id]) == {lead_id}

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"unit_price_minor": 19_901}, "offer_price"),
            ({"unit_price_minor": -1}, "offer_price"),
            ({"unit_price_minor": None}, "offer_price"),
            ({"discount_ppm": 1}, "offer_price"),
            ({"unit_price_minor": None, "discount_ppm": 1_000_001}, "offer_price"),
            ({"valid_on": date(2020, 1, 1)}, "offer_valid_on"),
            ({"valid_on": date(9999, 12, 31)}, "offer_valid_on"),
        ],
    )
    def test_what_cannot_be_offered(self, stage: Stage, lead_id: UUID, changes: dict[str, Any], code: str) -> None:
        assert refusal(lambda: offered(stage, lead_id, **changes)) == code
        assert stage.get(Lead, lead_id).state == "new"

    def test_only_ones_own_plans(self, stage: Stage, lead_id: UUID) -> None:
        _, plan_id, _ = stage.second_seller()
        assert refusal(lambda: offered(stage, lead_id, plan_id=plan_id)) == "plan_not_found"

    def test_nobody_else_sees_or_takes_it(self, stage: Stage, lead_id: UUID) -> None:
        offer_id = offered(stage, lead_id)
        for who in (stage.promoter.owner, stage.seller.owner):
            with unit_of_work(stage.services.db, who) as uow:
                assert refusal(lambda: quote_offer(uow, QuoteOffer(offer_id))) == "offer_not_found"
        with unit_of_work(stage.services.db, stage.promoter.owner) as uow:
            assert refusal(lambda: get_offer(uow, offer_id, sells=True)) == "offer_not_found"
            assert refusal(lambda: withdraw_offer(uow, offer_id)) == "offer_not_found"
            assert offers_of(uow, lead_id) == []
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            finance = make_member(uow, stage.seller, "finance")
        command = MakeOffer(lead_id, (OfferedPlan(stage.seat_plan, 1, 1),), clock.today("Asia/Shanghai"))
        assert refusal(lambda: transact(stage.services.db, finance, lambda uow: make_offer(uow, command).id)) == (
            "permission_missing"
        )


def test_both_sides_are_told(stage: Stage, lead_id: UUID) -> None:
    offer_id = offered(stage, lead_id)
    offered(stage, lead_id, unit_price_minor=PRICE + 1)
    assert stage.get(Offer, offer_id).state == "superseded"
    (newest,) = stage.rows(select(Offer.id).where(Offer.lead_id == lead_id, Offer.state == "open"))
    stage.purchase(quoted(stage, newest))
    stage.run()
    stage.tick(NOTIFY)

    assert told(stage, stage.purchaser.person()) == ["offer_made", "offer_made"]
    assert told(stage, stage.seller.owner.person()) == ["offer_accepted"]


class TestClosedByHand:
    def test_what_was_offered_ends_with_its_request(self, stage: Stage) -> None:
        lead_id = requested(stage)
        offer_id = offered(stage, lead_id)
        lose(stage, lead_id)
        with pytest.raises(Conflict, match="lead_closed"):
            quoted(stage, offer_id)
        stage.run()
        assert stage.rows(select(Offer.state).where(Offer.id == offer_id)) == ["withdrawn"]
        with pytest.raises(Conflict, match="offer_withdrawn"):
            quoted(stage, offer_id)

    def test_what_was_accepted_before_is_won_when_it_is_paid(self, stage: Stage) -> None:
        lead_id = requested(stage)
        stage.purchase(quoted(stage, offered(stage, lead_id)))
        lose(stage, lead_id)
        stage.run()
        assert stage.rows(select(Lead.state).where(Lead.id == lead_id)) == ["won"]

    def test_given_back_after_its_request_was_closed_it_holds_no_more(self, stage: Stage) -> None:
        lead_id = requested(stage)
        offer_id = offered(stage, lead_id)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", GROSS - 1))
        purchase_id = stage.purchase(quoted(stage, offer_id))
        lose(stage, lead_id)
        reject(stage, purchase_id)
        assert stage.rows(select(Offer.state).where(Offer.id == offer_id)) == ["withdrawn"]


def lose(stage: Stage, lead_id: UUID) -> None:
    command = PlanLead(lead_id, None, None, "lost")
    transact(stage.services.db, stage.seller.owner, lambda uow: plan_request(uow, command))
