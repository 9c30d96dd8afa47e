"""A subscription with its switch on goes on for as long as it is paid for: told before, charged once, as it was sold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from billing.payments.models import Payment
from billing.shares.models import Share
from fulfillment.entitlements.queries import get_entitlement
from fulfillment.entitlements.views import EntitlementCheck, EntitlementRow
from fulfillment.usage.check_entitlement import check_entitlement
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from orders.checkout.models import Purchase
from orders.checkout.request_payment import pay_again
from orders.loop import SWEEP_RENEWALS, SWEEP_TERMS
from orders.order.models import Attribution, Order, OrderLine, SaleTerms, Subscription, SubscriptionTerm
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.change_payment_method import ChangePaymentMethod, change_payment_method
from orders.subscriptions.renew import due_subscriptions, take_step
from orders.subscriptions.schedule import RENEWS_BEFORE, SUSPENDED_AFTER, TERMINATED_AFTER
from tests.factories_marketplace import make_org
from tests.loop.test_end_of_term import active, subscriptions
from tests.loop_stage import Stage
from tests.races.crowd import at_once


def subscribed(stage: Stage, *, method: str = "sbx_ok", **plan: Any) -> tuple[UUID, Subscription]:
    """An active order for a month, whose subscription is to be renewed; the method it was paid by may be another by then."""
    order_id = active(stage, **{"interval": "month"} | plan)
    (subscription,) = subscriptions(stage, order_id)
    switch(stage, subscription, wanted=True)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        of_order = select(Order.purchase_id).where(Order.id == order_id)
        uow.session.execute(update(Purchase).where(Purchase.id.in_(of_order)).values(method_token=method))
    return order_id, now(stage, subscription)


def switch(stage: Stage, subscription: Subscription, *, wanted: bool) -> Subscription:
    return transact(stage.services.db, stage.purchaser, lambda uow: set_auto_renew(uow, subscription.id, wanted=wanted))


def now(stage: Stage, subscription: Subscription) -> Subscription:
    found: Sequence[Subscription] = stage.rows(select(Subscription).where(Subscription.id == subscription.id))
    return found[0]


def renewals(stage: Stage, subscription: Subscription) -> Sequence[Order]:
    return stage.rows(select(Order).where(Order.subscription_id == subscription.id).order_by(Order.created_at))


def terms(stage: Stage, subscription: Subscription) -> Sequence[SubscriptionTerm]:
    of_this = select(SubscriptionTerm).where(SubscriptionTerm.subscription_id == subscription.id)
    return stage.rows(of_this.order_by(SubscriptionTerm.number))


def line_of(stage: Stage, order_id: UUID) -> OrderLine:
    found: Sequence[OrderLine] = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    return found[0]


def until(stage: Stage, at: Any) -> None:
    clock.advance(at - clock.now())
    stage.tick(SWEEP_RENEWALS)
    stage.tick(SWEEP_TERMS)


class TestRenewal:
    def test_the_next_term_follows_the_first_without_a_gap(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage)
        first_end = subscription.ends_at
        until(stage, first_end - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        assert renewal.state == "active"
        first, second = terms(stage, subscription)
        assert (second.number, second.starts_at) == (2, first.ends_at)
        assert now(stage, subscription).ends_at == second.ends_at == stage.entitlement(order_id).valid_to
        until(stage, first_end + timedelta(days=1))
        assert stage.entitlement(order_id).state == "active"
        assert now(stage, subscription).state == "active"
        assert len(renewals(stage, subscription)) == 1
        assert len(stage.rows(select(Payment).where(Payment.reference == renewal.purchase_id))) == 1

    def test_whom_it_is_owed_to_is_as_in_the_first_sale(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        for table in (Attribution, SaleTerms):
            sold, renewed = (
                stage.rows(select(table).where(table.order_line_id == line_of(stage, one).id))
                for one in (order_id, renewal.id)
            )
            keep = {column.key for column in table.__table__.columns} - {"id", "order_line_id"}
            assert [{key: getattr(row, key) for key in keep} for row in renewed] == [
                {key: getattr(row, key) for key in keep} for row in sold
            ]
        shares = stage.rows(select(Share).where(Share.reference == line_of(stage, renewal.id).id))
        assert sum(share.amount_minor for share in shares) == renewal.gross_minor
        assert {share.delivered_at for share in shares} == {terms(stage, subscription)[1].starts_at}

    def test_the_price_is_the_one_that_was_told(self, stage: Stage) -> None:
        """A new price counts from the first notice on that says it, never after."""
        _, subscription = subscribed(stage)
        until(stage, subscription.ends_at - timedelta(days=7))
        quoted = now(stage, subscription).renewal_quote_id
        assert quoted is not None
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.execute(update(Plan).values(state="active"))
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        (purchase,) = stage.rows(select(Purchase).where(Purchase.id == renewal.purchase_id))
        assert purchase.quote_id == quoted

    def test_whoever_never_asked_for_it_is_not_charged(self, stage: Stage) -> None:
        order_id = active(stage, interval="month")
        (subscription,) = subscriptions(stage, order_id)
        until(stage, subscription.ends_at)
        assert renewals(stage, subscription) == []
        assert now(stage, subscription).state == "ended"

    def test_switched_off_in_time_it_ends(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        until(stage, subscription.ends_at - timedelta(days=7))
        switch(stage, subscription, wanted=False)
        until(stage, subscription.ends_at)
        assert renewals(stage, subscription) == []
        assert now(stage, subscription).state == "ended"

    def test_switched_on_at_the_last_moment_it_goes_on(self, stage: Stage) -> None:
        order_id = active(stage, interval="month")
        (subscription,) = subscriptions(stage, order_id)
        clock.advance(subscription.ends_at - clock.now() - timedelta(hours=1))
        switch(stage, subscription, wanted=True)
        stage.tick(SWEEP_RENEWALS)
        assert [order.state for order in renewals(stage, subscription)] == ["active"]

    def test_what_is_over_cannot_be_switched_on(self, stage: Stage) -> None:
        order_id = active(stage, interval="month")
        (subscription,) = subscriptions(stage, order_id)
        clock.advance(timedelta(days=40))
        with pytest.raises(Conflict, match="subscription_ended"):
            switch(stage, subscription, wanted=True)

    def test_found_late_it_is_renewed_all_the_same(self, stage: Stage) -> None:
        """A scheduler that was away over the end of a term ends nothing that was to go on."""
        order_id, subscription = subscribed(stage)
        end = subscription.ends_at
        clock.advance(end + timedelta(hours=5) - clock.now())
        stage.tick(SWEEP_TERMS)
        stage.tick(SWEEP_RENEWALS)
        stage.tick(SWEEP_TERMS)
        assert [order.state for order in renewals(stage, subscription)] == ["active"]
        assert stage.entitlement(order_id).state == "active"
        assert terms(stage, subscription)[1].starts_at == end

    def test_runs_at_once_and_twice_renew_once(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        clock.advance(subscription.ends_at - RENEWS_BEFORE - clock.now())
        step = partial(transact, stage.services.db, SYSTEM, lambda uow: take_step(uow, subscription.id))
        at_once([step] * 4)
        stage.run()
        assert len(renewals(stage, subscription)) == 1
        assert len(terms(stage, subscription)) == 2
        assert subscription.id not in transact(stage.services.db, SYSTEM, due_subscriptions)

    def test_a_plan_that_is_no_more_ends_it_and_says_so(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.get_one(Plan, line_of(stage, order_id).plan_id).state = "withdrawn"
        until(stage, subscription.ends_at - timedelta(days=7))
        after = now(stage, subscription)
        assert (after.auto_renew, after.next_step_at) == (False, None)
        until(stage, subscription.ends_at)
        assert now(stage, subscription).state == "ended"


class TestMoneyBack:
    def test_before_its_term_begins_the_first_one_stays(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage)
        first_end = subscription.ends_at
        until(stage, first_end - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        stage.refund(renewal.id)
        stage.run()
        assert stage.order(renewal.id).state == "refunded"
        assert stage.entitlement(order_id).valid_to == now(stage, subscription).ends_at == first_end
        assert terms(stage, subscription)[1].revoked_at is not None
        until(stage, first_end)
        assert now(stage, subscription).state == "ended"
        assert stage.order(order_id).state == "completed"


def asked(stage: Stage, order_id: UUID) -> tuple[EntitlementRow, EntitlementCheck]:
    """What the buyer's page says of it, and what the seller's system is answered."""
    found = stage.entitlement(order_id).id
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        return get_entitlement(uow, found).row, check_entitlement(uow, found)


class TestPastDue:
    def test_paid_at_the_third_try_it_was_never_away(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end - RENEWS_BEFORE)
        assert [order.state for order in renewals(stage, subscription)] == ["pending_payment"]
        until(stage, end)
        until(stage, end + timedelta(minutes=1))
        assert now(stage, subscription).state == "past_due"
        assert stage.entitlement(order_id).state == "active"
        row, checked = asked(stage, order_id)
        assert (row.state_now, row.is_usable, row.paid_until) == ("past_due", True, end)
        assert (checked.active, checked.past_due) == (True, True)
        (renewal,) = renewals(stage, subscription)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.get_one(Purchase, renewal.purchase_id).method_token = "sbx_ok"
        until(stage, end + timedelta(days=2))
        assert stage.order(renewal.id).state == "active"
        assert now(stage, subscription).state == "active"
        row, checked = asked(stage, order_id)
        assert (row.state_now, row.paid_until) == ("active", now(stage, subscription).ends_at)
        assert (checked.active, checked.past_due) == (True, False)
        assert terms(stage, subscription)[1].starts_at == end

    def test_suspended_after_a_fortnight_and_ended_after_six_weeks(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage, method="sbx_declined")
        end = subscription.ends_at
        for days in (-1, 0, 1, 2, 6, 13):
            until(stage, end + timedelta(days=days))
        assert stage.entitlement(order_id).state == "active"
        (renewal,) = renewals(stage, subscription)
        tries = stage.rows(select(Payment).where(Payment.reference == renewal.purchase_id))
        assert len(tries) == 5
        assert {payment.state for payment in tries} == {"failed"}
        until(stage, end + SUSPENDED_AFTER)
        row, checked = asked(stage, order_id)
        assert (row.state, row.state_now) == ("suspended", "suspended")
        assert (checked.active, checked.past_due) == (False, True)
        until(stage, end + TERMINATED_AFTER)
        assert now(stage, subscription).state == "ended"
        assert stage.entitlement(order_id).state == "ended"
        assert stage.order(renewal.id).state == "expired"
        assert stage.order(order_id).state == "completed"

    def test_paid_by_another_card_the_next_term_is_asked_of_that(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, method="sbx_declined")
        first_end = subscription.ends_at
        until(stage, first_end + timedelta(minutes=1))
        (renewal,) = renewals(stage, subscription)
        pay = partial(pay_again, purchase_id=renewal.purchase_id, gateway="sandbox", method_token="sbx_ok")
        transact(stage.services.db, stage.purchaser, pay)
        stage.run()
        assert stage.order(renewal.id).state == "active"
        until(stage, now(stage, subscription).ends_at)
        second = renewals(stage, subscription)[1]
        assert stage.get(Purchase, second.purchase_id).method_token == "sbx_ok"
        assert (second.state, now(stage, subscription).state) == ("active", "active")

    def test_another_card_is_asked_at_the_next_try_and_from_then_on(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end + timedelta(minutes=1))
        change = partial(change_payment_method, command=ChangePaymentMethod(subscription.id, "sandbox", "sbx_ok"))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            other = make_org(uow).owner
        for stranger in (stage.seller.owner, other):
            with pytest.raises((NotFound, Forbidden)):
                transact(stage.services.db, stranger, change)
        for _ in range(2):
            transact(stage.services.db, stage.purchaser, change)
        (renewal,) = renewals(stage, subscription)
        assert stage.order(renewal.id).state == "pending_payment"
        until(stage, end + timedelta(days=2))
        assert stage.order(renewal.id).state == "active"
        assert stage.get(Purchase, stage.order(renewal.id).purchase_id).method_token == "sbx_ok"

    def test_no_more_ends_it_at_once_and_nobody_is_asked_again(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end + timedelta(minutes=1))
        transact(
            stage.services.db, stage.purchaser, lambda uow: set_auto_renew(uow, subscription.id, wanted=False).state
        )
        stage.run()
        assert now(stage, subscription).state == "ended"
        assert stage.entitlement(order_id).state == "ended"
        (renewal,) = renewals(stage, subscription)
        assert stage.order(renewal.id).state == "expired"
        tried = len(stage.rows(select(Payment).where(Payment.reference == renewal.purchase_id)))
        until(stage, end + TERMINATED_AFTER)
        assert len(stage.rows(select(Payment).where(Payment.reference == renewal.purchase_id))) == tried
        change = partial(change_payment_method, command=ChangePaymentMethod(subscription.id, "sandbox", "sbx_ok"))
        with pytest.raises(Conflict, match="subscription_ended"):
            transact(stage.services.db, stage.purchaser, change)

    def test_no_more_waits_for_money_that_may_be_on_its_way(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, method="sbx_declined")
        until(stage, subscription.ends_at + timedelta(minutes=1))
        (renewal,) = renewals(stage, subscription)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            uow.session.execute(update(Payment).where(Payment.reference == renewal.purchase_id).values(state="unknown"))
        with pytest.raises(Conflict, match="payment_already_running"):
            transact(stage.services.db, stage.purchaser, lambda uow: set_auto_renew(uow, subscription.id, wanted=False))
        assert now(stage, subscription).state == "past_due"
