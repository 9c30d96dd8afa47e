"""A seller makes a coupon or a promotion, and ends it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from billing.tax.line_amounts import LARGEST_MINOR
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import CURRENCIES, PPM
from marketplace.catalog.models import Listing, Plan
from marketplace.input_text import line
from marketplace.parties.lookups import get_party
from marketplace.parties.queries import organization_names
from orders.coupons.models import Coupon

PERMISSION = "catalog.write"
LONGEST = timedelta(days=730)
MOST_NAMED = 50
"""Products, plans and organizations that one coupon names."""
MOST_USES = 1_000_000
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{3,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MakeCoupon:
    """Of `percent_ppm` and `amount_minor` (in `currency`) one. Without a `code` it is a promotion, for everybody who is named.

    The days are whole ones where the seller keeps its calendar. Empty: all products, all their plans, all organizations.
    """

    name: str
    starts_on: date
    ends_on: date
    code: str = ""
    percent_ppm: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    listing_ids: tuple[UUID, ...] = ()
    plan_codes: tuple[str, ...] = ()
    org_ids: tuple[UUID, ...] = ()
    most_uses: int | None = None
    most_per_org: int | None = None
    with_offers: bool = False
    every_term: bool = False


def make_coupon(uow: UnitOfWork, command: MakeCoupon) -> Coupon:
    """Make it for the acting seller; it holds from its first day on.

    Raises:
        Forbidden: `permission_missing` without catalog.write.
        Invalid: `text_required`, `text_too_long`, `coupon_code_invalid`, `coupon_value`, `coupon_window`, `coupon_limit`,
            `coupon_scope`: a product of somebody else, or too many are named; `coupon_plan_unknown`; `partner_unknown`.
        Conflict: `coupon_code_taken`: by another that has not been ended.
    """
    uow.principal.require(PERMISSION)
    seller_id = uow.principal.organization()
    _require_value(command)
    _require_scope(uow, seller_id, command)
    for field, most in (("most_uses", command.most_uses), ("most_per_org", command.most_per_org)):
        if most is not None and not 1 <= most <= MOST_USES:
            raise Invalid("coupon_limit", field=field, most=MOST_USES)
    starts_at, ends_at = _window(uow, seller_id, command)
    coupon = Coupon(
        id=uuid7(),
        seller_org_id=seller_id,
        code=checked_code(command.code),
        name=line("name", command.name, 80),
        percent_ppm=command.percent_ppm,
        amount_minor=command.amount_minor,
        currency=command.currency if command.amount_minor is not None else None,
        listing_ids=sorted(set(command.listing_ids)),
        plan_codes=sorted(set(command.plan_codes)),
        named_buyers=sorted(set(command.org_ids)),
        most_uses=command.most_uses,
        most_per_org=command.most_per_org,
        with_offers=command.with_offers,
        every_term=command.every_term,
        starts_at=starts_at,
        ends_at=ends_at,
        ended_at=None,
        made_by=uow.principal.accountable_id,
        live_session_id=None,
        created_at=clock.now(),
    )
    uow.session.add(coupon)
    uow.flush()
    return coupon


def end_coupon(uow: UnitOfWork, coupon_id: UUID) -> Coupon:
    """Let nobody be quoted with it any more; quotes that were given hold. Ended already, nothing changes.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `coupon_not_found`. Locks: the coupon.
    """
    uow.principal.require(PERMISSION)
    coupon = lock_row(uow.session, Coupon, coupon_id)
    if coupon is None or coupon.seller_org_id != uow.principal.organization():
        raise NotFound("coupon_not_found")
    if coupon.ended_at is None:
        coupon.ended_at = clock.now()
        uow.flush()
    return coupon


def checked_code(typed: str) -> str | None:
    """As it is kept and compared; None of an empty one. Raises Invalid(`coupon_code_invalid`)."""
    said = said_code(typed)
    if said and not _CODE.fullmatch(said):
        raise Invalid("coupon_code_invalid", field="code")
    return said or None


def said_code(typed: str) -> str:
    """A code as somebody types it, in its stored form."""
    return unicodedata.normalize("NFKC", typed).strip().upper()


def _require_value(command: MakeCoupon) -> None:
    if (command.percent_ppm is None) == (command.amount_minor is None):
        raise Invalid("coupon_value", field="percent")
    if command.percent_ppm is not None and not 1 <= command.percent_ppm <= PPM:
        raise Invalid("coupon_value", field="percent")
    if command.amount_minor is not None and (
        not 1 <= command.amount_minor <= LARGEST_MINOR or command.currency not in CURRENCIES
    ):
        raise Invalid("coupon_value", field="amount")


def _require_scope(uow: UnitOfWork, seller_id: UUID, command: MakeCoupon) -> None:
    for field in ("listing_ids", "plan_codes", "org_ids"):
        if len(getattr(command, field)) > MOST_NAMED:
            raise Invalid("coupon_scope", field=field, most=MOST_NAMED)
    asked = set(command.listing_ids)
    if asked:
        own = select(func.count()).where(Listing.id.in_(asked), Listing.org_id == seller_id)
        if uow.session.scalar(own) != len(asked):
            raise Invalid("coupon_scope", field="listing_ids", most=MOST_NAMED)
    if command.plan_codes:
        sold = select(Plan.code).join(Listing, Listing.id == Plan.listing_id).where(Listing.org_id == seller_id)
        if asked:
            sold = sold.where(Listing.id.in_(asked))
        codes = set(uow.session.scalars(sold.where(Plan.code.in_(command.plan_codes))))
        unsold = [one for one in command.plan_codes if one not in codes]
        if unsold:
            raise Invalid("coupon_plan_unknown", field="plan_codes", plan=unsold[0])
    known = organization_names(uow, command.org_ids)
    unknown = [one for one in command.org_ids if one not in known]
    if unknown:
        raise Invalid("partner_unknown", field="org_ids", partner=str(unknown[0]))


def _window(uow: UnitOfWork, seller_id: UUID, command: MakeCoupon) -> tuple[datetime, datetime]:
    time_zone = get_party(uow, seller_id).time_zone
    today = clock.today(time_zone)
    if not today <= command.ends_on <= today + LONGEST or not command.starts_on <= command.ends_on:
        raise Invalid("coupon_window", field="ends_on", days=LONGEST.days)
    if command.starts_on < today - LONGEST:
        raise Invalid("coupon_window", field="starts_on", days=LONGEST.days)
    zone, midnight = ZoneInfo(time_zone), datetime.min.time()
    return (
        datetime.combine(command.starts_on, midnight, zone),
        datetime.combine(command.ends_on + timedelta(days=1), midnight, zone),
    )
