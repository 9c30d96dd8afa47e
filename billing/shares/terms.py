"""Which share terms apply to a sale made now."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, DateTime, ScalarSelect, Uuid, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.orm import InstrumentedAttribute, aliased

from billing.shares.models import SharePolicy
from billing.shares.promotion import OfferedPromotion, choose_promotion, pin, promoted_rate
from billing.shares.rules import Sale, choose
from billing.shares.split import ShareTerms
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound

SAME_TAX_ID: Final = "same_tax_id"
"""The promoter has the tax identifier of the buyer or of the seller, whoever of them can prove it: it earns nothing. (What
belongs to either organization itself is credited to nobody in the first place: `marketplace.attribution.attribute`.)
"""


def _in_force() -> ScalarSelect[int]:
    known = aliased(SharePolicy)
    return (
        select(known.version)
        .where(known.category == bindparam("category"), known.effective_at <= bindparam("at"))
        .order_by(known.effective_at.desc(), known.version.desc())
        .limit(1)
        .scalar_subquery()
    )


def _for(column: InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    return or_(column.is_(None), column == bindparam(name, type_=column.type))


_IN_FORCE = Read(
    select(
        SharePolicy,
        func.marketplace.same_taxpayers(
            array([bindparam("buyer", type_=Uuid), bindparam("seller", type_=Uuid)]), type_=ARRAY(Uuid)
        ).label("same_taxpayers"),
        # Once for all rows, in the platform's scope: a buyer reads no plan of a seller's.
        select(
            func.billing.promoter_plans_of(
                bindparam("listing", type_=Uuid), bindparam("at", type_=DateTime(timezone=True)), type_=JSONB
            )
        )
        .scalar_subquery()
        .label("promotions"),
    ).where(
        SharePolicy.category == bindparam("category"),
        SharePolicy.version == _in_force(),
        _for(SharePolicy.listing_id, "listing"),
        _for(SharePolicy.seller_id, "seller"),
        _for(SharePolicy.deal_type, "deal_type"),
    )
)
"""The few rules of the version in force that this sale may get; of whose channel is known only once the sale is attributed."""


def ask_terms(uow: UnitOfWork, sale: Sale, on: datetime) -> None:
    """Ask ahead for `terms_for`."""
    uow.ask_ahead(_IN_FORCE, **_named(sale, on))


def terms_for(
    uow: UnitOfWork, sale: Sale, promoter_org_id: UUID | None, on: datetime, *, channel_id: UUID | None = None
) -> ShareTerms:
    """The terms of the version in force at `on`, by the most specific of its rules, and of the seller's plan for the promoter;
    without a promoter nothing goes to one.

    `channel_id`: of the channel whose video sold it.

    Raises:
        NotFound: `share_policy_missing`, no published version covers the category at that time.
    """
    rows = uow.fetch(_IN_FORCE, **_named(sale, on))
    rule: SharePolicy | None = choose([row.SharePolicy for row in rows], sale, channel_id)
    if rule is None:
        raise NotFound("share_policy_missing", category=sale.category)
    own = (rule.version, rule.commission_ppm)
    if promoter_org_id is None:
        return ShareTerms(*own, 0, rule.hold_days)
    if promoter_org_id in rows[0].same_taxpayers:
        return ShareTerms(*own, 0, rule.hold_days, SAME_TAX_ID)
    plan, refused = choose_promotion([OfferedPromotion.read(one) for one in rows[0].promotions], promoter_org_id)
    if plan is None:
        return ShareTerms(*own, 0 if refused else rule.promoter_ppm, rule.hold_days, refused)
    rate_ppm = promoted_rate(plan.rate_ppm, rule.promoter_ppm, rule.commission_ppm)
    excluded = {sale.buyer_org_id, sale.seller_org_id, *rows[0].same_taxpayers}
    return ShareTerms(*own, rate_ppm, rule.hold_days, None, pin(plan, rate_ppm, promoter_org_id, excluded))


def _named(sale: Sale, on: datetime) -> dict[str, object]:
    return {
        "category": sale.category,
        "listing": sale.listing_id,
        "seller": sale.seller_org_id,
        "buyer": sale.buyer_org_id,
        "deal_type": sale.deal_type,
        "at": on,
    }
