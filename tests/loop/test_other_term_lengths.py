"""A plan of another length for the next term: whatever looks ahead counts in its months."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import update

from kernel.calendar import add_months
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from orders.order.models import Subscription
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from orders.subscriptions.queries import SubscriptionView, get_subscription
from orders.subscriptions.schedule import RENEWS_BEFORE
from orders.subscriptions.timeline import subscription_timeline
from orders.subscriptions.upcoming import upcoming_charges
from tests.factories_marketplace import make_plans, per_seat_plan
from tests.loop.test_end_of_term import active, subscriptions
from tests.loop.test_renewals import now, renewals, until
from tests.loop_stage import Stage


def month_then_year(stage: Stage, **month: int) -> tuple[UUID, Subscription]:
    """An active month, the next term of which is to be a year of the same product."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        monthly, yearly = make_plans(
            uow,
            stage.seller,
            per_seat_plan(code="m", interval="month", unit_price_minor=1_000, connector_id=stage.connector, **month),
            per_seat_plan(code="y", unit_price_minor=10_000, connector_id=stage.connector),
        )
    order_id = stage.buy(monthly.id)
    stage.run()
    (subscription,) = subscriptions(stage, order_id)
    command = ChangeNextTerm(subscription.id, plan_id=yearly.id)
    for work in (
        lambda uow: set_auto_renew(uow, subscription.id, wanted=True),
        lambda uow: change_next_term(uow, command),
    ):
        transact(stage.services.db, stage.purchaser, work)
    return order_id, now(stage, subscription)


def view(stage: Stage, subscription: Subscription) -> SubscriptionView:
    return transact(stage.services.db, stage.purchaser, lambda uow: get_subscription(uow, subscription.id))


def test_the_years_price_is_ahead_once_a_year(stage: Stage) -> None:
    _, subscription = month_then_year(stage)
    assert (view(stage, subscription).term_months, view(stage, subscription).next_months) == (1, 12)
    ahead = transact(stage.services.db, stage.purchaser, lambda uow: upcoming_charges(uow, ahead=timedelta(days=400)))
    first = subscription.ends_at - RENEWS_BEFORE
    following = add_months(subscription.ends_at, 12, time_zone="Asia/Shanghai", anchor_day=subscription.anchor_day)
    assert [one.at for one in ahead if one.subscription_id == subscription.id] == [first, following - RENEWS_BEFORE]


def test_a_year_is_noticed_like_a_year(stage: Stage) -> None:
    _, subscription = month_then_year(stage)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    (renewal,) = renewals(stage, subscription)
    found = now(stage, subscription)
    assert (renewal.state, found.term_months) == ("active", 12)
    for wanted in (False, True):
        # Whatever takes the calendar anew finds the same.
        transact(
            stage.services.db,
            stage.purchaser,
            lambda uow: set_auto_renew(uow, subscription.id, wanted=wanted),  # noqa: B023 - called at once
        )
    assert now(stage, subscription).next_step_at == found.next_step_at == found.ends_at - timedelta(days=60)
    assert view(stage, subscription).term_months == 12
    line = transact(
        stage.services.db, stage.purchaser, lambda uow: subscription_timeline(uow, subscription.id, "buyer")
    )
    assert [one.days for one in line if one.is_due and one.kind == "notice"] == [60, 30, 7]
    # Its money back, the month is all there was.
    stage.refund(renewal.id)
    stage.run()
    assert now(stage, subscription).term_months == 1


def test_a_contract_ends_after_terms_of_the_next_length(stage: Stage) -> None:
    _, subscription = month_then_year(stage, contract_terms=2)
    ends = add_months(subscription.ends_at, 12, time_zone="Asia/Shanghai", anchor_day=subscription.anchor_day)
    assert view(stage, subscription).contract_ends_at == ends


def test_a_number_that_the_plan_is_not_sold_in_is_said_when_it_is_to_go_on(stage: Stage) -> None:
    """As an offer may have sold it: another number for the next term is wanted first."""
    order_id = active(stage, interval="month")
    (subscription,) = subscriptions(stage, order_id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Subscription).where(Subscription.id == subscription.id).values(quantity=5_001))
    go_on = partial(set_auto_renew, subscription_id=subscription.id, wanted=True)
    with pytest.raises(Conflict, match="quantity_out_of_range"):
        transact(stage.services.db, stage.purchaser, go_on)
    fewer = ChangeNextTerm(subscription.id, quantity=10)
    transact(stage.services.db, stage.purchaser, lambda uow: change_next_term(uow, fewer))
    transact(stage.services.db, stage.purchaser, go_on)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    (renewal,) = renewals(stage, subscription)
    assert renewal.state == "active"
