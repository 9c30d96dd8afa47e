"""A plan says how early a renewal is charged, and after how many terms its contract ends for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from billing.payments.models import Payment
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from orders.checkout.models import Purchase
from orders.order.models import Order, Subscription
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from orders.subscriptions.queries import get_subscription
from orders.subscriptions.timeline import subscription_timeline
from orders.subscriptions.upcoming import upcoming_charges
from tests.loop.test_aligned_terms import priced
from tests.loop.test_end_of_term import active, subscriptions
from tests.loop.test_renewals import now, renewals, subscribed, switch, terms, until
from tests.loop_stage import Stage

TELL = "orders.notifications.notify"
DAY = timedelta(days=1)


def told(stage: Stage, kind: str) -> Sequence[Notification]:
    stage.tick(TELL)
    ours = (stage.buyer.id, stage.seller.id)
    return stage.rows(select(Notification).where(Notification.kind == kind, Notification.org_id.in_(ours)))


class TestChargedEarly:
    def test_a_renewal_is_told_and_charged_so_many_days_before_its_term(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage, renewal_lead_days=14)
        end = subscription.ends_at
        assert subscription.next_step_at == end - 20 * DAY
        until(stage, end - 20 * DAY)
        assert now(stage, subscription).renewal_quote_id is not None, "the price is fixed with the notice"
        until(stage, end - 14 * DAY - timedelta(seconds=1))
        assert renewals(stage, subscription) == []
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert get_subscription(uow, subscription.id).renews_at == end - 14 * DAY
            assert upcoming_charges(uow)[0].at == end - 14 * DAY
        until(stage, end - 14 * DAY)
        assert [order.state for order in renewals(stage, subscription)] == ["active"]
        assert [term.starts_at for term in terms(stage, subscription)][1] == end
        assert len(stage.papers(renewals(stage, subscription)[0].id)) == 1
        assert stage.entitlement(order_id).state == "active"

    def test_what_is_refused_is_asked_for_again_before_the_term_is_over(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, renewal_lead_days=14, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end - 14 * DAY)
        (renewal,) = renewals(stage, subscription)
        of_this = select(Payment).where(Payment.reference == renewal.purchase_id)
        for days, tries in ((13, 2), (12, 2), (11, 3), (7, 4)):
            until(stage, end - days * DAY)
            assert len(stage.rows(of_this)) == tries, days
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.get_one(Purchase, renewal.purchase_id).method_token = "sbx_ok"
        until(stage, end)
        assert now(stage, subscription).state == "past_due"
        until(stage, end + DAY)
        until(stage, end + 2 * DAY)
        assert stage.order(renewal.id).state == "active"
        assert [term.starts_at for term in terms(stage, subscription)][1] == end

    def test_found_late_it_is_placed_once_and_not_asked_for_twice(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, renewal_lead_days=14)
        until(stage, subscription.ends_at - 10 * DAY)
        assert [order.state for order in renewals(stage, subscription)] == ["active"]


class TestContract:
    def test_it_is_renewed_until_its_last_term_and_then_ends(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage, contract_terms=3)
        assert subscription.contract_terms_left == 2
        for left in (1, 0):
            until(stage, now(stage, subscription).ends_at - DAY)
            assert now(stage, subscription).contract_terms_left == left
        last = now(stage, subscription)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            view = get_subscription(uow, subscription.id)
            assert (view.contract_ends_at, view.renews_at) == (last.ends_at, None)
            assert upcoming_charges(uow) == []
            due = [one for one in subscription_timeline(uow, subscription.id, "buyer") if one.is_due]
            assert (due[-1].kind, due[-1].reason) == ("end", "contract_over")
        until(stage, last.ends_at - 7 * DAY)
        assert {one.org_id for one in told(stage, "contract_ends")} == {stage.buyer.id}
        assert {one.org_id for one in told(stage, "customer_contract_ends")} == {stage.seller.id}
        until(stage, last.ends_at)
        assert (now(stage, subscription).state, len(renewals(stage, subscription))) == ("ended", 2)
        assert stage.order(order_id).state == "completed"
        assert len(told(stage, "subscription_ended")) > 0

    def test_a_charge_of_its_next_terms_is_foreseen_for_no_more_than_are_left(self, stage: Stage) -> None:
        subscribed(stage, contract_terms=2)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert len(upcoming_charges(uow)) == 1

    def test_nothing_is_changed_beyond_its_end(self, stage: Stage) -> None:
        (subscription,) = subscriptions(stage, active(stage, interval="month", contract_terms=1, min_seats=1))
        _, other = subscribed(stage, interval="year")
        with pytest.raises(Conflict, match="contract_fixed"):
            priced(stage, subscription, other)
        with pytest.raises(Conflict, match="contract_ends"):
            transact(
                stage.services.db,
                stage.purchaser,
                lambda uow: change_next_term(uow, ChangeNextTerm(subscription.id, 5)),
            )
        with pytest.raises(Conflict, match="contract_ends"):
            switch(stage, subscription, wanted=True)

    def test_money_that_goes_back_leaves_the_term_to_be_bought(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, contract_terms=2)
        until(stage, subscription.ends_at - DAY)
        (renewal,) = renewals(stage, subscription)
        assert now(stage, subscription).contract_terms_left == 0
        stage.refund(renewal.id)
        stage.run()
        assert now(stage, subscription).contract_terms_left == 1


def test_what_ends_by_itself_is_told(stage: Stage) -> None:
    _, subscription = subscribed(stage)
    switch(stage, subscription, wanted=False)
    until(stage, subscription.ends_at)
    (first, *_) = told(stage, "subscription_ended")
    assert first.org_id == stage.buyer.id
    assert stage.rows(select(Subscription.state).where(Subscription.id == subscription.id)) == ["ended"]
    assert stage.rows(select(Order).where(Order.subscription_id == subscription.id)) == []
