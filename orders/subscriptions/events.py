"""Facts of what recurs."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class SubscriptionNoticed(Event):
    """A term is about to end, in `days` days: it is renewed at what `quote_id` says, or ends where it is None."""

    topic: ClassVar[str] = "orders.subscription_noticed.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    days: int
    quote_id: UUID | None
    trial: bool = False
    """Whether what ends is a trial."""
    contract: bool = False
    """Whether it ends because its contract does."""


class RenewalRefused(Event):
    """A subscription that was to be renewed ends with its term: `reason` is the code of what stands in the way."""

    topic: ClassVar[str] = "orders.renewal_refused.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str


class SubscriptionRenewed(Event):
    """The next term is paid for."""

    topic: ClassVar[str] = "orders.subscription_renewed.v1"
    subscription_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class SubscriptionPastDue(Event):
    """A term has begun that nobody has paid for yet."""

    topic: ClassVar[str] = "orders.subscription_past_due.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class SubscriptionEnded(Event):
    """Its last paid term is over, or it was not paid for: `reason` is a code. What goes back with its money is told with that."""

    topic: ClassVar[str] = "orders.subscription_ended.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str


class SubscriptionSuspended(Event):
    """What it gives may not be used until what is owed for it is paid: a term, or usage."""

    topic: ClassVar[str] = "orders.subscription_suspended.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class TrialExtended(Event):
    """The seller has let a trial go on for `days` more."""

    topic: ClassVar[str] = "orders.trial_extended.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    days: int


class TrialStarted(Event):
    """A trial runs."""

    topic: ClassVar[str] = "orders.trial_started.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class TrialEndsSoon(Event):
    """A trial ends in `days` days: it is paid for at what `quote_id` says, or ends where it is None."""

    topic: ClassVar[str] = "orders.trial_ends_soon.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    days: int
    quote_id: UUID | None


class TrialConverted(Event):
    """What follows a trial is paid for."""

    topic: ClassVar[str] = "orders.trial_converted.v1"
    subscription_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class TrialEnded(Event):
    """A trial is over, and nothing after it was paid for: `reason` is a code."""

    topic: ClassVar[str] = "orders.trial_ended.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str


class NextTermScheduled(Event):
    """The next term is to be of another quantity or plan."""

    topic: ClassVar[str] = "orders.next_term_scheduled.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    quantity: int
    plan_id: UUID


class NextTermScheduleWithdrawn(Event):
    """The next term is to be as this one again."""

    topic: ClassVar[str] = "orders.next_term_schedule_withdrawn.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
