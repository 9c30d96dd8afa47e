"""What an organization paid, and what it will be charged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kernel import clock
from kernel.calendar import add_months
from kernel.db.uow import unit_of_work
from orders.spend import SpendRow, spend
from orders.subscriptions.schedule import RENEWS_BEFORE
from orders.subscriptions.upcoming import AHEAD, UpcomingCharge, upcoming_charges
from tests.factories_marketplace import make_member
from tests.loop.test_amendments import next_term
from tests.loop.test_renewals import renewals, subscribed, switch, until
from tests.loop_stage import Stage


def spent(stage: Stage, who: Any = None) -> list[SpendRow]:
    with unit_of_work(stage.services.db, who or stage.purchaser) as uow:
        return spend(uow)


def ahead(stage: Stage, who: Any = None) -> list[UpcomingCharge]:
    with unit_of_work(stage.services.db, who or stage.purchaser) as uow:
        return upcoming_charges(uow)


class TestUpcoming:
    def test_every_term_of_the_next_ninety_days(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage)
        found = ahead(stage)
        term = stage.entitlement(order_id)
        ends = [subscription.ends_at]
        while ends[-1] - RENEWS_BEFORE <= clock.now() + AHEAD:
            ends.append(add_months(ends[-1], 1, time_zone=term.time_zone, anchor_day=subscription.anchor_day))
        assert [one.at for one in found] == [end - RENEWS_BEFORE for end in ends[:-1]]
        assert len(found) in {2, 3}
        assert {(one.amount_minor, one.is_told) for one in found} == {(20 * 19_900, False)}
        assert ahead(stage, stage.seller.owner) == ahead(stage, stage.promoter.owner) == []

    def test_what_was_told_is_what_is_charged(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        next_term(stage, subscription, 15)
        until(stage, subscription.ends_at - timedelta(days=7))
        first, second, *_ = ahead(stage)
        assert (first.amount_minor, first.is_told, second.is_told) == (15 * 19_900, True, False)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        assert renewals(stage, subscription)[-1].gross_minor == first.amount_minor

    def test_what_ends_is_not_charged(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        switch(stage, subscription, wanted=False)
        assert ahead(stage) == []

    def test_what_waits_for_its_money_is_due_now(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, method="sbx_declined")
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        until(stage, subscription.ends_at + timedelta(days=2))
        first = ahead(stage)[0]
        assert (first.at, first.is_told) == (clock.now(), True)


class TestSpend:
    def test_by_month_seller_and_member(self, stage: Stage) -> None:
        first = stage.order(stage.buy(quantity=2))
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            colleague = make_member(uow, stage.buyer, "purchaser")
        second = stage.order(stage.buy(quantity=3, principal=colleague))
        stage.run()
        mine, theirs = sorted(spent(stage), key=lambda one: one.gross_minor)
        assert (mine.gross_minor, mine.asked_by_id, mine.orders) == (first.gross_minor, stage.purchaser.person_id, 1)
        assert (theirs.gross_minor, theirs.asked_by_id) == (second.gross_minor, colleague.person_id)
        assert {one.seller_org_id for one in (mine, theirs)} == {stage.seller.id}
        assert spent(stage, stage.seller.owner) == [], "nobody else's"

    def test_what_was_given_back_is_not_spent(self, stage: Stage) -> None:
        order_id = stage.buy(quantity=2)
        stage.run()
        stage.refund(order_id)
        stage.run()
        assert [one.gross_minor for one in spent(stage)] == [0]

    def test_a_renewal_counts_in_its_own_month(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        assert len({one.month for one in spent(stage)}) == 2
