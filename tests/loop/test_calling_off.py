"""A purchase that is not paid yet is called off by whoever may buy: nothing is charged, and everything is as before it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.principal import SYSTEM, Principal
from marketplace.notifications.models import Notification
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.cancel_purchase import cancel_purchase, is_cancellable
from orders.checkout.create_quote import QuoteItem
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.request_payment import pay_again
from orders.coupons.models import CouponUse
from orders.notifications.notify_of_events import NOTIFY
from orders.offers.models import Offer
from orders.subscriptions.change_payment_method import ChangePaymentMethod, change_payment_method
from tests.factories_marketplace import make_member
from tests.loop.test_amendments import amended, amendment_of
from tests.loop.test_coupons import made
from tests.loop.test_coupons import quoted as quoted_with_coupon
from tests.loop.test_offers import offered, requested
from tests.loop.test_offers import quoted as quoted_offer
from tests.loop.test_renewals import now, renewals, subscribed, until
from tests.loop.test_trials import DAYS, convert, trying
from tests.loop_stage import Stage


def call_off(stage: Stage, purchase_id: UUID, *, by: Principal | None = None) -> None:
    transact(stage.services.db, by or stage.purchaser, partial(cancel_purchase, purchase_id=purchase_id))


def refused(stage: Stage, purchase_id: UUID) -> str:
    with pytest.raises(Conflict) as error:
        call_off(stage, purchase_id)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert not is_cancellable(uow, purchase_id)
    return error.value.code


def state_of(stage: Stage, purchase_id: UUID) -> set[str]:
    """Of the purchase and all of its orders."""
    return {stage.get(Purchase, purchase_id).state, *(order.state for order in stage.orders_of(purchase_id))}


def declined(stage: Stage) -> UUID:
    """A purchase whose payment failed."""
    purchase_id = stage.purchase(stage.quote(), method="sbx_declined")
    stage.run()
    return purchase_id


def needs_approval(stage: Stage) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 0))


def told(stage: Stage, kind: str) -> set[UUID]:
    stage.tick(NOTIFY)
    of_kind = select(Notification.person_id).where(Notification.kind == kind, Notification.org_id == stage.buyer.id)
    return set(stage.rows(of_kind))


class TestCallingOff:
    def test_what_was_not_paid_ends_once_and_takes_no_money(self, stage: Stage) -> None:
        purchase_id = declined(stage)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert is_cancellable(uow, purchase_id)
        for _ in range(2):
            call_off(stage, purchase_id)
        stage.run()
        assert state_of(stage, purchase_id) == {"cancelled"}
        assert [payment.state for payment in stage.payments(purchase_id)] == ["failed"]
        assert stage.topics().count("orders.purchase_cancelled") == 1
        assert stage.get(Purchase, purchase_id).deadline_at is None
        pay = partial(pay_again, purchase_id=purchase_id, gateway="sandbox", method_token="sbx_ok")
        with pytest.raises(Conflict, match="purchase_not_payable"):
            transact(stage.services.db, stage.purchaser, pay)
        assert told(stage, "purchase_cancelled") == set()

    def test_all_orders_of_a_purchase_end_with_it(self, stage: Stage) -> None:
        _, plan, _ = stage.second_seller()
        lines = (QuoteItem(stage.seat_plan, 20), QuoteItem(plan, 20))
        purchase_id = stage.purchase(stage.quote(lines=lines), method="sbx_declined")
        stage.run()
        call_off(stage, purchase_id)
        assert [order.state for order in stage.orders_of(purchase_id)] == ["cancelled"] * 2

    def test_whoever_was_to_decide_and_whoever_asked_are_told(self, stage: Stage) -> None:
        needs_approval(stage)
        purchase_id = stage.purchase(stage.quote())
        stage.tick(NOTIFY)
        call_off(stage, purchase_id, by=stage.buyer.owner)
        stage.run()
        assert state_of(stage, purchase_id) == {"cancelled"}
        assert told(stage, "purchase_cancelled") == {stage.purchaser.person_id}
        assert told(stage, "approval_withdrawn") == {stage.approver.person_id}
        decision = DecidePurchase(purchase_id, "approved")
        with pytest.raises(Conflict, match="purchase_not_pending"):
            transact(stage.services.db, stage.approver, partial(decide_purchase, command=decision))
        assert stage.payments(purchase_id) == []

    @pytest.mark.parametrize("method", ["sbx_requires_action", "sbx_unreachable"])
    def test_not_while_a_try_of_its_payment_is_open(self, stage: Stage, method: str) -> None:
        purchase_id = stage.purchase(stage.quote(), method=method)
        assert refused(stage, purchase_id) == "payment_already_running"
        stage.run()
        assert refused(stage, purchase_id) == "payment_already_running"

    def test_not_what_is_paid_or_over(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        assert refused(stage, stage.order(order_id).purchase_id) == "purchase_not_cancellable"
        needs_approval(stage)
        rejected = stage.purchase(stage.quote())
        decision = DecidePurchase(rejected, "rejected", "no")
        transact(stage.services.db, stage.approver, partial(decide_purchase, command=decision))
        assert refused(stage, rejected) == "purchase_not_cancellable"

    def test_by_whoever_may_buy_in_its_own_organization(self, stage: Stage) -> None:
        purchase_id = declined(stage)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            finance = make_member(uow, stage.buyer, "finance")
        with pytest.raises(Forbidden):
            call_off(stage, purchase_id, by=finance)
        for stranger in (stage.seller.owner, stage.promoter.owner):
            with pytest.raises(NotFound):
                call_off(stage, purchase_id, by=stranger)
        assert state_of(stage, purchase_id) == {"pending_payment"}


class TestWhatItTook:
    def test_a_change_makes_room_for_another(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        order_id = amended(stage, subscription, 40, method="sbx_declined")
        call_off(stage, stage.order(order_id).purchase_id)
        stage.run()
        assert amendment_of(stage, order_id).state == "void"
        again = amended(stage, subscription, 22)
        assert (stage.order(again).state, now(stage, subscription).quantity) == ("active", 22)

    def test_an_offer_is_open_again(self, stage: Stage) -> None:
        offer_id = offered(stage, requested(stage))
        order_id = stage.place(quoted_offer(stage, offer_id), method="sbx_declined")
        stage.run()
        call_off(stage, stage.order(order_id).purchase_id)
        assert stage.get(Offer, offer_id).state == "open"

    def test_a_coupon_can_be_used_again(self, stage: Stage) -> None:
        made(stage, most_uses=1)
        purchase_id = stage.purchase(quoted_with_coupon(stage, "LAUNCH-20").id, method="sbx_declined")
        stage.run()
        call_off(stage, purchase_id)
        (use,) = stage.rows(select(CouponUse).where(CouponUse.order_id == stage.orders_of(purchase_id)[0].id))
        assert use.released_at is not None

    def test_what_follows_a_trial_ends_it_where_it_was_waited_for(self, stage: Stage) -> None:
        order_id, subscription = trying(stage)
        needs_approval(stage)
        until(stage, subscription.ends_at - timedelta(days=1))
        bought = convert(stage, subscription, "sbx_ok")
        stage.run()
        until(stage, subscription.ends_at + timedelta(hours=1))
        assert now(stage, subscription).state == "past_due"
        call_off(stage, stage.order(bought).purchase_id)
        stage.run()
        until(stage, subscription.ends_at + timedelta(hours=2))
        assert (now(stage, subscription).state, stage.entitlement(order_id).state) == ("ended", "ended")

    def test_what_follows_a_trial_can_be_bought_again(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        bought = convert(stage, subscription, "sbx_declined")
        stage.run()
        call_off(stage, stage.order(bought).purchase_id)
        stage.run()
        assert now(stage, subscription).state == "active"
        again = convert(stage, subscription, "sbx_ok")
        stage.run()
        assert again != bought
        assert (stage.order(bought).state, stage.order(again).state) == ("cancelled", "active")
        assert now(stage, subscription).ends_at > subscription.ends_at + timedelta(days=DAYS)

    def test_not_a_renewal(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, method="sbx_declined")
        until(stage, subscription.ends_at)
        (renewal,) = renewals(stage, subscription)
        assert renewal.state == "pending_payment"
        assert refused(stage, renewal.purchase_id) == "purchase_is_owed"
        method = ChangePaymentMethod(subscription.id, "sandbox", "sbx_ok")
        transact(stage.services.db, stage.purchaser, partial(change_payment_method, command=method))
        assert refused(stage, renewal.purchase_id) == "purchase_is_owed"
