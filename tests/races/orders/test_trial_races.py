"""A trial and what comes between: begun twice at once, converted against switched off, extended against converted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.schedule import CONVERTS_BEFORE
from orders.trials.models import Trial
from tests.loop.test_renewals import now, renewals, switch, terms
from tests.loop.test_trials import MONTH_MINOR, convert, extend, quote_trial, trial_plan, trying
from tests.loop_stage import Stage
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import every_order, interleaved
from tests.races.orders.test_renewal_races import step

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def calendar() -> Iterator[None]:
    """A clock that is moved on to the end of a trial."""
    with clock.frozen(clock.now()):
        yield


def due(stage: Stage) -> Subscription:
    """A trial whose conversion is due."""
    _, subscription = trying(stage, trial_needs_method=True)
    clock.advance(subscription.ends_at - CONVERTS_BEFORE - clock.now())
    return subscription


def begun(stage: Stage, plan: UUID) -> list[Trial]:
    lines = select(OrderLine.id).where(OrderLine.plan_id == plan)
    return stage.rows(select(Trial).where(Trial.order_line_id.in_(lines)))


def consistent(stage: Stage, subscription: Subscription) -> None:
    """What it gives lasts as long as it does, and each of its terms follows the one before."""
    after, (first, *rest) = now(stage, subscription), terms(stage, subscription)
    assert first.ends_at == after.trial_ends_at
    assert [one.starts_at for one in rest] == [first.ends_at] * len(rest)
    assert after.ends_at == (rest or [first])[-1].ends_at
    order_id = stage.get(OrderLine, subscription.order_line_id).order_id
    assert stage.entitlement(order_id).valid_to == after.ends_at


@in_rounds
def test_begun_twice_at_once_it_begins_once(stage: Stage) -> None:
    plan = trial_plan(stage)
    quotes = [quote_trial(stage, plan) for _ in range(4)]
    outcomes = at_once([partial(stage.place, quote_id, method="") for quote_id in quotes])
    stage.run()
    assert sorted(map(str, outcomes))[1:] == ["trial_used"] * 3
    (trial,) = begun(stage, plan)
    assert stage.order(stage.get(OrderLine, trial.order_line_id).order_id).state == "active"


@every_order
def test_two_placements_whichever_commits_first(stage: Stage, order: str) -> None:
    plan = trial_plan(stage)
    first, second = (quote_trial(stage, plan) for _ in range(2))
    outcomes = interleaved(
        stage.services.db, order, lambda: stage.place(first, method=""), lambda: stage.place(second, method="")
    )
    assert [one for one in outcomes if one == "trial_used"] == ["trial_used"]
    assert len(begun(stage, plan)) == 1


@every_order
def test_converted_against_switched_off(stage: Stage, order: str) -> None:
    subscription = due(stage)
    interleaved(
        stage.services.db,
        order,
        lambda: step(stage, subscription),
        lambda: switch(stage, subscription, wanted=False),
    )
    stage.run()
    placed = renewals(stage, subscription)
    assert [(one.state, one.gross_minor) for one in placed] == [("active", MONTH_MINOR)] * len(placed)
    assert len(placed) == len(terms(stage, subscription)) - 1 <= 1
    assert now(stage, subscription).auto_renew is False
    consistent(stage, subscription)


@every_order
def test_extended_against_converted(stage: Stage, order: str) -> None:
    subscription = due(stage)
    interleaved(stage.services.db, order, lambda: extend(stage, subscription, 7), lambda: step(stage, subscription))
    stage.run()
    extended = now(stage, subscription).trial_days == 21
    assert len(renewals(stage, subscription)) == (0 if extended else 1)
    consistent(stage, subscription)


@every_order
def test_bought_by_hand_against_converted_by_the_clock(stage: Stage, order: str) -> None:
    subscription = due(stage)
    interleaved(stage.services.db, order, lambda: convert(stage, subscription), lambda: step(stage, subscription))
    stage.run()
    (paid,) = renewals(stage, subscription)
    assert (paid.state, paid.gross_minor) == ("active", MONTH_MINOR)
    consistent(stage, subscription)


@in_rounds
def test_bought_four_times_at_once_it_is_bought_once(stage: Stage) -> None:
    _, subscription = trying(stage)
    at_once([lambda: convert(stage, subscription, "sbx_ok")] * 4)
    stage.run()
    (paid,) = renewals(stage, subscription)
    assert (paid.state, len(terms(stage, subscription))) == ("active", 2)
    consistent(stage, subscription)
