"""A seller lets a trial of its own go on, once, for up to its length again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.suspend_entitlement import change_entitlement
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.outbox import emit
from orders.order.models import ENDED_UNPAID, OWED, Order, Subscription, SubscriptionTerm
from orders.subscriptions.calendar import next_step_of
from orders.subscriptions.events import TrialExtended
from orders.subscriptions.renew import lock_subscription
from orders.trials.take_trial import trial_of_line

EXTEND = "leads.manage"


@dataclass(frozen=True, slots=True)
class ExtendTrial:
    """Which trial, and by how many days."""

    subscription_id: UUID
    days: int


def extend_trial(uow: UnitOfWork, command: ExtendTrial) -> Subscription:
    """Move the end of a running trial of the acting seller, and whatever was to come of it with the end.

    Raises: Forbidden `permission_missing` without leads.manage; NotFound; Conflict `trial_over` (it has ended, or is being
    paid for), `trial_extended`; Invalid `trial_extension_invalid`.
    Emits: TrialExtended. Locks: the order that began it, the subscription, what it gives.
    """
    uow.principal.require(EXTEND)
    seller = uow.session.scalar(select(Subscription.seller_org_id).where(Subscription.id == command.subscription_id))
    found = lock_subscription(uow, command.subscription_id) if seller == uow.principal.organization() else None
    if found is None:
        raise NotFound("not_found")
    subscription, _, _ = found
    trial = trial_of_line(uow, subscription.order_line_id, locked=True)
    if trial is None or not subscription.is_trial or not _is_running(uow, subscription):
        raise Conflict("trial_over")
    if trial.extended_days is not None:
        raise Conflict("trial_extended", days=trial.extended_days)
    if not 1 <= command.days <= trial.days:
        raise Invalid("trial_extension_invalid", field="days", limit=trial.days)
    trial.extended_days = command.days
    entitlement = _move_end(uow, subscription, command.days)
    subscription.next_step_at = next_step_of(subscription)
    change_entitlement(uow, entitlement)
    audit.record(uow, "trial.extended", subject_id=subscription.id, days=command.days)
    sides = {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}
    emit(uow, TrialExtended(subscription_id=subscription.id, **sides, days=command.days))
    uow.flush()
    return subscription


def _is_running(uow: UnitOfWork, subscription: Subscription) -> bool:
    """It is neither over nor being paid for."""
    if subscription.state != "active" or subscription.ends_at <= clock.now():
        return False
    bought = exists().where(
        Order.subscription_id == subscription.id,
        ~OWED,
        Order.state.not_in((*ENDED_UNPAID, "refunded")),
    )
    return not uow.session.scalar(select(bought))


def _move_end(uow: UnitOfWork, subscription: Subscription, days: int) -> Entitlement:
    term = uow.session.scalars(
        select(SubscriptionTerm).where(
            SubscriptionTerm.subscription_id == subscription.id, SubscriptionTerm.number == 1
        )
    ).one()
    entitlement = uow.session.scalars(
        select(Entitlement).where(Entitlement.reference == subscription.order_line_id).with_for_update()
    ).one()
    ends_at = subscription.ends_at + timedelta(days=days)
    term.ends_at = subscription.ends_at = subscription.trial_ends_at = entitlement.valid_to = ends_at
    subscription.trial_days = entitlement.trial_days = (subscription.trial_days or 0) + days
    subscription.anchor_day = ends_at.astimezone(ZoneInfo(entitlement.time_zone)).day
    return entitlement
