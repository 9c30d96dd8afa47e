"""A live price: a promotion of one item of a live session, for whoever buys from its room while it runs; of so many places.

A place is one order. Places are the uses of the promotion, which an order takes and gives back as any coupon's
(`orders.coupons.take_coupons`): under its row, so that no more are taken than there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, any_, func, select

from billing.tax.line_amounts import LARGEST_MINOR
from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import PPM, apply_ppm
from marketplace.catalog.models import Plan
from marketplace.live.access import lock_own_session
from marketplace.live.models import LiveItem, LiveSession
from orders.coupons.make_coupon import MOST_USES, PERMISSION
from orders.coupons.models import Coupon, CouponUse

HOLDS = timedelta(days=400)
"""Longer than any session is announced ahead: that the session runs is what counts."""


@dataclass(frozen=True, slots=True)
class SetLivePrice:
    """Of `percent_ppm` and `amount_minor` (off an order, in the plan's currency) one; `places`: None for any number."""

    session_id: UUID
    item_id: UUID
    percent_ppm: int | None = None
    amount_minor: int | None = None
    places: int | None = None


@dataclass(frozen=True, slots=True)
class LivePrice:
    """What is off an item while its session runs, and how many places there are and are left."""

    coupon_id: UUID
    item_id: UUID
    percent_ppm: int | None
    amount_minor: int | None
    currency: str | None
    places: int | None
    left: int | None

    @property
    def is_sold_out(self) -> bool:
        """Whether the next order is at the usual price."""
        return self.left == 0

    def off(self, list_minor: int) -> int:
        """What it takes off a price, in minor units. Pure."""
        if self.percent_ppm is not None:
            return apply_ppm(list_minor, self.percent_ppm)
        return min(self.amount_minor or 0, list_minor)


def set_live_price(uow: UnitOfWork, command: SetLivePrice) -> Coupon:
    """Give an item of one's own session a live price, in place of the one it has. Quotes that were given hold.

    Raises:
        Forbidden: `permission_missing` without catalog.write.
        NotFound: `live_session_not_found`, `live_item_not_found`.
        Invalid: `coupon_value`, `coupon_limit`.
        Conflict: `live_price_not_own`: somebody else sells it; `live_session_over`.

    Locks: the session.
    """
    session, item = _priced_item(uow, command.session_id, command.item_id)
    if (command.percent_ppm is None) == (command.amount_minor is None):
        raise Invalid("coupon_value", field="percent")
    if command.percent_ppm is not None and not 1 <= command.percent_ppm <= PPM:
        raise Invalid("coupon_value", field="percent")
    if command.amount_minor is not None and not 1 <= command.amount_minor <= LARGEST_MINOR:
        raise Invalid("coupon_value", field="amount")
    if command.places is not None and not 1 <= command.places <= MOST_USES:
        raise Invalid("coupon_limit", field="places", most=MOST_USES)
    _end(uow, session, item)
    plan, now = uow.session.get_one(Plan, item.plan_id), clock.now()
    coupon = Coupon(
        id=uuid7(),
        seller_org_id=item.seller_org_id,
        code=None,
        name=session.title[:80],
        percent_ppm=command.percent_ppm,
        amount_minor=command.amount_minor,
        currency=plan.currency if command.amount_minor is not None else None,
        listing_ids=[item.listing_id],
        plan_codes=[plan.code],
        named_buyers=[],
        most_uses=command.places,
        most_per_org=None,
        with_offers=False,
        every_term=False,
        starts_at=now,
        ends_at=now + HOLDS,
        ended_at=None,
        made_by=uow.principal.accountable_id,
        live_session_id=session.id,
        created_at=now,
    )
    uow.session.add(coupon)
    session.sequence += 1
    uow.flush()
    return coupon


def end_live_price(uow: UnitOfWork, session_id: UUID, item_id: UUID) -> None:
    """Let an item be sold at its usual price. It has no live price: nothing changes. Raises and locks as `set_live_price`."""
    session, item = _priced_item(uow, session_id, item_id)
    if _end(uow, session, item):
        session.sequence += 1
    uow.flush()


def live_prices(uow: UnitOfWork, session_id: UUID) -> dict[UUID, LivePrice]:
    """Of the items of a session that the caller has found visible those with a live price, by item."""
    rows = uow.session.execute(_priced(LiveItem.id, Coupon).where(LiveItem.session_id == session_id)).all()
    limited = [one.id for _, one in rows if one.most_uses is not None]
    held: dict[UUID, int] = {}
    if limited:
        with as_platform(uow):
            counted = (
                select(CouponUse.coupon_id, func.count())
                .where(CouponUse.coupon_id.in_(limited), CouponUse.released_at.is_(None))
                .group_by(CouponUse.coupon_id)
            )
            held = {row[0]: row[1] for row in uow.session.execute(counted)}
    return {item_id: _price(item_id, one, held.get(one.id, 0)) for item_id, one in rows}


def places_left(uow: UnitOfWork, session_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, int]]:
    """Of rooms, by item, the places of live prices that nobody holds. Platform only: whoever is told has been let in before."""
    held = (
        select(func.count())
        .where(CouponUse.coupon_id == Coupon.id, CouponUse.released_at.is_(None))
        .correlate(Coupon)
        .scalar_subquery()
    )
    rows = uow.session.execute(
        _priced(LiveItem.session_id, LiveItem.id, Coupon.most_uses - held).where(
            LiveItem.session_id.in_(session_ids), Coupon.most_uses.is_not(None)
        )
    )
    found: dict[UUID, dict[UUID, int]] = {}
    for session_id, item_id, left in rows:
        found.setdefault(session_id, {})[item_id] = max(0, left)
    return found


def _priced(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(LiveItem)
        .join(Plan, Plan.id == LiveItem.plan_id)
        .join(Coupon, (Coupon.live_session_id == LiveItem.session_id) & Coupon.ended_at.is_(None))
        .where(
            LiveItem.removed_at.is_(None),
            Coupon.seller_org_id == LiveItem.seller_org_id,
            LiveItem.listing_id == any_(Coupon.listing_ids),
            Plan.code == any_(Coupon.plan_codes),
        )
    )


def _price(item_id: UUID, one: Coupon, held: int) -> LivePrice:
    return LivePrice(
        coupon_id=one.id,
        item_id=item_id,
        percent_ppm=one.percent_ppm,
        amount_minor=one.amount_minor,
        currency=one.currency.strip() if one.currency else None,
        places=one.most_uses,
        left=None if one.most_uses is None else max(0, one.most_uses - held),
    )


def _priced_item(uow: UnitOfWork, session_id: UUID, item_id: UUID) -> tuple[LiveSession, LiveItem]:
    uow.principal.require(PERMISSION)
    session = lock_own_session(uow, session_id)
    item = uow.session.get(LiveItem, item_id)
    if item is None or item.session_id != session.id or item.removed_at is not None:
        raise NotFound("live_item_not_found")
    if item.seller_org_id != session.org_id:
        raise Conflict("live_price_not_own")
    if session.state not in ("scheduled", "live"):
        raise Conflict("live_session_over")
    return session, item


def _end(uow: UnitOfWork, session: LiveSession, item: LiveItem) -> bool:
    """End the live price that the item has. Whether it had one."""
    plan = uow.session.get_one(Plan, item.plan_id)
    found = uow.session.scalars(
        select(Coupon).where(
            Coupon.live_session_id == session.id,
            Coupon.seller_org_id == item.seller_org_id,
            Coupon.ended_at.is_(None),
            any_(Coupon.listing_ids) == item.listing_id,
            any_(Coupon.plan_codes) == plan.code,
        )
    ).all()
    for coupon in found:
        coupon.ended_at = clock.now()
    return bool(found)
