"""The calendar of one subscription: when it is told, renewed and asked next, as its end, its switch and its contract say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kernel import clock
from kernel.calendar import add_months
from orders.order.models import Subscription
from orders.subscriptions.schedule import SubscriptionStep, steps_of


def steps_ahead(subscription: Subscription) -> Iterator[SubscriptionStep]:
    """The steps before the end of its latest term, those that are over, too."""
    return steps_of(
        subscription.ends_at,
        subscription.term_months,
        auto_renew=subscription.goes_on,
        trial_days=subscription.tried_days,
        lead_days=subscription.lead_days,
    )


def next_step_of(subscription: Subscription) -> datetime | None:
    """The first of them from now on."""
    now = clock.now()
    return next((step.at for step in steps_ahead(subscription) if step.at > now), None)


def take_calendar(subscription: Subscription) -> None:
    """Let the next step of a locked subscription be the first one from now on, as its end and its switch say."""
    subscription.next_step_at = next_step_of(subscription)
    if subscription.goes_on and subscription.next_step_at is None and subscription.ends_at > clock.now():
        # The day of renewal has passed: it is renewed at once.
        subscription.next_step_at = clock.now()


def contract_end(subscription: Subscription, next_months: int, time_zone: str) -> datetime | None:
    """When its contract ends for good, all its terms paid for, the next ones of `next_months` each; None where it has no end of
    its own.
    """
    if subscription.contract_terms_left is None:
        return None
    months = next_months * subscription.contract_terms_left
    return add_months(subscription.ends_at, months, time_zone=time_zone, anchor_day=subscription.anchor_day)
