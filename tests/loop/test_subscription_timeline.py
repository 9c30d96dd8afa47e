"""The line of a subscription's life, as each of its sides sees it: what was paid, told, tried and changed, and what is next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel.db.uow import unit_of_work
from kernel.errors import Forbidden, NotFound
from orders.subscriptions.queries import Side, get_subscription
from orders.subscriptions.schedule import RENEWS_BEFORE, SUSPENDED_AFTER, TERMINATED_AFTER
from orders.subscriptions.timeline import TimelineEntry, subscription_timeline
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop.test_amendments import amended
from tests.loop.test_renewals import now, subscribed, switch, until
from tests.loop_stage import Stage


def line(stage: Stage, subscription: Any, side: Side = "buyer", who: Any = None) -> list[TimelineEntry]:
    own = {"buyer": stage.purchaser, "seller": stage.seller.owner, "operator": OPERATOR_PRINCIPAL}
    with unit_of_work(stage.services.db, who or own[side]) as uow:
        return subscription_timeline(uow, subscription.id, side)


def kinds(found: list[TimelineEntry], *, due: bool) -> list[str]:
    return [one.kind for one in found if one.is_due is due]


class TestWhatIsNext:
    def test_one_that_is_renewed(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        found = line(stage, subscription)
        assert kinds(found, due=False) == ["term"]
        assert [(one.kind, one.at) for one in found if one.is_due] == [
            ("notice", subscription.ends_at - timedelta(days=7)),
            ("renew", subscription.ends_at - RENEWS_BEFORE),
        ]

    def test_one_that_ends(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        switch(stage, subscription, wanted=False)
        assert kinds(line(stage, subscription), due=True) == ["notice", "end"]

    def test_the_notice_names_the_price_to_whoever_pays_alone(self, stage: Stage) -> None:
        _, subscription = subscribed(stage)
        until(stage, subscription.ends_at - timedelta(days=7))
        told = {side: [one for one in line(stage, subscription, side) if one.kind == "notice"] for side in SIDES}
        assert [(one.days, one.state, one.amount_minor) for one in told["buyer"]] == [(7, "renews", 20 * 19_900)]
        assert [one.amount_minor for one in told["operator"]] == [20 * 19_900]
        assert [one.amount_minor for one in told["seller"]] == [None]


SIDES: tuple[Side, ...] = ("buyer", "seller", "operator")


class TestDunning:
    def test_every_step_is_there_for_all_three(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, method="sbx_declined")
        end = subscription.ends_at
        until(stage, end - RENEWS_BEFORE)
        for days in (0, 1, 2, 6):
            until(stage, end + timedelta(days=days))
        for side in SIDES:
            found = line(stage, subscription, side)
            assert [(one.kind, one.at - end) for one in found if one.is_due] == [
                ("retry", timedelta(days=13)),
                ("suspend", SUSPENDED_AFTER),
                ("terminate", TERMINATED_AFTER),
            ]
            assert kinds(found, due=False).count("past_due") == 1
        tried = {side: [one for one in line(stage, subscription, side) if one.kind == "try"] for side in SIDES}
        assert {len(found) for found in tried.values()} == {4}
        assert {(one.state, one.reason is None) for one in tried["buyer"]} == {("failed", False)}
        assert tried["operator"] == tried["buyer"]
        assert [one.state for one in tried["seller"]] == ["failed"] * 4
        assert {one.reason for one in tried["seller"]} == {None}
        until(stage, end + timedelta(days=13))
        until(stage, end + SUSPENDED_AFTER)
        assert kinds(line(stage, subscription, "seller"), due=False)[-1] == "suspend"
        until(stage, end + TERMINATED_AFTER)
        last = line(stage, subscription, "seller")
        assert (last[-1].kind, last[-1].reason, kinds(last, due=True)) == ("end", "renewal_unpaid", [])

    def test_before_the_term_is_over_the_whole_calendar_is_ahead(self, stage: Stage) -> None:
        _, subscription = subscribed(stage, method="sbx_declined")
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        ahead = [one for one in line(stage, subscription) if one.is_due]
        assert [(one.kind, one.days) for one in ahead] == [
            ("retry", 1),
            ("past_due", None),
            ("retry", 3),
            ("retry", 7),
            ("retry", 14),
            ("suspend", None),
            ("terminate", None),
        ]


def test_a_change_stands_with_what_it_cost(stage: Stage) -> None:
    _, subscription = subscribed(stage)
    order_id = amended(stage, subscription, 25)
    (change,) = [one for one in line(stage, subscription, "seller") if one.kind == "amendment"]
    assert (change.state, change.quantity_before, change.quantity) == ("applied", 20, 25)
    assert (change.order_id, change.amount_minor) == (order_id, stage.order(order_id).gross_minor)


def test_nobody_else_sees_it(stage: Stage) -> None:
    _, subscription = subscribed(stage)
    with pytest.raises(NotFound):
        line(stage, subscription, "seller", stage.purchaser)
    with pytest.raises(NotFound):
        line(stage, subscription, "buyer", stage.seller.owner)
    with pytest.raises(NotFound):
        line(stage, subscription, "buyer", stage.promoter.owner)
    with pytest.raises(Forbidden):
        line(stage, subscription, "operator", stage.purchaser)


def test_what_the_next_term_is_expected_to_cost(stage: Stage) -> None:
    """Before it is told, as its plan is priced today; then as told, and the same where nothing changed."""
    _, subscription = subscribed(stage)
    amended(stage, subscription, 25)

    def seen() -> Any:
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            return get_subscription(uow, subscription.id)

    assert (seen().next_gross_minor, seen().expected_minor, seen().seats) == (None, 25 * 19_900, 25)
    until(stage, subscription.ends_at - timedelta(days=7))
    assert (seen().next_gross_minor, seen().expected_minor) == (25 * 19_900, 25 * 19_900)
    assert now(stage, subscription).auto_renew
