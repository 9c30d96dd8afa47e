"""An order takes the coupons that its lines were priced with, and gives them back when it ends unpaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import update

from kernel import clock
from kernel.db.locks import lock_rows
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from orders.coupons.events import CouponUsedUp
from orders.coupons.models import Coupon, CouponUse
from orders.coupons.price_coupons import refused_by, used
from orders.order.models import Order


def take_coupons(uow: UnitOfWork, orders: Sequence[Order], taken: Sequence[Mapping[UUID, int]]) -> None:
    """Take one use of each coupon for the order that it is on: `taken` is what comes off, order by order, by coupon.

    Under the coupons' rows, which are locked: uses that are held never exceed a limit, however many orders are placed at once.
    The quote binds: a coupon that was ended, or is over, since it was given, is taken all the same.

    Raises: Conflict `coupon_used_up`, `coupon_used_by_you`. Emits: CouponUsedUp, with a last use.
    Locks: the coupons, in order.
    """
    coupon_ids = [coupon_id for of_order in taken for coupon_id in of_order]
    if not coupon_ids:
        return
    with as_platform(uow):
        coupons = {one.id: one for one in lock_rows(uow.session, Coupon, coupon_ids)}
        uses = used(uow, list(coupons), orders[0].buyer_org_id)
        every = [(order, *one) for order, of_order in zip(orders, taken, strict=True) for one in of_order.items()]
        for order, coupon_id, discount_minor in every:
            coupon, seller_id = coupons[coupon_id], order.seller_org_id
            refused = refused_by(coupon, uses.get(coupon_id, (0, 0)))
            if refused is not None:
                raise Conflict(refused, coupon=coupon.code or coupon.name)
            if coupon.most_uses == uses.get(coupon_id, (0, 0))[0] + 1:
                sides = {"seller_org_id": seller_id, "buyer_org_id": order.buyer_org_id}
                emit(uow, CouponUsedUp(coupon_id=coupon.id, **sides))
            uow.session.add(
                CouponUse(
                    id=uuid7(),
                    coupon_id=coupon_id,
                    seller_org_id=seller_id,
                    buyer_org_id=order.buyer_org_id,
                    order_id=order.id,
                    discount_minor=discount_minor,
                    currency=order.currency,
                    released_at=None,
                    created_at=clock.now(),
                )
            )


def give_back_coupons(uow: UnitOfWork, order_ids: Sequence[UUID]) -> None:
    """What orders that end unpaid have taken may be used again. Given back already, nothing changes."""
    held = CouponUse.order_id.in_(order_ids) & CouponUse.released_at.is_(None)
    uow.session.execute(update(CouponUse).where(held).values(released_at=clock.now()))
