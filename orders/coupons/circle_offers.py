"""What sellers offer to the members of a circle: a promotion of one product that holds while they buy through the circle.

A place is one order. Places are the uses of the promotion, which an order takes and gives back as any coupon's
(`orders.coupons.take_coupons`): under its row, so that no more are taken than there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, NotFound
from marketplace.circles.access import beyond_own, member_of, standing_in
from marketplace.parties.queries import organization_names
from orders.coupons.make_coupon import PERMISSION, MakeCoupon, make_coupon
from orders.coupons.models import Coupon, CouponUse

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class OfferToCircle:
    """A product of the acting seller. Of `percent_ppm` and `amount_minor` (off an order, in `currency`) one.

    `plan_codes` empty: all its plans; `places`: None for any number. The days are whole ones where the seller keeps its calendar.
    """

    circle_id: UUID
    listing_id: UUID
    name: str
    starts_on: date
    ends_on: date
    percent_ppm: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    plan_codes: tuple[str, ...] = ()
    places: int | None = None


@dataclass(frozen=True, slots=True)
class CircleOffer:
    """What is offered to a circle, how many places there are and are left. `may_end`: the reader may end it."""

    id: UUID
    circle_id: UUID
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    name: str
    percent_ppm: int | None
    amount_minor: int | None
    currency: str | None
    plan_codes: tuple[str, ...]
    places: int | None
    left: int | None
    starts_at: datetime
    ends_at: datetime
    may_end: bool


def offer_to_circle(uow: UnitOfWork, command: OfferToCircle) -> Coupon:
    """Offer a product to a circle that the acting person is in for the seller. Quotes that were given hold.

    Raises: as `member_of` and `make_coupon`; Forbidden `circle_other_organization`; Conflict `circle_offers_full`.
    """
    uow.principal.require(PERMISSION)
    if member_of(uow, command.circle_id).inside().member_org_id != uow.principal.organization():
        raise Forbidden("circle_other_organization")
    if len(circle_offers(uow, command.circle_id)) >= MOST_SHOWN:
        raise Conflict("circle_offers_full", most=MOST_SHOWN)
    coupon = make_coupon(
        uow,
        MakeCoupon(
            name=command.name,
            starts_on=command.starts_on,
            ends_on=command.ends_on,
            percent_ppm=command.percent_ppm,
            amount_minor=command.amount_minor,
            currency=command.currency,
            listing_ids=(command.listing_id,),
            plan_codes=command.plan_codes,
            most_uses=command.places,
        ),
    )
    coupon.circle_id = command.circle_id
    uow.flush()
    return coupon


def end_circle_offer(uow: UnitOfWork, offer_id: UUID) -> Coupon:
    """Let nobody be quoted at it any more. Its seller, or a leader of the circle. Ended already, nothing changes.

    Raises: NotFound `circle_offer_not_found`; Forbidden `permission_missing`, `circle_leaders_only`. Locks: the promotion.
    """
    with reading_as_platform(uow):
        found = uow.session.get(Coupon, offer_id)
    if found is None or found.circle_id is None:
        raise NotFound("circle_offer_not_found")
    if found.seller_org_id == uow.principal.org_id:
        uow.principal.require(PERMISSION)
    else:
        _require_leader(uow, found.circle_id)
    with beyond_own(uow):
        coupon = lock_row(uow.session, Coupon, offer_id)
        if coupon is None:
            raise NotFound("circle_offer_not_found")
        if coupon.ended_at is None:
            coupon.ended_at = clock.now()
            uow.flush()
    return coupon


def circle_offers(uow: UnitOfWork, circle_id: UUID) -> list[CircleOffer]:
    """What is offered to a circle now or is to come, for its members; what ends first comes first.

    Raises: as `member_of`; who acts for the circle itself reads them, too.
    """
    leads = uow.principal.org_id == circle_id
    if not leads:
        leads = member_of(uow, circle_id).leads
    held = (
        select(func.count())
        .where(CouponUse.coupon_id == Coupon.id, CouponUse.released_at.is_(None))
        .correlate(Coupon)
        .scalar_subquery()
    )
    with reading_as_platform(uow):
        rows = uow.session.execute(
            select(Coupon, held)
            .where(Coupon.circle_id == circle_id, Coupon.ended_at.is_(None), Coupon.ends_at > clock.now())
            .order_by(Coupon.ends_at, Coupon.id)
            .limit(MOST_SHOWN)
        ).all()
    names = organization_names(uow, {one.seller_org_id for one, _ in rows})
    own_id = uow.principal.org_id if uow.principal.may(PERMISSION) else None
    return [
        CircleOffer(
            id=one.id,
            circle_id=circle_id,
            seller_org_id=one.seller_org_id,
            seller_name=names.get(one.seller_org_id, ""),
            listing_id=one.listing_ids[0],
            name=one.name,
            percent_ppm=one.percent_ppm,
            amount_minor=one.amount_minor,
            currency=one.currency.strip() if one.currency else None,
            plan_codes=tuple(one.plan_codes),
            places=one.most_uses,
            left=None if one.most_uses is None else max(0, one.most_uses - uses),
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            may_end=leads or one.seller_org_id == own_id,
        )
        for one, uses in rows
    ]


def _require_leader(uow: UnitOfWork, circle_id: UUID) -> None:
    """Raises: NotFound `circle_offer_not_found` for whoever is not in it; Forbidden `circle_leaders_only` for its members."""
    try:
        found = standing_in(uow, circle_id)
    except NotFound as unknown:
        raise NotFound("circle_offer_not_found") from unknown
    if not found.role:
        raise NotFound("circle_offer_not_found")
    if not found.leads:
        raise Forbidden("circle_leaders_only")
