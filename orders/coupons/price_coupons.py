"""What coupons take off priced lines: the code that the buyer names, elsewhere the best promotion. One discount a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, and_, bindparam, func, or_, select

from kernel import clock
from kernel.db.platform_scope import as_platform, reading_as_platform
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.money import allocate, apply_ppm
from marketplace.catalog.models import Plan
from marketplace.live.models import LiveSession
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
    at_tier: bool = False
    """Whether it is a partner's price, which only what goes with offers comes off."""
    live_session_id: UUID | None = None
    """In whose room it is bought: live prices hold there alone."""
    circle_id: UUID | None = None
    """Through which circle it is bought: what is offered to its members holds there alone."""


@dataclass(frozen=True, slots=True)
class CouponDiscount:
    """What comes off a line, and by what: a code, or a promotion's name. `ppm`: its share, of a coupon that is one."""

    coupon_id: UUID
    coupon: str
    ppm: int | None
    every_term: bool
    until: datetime
    minor: int


@dataclass(frozen=True, slots=True)
class HeldCoupon:
    """A coupon, and how many orders hold it: in all, and of the buyer."""

    coupon: Coupon
    uses: tuple[int, int]


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
    return discounts_among(
        coupons_of_buyer(uow, [line.plan_id for line in lines], code), lines, code, of_offer=of_offer
    )


def discounts_among(
    mine: Sequence[HeldCoupon], lines: Sequence[CouponLine], code: str, *, of_offer: bool = False, required: bool = True
) -> dict[int, CouponDiscount]:
    """What `find_discounts` says, of coupons that were read. Where it is not `required`, a code may take nothing off. Pure."""
    found: dict[int, CouponDiscount] = {}
    if code:
        named = _open_now([one for one in mine if one.coupon.code == code], code)
        for one in named:
            found |= _discounts(one.coupon, lines)
        if required:
            _require_usable(named, found, of_offer=of_offer)
    by_code = set(found)
    for one in mine:
        coupon = one.coupon
        if coupon.code is not None or not coupon.is_running() or refused_by(coupon, one.uses):
            continue
        if of_offer and not coupon.with_offers:
            continue
        for number, discount in _discounts(coupon, lines).items():
            if number not in by_code and (number not in found or discount.minor > found[number].minor):
                found[number] = discount
    for one in mine:
        found |= _on_its_own(one.coupon, lines, found)
    return found


def _on_its_own(
    coupon: Coupon, lines: Sequence[CouponLine], found: Mapping[int, CouponDiscount]
) -> dict[int, CouponDiscount]:
    """An amount off is whole on the lines that it is left: what it was to take off those that another one has is off these."""
    own = [number for number, discount in found.items() if discount.coupon_id == coupon.id]
    again = _discounts(coupon, [lines[number] for number in own]) if coupon.amount_minor is not None else {}
    return {own[place]: discount for place, discount in again.items()}


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
        and coupon.live_session_id in (None, line.live_session_id)
        and coupon.circle_id in (None, line.circle_id)
        and (coupon.with_offers or not line.at_tier)
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


def _open_now(named: Sequence[HeldCoupon], code: str) -> list[HeldCoupon]:
    """Those that hold now. One for others is told of to nobody.

    Raises: Invalid `coupon_unknown`, `coupon_not_begun`, `coupon_over`.
    """
    if not named:
        raise Invalid("coupon_unknown", field="coupon", coupon=code[:32])
    open_now = [one for one in named if one.coupon.is_running()]
    if open_now:
        return open_now
    waits = any(one.coupon.ended_at is None and one.coupon.starts_at > clock.now() for one in named)
    raise Invalid("coupon_not_begun" if waits else "coupon_over", field="coupon", coupon=code[:32])


def _require_usable(named: Sequence[HeldCoupon], discounts: Mapping[int, CouponDiscount], *, of_offer: bool) -> None:
    code = named[0].coupon.code
    if not discounts:
        raise Invalid("coupon_not_for_this", field="coupon", coupon=code)
    if of_offer and not all(one.coupon.with_offers for one in named):
        raise Invalid("coupon_not_with_offer", field="coupon", coupon=code)
    for one in named:
        refused = refused_by(one.coupon, one.uses)
        if refused is not None:
            raise Invalid(refused, field="coupon", coupon=code)


_held = select(func.count()).where(CouponUse.coupon_id == Coupon.id, CouponUse.released_at.is_(None)).correlate(Coupon)
_runs = select(LiveSession.id).where(LiveSession.id == Coupon.live_session_id, LiveSession.state == "live")
_OF_SELLER = Read(
    select(
        Coupon,
        _held.scalar_subquery().label("held"),
        _held.where(CouponUse.buyer_org_id == bindparam("buyer_id", type_=Uuid))
        .scalar_subquery()
        .label("held_by_buyer"),
    )
    .join(Plan, Plan.org_id == Coupon.seller_org_id)
    .where(
        Plan.id == bindparam("plan_id", type_=Uuid),
        or_(
            Coupon.code == bindparam("code", type_=Text),
            and_(
                Coupon.code.is_(None),
                Coupon.ended_at.is_(None),
                Coupon.ends_at > bindparam("since", type_=DateTime(timezone=True)),
                or_(Coupon.live_session_id.is_(None), _runs.exists()),
            ),
        ),
    )
    .order_by(Coupon.ends_at, Coupon.id)
)
"""Of a plan's seller the coupons of a code and its promotions, each with how many orders hold it. To be asked as the platform:
a code is shown to nobody who does not know it, and an organization sees no uses of others."""


def ask_coupons(uow: UnitOfWork, plan_id: UUID, typed: str) -> None:
    """Ask ahead for what `find_discounts` looks at."""
    asked = _asked(plan_id, said_code(typed), uow.principal.organization())
    with reading_as_platform(uow):
        uow.ask_ahead(_OF_SELLER, **asked)


def _asked(plan_id: UUID, code: str, buyer_id: UUID | None) -> dict[str, Any]:
    """The day alone, and not the instant, is asked for: what was asked ahead is found again."""
    since = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return {"plan_id": plan_id, "code": code, "buyer_id": buyer_id, "since": since}


def coupons_of_buyer(uow: UnitOfWork, plan_ids: Sequence[UUID], code: str) -> list[HeldCoupon]:
    """Those that the acting organization may use, each once, the first to end first."""
    own_id = uow.principal.organization()
    found: dict[UUID, HeldCoupon] = {}
    with reading_as_platform(uow):
        for plan_id in dict.fromkeys(plan_ids):
            for row in uow.fetch(_OF_SELLER, **_asked(plan_id, code, own_id)):
                found[row.Coupon.id] = HeldCoupon(row.Coupon, (row.held, row.held_by_buyer))
    mine = [one for one in found.values() if not one.coupon.named_buyers or own_id in one.coupon.named_buyers]
    return sorted(mine, key=lambda one: (one.coupon.ends_at, one.coupon.id))


def within_limits(uow: UnitOfWork, coupons: Sequence[Coupon]) -> list[Coupon]:
    """Those that whoever acts may still use: no limit of theirs is reached."""
    limited = [one.id for one in coupons if one.most_uses is not None or one.most_per_org is not None]
    if not limited:
        return list(coupons)
    with as_platform(uow):
        uses = used(uow, limited, uow.principal.org_id)
    return [one for one in coupons if refused_by(one, uses.get(one.id, (0, 0))) is None]


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
