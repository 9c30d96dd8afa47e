"""Promotions as a buyer meets them before asking for a price: those that hold now, for whom they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import any_, func, or_, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.money import apply_ppm
from marketplace.catalog.models import Listing
from orders.coupons.models import Coupon
from orders.coupons.price_coupons import within_limits


@dataclass(frozen=True, slots=True)
class PromotionView:
    """A promotion of a product; of the plans that it names, where it names some. `amount_minor` is off the whole order."""

    id: UUID
    name: str
    percent_ppm: int | None
    amount_minor: int | None
    currency: str | None
    plan_codes: tuple[str, ...]
    every_term: bool
    ends_at: datetime

    def off(self, plan_code: str, list_minor: int, currency: str) -> int:
        """What it takes off one plan at this price, in minor units; 0 where it does not cover it. Pure."""
        if (self.plan_codes and plan_code not in self.plan_codes) or self.currency not in (None, currency.strip()):
            return 0
        if self.percent_ppm is not None:
            return apply_ppm(list_minor, self.percent_ppm)
        return min(self.amount_minor or 0, list_minor)


def promotions_of(uow: UnitOfWork, listing_ids: Sequence[UUID]) -> dict[UUID, tuple[PromotionView, ...]]:
    """Of each product those that hold now for whoever reads, not used up, the first to end first; products without are left out.

    One statement where there is none; a second one counts uses where one of them has a limit.
    """
    if not listing_ids:
        return {}
    now, own_id = clock.now(), uow.principal.org_id
    rows = uow.session.execute(
        select(Listing.id, Coupon)
        .join(Coupon, Coupon.seller_org_id == Listing.org_id)
        .where(
            Listing.id.in_(set(listing_ids)),
            Coupon.code.is_(None),
            Coupon.ended_at.is_(None),
            Coupon.live_session_id.is_(None),
            Coupon.circle_id.is_(None),
            Coupon.starts_at <= now,
            Coupon.ends_at > now,
            or_(func.cardinality(Coupon.listing_ids) == 0, Listing.id == any_(Coupon.listing_ids)),
        )
        .order_by(Coupon.ends_at, Coupon.id)
    ).all()
    mine = [(listing_id, one) for listing_id, one in rows if not one.named_buyers or own_id in one.named_buyers]
    left = {one.id for one in within_limits(uow, list({one.id: one for _, one in mine}.values()))}
    found: dict[UUID, tuple[PromotionView, ...]] = {}
    for listing_id, one in mine:
        if one.id in left:
            found[listing_id] = (*found.get(listing_id, ()), _view(one))
    return found


def best_promotion(
    found: Sequence[PromotionView], plan_code: str, list_minor: int, currency: str
) -> PromotionView | None:
    """The one that a quote of the plan would take: which takes most off. Pure."""
    best, most = None, 0
    for one in found:
        if (off := one.off(plan_code, list_minor, currency)) > most:
            best, most = one, off
    return best


def _view(one: Coupon) -> PromotionView:
    return PromotionView(
        id=one.id,
        name=one.name,
        percent_ppm=one.percent_ppm,
        amount_minor=one.amount_minor,
        currency=one.currency.strip() if one.currency else None,
        plan_codes=tuple(one.plan_codes),
        every_term=one.every_term,
        ends_at=one.ends_at,
    )
