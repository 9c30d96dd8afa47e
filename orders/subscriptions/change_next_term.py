"""What the next term is to be: fewer seats, another plan, or again what it was; nothing is paid and nothing changes before."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fulfillment.entitlements.amend import require_not_allocated
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.jobs.outbox import emit
from marketplace.catalog.sellable import get_sellable
from marketplace.pricing.engine import check_seats
from marketplace.pricing.order_quantities import require_quantity
from orders.amendments.subscribed import Subscribed, lock_subscribed
from orders.checkout.approval_reasons import BUY
from orders.checkout.other_plan_price import quantities_at
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.events import NextTermScheduled, NextTermScheduleWithdrawn
from orders.subscriptions.offered_terms import next_price
from orders.subscriptions.queries import SubscriptionView, get_subscription
from orders.subscriptions.quote_renewal import plan_now, requote_renewal


@dataclass(frozen=True, slots=True)
class ChangeNextTerm:
    """The quantity and the plan of the next term; what is None is as it is now. Both None: nothing is to change."""

    subscription_id: UUID
    quantity: int | None = None
    plan_id: UUID | None = None


def change_next_term(uow: UnitOfWork, command: ChangeNextTerm) -> Subscription:
    """Note what the next term is to be, or undo that. A price that was told for it is told anew, by the plan it was told for.

    Raises: Forbidden `permission_missing`; as `lock_subscribed`; Invalid `quantity_out_of_range`, `quantity_step`, as
    `require_quantity`; Conflict `contract_ends` (no term of its contract is left), `plan_unfit` (not of this listing, or in
    another currency), `plan_withdrawn`, `listing_suspended`, `seats_are_allocated` (subsidiaries have more).
    Locks: as `lock_subscribed`. Emits: NextTermScheduled, NextTermScheduleWithdrawn. Idempotent by the content.
    """
    subscription, is_new = _change(uow, command)
    if is_new:
        _tell(uow, subscription)
    return subscription


def _change(uow: UnitOfWork, command: ChangeNextTerm) -> tuple[Subscription, bool]:
    """The subscription with its change noted, and whether that is another one than before. Nobody is told."""
    uow.principal.require(BUY)
    subscribed = lock_subscribed(uow, command.subscription_id)
    subscription = subscribed.subscription
    if subscription.contract_terms_left == 0:
        raise Conflict("contract_ends")
    quantity, plan_id = command.quantity or subscription.quantity, command.plan_id or subscription.plan_id
    if (quantity, plan_id) != (subscription.quantity, subscription.plan_id):
        _require_sold(uow, subscribed, quantity, plan_id)
    require_not_allocated(subscribed.entitlement, quantity)
    before = subscription.next_quantity, subscription.next_plan_id
    subscription.next_quantity = quantity if quantity != subscription.quantity else None
    subscription.next_plan_id = plan_id if plan_id != subscription.plan_id else None
    uow.flush()
    requote_renewal(uow, subscription)
    return subscription, before != (subscription.next_quantity, subscription.next_plan_id)


def _tell(uow: UnitOfWork, subscription: Subscription) -> None:
    sides = {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}
    quantity, plan_id = subscription.next_quantity, subscription.next_plan_id
    if quantity is None and plan_id is None:
        emit(uow, NextTermScheduleWithdrawn(subscription_id=subscription.id, **sides))
        return
    scheduled = NextTermScheduled(
        subscription_id=subscription.id,
        **sides,
        quantity=quantity or subscription.quantity,
        plan_id=plan_id or subscription.plan_id,
    )
    emit(uow, scheduled)


def preview_next_term(uow: UnitOfWork, command: ChangeNextTerm) -> SubscriptionView:
    """What the subscription would be like after that change, which is not made. Raises and locks as `change_next_term`."""
    with uow.session.begin_nested() as attempt:
        _change(uow, command)
        uow.flush()
        view = get_subscription(uow, command.subscription_id)
        attempt.rollback()
    return view


def _require_sold(uow: UnitOfWork, subscribed: Subscribed, quantity: int, plan_id: UUID) -> None:
    plan = get_sellable(uow, plan_now(uow, plan_id))
    first = uow.session.get_one(OrderLine, subscribed.subscription.order_line_id)
    following = next_price(uow, subscribed.subscription, first, plan, quantity)
    price = following.price
    if plan.listing_id != subscribed.entitlement.listing_id or plan.currency != subscribed.agreed.price.currency:
        raise Conflict("plan_unfit")
    if not price.term_months:
        raise Conflict("plan_unfit")
    check_seats(price, quantity)
    require_quantity(quantities_at(plan, following.named, following.tier), quantity)
