"""A change that waits for its money and cannot be made any more takes none; money that was on its way goes back, with words."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from orders.amendments.amend import CHANGE_LAPSED
from orders.checkout.request_payment import pay_again
from orders.loop import SWEEP_PURCHASES
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import Order, Subscription
from orders.subscriptions.schedule import RENEWS_BEFORE
from orders.subscriptions.timeline import subscription_timeline
from tests.loop.test_amendments import amended, amendment_of, quoted
from tests.loop.test_renewals import now, subscribed, switch, until
from tests.loop_stage import Stage


def pay(stage: Stage, order_id: UUID) -> None:
    command = partial(
        pay_again, purchase_id=stage.order(order_id).purchase_id, gateway="sandbox", method_token="sbx_ok"
    )
    transact(stage.services.db, stage.purchaser, command)
    stage.run()


def kinds(stage: Stage, order_id: UUID) -> set[tuple[str, UUID]]:
    stage.tick(NOTIFY)
    number = stage.order(order_id).number
    told = stage.rows(select(Notification).where(Notification.org_id.in_((stage.buyer.id, stage.seller.id))))
    return {(one.kind, one.org_id) for one in told if one.params.get("number") == number}


def lapsed(stage: Stage, subscription: Subscription, order_id: UUID) -> None:
    """Nothing was taken, the order is over, and both lines say why."""
    order = stage.order(order_id)
    assert (order.state, order.failure) == ("expired", CHANGE_LAPSED)
    assert amendment_of(stage, order_id).state == "void"
    assert not [one for one in stage.payments(order.purchase_id) if one.state != "failed"]
    assert kinds(stage, order_id) == {("change_lapsed", stage.buyer.id)}
    for who, side in ((stage.purchaser, "buyer"), (stage.seller.owner, "seller")):
        with unit_of_work(stage.services.db, who) as uow:
            life = subscription_timeline(uow, subscription.id, side)  # type: ignore[arg-type]  # one of its sides
        assert [one.reason for one in life if one.kind == "amendment_lapsed"] == [CHANGE_LAPSED]


class TestUnpaid:
    def test_after_a_renewal_it_is_not_payable_and_lapses(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        until(stage, subscription.ends_at - RENEWS_BEFORE - timedelta(hours=1))
        waiting = amended(stage, subscription, 25, method="sbx_insufficient")
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        with pytest.raises(Conflict, match="renewal_in_progress"):
            pay(stage, waiting)
        assert not [one for one in stage.payments(stage.order(waiting).purchase_id) if one.state != "failed"]
        stage.tick(SWEEP_PURCHASES)
        lapsed(stage, subscription, waiting)

    def test_of_what_has_ended(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        switch(stage, subscription, wanted=False)
        until(stage, subscription.ends_at - timedelta(hours=1))
        waiting = amended(stage, subscription, 25, method="sbx_insufficient")
        until(stage, subscription.ends_at)
        with pytest.raises(Conflict, match="subscription_ended"):
            pay(stage, waiting)
        stage.tick(SWEEP_PURCHASES)
        lapsed(stage, subscription, waiting)
        with pytest.raises(Conflict, match="purchase_not_payable"):
            pay(stage, waiting)

    def test_of_what_was_taken_back_meanwhile_another_may_be_bought_at_once(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        applied = amended(stage, subscription, 25)
        waiting = amended(stage, subscription, 26, method="sbx_insufficient")
        stage.refund(applied)
        stage.run()
        with pytest.raises(Conflict, match="subscription_changed"):
            pay(stage, waiting)
        stage.tick(SWEEP_PURCHASES)
        lapsed(stage, subscription, waiting)
        amended(stage, subscription, 22)
        assert stage.entitlement(first).seats == 22

    def test_what_can_still_be_made_waits_on(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        waiting = amended(stage, subscription, 25, method="sbx_insufficient")
        clock.advance(timedelta(hours=2))
        stage.tick(SWEEP_PURCHASES)
        assert stage.order(waiting).state == "pending_payment"
        pay(stage, waiting)
        assert (stage.order(waiting).state, stage.entitlement(first).seats) == ("active", 25)


class TestPaidMeanwhile:
    def test_both_sides_are_told_why_it_goes_back(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        order_id = stage.place(quoted(stage, subscription, 25))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.get_one(Subscription, subscription.id).quantity = 21
        stage.run()
        order: Order = stage.order(order_id)
        assert (order.state, order.failure) == ("refunded", CHANGE_LAPSED)
        assert {("change_too_late", stage.buyer.id), ("change_too_late_here", stage.seller.id)} <= kinds(
            stage, order_id
        )
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            life = subscription_timeline(uow, subscription.id, "seller")
        assert [one.reason for one in life if one.kind == "amendment_lapsed"] == [CHANGE_LAPSED]
        assert now(stage, subscription).quantity == 21
