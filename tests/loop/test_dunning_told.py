"""Of a term, a change or usage that is paid, suspended or ended unpaid, both sides are told in words of their own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.payments.models import Payment
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from marketplace.notifications.notification_text import notification_text
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import Subscription
from orders.subscriptions.schedule import RENEWS_BEFORE, SUSPENDED_AFTER, TERMINATED_AFTER
from tests.loop.test_amendments import amended
from tests.loop.test_renewals import now, renewals, subscribed, switch, until
from tests.loop.test_trials import MONTH_MINOR, convert, trying
from tests.loop.test_usage_charges import charged, decline, metered, over, unpaid, use
from tests.loop_stage import Stage


def told(stage: Stage) -> list[Notification]:
    """What both sides were told, the first first."""
    stage.tick(NOTIFY)
    sides = Notification.org_id.in_((stage.buyer.id, stage.seller.id))
    return stage.rows(select(Notification).where(sides).order_by(Notification.id))


def kinds(stage: Stage, *wanted: str) -> set[tuple[str, UUID | None]]:
    return {(one.kind, one.org_id) for one in told(stage) if one.kind in wanted}


def both(stage: Stage, buyer: str, seller: str) -> set[tuple[str, UUID | None]]:
    return {(buyer, stage.buyer.id), (seller, stage.seller.id)}


def past_due(stage: Stage) -> tuple[UUID, Subscription]:
    order_id, subscription = subscribed(stage, method="sbx_declined")
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    until(stage, subscription.ends_at)
    until(stage, subscription.ends_at + timedelta(minutes=1))
    return order_id, subscription


class TestUnpaidTerm:
    def test_suspended_both_sides_are_told_once(self, stage: Stage) -> None:
        _, subscription = past_due(stage)
        until(stage, subscription.ends_at + SUSPENDED_AFTER)
        for _ in range(2):
            assert kinds(stage, "subscription_suspended", "customer_suspended") == both(
                stage, "subscription_suspended", "customer_suspended"
            )
        purchaser = [one for one in told(stage) if one.person_id == stage.purchaser.person_id]
        assert [one.kind for one in purchaser].count("subscription_suspended") == 1

    def test_ended_both_sides_are_told_what_why_until_when_and_how_to_return(self, stage: Stage) -> None:
        order_id, subscription = past_due(stage)
        end = subscription.ends_at
        until(stage, end + SUSPENDED_AFTER)
        until(stage, end + TERMINATED_AFTER)
        assert now(stage, subscription).state == "ended"
        words = ("subscription_terminated", "customer_terminated")
        assert kinds(stage, *words, "subscription_ended") == both(stage, *words)
        entitlement = stage.entitlement(order_id)
        assert entitlement.data_kept_until is not None
        kept = entitlement.data_kept_until.astimezone(ZoneInfo(entitlement.time_zone)).date().isoformat()
        for one in told(stage):
            if one.kind in words:
                for locale in ("en", "zh-CN"):
                    said = notification_text(one.kind, one.params, locale)
                    assert kept in said.text
                    assert str(one.params["what"] if locale == "zh-CN" else one.params["what_en"]) in said.title

    def test_ended_by_its_buyer_it_is_no_termination(self, stage: Stage) -> None:
        _, subscription = past_due(stage)
        switch(stage, subscription, wanted=False)
        assert now(stage, subscription).state == "ended"
        assert kinds(stage, "subscription_terminated", "customer_terminated", "subscription_ended") == {
            ("subscription_ended", stage.buyer.id)
        }


class TestUnpaidUsage:
    def test_suspended_and_ended_it_is_told_as_usage(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        decline(stage, order_id)
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        assert order.state == "pending_payment"
        for days in (1, 2, 4, 8):
            unpaid(stage, days)
        assert kinds(stage, "subscription_suspended", "customer_suspended") == both(
            stage, "subscription_suspended", "customer_suspended"
        )
        unpaid(stage, 31)
        assert now(stage, subscription).state == "ended"
        words = ("usage_terminated", "customer_terminated")
        assert kinds(stage, *words, "subscription_terminated", "subscription_ended") == both(stage, *words)


class TestPaid:
    def test_a_renewal_is_told_as_one(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        (renewal,) = renewals(stage, subscription)
        assert self.of(stage, stage.order(renewal.id).number) == both(stage, "renewal_paid", "renewal_received")

    def test_a_change_is_told_as_one(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        order_id = amended(stage, subscription, 25)
        assert self.of(stage, stage.order(order_id).number) == both(stage, "change_paid", "change_received")

    def test_usage_is_told_as_such(self, stage: Stage) -> None:
        order_id, subscription = metered(stage)
        use(stage, order_id, 2_000)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            assert uow.session.get_one(Subscription, subscription.id).state == "active"
        over(stage, order_id)
        (order,) = charged(stage, subscription)
        assert self.of(stage, order.number) >= both(stage, "usage_paid", "usage_received")

    @staticmethod
    def of(stage: Stage, number: str) -> set[tuple[str, UUID | None]]:
        papers = {"invoice_issued", "usage_charged"}
        return {
            (one.kind, one.org_id)
            for one in told(stage)
            if one.params.get("number") == number and one.kind not in papers
        }


class TestTrialPastDue:
    """A trial whose conversion was declined is bought with another method."""

    def test_it_is_paid_by_it_once_and_goes_on_from_its_end(self, stage: Stage) -> None:
        order_id, subscription = trying(stage, trial_needs_method=True, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end)
        until(stage, end + timedelta(minutes=1))
        assert now(stage, subscription).state == "past_due"
        (renewal,) = renewals(stage, subscription)
        assert {convert(stage, subscription, "sbx_ok") for _ in range(2)} == {renewal.id}
        until(stage, end + timedelta(days=1))
        stage.run()
        assert (stage.order(renewal.id).state, stage.order(renewal.id).gross_minor) == ("active", MONTH_MINOR)
        assert (now(stage, subscription).state, stage.entitlement(order_id).state) == ("active", "active")
        of_it = select(Payment).where(Payment.reference == renewal.purchase_id, Payment.state == "succeeded")
        assert len(stage.rows(of_it)) == 1
        until(stage, now(stage, subscription).ends_at - RENEWS_BEFORE)
        assert [one.state for one in renewals(stage, subscription)] == ["active", "active"]

    def test_suspended_it_is_resumed_by_it(self, stage: Stage) -> None:
        order_id, subscription = trying(stage, trial_needs_method=True, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end)
        until(stage, end + timedelta(minutes=1))
        until(stage, end + SUSPENDED_AFTER)
        assert stage.entitlement(order_id).state == "suspended"
        convert(stage, subscription, "sbx_ok")
        stage.run()
        until(stage, end + SUSPENDED_AFTER + timedelta(days=1))
        assert (now(stage, subscription).state, stage.entitlement(order_id).state) == ("active", "active")
