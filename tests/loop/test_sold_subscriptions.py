"""What customers subscribed to as its seller sees it, and what is stuck as the platform sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from billing.payments.models import Payment
from fulfillment.runs.models import Run
from kernel.db.uow import unit_of_work
from kernel.errors import Forbidden, NotFound
from kernel.principal import SYSTEM
from orders.order.models import Subscription
from orders.subscriptions.schedule import RENEWS_BEFORE
from orders.subscriptions.sold import SoldSubscription, get_sold_subscription, list_sold_subscriptions
from orders.subscriptions.stuck import count_stuck, list_stuck
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop.test_amendments import amended
from tests.loop.test_renewals import subscribed, until
from tests.loop.test_trials import trying
from tests.loop_stage import Stage


def sold(stage: Stage, **how: Any) -> list[SoldSubscription]:
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        return list(list_sold_subscriptions(uow, **how).items)


def stuck(stage: Stage, kind: Any = None) -> list[tuple[str, str]]:
    """Of this test's seller."""
    with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
        name = sold(stage)[0].seller_name
        return [(one.stuck, one.detail) for one in list_stuck(uow, kind) if one.seller_name == name]


def test_a_seller_sees_whose_it_is_and_until_when(stage: Stage) -> None:
    order_id, subscription = subscribed(stage)
    (only,) = sold(stage)
    assert (only.id, only.order_id, only.buyer_org_id) == (subscription.id, order_id, stage.buyer.id)
    assert (only.state, only.quantity, only.seats, only.seats_used, only.auto_renew) == ("active", 20, 20, 0, True)
    assert only.net_minor == stage.order(order_id).net_minor
    assert [one.id for one in sold(stage, due_days=60)] == [subscription.id]
    assert sold(stage, due_days=7) == []
    assert sold(stage, state="past_due") == []
    assert sold(stage, customer_id=stage.promoter.id) == []
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    assert sold(stage, due_days=7) == []


def test_trials_are_told_from_what_is_paid_for(stage: Stage) -> None:
    _, paid = subscribed(stage)
    _, tried = trying(stage)
    assert [one.id for one in sold(stage, state="trial")] == [tried.id]
    assert [one.id for one in sold(stage, state="active")] == [paid.id]


def test_another_seller_or_the_buyer_does_not(stage: Stage) -> None:
    _, subscription = subscribed(stage)
    for who in (stage.promoter.owner, stage.buyer.owner):
        with unit_of_work(stage.services.db, who) as uow:
            assert list(list_sold_subscriptions(uow).items) == []
            with pytest.raises(NotFound):
                get_sold_subscription(uow, subscription.id)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow, pytest.raises(Forbidden):
        list_stuck(uow)


def test_what_is_stuck_by_kind(stage: Stage) -> None:
    order_id, subscription = subscribed(stage, method="sbx_declined")
    assert stuck(stage) == []
    waits = amended(stage, subscription, 25, method="sbx_insufficient")
    assert stuck(stage) == [("amendment_pending", "pending")]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        of_change = Payment.reference == stage.order(waits).purchase_id
        uow.session.execute(update(Payment).where(of_change).values(state="unknown"))
        run = update(Run).where(Run.entitlement_id == stage.entitlement(order_id).id)
        uow.session.execute(run.values(state="dead", operation="suspend"))
    assert set(stuck(stage)) == {
        ("amendment_pending", "pending"),
        ("payment_unknown", "unknown"),
        ("run_dead", "suspend"),
    }
    assert stuck(stage, "run_dead") == [("run_dead", "suspend")]
    with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
        assert count_stuck(uow)["run_dead"].count >= 1
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        over = update(Subscription).where(Subscription.id == subscription.id)
        uow.session.execute(over.values(state="ended", next_step_at=None))
    assert stuck(stage, "run_dead") == [], "of one that has ended nothing but the end is still to be taken"
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(run.values(operation="deprovision"))
    assert stuck(stage, "run_dead") == [("run_dead", "deprovision")]


def test_a_term_nobody_paid_for(stage: Stage) -> None:
    _, subscription = subscribed(stage, method="sbx_declined")
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    until(stage, subscription.ends_at + timedelta(minutes=1))
    assert stuck(stage, "past_due") == [("past_due", "past_due")]
    assert [one.state for one in sold(stage, due_days=30)] == ["past_due"]
