"""A change that was paid for is made by the seller's system, or its money goes back and what was in use is as before."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.scheduler import run_sweep
from fulfillment.jobs import SWEEP_OVERDUE
from fulfillment.runs.models import Run
from fulfillment.runs.replay_run import replay_run
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.jobs.kinds import sweeps
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import Subscription
from orders.subscriptions.schedule import RENEWS_BEFORE
from orders.subscriptions.timeline import subscription_timeline
from tests.loop.test_amendments import amended, amendment_of, next_term
from tests.loop.test_renewals import line_of, now, renewals, subscribed, switch, until
from tests.loop_stage import Stage

TOLD_WITHIN = timedelta(days=7)


def changes(stage: Stage, first: UUID) -> list[Run]:
    """The `change` runs of what an order began, the first one first."""
    of_this = select(Run).where(Run.entitlement_id == stage.entitlement(first).id, Run.operation == "change")
    return stage.rows(of_this.order_by(Run.id))


def sweep_alone(stage: Stage) -> None:
    """Give up what is overdue; what follows does not run yet."""
    run_sweep(stage.services.db, next(item for item in sweeps() if item.name == SWEEP_OVERDUE))


def replay(stage: Stage, run: Run) -> None:
    transact(stage.services.db, stage.seller.owner, lambda uow: replay_run(uow, run.id))


def went_back(stage: Stage, first: UUID, subscription: Subscription, order_id: UUID) -> None:
    """All of the money, once; seats and subscription are as before, what was sold first stands."""
    order = stage.order(order_id)
    assert order.state == "refunded"
    (refund,) = stage.refunds(order_id)
    assert (refund.state, refund.amount_minor, refund.automatic) == ("succeeded", order.gross_minor, True)
    assert {share.state for share in stage.shares(order_id).values()} == {"reversed"}
    (credit,) = stage.papers(order_id, "credit_note")
    assert abs(credit.gross_minor) == order.gross_minor
    assert amendment_of(stage, order_id).state == "reversed"
    assert (stage.entitlement(first).seats, now(stage, subscription).quantity) == (20, 20)
    assert stage.order(first).state == "active"


def unanswered(stage: Stage) -> tuple[UUID, Subscription, UUID]:
    """Five seats more that the seller's system accepted and then never made; everything else of it answers again."""
    first, subscription = subscribed(stage, interval="year")
    stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
    order_id = amended(stage, subscription, 25)
    assert [run.state for run in changes(stage, first)] == ["waiting"]
    stage.seller_app.behave()
    return first, subscription, order_id


class TestTakenBack:
    def test_what_the_seller_refuses_for_good_is_refunded(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        stage.seller_app.behave(mode="fail_permanently")
        order_id = amended(stage, subscription, 25)
        went_back(stage, first, subscription, order_id)
        # The second tells what it is again; that it is refused, too, takes nothing back.
        assert [run.state for run in changes(stage, first)] == ["failed", "failed"]
        assert stage.order(order_id).failure

    def test_what_is_not_answered_in_time_is_refunded(self, stage: Stage) -> None:
        first, subscription, order_id = unanswered(stage)
        clock.advance(TOLD_WITHIN - timedelta(seconds=1))
        stage.tick(SWEEP_OVERDUE)
        assert (stage.order(order_id).state, stage.entitlement(first).seats) == ("active", 25)
        clock.advance(timedelta(seconds=1))
        stage.tick(SWEEP_OVERDUE)
        went_back(stage, first, subscription, order_id)
        assert [run.state for run in changes(stage, first)] == ["dead", "succeeded"]

    def test_both_sides_are_told(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        stage.seller_app.behave(mode="fail_permanently")
        order_id = amended(stage, subscription, 25)
        stage.tick(NOTIFY)
        number = stage.order(order_id).number
        told = stage.rows(
            select(Notification).where(
                Notification.kind.in_(("change_failed", "change_not_made")),
                Notification.org_id.in_((stage.buyer.id, stage.seller.id)),
            )
        )
        assert {(row.kind, row.org_id, row.params["number"]) for row in told} == {
            ("change_failed", stage.buyer.id, number),
            ("change_not_made", stage.seller.id, number),
        }

    def test_a_success_that_comes_later_is_answered_with_what_it_is_now(self, stage: Stage) -> None:
        first, subscription, order_id = unanswered(stage)
        (run,) = changes(stage, first)
        clock.advance(TOLD_WITHIN)
        stage.tick(SWEEP_OVERDUE)
        for message in ("done", "done, as was said"):
            assert stage.call_back(stage.token(run), {"status": "succeeded", "message": message})
            stage.run()
        went_back(stage, first, subscription, order_id)
        assert [one.state for one in changes(stage, first)] == ["dead", "succeeded", "succeeded"]

    def test_where_two_were_added_and_neither_was_made_both_go_back(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        orders = [amended(stage, subscription, 25), amended(stage, subscription, 30)]
        for _ in range(3):
            clock.advance(TOLD_WITHIN)
            stage.tick(SWEEP_OVERDUE)
        for order_id in orders:
            went_back(stage, first, subscription, order_id)

    def test_what_ends_before_it_was_made_is_refunded(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        switch(stage, subscription, wanted=False)
        until(stage, subscription.ends_at - timedelta(days=3))
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        order_id = amended(stage, subscription, 25)
        until(stage, subscription.ends_at)
        stage.run()
        assert (now(stage, subscription).state, stage.order(order_id).state) == ("ended", "refunded")
        assert len(stage.refunds(order_id)) == 1
        assert stage.order(first).state == "completed"

    def test_with_what_it_was_added_to_it_goes_back_once(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        order_id = amended(stage, subscription, 25)
        stage.refund(first)
        stage.run()
        clock.advance(TOLD_WITHIN)
        stage.tick(SWEEP_OVERDUE)
        assert {stage.order(first).state, stage.order(order_id).state} == {"refunded"}
        assert len(stage.refunds(order_id)) == 1

    def test_its_line_says_so_to_both_sides(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        stage.seller_app.behave(mode="fail_permanently")
        amended(stage, subscription, 25)
        for who, side in ((stage.purchaser, "buyer"), (stage.seller.owner, "seller")):
            with unit_of_work(stage.services.db, who) as uow:
                life = subscription_timeline(uow, subscription.id, side)  # type: ignore[arg-type]  # one of its sides
            (back,) = [one for one in life if one.kind == "amendment_revoked"]
            assert back.reason == "delivery_failed"


class TestStands:
    def test_what_a_later_run_told_was_delivered_by_it(self, stage: Stage) -> None:
        first, subscription, order_id = unanswered(stage)
        clock.advance(timedelta(days=1))
        later = amended(stage, subscription, 30)
        clock.advance(TOLD_WITHIN - timedelta(days=1))
        stage.tick(SWEEP_OVERDUE)
        clock.advance(timedelta(minutes=1))
        stage.run()
        assert [run.state for run in changes(stage, first)] == ["dead", "succeeded"]
        assert {stage.order(one).state for one in (order_id, later)} == {"active"}
        assert stage.entitlement(first).seats == 30

    def test_what_is_tried_again_before_it_was_taken_back(self, stage: Stage) -> None:
        first, subscription, order_id = unanswered(stage)
        clock.advance(TOLD_WITHIN)
        sweep_alone(stage)
        replay(stage, changes(stage, first)[0])
        stage.run()
        assert [run.state for run in changes(stage, first)] == ["succeeded"]
        assert (stage.order(order_id).state, stage.entitlement(first).seats) == ("active", 25)
        assert now(stage, subscription).quantity == 25

    def test_what_is_tried_again_afterwards_gives_nothing_back(self, stage: Stage) -> None:
        first, subscription, order_id = unanswered(stage)
        clock.advance(TOLD_WITHIN)
        stage.tick(SWEEP_OVERDUE)
        replay(stage, changes(stage, first)[0])
        stage.run()
        went_back(stage, first, subscription, order_id)


class TestRenewed:
    def test_seats_that_the_next_term_was_paid_with_come_with_it(self, stage: Stage) -> None:
        """The change is not made, and its term's rest is paid back; what the next term was paid for is given then."""
        first, subscription = subscribed(stage)
        ends_at = subscription.ends_at
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        until(stage, ends_at - RENEWS_BEFORE - TOLD_WITHIN + timedelta(hours=12))
        order_id = amended(stage, subscription, 25)
        until(stage, ends_at - RENEWS_BEFORE)
        (renewal,) = [one for one in renewals(stage, subscription) if one.id != order_id]
        assert (renewal.state, line_of(stage, renewal.id).quantity) == ("active", 25)
        stage.seller_app.behave(mode="fail_permanently")
        clock.advance(timedelta(hours=12, minutes=1))
        stage.tick(SWEEP_OVERDUE)
        clock.advance(timedelta(minutes=1))
        stage.run()
        assert amendment_of(stage, order_id).state == "reversed"
        assert (stage.order(order_id).state, now(stage, subscription).quantity) == ("refunded", 20)
        stage.seller_app.behave()
        until(stage, ends_at + timedelta(minutes=1))
        stage.run()
        assert (stage.entitlement(first).seats, now(stage, subscription).quantity) == (25, 25)
        assert stage.order(renewal.id).state == "active"

    def test_a_term_that_was_to_give_more_and_does_not_is_refunded(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        ends_at = subscription.ends_at
        next_term(stage, subscription, 30)
        until(stage, ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        assert (renewal.state, line_of(stage, renewal.id).quantity) == ("active", 30)
        stage.seller_app.behave(mode="fail_permanently")
        until(stage, ends_at + timedelta(minutes=1))
        stage.run()
        order = stage.order(renewal.id)
        assert order.state == "refunded"
        (refund,) = stage.refunds(renewal.id)
        assert (refund.state, refund.amount_minor, refund.automatic) == ("succeeded", order.gross_minor, True)
        stage.tick(NOTIFY)
        told = stage.rows(select(Notification).where(Notification.kind.in_(("renewal_failed", "renewal_not_made"))))
        assert {(one.kind, one.org_id) for one in told if one.params["number"] == order.number} == {
            ("renewal_failed", stage.buyer.id),
            ("renewal_not_made", stage.seller.id),
        }
        until(stage, ends_at + timedelta(minutes=2))
        assert (now(stage, subscription).state, stage.entitlement(first).state) == ("ended", "ended")
        assert stage.order(first).state == "completed"
        assert len(stage.refunds(renewal.id)) == 1

    def test_what_it_gives_more_and_was_made_at_the_second_try_stands(self, stage: Stage) -> None:
        first, subscription = subscribed(stage)
        ends_at = subscription.ends_at
        next_term(stage, subscription, 30)
        until(stage, ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
        until(stage, ends_at + timedelta(minutes=1))
        stage.seller_app.behave()
        clock.advance(TOLD_WITHIN)
        sweep_alone(stage)
        replay(stage, changes(stage, first)[-1])
        stage.run()
        assert (stage.order(renewal.id).state, stage.entitlement(first).seats) == ("active", 30)
        assert stage.refunds(renewal.id) == []

    def test_a_term_that_goes_on_as_it_was_or_gives_less_is_not(self, stage: Stage) -> None:
        for quantity in (20, 15):
            first, subscription = subscribed(stage)
            ends_at = subscription.ends_at
            next_term(stage, subscription, quantity)
            stage.seller_app.behave(mode="fail_permanently")
            until(stage, ends_at - RENEWS_BEFORE)
            until(stage, ends_at + timedelta(minutes=1))
            stage.run()
            (renewal,) = renewals(stage, subscription)
            assert (renewal.state, stage.entitlement(first).seats) == ("active", quantity)
            assert (now(stage, subscription).state, stage.refunds(renewal.id)) == ("active", [])
            stage.seller_app.behave()
