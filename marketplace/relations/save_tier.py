"""A seller names its tiers and says what plans cost the partners in each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import PPM
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.input_text import line, optional_line
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.order_quantities import narrowed, quantities_of
from marketplace.pricing.shapes import MAX_SEATS
from marketplace.pricing.tier_price import TierFigures, is_never_above, price_at_tier
from marketplace.relations.partner_models import PartnerTier, TierPrice

PERMISSION = "catalog.write"
"""Whoever makes prices has it."""
MOST_TIERS = 20
MOST_STEP = 100_000
LOWEST_RANK = 100
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SaveTier:
    """A tier; with `id` the one that is changed, whose code stays. `rank`: 1 is the highest."""

    code: str
    name: str
    name_en: str = ""
    rank: int = 1
    id: UUID | None = None


def save_tier(uow: UnitOfWork, command: SaveTier) -> PartnerTier:
    """Add a tier of the acting seller, or change one's names and rank. Orders keep the names they were bought at.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `partner_tier_not_found`;
        Invalid `text_required`, `text_too_long`, `partner_tier_code_invalid`, `partner_tier_rank`, `partner_tiers_too_many`;
        Conflict `partner_tier_code_taken`.
    """
    uow.principal.require(PERMISSION)
    name, name_en = line("name", command.name, 40), optional_line("name_en", command.name_en, 40)
    if not 1 <= command.rank <= LOWEST_RANK:
        raise Invalid("partner_tier_rank", field="rank", most=LOWEST_RANK)
    if command.id is not None:
        tier = lock_tier(uow, command.id)
        tier.name, tier.name_en, tier.rank = name, name_en, command.rank
        uow.flush()
        return tier
    code = unicodedata.normalize("NFKC", command.code).strip().upper()
    if not _CODE.fullmatch(code):
        raise Invalid("partner_tier_code_invalid", field="code")
    seller_id = uow.principal.organization()
    count = uow.session.scalar(select(func.count()).where(PartnerTier.seller_org_id == seller_id))
    if (count or 0) >= MOST_TIERS:
        raise Invalid("partner_tiers_too_many", field="code", most=MOST_TIERS)
    words = {"code": code, "name": name, "name_en": name_en, "rank": command.rank}
    tier = PartnerTier(id=uuid7(), seller_org_id=seller_id, **words, created_at=clock.now())
    uow.session.add(tier)
    uow.flush()
    return tier


def lock_tier(uow: UnitOfWork, tier_id: UUID) -> PartnerTier:
    """One of the acting seller's. Raises NotFound `partner_tier_not_found`. Locks: the tier."""
    tier = lock_row(uow.session, PartnerTier, tier_id)
    if tier is None or tier.seller_org_id != uow.principal.organization():
        raise NotFound("partner_tier_not_found")
    return tier


@dataclass(frozen=True, slots=True)
class SetTierPrice:
    """What a plan of a listing costs in a tier; without `plan_code` every plan that has no price of its own, by a discount.

    One of three: `discount_ppm` off every figure, `unit_price_minor` of a plan whose price is one figure, `price` of another.
    """

    tier_id: UUID
    listing_id: UUID
    plan_code: str | None = None
    discount_ppm: int | None = None
    unit_price_minor: int | None = None
    price: PlanPrice | None = None
    min_quantity: int = 1
    """From how many seats on partners order at it; renewals of what was bought stay as they are."""
    quantity_step: int = 1
    """In what steps from there on."""


def set_tier_price(uow: UnitOfWork, command: SetTierPrice) -> TierPrice:
    """Let a price hold from now on, in the place of the one for the same. Quotes that were given hold; so does what was bought.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `partner_tier_not_found`, `listing_not_found`,
        `plan_not_found`; Invalid `tier_price_value` (not one of the three), `tier_price_above` (the plan's), `tier_price_unfit`,
        `tier_quantity` (out of range), `tier_quantity_unfit` (no number that a plan is sold in).

    Locks: the tier. Idempotent by: the content.
    """
    uow.principal.require(PERMISSION)
    tier = lock_tier(uow, command.tier_id)
    plans = _plans(uow, tier.seller_org_id, command)
    given = (command.discount_ppm, command.unit_price_minor, command.price)
    one_given = sum(one is not None for one in given) == 1
    if not one_given or (command.plan_code is None and command.discount_ppm is None):
        raise Invalid("tier_price_value", field="discount_ppm")
    if command.discount_ppm is not None and not 1 <= command.discount_ppm <= PPM:
        raise Invalid("tier_price_value", field="discount_ppm")
    figures = TierFigures(
        command.discount_ppm,
        command.unit_price_minor,
        plans[0].currency.strip() if command.unit_price_minor is not None else None,
        command.price.model_dump(mode="json") if command.price is not None else None,
        command.min_quantity,
        command.quantity_step,
    )
    _require_orderable(plans, figures)
    for plan in plans:
        _require_lower(plan, figures)
    before = uow.session.scalars(
        select(TierPrice).where(
            TierPrice.tier_id == tier.id,
            TierPrice.listing_id == command.listing_id,
            TierPrice.plan_code.is_not_distinct_from(command.plan_code),
            TierPrice.ended_at.is_(None),
        )
    ).first()
    if before is not None:
        if figures_of(before) == figures:
            return before
        before.ended_at = clock.now()
        uow.flush()
    row = TierPrice(
        id=uuid7(),
        seller_org_id=tier.seller_org_id,
        tier_id=tier.id,
        listing_id=command.listing_id,
        plan_code=command.plan_code,
        discount_ppm=figures.discount_ppm,
        unit_price_minor=figures.unit_price_minor,
        currency=figures.currency,
        price=figures.price,
        min_quantity=figures.min_quantity,
        quantity_step=figures.quantity_step,
        created_at=clock.now(),
        ended_at=None,
    )
    uow.session.add(row)
    uow.flush()
    return row


def end_tier_price(uow: UnitOfWork, price_id: UUID) -> TierPrice:
    """Let the plan's own price hold again. Ended already, nothing changes.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `tier_price_not_found`. Locks: the price.
    """
    uow.principal.require(PERMISSION)
    row = lock_row(uow.session, TierPrice, price_id)
    if row is None or row.seller_org_id != uow.principal.organization():
        raise NotFound("tier_price_not_found")
    row.ended_at = row.ended_at or clock.now()
    uow.flush()
    return row


def figures_of(row: TierPrice) -> TierFigures:
    """What it says of a plan's price."""
    currency = row.currency.strip() if row.currency is not None else None
    return TierFigures(row.discount_ppm, row.unit_price_minor, currency, row.price, row.min_quantity, row.quantity_step)


def _plans(uow: UnitOfWork, seller_id: UUID, command: SetTierPrice) -> list[Plan]:
    """The plans that it is for, as they are on sale; at least one."""
    listing = uow.session.get(Listing, command.listing_id)
    if listing is None or listing.org_id != seller_id:
        raise NotFound("listing_not_found")
    found = select(Plan).where(Plan.version_id == listing.current_version_id, Plan.state == "active")
    if command.plan_code is not None:
        found = found.where(Plan.code == command.plan_code)
    plans = list(uow.session.scalars(found.order_by(Plan.code)))
    if not plans:
        raise NotFound("plan_not_found")
    return plans


def find_price_on_sale(uow: UnitOfWork, listing_id: UUID, plan_code: str) -> PlanPrice | None:
    """What a plan of the acting seller costs as it is on sale, whatever a later version of its listing says."""
    found = select(Plan).join(Listing, Listing.current_version_id == Plan.version_id)
    own = Listing.org_id == uow.principal.organization()
    plan = uow.session.scalar(
        found.where(own, Listing.id == listing_id, Plan.code == plan_code, Plan.state == "active")
    )
    return plan_price(plan) if plan is not None else None


def holds_for(plan: Plan, figures: TierFigures) -> bool:
    """Whether partners buy at these figures: at the fewest seats it is sold in, nothing costs more than at the plan's price.

    Raises: Invalid `tier_price_unfit`.
    """
    listed = plan_price(plan)
    own = price_at_tier(listed, figures)
    ordered = narrowed(quantities_of(listed), figures.min_quantity, figures.quantity_step)
    least = max(plan.min_seats, own.seats.minimum if own.seats is not None else 1, ordered.least if ordered else 1)
    return is_never_above(listed, own, least)


def _require_orderable(plans: Sequence[Plan], figures: TierFigures) -> None:
    """Of plans some of which are bought once, those that are sold by seat count. Raises as `set_tier_price`."""
    of_field = (("min_quantity", figures.min_quantity, MAX_SEATS), ("quantity_step", figures.quantity_step, MOST_STEP))
    for named, value, most in of_field:
        if not 1 <= value <= most:
            raise Invalid("tier_quantity", field=named, most=MAX_SEATS, most_step=MOST_STEP)
    if (figures.min_quantity, figures.quantity_step) == (1, 1):
        return
    counted = [one for one in (quantities_of(plan_price(plan)) for plan in plans) if one.most > 1]
    left = [narrowed(one, figures.min_quantity, figures.quantity_step) for one in counted]
    if not left or None in left:
        raise Invalid("tier_quantity_unfit", field="min_quantity")


def _require_lower(plan: Plan, figures: TierFigures) -> None:
    """Raises Invalid `tier_price_above`, `tier_price_unfit`."""
    if not holds_for(plan, figures):
        named = "price" if figures.price is not None else "unit_price"
        raise Invalid("tier_price_above", field=named if figures.discount_ppm is None else "discount_ppm")
