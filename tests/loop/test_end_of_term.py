"""After its last term a subscription is over: for its members, on the order, and in the seller's system."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork, transact
from kernel.principal import SYSTEM
from kernel.states import StateHistory
from orders.checkout.create_quote import QuoteItem
from orders.loop import SWEEP_ACCEPTANCE, SWEEP_TERMS
from orders.order.locking import find_locked_order
from orders.order.models import OrderLine, Subscription, SubscriptionTerm
from orders.progress import progress_of
from orders.refunds.refund_order import refund_remaining
from orders.subscriptions.end_of_term import end_past_term, orders_past_term
from tests.loop_stage import Stage
from tests.races.crowd import at_once

SECOND = timedelta(seconds=1)


def subscriptions(stage: Stage, order_id: UUID) -> Sequence[Subscription]:
    lines = select(OrderLine.id).where(OrderLine.order_id == order_id)
    return stage.rows(select(Subscription).where(Subscription.order_line_id.in_(lines)).order_by(Subscription.ends_at))


def active(stage: Stage, **plan: Any) -> UUID:
    plan_id, context = stage.offer(**plan)
    order_id = stage.place(stage.quote(plan_id, context=context))
    stage.run()
    assert stage.order(order_id).state == "active"
    return order_id


def past(stage: Stage) -> Sequence[UUID]:
    return transact(stage.services.db, SYSTEM, orders_past_term)


class TestEndOfTerm:
    def test_it_ends_at_its_end_and_not_a_second_before(self, stage: Stage) -> None:
        order_id = active(stage, interval="month")
        (subscription,) = subscriptions(stage, order_id)
        (term,) = stage.rows(select(SubscriptionTerm).where(SubscriptionTerm.subscription_id == subscription.id))
        end = stage.entitlement(order_id).valid_to
        assert end is not None
        assert subscription.ends_at == term.ends_at == end
        clock.advance(end - clock.now() - SECOND)
        stage.tick(SWEEP_TERMS)
        assert stage.entitlement(order_id).state == "active"
        clock.advance(SECOND)
        assert order_id in past(stage)
        stage.tick(SWEEP_TERMS)
        clock.advance(timedelta(days=400))
        stage.tick(SWEEP_TERMS)
        assert [one.state for one in subscriptions(stage, order_id)] == ["ended"]
        entitlement = stage.entitlement(order_id)
        assert (entitlement.state, entitlement.valid_to) == ("ended", end)
        assert stage.order(order_id).state == "completed"
        assert stage.effects(order_id) == ["instance_created", "instance_ended"]
        assert order_id not in past(stage)

    def test_one_that_is_found_late_keeps_the_end_it_was_sold_with(self, stage: Stage) -> None:
        order_id = active(stage, interval="month")
        end = stage.entitlement(order_id).valid_to
        clock.advance(timedelta(days=400))
        stage.tick(SWEEP_TERMS)
        assert stage.entitlement(order_id).valid_to == end
        reasons = select(StateHistory.reason).where(
            StateHistory.subject_id == order_id, StateHistory.to_state == "completed"
        )
        assert stage.rows(reasons) == ["term_over"]

    def test_the_order_is_complete_when_its_last_subscription_ends(self, stage: Stage) -> None:
        month, context = stage.offer(interval="month")
        year, _ = stage.offer(interval="year")
        order_id = stage.place(stage.quote(lines=(QuoteItem(month, 20), QuoteItem(year, 20)), context=context))
        stage.run()
        clock.advance(timedelta(days=40))
        stage.tick(SWEEP_TERMS)
        assert [one.state for one in subscriptions(stage, order_id)] == ["ended", "active"]
        assert stage.order(order_id).state == "active"
        clock.advance(timedelta(days=340))
        stage.tick(SWEEP_TERMS)
        assert stage.order(order_id).state == "completed"

    def test_services_in_the_order_are_accepted_first(self, stage: Stage) -> None:
        order_id = self._with_service(stage)
        clock.advance(timedelta(days=40))
        stage.tick(SWEEP_TERMS)
        assert [one.state for one in subscriptions(stage, order_id)] == ["ended"]
        assert stage.order(order_id).state == "active"
        stage.tick(SWEEP_ACCEPTANCE)
        assert stage.order(order_id).state == "completed"

    def test_services_accepted_before_leave_the_subscription_alone(self, stage: Stage) -> None:
        order_id = self._with_service(stage)
        clock.advance(timedelta(days=8))
        stage.tick(SWEEP_ACCEPTANCE)
        assert stage.order(order_id).state == "active"
        clock.advance(timedelta(days=32))
        stage.tick(SWEEP_TERMS)
        assert stage.order(order_id).state == "completed"

    def test_no_address_to_open_is_shown_of_what_has_ended(self, stage: Stage) -> None:
        order_id = active(stage, interval="month")
        assert transact(stage.services.db, stage.purchaser, lambda uow: progress_of(uow, order_id)).launch_url
        clock.advance(timedelta(days=40))
        assert transact(stage.services.db, stage.purchaser, lambda uow: progress_of(uow, order_id)).launch_url is None
        stage.tick(SWEEP_TERMS)
        progress = transact(stage.services.db, stage.purchaser, lambda uow: progress_of(uow, order_id))
        assert (progress.state, progress.launch_url, progress.is_final) == ("completed", None, True)

    def test_a_refund_at_the_same_moment_ends_it_once(self, stage: Stage) -> None:
        order_id = active(stage, interval="month")
        payment_id = stage.order(order_id).payment_id
        assert payment_id is not None
        clock.advance(timedelta(days=40))

        def refund(uow: UnitOfWork) -> None:
            order = find_locked_order(uow, order_id)
            assert order is not None
            refund_remaining(uow, order, payment_id, reason="goodwill")

        def end(uow: UnitOfWork) -> None:
            end_past_term(uow, order_id)

        at_once([partial(transact, stage.services.db, SYSTEM, work) for work in (refund, end, end)])
        stage.run()
        assert stage.order(order_id).state == "refunded"
        assert [one.state for one in subscriptions(stage, order_id)] == ["ended"]
        assert stage.effects(order_id) == ["instance_created", "instance_ended"]

    def _with_service(self, stage: Stage) -> UUID:
        month, context = stage.offer(interval="month")
        order_id = stage.place(
            stage.quote(lines=(QuoteItem(month, 20), QuoteItem(stage.service_plan, 1)), context=context)
        )
        stage.run()
        assert stage.order(order_id).state == "active"
        return order_id
