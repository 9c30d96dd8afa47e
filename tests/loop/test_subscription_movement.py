"""Churn and expansion of a seller's subscriptions, month by month, net and to the cent."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import unit_of_work
from orders.subscriptions.movement import subscription_movements
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_amendments import amended, next_term
from tests.loop.test_renewals import renewals, subscribed, switch, until
from tests.loop_stage import Stage


def moved(stage: Stage, who: object = None) -> dict[str, tuple[int, int]]:
    with unit_of_work(stage.services.db, who or stage.seller.owner) as uow:  # type: ignore[arg-type]  # a principal
        found = subscription_movements(uow)
    totals: dict[str, tuple[int, int]] = {}
    for one in found:
        count, net = totals.get(one.movement, (0, 0))
        totals[one.movement] = (count + one.count, net + one.net_minor)
    return totals


def test_what_began_grew_shrank_and_ended(stage: Stage) -> None:
    first, subscription = subscribed(stage)
    sold = stage.order(first).net_minor
    assert moved(stage) == {"started": (1, sold)}
    more = stage.order(amended(stage, subscription, 25)).net_minor
    assert moved(stage) == {"started": (1, sold), "grown": (1, more)}
    next_term(stage, subscription, 15)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    assert "renewed" not in moved(stage), "paid for, but not begun"
    until(stage, subscription.ends_at + timedelta(minutes=1))
    paid = stage.order(renewals(stage, subscription)[-1].id).net_minor
    assert moved(stage) == {
        "started": (1, sold),
        "grown": (1, more),
        "renewed": (1, paid),
        "shrunk": (1, sold - paid),
    }
    switch(stage, subscription, wanted=False)
    until(stage, subscription.ends_at + timedelta(days=40))
    assert moved(stage)["ended"] == (1, paid)
    assert moved(stage, stage.promoter.owner) == {}, "nobody else's"


def test_what_is_long_ago_is_left_out(stage: Stage) -> None:
    _, subscription = subscribed(stage)
    switch(stage, subscription, wanted=False)
    until(stage, subscription.ends_at + timedelta(days=600))
    assert set(moved(stage)) == {"ended"}
