"""What the clock starts for coupons: their sellers are told that they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.outbox import emit
from kernel.jobs.settle_each import settle_each
from orders.coupons.events import CouponEndsSoon
from orders.coupons.models import Coupon

SWEEP_ENDING = "orders.coupons.ending"
TOLD_BEFORE = timedelta(days=3)
_AT_ONCE = 500


@sweep(SWEEP_ENDING, every=timedelta(hours=1))
def sweep_ending_coupons(transact: Transact) -> None:
    """Coupons and promotions whose last day is near: their sellers are told, once."""
    settle_each(transact, coupons_ending, tell_ending)


def coupons_ending(uow: UnitOfWork) -> Sequence[UUID]:
    """What ends within three days, but for what was made for no longer than that."""
    now = clock.now()
    found = select(Coupon.id).where(
        Coupon.ended_at.is_(None),
        Coupon.end_told_at.is_(None),
        Coupon.live_session_id.is_(None),
        Coupon.ends_at > now,
        Coupon.ends_at <= now + TOLD_BEFORE,
        Coupon.starts_at < Coupon.ends_at - TOLD_BEFORE,
        Coupon.created_at < Coupon.ends_at - TOLD_BEFORE,
    )
    return uow.session.scalars(found.order_by(Coupon.ends_at).limit(_AT_ONCE)).all()


def tell_ending(uow: UnitOfWork, coupon_id: UUID) -> None:
    """Told already, or ended meanwhile, nothing is said. Emits: CouponEndsSoon. Locks: the coupon."""
    coupon = lock_row(uow.session, Coupon, coupon_id)
    if coupon is None or coupon.ended_at is not None or coupon.end_told_at is not None:
        return
    coupon.end_told_at = clock.now()
    emit(uow, CouponEndsSoon(coupon_id=coupon.id, seller_org_id=coupon.seller_org_id))
