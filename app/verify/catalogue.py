"""What is shown to buyers: listings, claims, touchpoints."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from app.verify.rule import Example, Query, Reading
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Plan
from marketplace.catalog.plan_terms import terms_of
from marketplace.placements.claim_checks import ClaimValue, find_contradiction
from marketplace.placements.models import Claim, Placement
from marketplace.videos.models import Video


def _broken_claims(uow: UnitOfWork) -> Iterator[Example]:
    rows = uow.session.execute(
        select(Claim, Plan)
        .join(Placement, Placement.id == Claim.placement_id)
        .join(Plan, Plan.id == Placement.plan_id)
        .join(Video, Video.id == Claim.video_id)
        .where(Video.state == "published", Claim.removed_at.is_(None), Placement.removed_at.is_(None))
        .execution_options(yield_per=500)
    )
    for claim, plan in rows:
        wrong = find_contradiction(ClaimValue.of(claim), terms_of(plan))
        if wrong is not None:
            yield {"claim_id": str(claim.id), "video_id": str(claim.video_id), "said": wrong.said, "holds": wrong.holds}


PUBLISHED = Query(
    "catalogue.published",
    "在售商品都有一个已发布的当前版本。",
    "Every listing on sale has a published version of its own.",
    """
    SELECT l.id AS listing_id, l.state, v.id AS version_id, v.state AS version_state
    FROM marketplace.listing l LEFT JOIN marketplace.listing_version v ON v.id = l.current_version_id
    WHERE l.state = 'published' AND (v.state, v.listing_id) IS DISTINCT FROM ('published', l.id)
    """,
)
HONEST = Reading(
    "claims.kept",
    "已发布视频中的每项承诺都与套餐相符。",
    "Every claim of a published video is kept by its plan.",
    _broken_claims,
)
ONCE = Query(
    "touchpoints.once",
    "同一触点只记录一次。",
    "Every touchpoint is stored once, whatever was sent again.",
    """
    SELECT id AS touchpoint_id, count(*) AS stored FROM marketplace.touchpoint GROUP BY id HAVING count(*) > 1
    """,
)

RULES = (PUBLISHED, HONEST, ONCE)
