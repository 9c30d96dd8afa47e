"""What sellers are told of their coupons and promotions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from orders.coupons.events import CouponEndsSoon, CouponUsedUp
from orders.coupons.make_coupon import PERMISSION
from orders.coupons.models import Coupon
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(CouponUsedUp)
def coupon_used_up(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever makes coupons learns that nobody else can use one."""
    return _messages(uow, events, "coupon_used_up")


@notifies_of(CouponEndsSoon)
def coupon_ends(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The same people learn that its last day is near."""
    return _messages(uow, events, "coupon_ends")


def _messages(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    rows = uow.session.scalars(select(Coupon).where(Coupon.id.in_([event.uuid("coupon_id") for event in events])))
    found = {coupon.id: coupon for coupon in rows}
    for event in events:
        coupon = found[event.uuid("coupon_id")]
        named = f"{coupon.name} ({coupon.code})" if coupon.code else coupon.name
        yield NewNotification(
            event.id,
            event.at,
            kind,
            f"/seller/coupons/{coupon.id}",
            {"coupon": named},
            org_id=coupon.seller_org_id,
            permission=PERMISSION,
        )
