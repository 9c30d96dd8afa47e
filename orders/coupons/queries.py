"""What a seller reads of its coupons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from orders.coupons.make_coupon import PERMISSION
from orders.coupons.models import Coupon, CouponUse


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


def list_coupons(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[CouponView]:
    """The acting seller's, the newest first. Raises Forbidden(`permission_missing`) without catalog.write; `cursor_invalid`."""
    uow.principal.require(PERMISSION)
    held = (
        select(func.count())
        .where(CouponUse.coupon_id == Coupon.id, CouponUse.released_at.is_(None))
        .correlate(Coupon)
        .scalar_subquery()
    )
    statement = select(Coupon, held).where(Coupon.seller_org_id == uow.principal.organization())
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
        org_ids=tuple(coupon.org_ids),
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
