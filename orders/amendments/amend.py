"""A change that was bought is placed with its order, applied when it is paid, and taken back when its money goes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, bindparam, func, inspect, or_, select

from fulfillment.entitlements.amend import amend
from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.suspend_entitlement import change_entitlement
from fulfillment.usage.change_terms import price_changed_usage, take_back_usage_price
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.catalog.models import Plan
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.shapes import is_by_seat
from orders.amendments.align_term import align_term, take_back_alignment
from orders.amendments.events import ChangeLapsed, SubscriptionAmended
from orders.amendments.models import AMENDMENT, Amendment, QuotedChange
from orders.amendments.subscribed import lock_subscribed
from orders.fulfillment.start_fulfillment import charge_lines
from orders.order.events import OrderActivated
from orders.order.locking import lines_of
from orders.order.models import ORDER, Attribution, Order, OrderLine, SaleTerms, Subscription, SubscriptionTerm

CHANGE_LAPSED: Final = "change_lapsed"
"""Why a change was not made: what it was to change ended, was renewed or changed otherwise before it was paid."""


def place_amendment(uow: UnitOfWork, change: QuotedChange, line: OrderLine) -> None:
    """Note what the line of an order changes once it is paid.

    Raises: as `lock_subscribed`; Conflict `subscription_changed` (it is not as it was when it was quoted), `amendment_pending`.
    Locks: as `lock_subscribed`.
    """
    subscribed = lock_subscribed(uow, change.subscription_id, besides=line.order_id)
    if not _is_as_quoted(subscribed.subscription, change):
        raise Conflict("subscription_changed")
    amendment = Amendment(
        id=uuid7(),
        subscription_id=change.subscription_id,
        buyer_org_id=line.buyer_org_id,
        seller_org_id=line.seller_org_id,
        order_line_id=line.id,
        quantity=change.quantity,
        quantity_before=change.quantity_before,
        plan_id=change.plan_id,
        plan_id_before=change.plan_id_before,
        price=change.price,
        price_before=subscribed.subscription.term_price,
        ends_at=change.ends_at,
        aligned_to=change.aligned_to,
        anchor_day=change.anchor_day,
        anchor_day_before=subscribed.subscription.anchor_day if change.aligned_to is not None else None,
        applied_at=None,
        created_at=clock.now(),
    )
    AMENDMENT.begin(uow, amendment, org_ids=[line.buyer_org_id, line.seller_org_id])
    uow.flush()
    uow.add(amendment)
    uow.flush()


_OF_ORDER = Read(
    select(Amendment)
    .where(Amendment.order_line_id.in_(select(OrderLine.id).where(OrderLine.order_id == bindparam("order_id"))))
    .with_for_update()
)


def find_amendment(uow: UnitOfWork, order: Order) -> Amendment | None:
    """The change that a locked order pays for; None for one that pays for a term."""
    found: Amendment | None = uow.find(_OF_ORDER, order_id=order.id)
    return found


def require_possible(uow: UnitOfWork, order: Order) -> None:
    """Take no money for a change that could not be made now. Of a locked order that pays for no change: nothing happens.

    Raises: as `lock_subscribed`; Conflict `subscription_changed`. Locks: as `lock_subscribed`.
    """
    amendment = find_amendment(uow, order)
    if amendment is None:
        return
    subscribed = lock_subscribed(uow, amendment.subscription_id, besides=order.id)
    if not _is_as_quoted(subscribed.subscription, amendment):
        raise Conflict("subscription_changed")


def lapsed_changes() -> Select[UUID]:
    """The order lines of changes that wait for their money and can never be made: what `require_possible` finds for good."""
    return (
        select(Amendment.order_line_id)
        .join(Subscription, Subscription.id == Amendment.subscription_id)
        .where(
            state_in(Amendment.state, "pending"),
            or_(
                Subscription.state == "ended",
                Subscription.quantity != Amendment.quantity_before,
                Subscription.plan_id != Amendment.plan_id_before,
                Subscription.ends_at != Amendment.ends_at,
            ),
        )
    )


def apply_amendment(uow: UnitOfWork, order: Order, amendment: Amendment) -> bool:
    """A locked order that changes a subscription is paid: what is in use is changed at once, and the seller's system told.

    Who gets what of it is as in the sale that began the subscription. Returns False where that cannot be changed so any more
    (it ended, was renewed or changed meanwhile): the money has to go back.

    Locks: as `lock_subscribed`. Emits: OrderActivated, SubscriptionAmended; or ChangeLapsed. Idempotent by the order's state.
    """
    if order.state != "paid":
        return True
    try:
        subscribed = lock_subscribed(uow, amendment.subscription_id)
    except DomainError:
        subscribed = None
    if subscribed is None or not _is_as_quoted(subscribed.subscription, amendment):
        _void(uow, order, amendment, CHANGE_LAPSED)
        emit(uow, ChangeLapsed(order_id=order.id, **_sides(order), paid=True))
        return False
    (line,) = lines_of(uow, order.id)
    _copy_sale(uow, subscribed.subscription.order_line_id, line.id)
    ORDER.move(uow, order, "fulfilling", org_ids=order.parties)
    charge_lines(uow, order)
    AMENDMENT.move(uow, amendment, "applied", org_ids=order.parties)
    amendment.applied_at = clock.now()
    if amendment.price is not None:
        subscribed.subscription.term_price = amendment.price
        price_changed_usage(uow, subscribed.entitlement, PlanPrice.model_validate(amendment.price))
    if amendment.aligned_to is not None:
        align_term(uow, subscribed, amendment)
    else:
        change_to(uow, subscribed.subscription, subscribed.entitlement, amendment.quantity, amendment.plan_id)
    ORDER.move(uow, order, "active", org_ids=order.parties)
    order.active_at = clock.now()
    emit(uow, OrderActivated(order_id=order.id, **_sides(order)))
    emit(
        uow,
        SubscriptionAmended(subscription_id=amendment.subscription_id, amendment_id=amendment.id, **_sides(order)),
    )
    return True


def change_to(
    uow: UnitOfWork, subscription: Subscription, entitlement: Entitlement, quantity: int, plan_id: UUID
) -> None:
    """Let a locked subscription be of this quantity and plan from now on; the seller's system is told by a `change` run."""
    plan = uow.session.get_one(Plan, plan_id)
    subscription.quantity, subscription.plan_id = quantity, plan_id
    if subscription.next_plan_id == plan_id and subscription.next_quantity == quantity:
        subscription.next_plan_id = subscription.next_quantity = None
    seats = quantity if is_by_seat(plan.pricing, plan.price) else 0
    amend(uow, entitlement, seats=seats, plan_id=plan_id, plan=_plan_named(plan))
    change_entitlement(uow, entitlement)


def take_back_amendment(uow: UnitOfWork, order: Order, amendment: Amendment, *, reason: str = "refunded") -> None:
    """The money of a locked order that changed a subscription went back, or will: what it added is taken away.

    A next term that is paid for already begins as it was paid for. Locks: the subscription, its entitlement. Emits:
    SubscriptionAmended.
    """
    if amendment.state != "applied":
        # It was paid too late to be made, or was taken back before.
        return
    AMENDMENT.move(uow, amendment, "reversed", org_ids=order.parties, reason=reason)
    subscription, entitlement = uow.session.execute(
        select(Subscription, Entitlement)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .where(Subscription.id == amendment.subscription_id)
        .with_for_update(of=(Subscription, Entitlement))
    ).one()
    if subscription.state == "ended" or _until(amendment) <= clock.now():
        return
    if amendment.aligned_to is not None:
        take_back_alignment(uow, subscription, entitlement, amendment)
    else:
        _take_back_change(uow, subscription, entitlement, amendment)
    emit(
        uow,
        SubscriptionAmended(
            subscription_id=amendment.subscription_id,
            amendment_id=amendment.id,
            **_sides(order),
        ),
    )


def _until(amendment: Amendment) -> datetime:
    """The end of the time that it pays for."""
    return amendment.aligned_to or amendment.ends_at


def _take_back_change(
    uow: UnitOfWork, subscription: Subscription, entitlement: Entitlement, amendment: Amendment
) -> None:
    quantity = max(1, subscription.quantity - (amendment.quantity - amendment.quantity_before))
    is_latest = amendment.price is not None and subscription.plan_id == amendment.plan_id
    plan_id = amendment.plan_id_before if is_latest else subscription.plan_id
    if is_latest and _is_of_last_term(uow, subscription, amendment):
        subscription.term_price = amendment.price_before
        take_back_usage_price(uow, entitlement)
    change_to(uow, subscription, entitlement, quantity, plan_id)


def _is_of_last_term(uow: UnitOfWork, subscription: Subscription, amendment: Amendment) -> bool:
    """Whether the change was made within the term that ends last, whose end may have been moved since."""
    if subscription.ends_at == amendment.ends_at:
        return True
    began = select(SubscriptionTerm.starts_at).where(
        SubscriptionTerm.subscription_id == subscription.id,
        SubscriptionTerm.ends_at == subscription.ends_at,
        SubscriptionTerm.revoked_at.is_(None),
    )
    starts_at = uow.session.scalar(began)
    return starts_at is not None and starts_at < amendment.ends_at


def void_amendment(uow: UnitOfWork, order: Order, reason: str | None) -> None:
    """An order that was to change a subscription will not be paid, for `reason`: another change may be bought.

    Emits: ChangeLapsed where it could not be made any more.
    """
    amendment = find_amendment(uow, order)
    if amendment is None or amendment.state != "pending":
        return
    if reason != CHANGE_LAPSED:
        _void(uow, order, amendment, "order_closed")
        return
    _void(uow, order, amendment, CHANGE_LAPSED)
    emit(uow, ChangeLapsed(order_id=order.id, **_sides(order), paid=False))


def _void(uow: UnitOfWork, order: Order, amendment: Amendment, reason: str) -> None:
    AMENDMENT.move(uow, amendment, "void", org_ids=order.parties, reason=reason)
    if reason == CHANGE_LAPSED:
        order.failure = reason


def applied_orders(
    uow: UnitOfWork, subscription_ids: Sequence[UUID], *, within: SubscriptionTerm | None = None
) -> Sequence[UUID]:
    """The orders of changes in force in running terms of these subscriptions; with `within`, in that term."""
    until = func.coalesce(Amendment.aligned_to, Amendment.ends_at)
    in_force = until > clock.now()
    if within is not None:
        in_force = (Amendment.ends_at > within.starts_at) & (until <= within.ends_at)
    return uow.session.scalars(
        select(OrderLine.order_id)
        .join(Amendment, Amendment.order_line_id == OrderLine.id)
        .where(Amendment.subscription_id.in_(subscription_ids), Amendment.state == "applied", in_force)
    ).all()


def _is_as_quoted(subscription: Subscription, change: QuotedChange | Amendment) -> bool:
    return (subscription.quantity, subscription.plan_id, subscription.ends_at) == (
        change.quantity_before,
        change.plan_id_before,
        change.ends_at,
    )


def _sides(order: Order) -> dict[str, UUID]:
    return {"buyer_org_id": order.buyer_org_id, "seller_org_id": order.seller_org_id}


def _copy_sale(uow: UnitOfWork, first_line_id: UUID, line_id: UUID) -> None:
    for table in (Attribution, SaleTerms):
        row = uow.session.scalars(select(table).where(table.order_line_id == first_line_id)).one()
        copied = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
        uow.add(type(row)(**copied | {"id": uuid7(), "order_line_id": line_id}))


def _plan_named(plan: Plan) -> dict[str, Any]:
    return {
        "id": str(plan.id),
        "code": plan.code,
        "name": plan.name or plan.name_en,
        "name_en": plan.name_en or plan.name,
    }
