"""What coupons take off priced lines: the code that the buyer names, elsewhere the best promotion. One discount a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, func, select

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.money import allocate, apply_ppm
from marketplace.catalog.models import Plan
from orders.coupons.make_coupon import said_code
from orders.coupons.models import Coupon, CouponUse


@dataclass(frozen=True, slots=True)
class CouponLine:
    """What a coupon asks of a priced line. `list_minor`: with the tax where the price contains it."""

    seller_org_id: UUID
    listing_id: UUID
    plan_id: UUID
    plan_code: str
    list_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class CouponDiscount:
    """What comes off a line, and by what: a code, or a promotion's name. `ppm`: its share, of a coupon that is one."""

    coupon_id: UUID
    coupon: str
    ppm: int | None
    every_term: bool
    until: datetime
    minor: int


def find_discounts(
    uow: UnitOfWork, lines: Sequence[CouponLine], typed: str, *, of_offer: bool = False
) -> dict[int, CouponDiscount]:
    """What is off which of the lines, by their places: the code where it covers, elsewhere the promotion that takes most off.

    A code is refused where it takes nothing off. What is used up is refused here too, but only the order takes a use
    (`orders.coupons.take_coupons`).

    Raises: Invalid at `coupon`: `coupon_unknown`, `coupon_not_begun`, `coupon_over`, `coupon_not_for_this`,
    `coupon_not_with_offer`, `coupon_used_up`, `coupon_used_by_you`.
    """
    code = said_code(typed)
    named = _find_code(uow, code, {line.seller_org_id for line in lines}) if code else []
    found: dict[int, CouponDiscount] = {}
    for coupon in named:
        found |= _discounts(coupon, lines)
    if code:
        _require_usable(uow, named, found, of_offer=of_offer)
    by_code = set(found)
    for coupon in _promotions(uow, lines, of_offer=of_offer):
        for number, discount in _discounts(coupon, lines).items():
            if number not in by_code and (number not in found or discount.minor > found[number].minor):
                found[number] = discount
    return found


def covers(coupon: Coupon, listing_id: UUID, plan_code: str, seller_id: UUID) -> bool:
    """Whether a plan is among what it is for. Pure."""
    return (
        coupon.seller_org_id == seller_id
        and (not coupon.listing_ids or listing_id in coupon.listing_ids)
        and (not coupon.plan_codes or plan_code in coupon.plan_codes)
    )


def _discounts(coupon: Coupon, lines: Sequence[CouponLine]) -> dict[int, CouponDiscount]:
    """What it takes off each line that it covers: never more than the line's price. Pure."""
    covered = {
        number: line.list_minor
        for number, line in enumerate(lines)
        if covers(coupon, line.listing_id, line.plan_code, line.seller_org_id)
        and line.list_minor > 0
        and (coupon.currency is None or coupon.currency.strip() == line.currency.strip())
    }
    if not covered:
        return {}
    if coupon.percent_ppm is not None:
        parts = [apply_ppm(price, coupon.percent_ppm) for price in covered.values()]
    else:
        parts = allocate(min(coupon.amount_minor or 0, sum(covered.values())), list(covered.values()))
    name = coupon.code or coupon.name
    # Rounding may leave nothing.
    taken = [(number, part) for number, part in zip(covered, parts, strict=True) if part > 0]
    return {
        number: CouponDiscount(coupon.id, name, coupon.percent_ppm, bool(coupon.every_term), coupon.ends_at, part)
        for number, part in taken
    }


def _find_code(uow: UnitOfWork, code: str, seller_ids: set[UUID]) -> list[Coupon]:
    """Of these sellers those that the acting organization may use. One for others is told of to nobody.

    Raises: Invalid `coupon_unknown`, `coupon_not_begun`, `coupon_over`.
    """
    own_id = uow.principal.organization()
    with as_platform(uow):
        found = uow.session.scalars(
            select(Coupon)
            .where(Coupon.code == code, Coupon.seller_org_id.in_(seller_ids))
            .order_by(Coupon.created_at.desc())
        ).all()
    mine = [one for one in found if not one.named_buyers or own_id in one.named_buyers]
    if not mine:
        raise Invalid("coupon_unknown", field="coupon", coupon=code[:32])
    open_now = [one for one in mine if one.is_running()]
    if open_now:
        return open_now
    waits = any(one.ended_at is None and one.starts_at > clock.now() for one in mine)
    raise Invalid("coupon_not_begun" if waits else "coupon_over", field="coupon", coupon=code[:32])


def _require_usable(
    uow: UnitOfWork,
    named: Sequence[Coupon],
    discounts: Mapping[int, CouponDiscount],
    *,
    of_offer: bool,
) -> None:
    code = named[0].code
    if not discounts:
        raise Invalid("coupon_not_for_this", field="coupon", coupon=code)
    if of_offer and not all(one.with_offers for one in named):
        raise Invalid("coupon_not_with_offer", field="coupon", coupon=code)
    own_id = uow.principal.organization()
    with as_platform(uow):
        uses = used(uow, [one.id for one in named], own_id)
    for coupon in named:
        refused = refused_by(coupon, uses.get(coupon.id, (0, 0)))
        if refused is not None:
            raise Invalid(refused, field="coupon", coupon=code)


def _promotions(uow: UnitOfWork, lines: Sequence[CouponLine], *, of_offer: bool) -> list[Coupon]:
    """Those that hold now, that the acting organization may use, and that are not used up."""
    own_id = uow.principal.organization()
    found = [
        one
        for one in _running(uow, lines)
        if (not one.named_buyers or own_id in one.named_buyers) and (one.with_offers or not of_offer)
    ]
    return within_limits(uow, found)


def within_limits(uow: UnitOfWork, coupons: Sequence[Coupon]) -> list[Coupon]:
    """Those that whoever acts may still use: no limit of theirs is reached."""
    limited = [one.id for one in coupons if one.most_uses is not None or one.most_per_org is not None]
    if not limited:
        return list(coupons)
    with as_platform(uow):
        uses = used(uow, limited, uow.principal.org_id)
    return [one for one in coupons if refused_by(one, uses.get(one.id, (0, 0))) is None]


_PROMOTIONS = Read(
    select(Coupon)
    .join(Plan, Plan.org_id == Coupon.seller_org_id)
    .where(
        Plan.id == bindparam("plan_id", type_=Uuid),
        Coupon.code.is_(None),
        Coupon.ended_at.is_(None),
        Coupon.ends_at > bindparam("since", type_=DateTime(timezone=True)),
    )
    .order_by(Coupon.ends_at, Coupon.id)
)


def ask_promotions(uow: UnitOfWork, plan_id: UUID) -> None:
    """Ask ahead for the promotions that `find_discounts` looks at."""
    uow.ask_ahead(_PROMOTIONS, plan_id=plan_id, since=_today())


def _today() -> datetime:
    """The same for all of a day: what was asked ahead is found again."""
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _running(uow: UnitOfWork, lines: Sequence[CouponLine]) -> list[Coupon]:
    found: dict[UUID, Coupon] = {}
    for line in lines:
        rows = uow.fetch(_PROMOTIONS, plan_id=line.plan_id, since=_today())
        found |= {one.id: one for one in rows if one.is_running()}
    return list(found.values())


def used(uow: UnitOfWork, coupon_ids: Sequence[UUID], buyer_id: UUID | None) -> dict[UUID, tuple[int, int]]:
    """How many orders hold each of them, in all and of one organization. To be asked as the platform."""
    rows = uow.session.execute(
        select(CouponUse.coupon_id, func.count(), func.count().filter(CouponUse.buyer_org_id == buyer_id))
        .where(CouponUse.coupon_id.in_(coupon_ids), CouponUse.released_at.is_(None))
        .group_by(CouponUse.coupon_id)
    )
    return {coupon_id: (all_of, own) for coupon_id, all_of, own in rows}


def refused_by(coupon: Coupon, uses: tuple[int, int]) -> str | None:
    """The code of the limit that is reached. Pure."""
    if coupon.most_uses is not None and uses[0] >= coupon.most_uses:
        return "coupon_used_up"
    if coupon.most_per_org is not None and uses[1] >= coupon.most_per_org:
        return "coupon_used_by_you"
    return None
