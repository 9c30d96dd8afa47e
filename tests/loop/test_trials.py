"""A trial costs nothing, ends or converts at the price it began with, and is had once of a listing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.subscriptions import RULES
from billing.charges.models import Charge
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from fulfillment.runs.models import Run
from fulfillment.runs.request_body import request_body
from fulfillment.usage.check_entitlement import check_entitlement
from kernel import audit, clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.principal import SYSTEM, Principal
from marketplace.notifications.models import Notification
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_models import Quote
from orders.loop import PURGE_QUOTES
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.queries import SubscriptionView, get_subscription
from orders.subscriptions.schedule import CONVERTS_BEFORE, SUSPENDED_AFTER, TERMINATED_AFTER
from orders.subscriptions.timeline import subscription_timeline
from orders.subscriptions.trial_conversion import ConvertTrial, convert_trial
from orders.subscriptions.trial_extension import ExtendTrial, extend_trial
from orders.trials.models import Trial
from tests.loop.test_quotes import raise_price
from tests.loop.test_renewals import now, renewals, switch, terms, until
from tests.loop_stage import Stage

DAYS = 14
MONTH_MINOR = 398_000
"""Twenty seats for a month."""


def trial_plan(stage: Stage, **changes: Any) -> UUID:
    """A monthly plan of the stage's seller that is tried for a fortnight."""
    values: dict[str, Any] = {"interval": "month", "trial_days": DAYS} | changes
    plan, _ = stage.offer(**values)
    return plan


def quote_trial(stage: Stage, plan: UUID, quantity: int = 20, *, by: Principal | None = None) -> UUID:
    command = CreateQuote((QuoteItem(plan, quantity),), trial=True)
    return transact(stage.services.db, by or stage.purchaser, lambda uow: create_quote(uow, command).id)


def trying(stage: Stage, *, method: str = "sbx_ok", **plan: Any) -> tuple[UUID, Subscription]:
    """A trial that is in use, and its subscription."""
    order_id = stage.place(quote_trial(stage, trial_plan(stage, **plan)), method=method)
    stage.run()
    return order_id, of_order(stage, order_id)


def of_order(stage: Stage, order_id: UUID) -> Subscription:
    found: Sequence[Subscription] = stage.rows(
        select(Subscription)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .where(OrderLine.order_id == order_id)
    )
    return found[0]


def convert(stage: Stage, subscription: Subscription, token: str = "", *, by: Principal | None = None) -> UUID:
    command = ConvertTrial(subscription.id, "sandbox", token)
    return transact(stage.services.db, by or stage.purchaser, lambda uow: convert_trial(uow, command))


def extend(stage: Stage, subscription: Subscription, days: int, *, by: Principal | None = None) -> Subscription:
    command = ExtendTrial(subscription.id, days)
    return transact(stage.services.db, by or stage.seller.owner, lambda uow: extend_trial(uow, command))


def shown(stage: Stage, subscription: Subscription) -> SubscriptionView:
    return transact(stage.services.db, stage.purchaser, lambda uow: get_subscription(uow, subscription.id))


def charges(stage: Stage, order_id: UUID) -> Sequence[Charge]:
    return stage.rows(select(Charge).where(Charge.group_reference == order_id))


def told(stage: Stage, kind: str) -> Sequence[Notification]:
    stage.tick(NOTIFY)
    mine = select(Notification).where(Notification.person_id == stage.purchaser.person(), Notification.kind == kind)
    return stage.rows(mine)


def test_nobody_is_told_of_a_payment_that_was_none(stage: Stage) -> None:
    trying(stage)
    assert (len(told(stage, "order_paid")), len(told(stage, "order_active"))) == (0, 0)
    (begun,) = told(stage, "trial_begun")
    assert (begun.params["days"], begun.params["amount_minor"]) == (DAYS, MONTH_MINOR)


class TestQuote:
    def test_nothing_now_and_the_whole_price_afterwards(self, stage: Stage) -> None:
        quote_id = quote_trial(stage, trial_plan(stage, trial_needs_method=True))
        (quote,) = stage.rows(select(Quote).where(Quote.id == quote_id))
        assert (quote.net_minor, quote.tax_minor, quote.gross_minor) == (0, 0, 0)
        (line,) = [PricedLine.model_validate(one) for one in quote.lines]
        assert line.trial is not None
        assert (line.trial.days, line.trial.converts, line.trial.after.gross_minor) == (DAYS, True, MONTH_MINOR)
        assert (line.list_minor, line.gross_minor) == (line.discount_minor, 0)

    def test_a_plan_without_one_has_none(self, stage: Stage) -> None:
        with pytest.raises(Conflict, match="trial_not_offered"):
            quote_trial(stage, stage.seat_plan)

    def test_one_plan_at_a_time(self, stage: Stage) -> None:
        plan = trial_plan(stage)
        command = CreateQuote((QuoteItem(plan, 1), QuoteItem(stage.seat_plan, 1)), trial=True)
        with pytest.raises(Invalid, match="too_many_lines"):
            transact(stage.services.db, stage.purchaser, lambda uow: create_quote(uow, command))

    def test_once_of_a_listing_also_when_it_is_over(self, stage: Stage) -> None:
        plan = trial_plan(stage)
        waiting = quote_trial(stage, plan)
        order_id = stage.place(quote_trial(stage, plan))
        for _ in range(2):
            with pytest.raises(Conflict, match="trial_used"):
                quote_trial(stage, plan)
            with pytest.raises(Conflict, match="trial_used"):
                stage.place(waiting)
            stage.run()
        until(stage, of_order(stage, order_id).ends_at)
        with pytest.raises(Conflict, match="trial_used"):
            quote_trial(stage, plan)


class TestTrial:
    def test_it_is_used_at_once_for_as_long_as_was_said_and_nothing_is_charged(self, stage: Stage) -> None:
        order_id, subscription = trying(stage)
        entitlement = stage.entitlement(order_id)
        assert entitlement.valid_from is not None
        assert stage.order(order_id).state == "active"
        assert entitlement.valid_to == entitlement.valid_from + timedelta(days=DAYS) == subscription.ends_at
        assert entitlement.seats == 20
        assert charges(stage, order_id) == []
        assert stage.rows(select(Invoice).where(Invoice.reference == order_id)) == []
        assert stage.rows(select(Payment).where(Payment.reference == stage.order(order_id).purchase_id)) == []
        checked = transact(stage.services.db, stage.purchaser, lambda uow: check_entitlement(uow, entitlement.id))
        assert (checked.active, checked.trial, checked.valid_to) == (True, True, subscription.ends_at)
        view = shown(stage, subscription)
        assert (view.state, view.auto_renew, view.next_gross_minor) == ("trial", False, MONTH_MINOR)

    def test_the_seller_is_told_that_it_is_one_and_until_when(self, stage: Stage) -> None:
        order_id, subscription = trying(stage)
        run, services = stage.delivery(order_id), stage.services
        body = request_body(
            run, stage.entitlement(order_id), signer=services.signer, public_url="https://market.example"
        )
        data = body["data"]
        assert data["trial"] is True
        assert data["term"]["end"][:16] == subscription.ends_at.isoformat()[:16]

    def test_without_a_method_it_ends(self, stage: Stage) -> None:
        order_id, subscription = trying(stage)
        assert stage.purchase_of(order_id).method_token == ""
        for number, days in enumerate((7, 3, 1), 1):
            until(stage, subscription.ends_at - timedelta(days=days))
            assert len(told(stage, "trial_ends")) == number
        until(stage, subscription.ends_at)
        assert now(stage, subscription).state == "ended"
        assert stage.entitlement(order_id).state == "ended"
        assert renewals(stage, subscription) == []

    def test_what_it_would_have_cost_is_kept_with_it(self, stage: Stage) -> None:
        """The price of a next term that was never paid for keeps nothing else from being purged."""
        _, subscription = trying(stage)
        unused = quote_trial(stage, trial_plan(stage))
        until(stage, subscription.ends_at)
        clock.advance(timedelta(days=200))
        stage.tick(PURGE_QUOTES)
        kept = stage.rows(select(Quote.id).where(Quote.id.in_([unused, now(stage, subscription).renewal_quote_id])))
        assert kept == [subscription.renewal_quote_id]

    def test_without_a_method_it_cannot_be_made_to_convert_by_itself(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        with pytest.raises(Conflict, match="trial_must_be_bought"):
            switch(stage, subscription, wanted=True)

    def test_one_that_converts_needs_a_method(self, stage: Stage) -> None:
        quote_id = quote_trial(stage, trial_plan(stage, trial_needs_method=True))
        with pytest.raises(Invalid, match="payment_method_missing"):
            stage.place(quote_id, method="")

    def test_what_never_began_was_no_trial(self, stage: Stage) -> None:
        plan = trial_plan(stage, trial_needs_method=True)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", MONTH_MINOR - 1))
        order_id = stage.place(quote_trial(stage, plan))
        assert stage.order(order_id).state == "pending_approval"
        decision = DecidePurchase(stage.order(order_id).purchase_id, "rejected", "not now")
        transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, decision))
        assert stage.order(order_id).state == "rejected"
        quote_trial(stage, plan)


class TestConversion:
    def test_at_its_end_it_is_paid_at_the_price_it_began_with(self, stage: Stage) -> None:
        order_id, subscription = trying(stage, trial_needs_method=True)
        raise_price(stage, stage.entitlement(order_id).plan_id, 99_900)
        for number, days in enumerate((7, 3, 1), 1):
            until(stage, subscription.ends_at - timedelta(days=days))
            assert len(told(stage, "trial_converts")) == number
        assert renewals(stage, subscription) == []
        until(stage, subscription.ends_at - CONVERTS_BEFORE)
        (paid,) = renewals(stage, subscription)
        assert (paid.state, paid.gross_minor) == ("active", MONTH_MINOR)
        first, second = terms(stage, subscription)
        assert second.starts_at == first.ends_at == subscription.ends_at
        assert stage.entitlement(order_id).valid_to == second.ends_at == now(stage, subscription).ends_at
        assert len(charges(stage, paid.id)) == 1
        assert shown(stage, subscription).state == "active"
        changes = stage.rows(select(Run).where(Run.operation == "change"))
        assert stage.entitlement(order_id).trial_days == 0
        assert changes

    def test_bought_and_rejected_it_still_converts_at_the_price_it_began_with(self, stage: Stage) -> None:
        order_id, subscription = trying(stage, trial_needs_method=True)
        raise_price(stage, stage.entitlement(order_id).plan_id, 99_900)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", MONTH_MINOR - 1))
        bought = convert(stage, subscription)
        decision = DecidePurchase(stage.order(bought).purchase_id, "rejected", "not now")
        transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, decision))
        until(stage, subscription.ends_at - CONVERTS_BEFORE)
        assert [(one.state, one.gross_minor) for one in renewals(stage, subscription) if one.id != bought] == [
            ("active", MONTH_MINOR)
        ]

    def test_refused_it_is_tried_at_once_by_another_method_and_once(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        bought = convert(stage, subscription, "sbx_declined")
        stage.run()
        assert stage.order(bought).state == "pending_payment"
        for _ in range(2):
            assert convert(stage, subscription, "sbx_ok") == bought
            stage.run()
        assert stage.order(bought).state == "active"
        paid = stage.rows(select(Payment).where(Payment.reference == stage.order(bought).purchase_id))
        assert sorted(one.state for one in paid) == ["failed", "succeeded"]

    def test_switched_off_it_ends(self, stage: Stage) -> None:
        _, subscription = trying(stage, trial_needs_method=True)
        switch(stage, subscription, wanted=False)
        until(stage, subscription.ends_at)
        assert now(stage, subscription).state == "ended"
        assert renewals(stage, subscription) == []

    def test_switched_off_and_on_it_converts(self, stage: Stage) -> None:
        _, subscription = trying(stage, trial_needs_method=True)
        for wanted in (False, True):
            switch(stage, subscription, wanted=wanted)
        until(stage, subscription.ends_at)
        assert [one.state for one in renewals(stage, subscription)] == ["active"]

    def test_unpaid_it_is_asked_for_as_any_renewal(self, stage: Stage) -> None:
        order_id, subscription = trying(stage, trial_needs_method=True, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end)
        until(stage, end + timedelta(minutes=1))
        assert now(stage, subscription).state == "past_due"
        assert stage.entitlement(order_id).state == "active"
        for days in (1, 3, 7):
            until(stage, end + timedelta(days=days))
        until(stage, end + SUSPENDED_AFTER)
        assert stage.entitlement(order_id).state == "suspended"
        until(stage, end + TERMINATED_AFTER)
        assert now(stage, subscription).state == "ended"
        assert stage.order(renewals(stage, subscription)[0].id).state == "expired"

    def test_bought_at_once_it_is_paid_now_and_no_free_day_is_lost(self, stage: Stage) -> None:
        order_id, subscription = trying(stage)
        bought = convert(stage, subscription, "sbx_ok")
        assert convert(stage, subscription, "sbx_ok") == bought
        stage.run()
        assert convert(stage, subscription, "sbx_ok") == bought
        (paid,) = renewals(stage, subscription)
        assert (paid.id, paid.state, paid.gross_minor) == (bought, "active", MONTH_MINOR)
        first, second = terms(stage, subscription)
        assert second.starts_at == first.ends_at
        assert shown(stage, subscription).state == "active"
        assert stage.entitlement(order_id).trial_days == 0
        until(stage, first.ends_at + timedelta(days=1))
        assert stage.entitlement(order_id).state == "active"

    def test_bought_without_a_method_it_says_what_is_missing(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        with pytest.raises(Invalid, match="payment_method_missing"):
            convert(stage, subscription)
        assert renewals(stage, subscription) == []

    def test_bought_but_not_paid_it_ends_with_the_trial(self, stage: Stage) -> None:
        order_id, subscription = trying(stage)
        bought = convert(stage, subscription, "sbx_declined")
        stage.run()
        until(stage, subscription.ends_at)
        assert now(stage, subscription).state == "ended"
        assert stage.entitlement(order_id).state == "ended"
        stage.tick("orders.checkout.sweep")
        assert stage.order(bought).state == "expired"

    def test_the_purchase_rules_hold(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", MONTH_MINOR - 1))
        bought = convert(stage, subscription, "sbx_ok")
        stage.run()
        assert stage.order(bought).state == "pending_approval"
        decision = DecidePurchase(stage.order(bought).purchase_id, "approved")
        transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, decision))
        stage.run()
        assert stage.order(bought).state == "active"
        assert len(charges(stage, bought)) == 1

    def test_while_an_approver_decides_it_waits_and_then_goes_on_from_its_end(self, stage: Stage) -> None:
        """An approval has its own deadline: what was asked for in time is not lost because the trial ends before it."""
        order_id, subscription, bought = self._waits(stage)
        end = subscription.ends_at
        until(stage, end + timedelta(hours=1))
        stage.tick("orders.checkout.sweep")
        assert stage.order(bought).state == "pending_approval"
        assert (now(stage, subscription).state, stage.entitlement(order_id).state) == ("past_due", "active")
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            broken = [one for rule in RULES for one in rule.find(uow).examples]
        assert [one for one in broken if one.get("subscription_id") == str(subscription.id)] == []
        decision = DecidePurchase(stage.order(bought).purchase_id, "approved")
        transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, decision))
        stage.run()
        assert stage.order(bought).state == "active"
        assert terms(stage, subscription)[1].starts_at == end
        assert now(stage, subscription).state == "active"
        assert len(charges(stage, bought)) == 1

    @pytest.mark.parametrize("how", ["rejected", "expired", "unpaid"])
    def test_where_the_approver_says_no_or_nothing_it_ends(self, stage: Stage, how: str) -> None:
        order_id, subscription, bought = self._waits(stage, "sbx_declined" if how == "unpaid" else "sbx_ok")
        until(stage, subscription.ends_at + timedelta(hours=1))
        assert now(stage, subscription).state == "past_due"
        if how == "expired":
            clock.advance(timedelta(days=7))
        else:
            verdict = DecidePurchase(
                stage.order(bought).purchase_id, "rejected" if how == "rejected" else "approved", "x"
            )
            transact(stage.services.db, stage.approver, lambda uow: decide_purchase(uow, verdict))
            stage.run()
        if how == "unpaid":
            clock.advance(timedelta(days=2))
        stage.tick("orders.checkout.sweep")
        stage.run()
        until(stage, clock.now())
        assert (now(stage, subscription).state, stage.entitlement(order_id).state) == ("ended", "ended")
        assert stage.order(bought).state == ("rejected" if how == "rejected" else "expired")
        assert stage.order(bought).payment_id is None

    @staticmethod
    def _waits(stage: Stage, method: str = "sbx_ok") -> tuple[UUID, Subscription, UUID]:
        """A trial on its last but one day, bought, which waits for an approver."""
        order_id, subscription = trying(stage)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", MONTH_MINOR - 1))
        until(stage, subscription.ends_at - timedelta(days=2))
        bought = convert(stage, subscription, method)
        stage.run()
        return order_id, subscription, bought

    def test_over_it_cannot_be_bought(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        until(stage, subscription.ends_at)
        with pytest.raises(Conflict, match="trial_over"):
            convert(stage, subscription, "sbx_ok")

    def test_its_money_back_leaves_the_rest_of_the_trial(self, stage: Stage) -> None:
        """The window of the paid term counts from when it was bought."""
        order_id, subscription = trying(stage)
        bought = convert(stage, subscription, "sbx_ok")
        stage.run()
        stage.refund(bought)
        stage.run()
        assert stage.order(bought).state == "refunded"
        assert stage.entitlement(order_id).state == "active"
        assert stage.entitlement(order_id).valid_to == subscription.ends_at
        assert shown(stage, subscription).state == "trial"
        assert shown(stage, subscription).next_gross_minor == MONTH_MINOR, "its price is still known"
        entries = transact(
            stage.services.db, stage.purchaser, lambda uow: subscription_timeline(uow, subscription.id, "buyer")
        )
        assert [(one.kind, one.number) for one in entries if one.kind.startswith("term")] == [
            ("term", 1),
            ("term_revoked", 2),
        ]
        again = convert(stage, subscription, "sbx_ok")
        stage.run()
        assert (stage.order(again).state, stage.order(again).gross_minor) == ("active", MONTH_MINOR)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            broken = [one for rule in RULES for one in rule.find(uow).examples]
        assert [one for one in broken if one.get("subscription_id") == str(subscription.id)] == []


class TestExtension:
    def test_once_and_by_its_own_length_at_most(self, stage: Stage) -> None:
        order_id, subscription = trying(stage)
        clock.advance(timedelta(days=10))
        for days in (0, DAYS + 1):
            with pytest.raises(Invalid, match="trial_extension_invalid"):
                extend(stage, subscription, days)
        longer = subscription.ends_at + timedelta(days=DAYS)
        extend(stage, subscription, DAYS)
        assert now(stage, subscription).ends_at == longer == stage.entitlement(order_id).valid_to
        assert terms(stage, subscription)[0].ends_at == longer
        with pytest.raises(Conflict, match="trial_extended"):
            extend(stage, subscription, 1)
        assert len(told(stage, "trial_extended")) == 1
        entries = stage.rows(select(audit.AuditEntry).where(audit.AuditEntry.subject_id == subscription.id))
        assert [entry.action for entry in entries] == ["trial.extended"]
        until(stage, longer - timedelta(hours=1))
        assert stage.entitlement(order_id).state == "active"
        until(stage, longer)
        assert stage.entitlement(order_id).state == "ended"

    def test_one_that_converts_does_so_at_the_new_end(self, stage: Stage) -> None:
        _, subscription = trying(stage, trial_needs_method=True)
        extend(stage, subscription, 7)
        until(stage, subscription.ends_at)
        assert renewals(stage, subscription) == []
        until(stage, subscription.ends_at + timedelta(days=7))
        (paid,) = renewals(stage, subscription)
        assert (paid.state, paid.gross_minor) == ("active", MONTH_MINOR)
        assert terms(stage, subscription)[1].starts_at == subscription.ends_at + timedelta(days=7)

    def test_what_is_bought_or_over_is_not_extended(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        convert(stage, subscription, "sbx_ok")
        with pytest.raises(Conflict, match="trial_over"):
            extend(stage, subscription, 1)
        _, other = trying(stage)
        until(stage, other.ends_at)
        with pytest.raises(Conflict, match="trial_over"):
            extend(stage, other, 1)

    def test_by_its_own_seller_alone(self, stage: Stage) -> None:
        _, subscription = trying(stage)
        for stranger in (stage.promoter.owner, stage.buyer.owner):
            with pytest.raises(NotFound):
                extend(stage, subscription, 1, by=stranger)


def test_a_trial_is_taken_once_for_a_listing_with_several_plans(stage: Stage) -> None:
    """The row says it; the next test of it is the race."""
    _, subscription = trying(stage)
    (trial,) = stage.rows(select(Trial).where(Trial.order_line_id == subscription.order_line_id))
    assert (trial.days, trial.converts, trial.released_at) == (DAYS, False, None)
    assert PricedLine.model_validate(trial.full_line).gross_minor == MONTH_MINOR
