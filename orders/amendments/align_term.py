"""The end of a running term is moved to that of another subscription's, and moved back when its money goes back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.suspend_entitlement import change_entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from orders.amendments.models import Amendment
from orders.amendments.subscribed import Subscribed
from orders.order.models import Subscription, SubscriptionTerm


def align_term(uow: UnitOfWork, subscribed: Subscribed, amendment: Amendment) -> None:
    """Let the running term of a locked subscription end later, as was paid for; the seller's system is told the new end."""
    subscription, term, entitlement = subscribed.subscription, subscribed.term, subscribed.entitlement
    assert amendment.aligned_to is not None and amendment.anchor_day is not None  # noqa: PT018, S101 - it moves an end
    term.priced_until = term.priced_until or term.ends_at
    term.ends_at = subscription.ends_at = entitlement.valid_to = amendment.aligned_to
    subscription.anchor_day = amendment.anchor_day
    change_entitlement(uow, entitlement)


def take_back_alignment(
    uow: UnitOfWork, subscription: Subscription, entitlement: Entitlement, amendment: Amendment
) -> None:
    """The money for a later end went back: so much time is taken off the last paid term, which may be a later one by now.

    Where that time has been used already, it ends at once and is not renewed.
    """
    assert amendment.aligned_to is not None and amendment.anchor_day_before is not None  # noqa: PT018, S101 - it moved an end
    last = uow.session.scalars(
        select(SubscriptionTerm)
        .where(SubscriptionTerm.subscription_id == subscription.id, SubscriptionTerm.revoked_at.is_(None))
        .order_by(SubscriptionTerm.number.desc())
        .limit(1)
    ).one()
    if last.starts_at < amendment.aligned_to:
        subscription.anchor_day = amendment.anchor_day_before
    now, shortened = clock.now(), last.ends_at - (amendment.aligned_to - amendment.ends_at)
    ends_at = max(shortened, now, last.starts_at + timedelta(seconds=1))
    last.priced_until = last.priced_until or last.ends_at
    last.ends_at = subscription.ends_at = entitlement.valid_to = ends_at
    if ends_at <= now:
        subscription.auto_renew, subscription.next_step_at = False, None
    change_entitlement(uow, entitlement)
