"""What a seller reads of its coupons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from orders.coupons.make_coupon import PERMISSION
from orders.coupons.models import Coupon, CouponUse
from orders.order.models import Order

READ_USES = "seller.orders.read"


@dataclass(frozen=True, slots=True)
class CouponView:
    """A coupon, how many orders hold it, and how it stands: `waits`, `running`, `over` or `ended`."""

    id: UUID
    code: str | None
    name: str
    percent_ppm: int | None
    amount_minor: int | None
    currency: str | None
    listing_ids: tuple[UUID, ...]
    plan_codes: tuple[str, ...]
    org_ids: tuple[UUID, ...]
    most_uses: int | None
    most_per_org: int | None
    with_offers: bool
    every_term: bool
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    state: str
    uses: int


@dataclass(frozen=True, slots=True)
class CouponUseView:
    """A use by an order that was paid: who, how much came off."""

    id: UUID
    order_id: UUID
    order_number: str
    order_state: str
    buyer_org_id: UUID
    buyer_name: str
    discount_minor: int
    currency: str
    created_at: datetime


def get_coupon(uow: UnitOfWork, coupon_id: UUID) -> CouponView:
    """One of the acting seller's. Raises Forbidden `permission_missing` without catalog.write; NotFound `coupon_not_found`."""
    uow.principal.require(PERMISSION)
    return _own(uow, coupon_id)


def _own(uow: UnitOfWork, coupon_id: UUID) -> CouponView:
    mine = Coupon.seller_org_id == uow.principal.organization()
    found = uow.session.execute(select(Coupon, _HELD).where(Coupon.id == coupon_id, mine)).one_or_none()
    if found is None:
        raise NotFound("coupon_not_found")
    return to_coupon_view(found[0], found[1])


def list_coupon_uses(
    uow: UnitOfWork, coupon_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[CouponUseView]:
    """By orders that were paid, the newest first: what is not paid yet is no business of the seller's.

    Raises: Forbidden `permission_missing` without seller.orders.read; NotFound `coupon_not_found`; `cursor_invalid`.
    """
    uow.principal.require(READ_USES)
    _own(uow, coupon_id)
    statement: Select[Any] = (
        select(CouponUse, Order)  # type: ignore[assignment]  # the paging takes rows of any kind
        .join(Order, Order.id == CouponUse.order_id)
        .where(CouponUse.coupon_id == coupon_id, Order.paid_at.is_not(None))
    )
    statement = newest_first(statement, CouponUse.created_at, CouponUse.id, cursor, limit)
    rows = [_use_view(use, order) for use, order in uow.session.execute(statement)]
    return cut(rows, limit, lambda one: (one.created_at, one.id))


def _use_view(use: CouponUse, order: Order) -> CouponUseView:
    return CouponUseView(
        id=use.id,
        order_id=order.id,
        order_number=order.number,
        order_state=order.state,
        buyer_org_id=order.buyer_org_id,
        buyer_name=order.buyer_name,
        discount_minor=use.discount_minor,
        currency=use.currency.strip(),
        created_at=use.created_at,
    )


_HELD = (
    select(func.count())
    .where(CouponUse.coupon_id == Coupon.id, CouponUse.released_at.is_(None))
    .correlate(Coupon)
    .scalar_subquery()
)


def list_coupons(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[CouponView]:
    """The acting seller's, the newest first. Raises Forbidden(`permission_missing`) without catalog.write; `cursor_invalid`."""
    uow.principal.require(PERMISSION)
    statement = select(Coupon, _HELD).where(
        Coupon.seller_org_id == uow.principal.organization(),
        Coupon.live_session_id.is_(None),
        Coupon.circle_id.is_(None),
    )
    statement = newest_first(statement, Coupon.created_at, Coupon.id, cursor, limit)
    rows = [to_coupon_view(coupon, uses) for coupon, uses in uow.session.execute(statement)]
    return cut(rows, limit, lambda one: (one.created_at, one.id))


def to_coupon_view(coupon: Coupon, uses: int) -> CouponView:
    """A coupon's row with how often it is held."""
    now = clock.now()
    state = "over" if coupon.ends_at <= now else "waits" if coupon.starts_at > now else "running"
    return CouponView(
        id=coupon.id,
        code=coupon.code,
        name=coupon.name,
        percent_ppm=coupon.percent_ppm,
        amount_minor=coupon.amount_minor,
        currency=coupon.currency.strip() if coupon.currency else None,
        listing_ids=tuple(coupon.listing_ids),
        plan_codes=tuple(coupon.plan_codes),
        org_ids=tuple(coupon.named_buyers),
        most_uses=coupon.most_uses,
        most_per_org=coupon.most_per_org,
        with_offers=coupon.with_offers,
        every_term=coupon.every_term,
        starts_at=coupon.starts_at,
        ends_at=coupon.ends_at,
        created_at=coupon.created_at,
        state="ended" if coupon.ended_at is not None else state,
        uses=uses,
    )
