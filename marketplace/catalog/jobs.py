"""Jobs of listings: cards follow a listing to its next version; in the sandbox, review follows by rule."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows
from marketplace.catalog.events import ListingPublished, ListingSubmitted
from marketplace.catalog.models import ListingVersion, Plan
from marketplace.catalog.plan_terms import terms_of
from marketplace.catalog.review_listing import ReviewListing, review_listing
from marketplace.placements.claim_checks import ClaimValue, find_contradiction
from marketplace.placements.models import Claim, Placement


def register(*, review_by_rule: bool) -> None:
    """Register the followers. `review_by_rule` (sandbox): what passed the automatic checks is approved by them."""

    @follows(ListingPublished)
    def move_placements(uow: UnitOfWork, payload: Payload) -> None:
        follow_version(uow, UUID(payload["listing_id"]), UUID(payload["version_id"]))

    if review_by_rule:

        @follows(ListingSubmitted)
        def review(uow: UnitOfWork, payload: Payload) -> None:
            version = uow.session.get(ListingVersion, UUID(payload["version_id"]))
            if version is not None and version.state == "in_review":
                review_listing(uow, ReviewListing(version.listing_id, approve=True))


def follow_version(uow: UnitOfWork, listing_id: UUID, version_id: UUID) -> int:
    """Point cards of older plans at the plan of the same code, where the new plan keeps what the video says.

    Cards whose video promises something else stay with the withdrawn plan, and so disappear until their owner looks.
    Returns how many moved.
    """
    plans = {
        plan.code: plan
        for plan in uow.session.scalars(
            select(Plan).where(Plan.listing_id == listing_id, Plan.version_id == version_id, Plan.state == "active")
        )
    }
    rows = uow.session.execute(
        select(Placement, Plan.code)
        .join(Plan, Plan.id == Placement.plan_id)
        .where(Placement.listing_id == listing_id, Plan.version_id != version_id, Placement.removed_at.is_(None))
        .order_by(Placement.id)
        .with_for_update(of=Placement)
    ).all()
    moved = 0
    for placement, code in rows:
        successor = plans.get(code)
        if successor is not None and _keeps(uow, placement, successor):
            placement.plan_id = successor.id
            moved += 1
    uow.flush()
    return moved


def _keeps(uow: UnitOfWork, placement: Placement, plan: Plan) -> bool:
    claims = uow.session.scalars(select(Claim).where(Claim.placement_id == placement.id, Claim.removed_at.is_(None)))
    return all(find_contradiction(ClaimValue.of(claim), terms_of(plan)) is None for claim in claims)
