"""When a subscription is told of its end, renewed, and asked for money again. Pure; as data, so that pages show the same.

Instants are counted from the end of the paid term. A notice never comes before half of the term is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

NOTICE_DAYS = (90, 60, 30, 7)
SHORTEST_TERM_MONTHS = {90: 24, 60: 12, 30: 3, 7: 1}
"""Which terms are long enough for a notice so many days before their end."""
RENEWS_BEFORE = timedelta(days=1)
"""How long before its end the next term is paid for, so that nothing stops while a payment takes its time."""
TRIAL_NOTICE_DAYS = (7, 3, 1)
"""Before the end of a trial; none before half of it is over."""
CONVERTS_BEFORE = timedelta(minutes=2)
"""How long before its end a trial is converted: as long as the clock and a payment need, so that nothing stops between."""
RETRY_DAYS = (1, 3, 7, 14)
"""Days after the first try on which a renewal that was not paid is tried again."""
SUSPENDED_AFTER = timedelta(days=14)
TERMINATED_AFTER = timedelta(days=44)
"""After the end of the paid term."""

StepKind = Literal["notice", "renew", "retry", "suspend", "terminate"]


@dataclass(frozen=True, slots=True)
class SubscriptionStep:
    """What is due at an instant. `days`: before the end of a notice, after the first try of a retry."""

    at: datetime
    kind: StepKind
    days: int = 0


def steps_of(
    ends_at: datetime, term_months: int, *, auto_renew: bool, trial_days: int = 0, lead_days: int = 0
) -> Iterator[SubscriptionStep]:
    """The steps before the end of a term, or of a trial of `trial_days`, in their order.

    `lead_days`: how long before its end the next term is charged. Notices come so much earlier, and a payment that was refused is
    asked for again before the end, too.
    """
    before = renews_before(trial_days, lead_days)
    if trial_days:
        before_end, earlier = [days for days in TRIAL_NOTICE_DAYS if trial_days >= 2 * days], 0
    else:
        before_end = [days for days in NOTICE_DAYS if term_months >= SHORTEST_TERM_MONTHS[days]]
        earlier = (before - RENEWS_BEFORE).days
    for days in before_end:
        yield SubscriptionStep(ends_at - timedelta(days=days + earlier), "notice", days + earlier)
    if auto_renew:
        yield SubscriptionStep(ends_at - before, "renew")
        for days in RETRY_DAYS if earlier else ():
            if timedelta(days=days) < before:
                yield SubscriptionStep(ends_at - before + timedelta(days=days), "retry", days)


def renews_before(trial_days: int = 0, lead_days: int = 0) -> timedelta:
    """How long before the end of a term, or of a trial of `trial_days`, the next term is asked money for."""
    return CONVERTS_BEFORE if trial_days else max(RENEWS_BEFORE, timedelta(days=lead_days))


def steps_past_due(ends_at: datetime, *, trial_days: int = 0) -> Iterator[SubscriptionStep]:
    """The steps of a term that is not paid for, in their order: dunning, suspension, the end."""
    first = ends_at - renews_before(trial_days)
    for days in RETRY_DAYS:
        yield SubscriptionStep(first + timedelta(days=days), "retry", days)
    yield SubscriptionStep(ends_at + SUSPENDED_AFTER, "suspend")
    yield SubscriptionStep(ends_at + TERMINATED_AFTER, "terminate")


def next_step_at(
    ends_at: datetime, term_months: int, *, auto_renew: bool, after: datetime, trial_days: int = 0, lead_days: int = 0
) -> datetime | None:
    """The first step of a term, or of a trial of `trial_days`, later than `after`."""
    steps = steps_of(ends_at, term_months, auto_renew=auto_renew, trial_days=trial_days, lead_days=lead_days)
    return next((step.at for step in steps if step.at > after), None)
