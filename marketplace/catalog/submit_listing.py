"""A version is handed in for review, after the checks that need no reviewer."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.jobs.outbox import emit
from marketplace.catalog.draft_listing import latest_version, lock_own_listing
from marketplace.catalog.events import ListingSubmitted
from marketplace.catalog.models import LISTING, VERSION, Listing, ListingVersion, Plan
from marketplace.onboarding.checklist import missing_steps
from marketplace.onboarding.models import SellerOnboarding


class Reason(TypedDict):
    """Why a version may not be sold: the field, and a code with its words among the errors' texts."""

    field: str
    code: str


def submit_listing(uow: UnitOfWork, listing_id: UUID) -> ListingVersion:
    """Hand the draft in. When an automatic check fails it stays a draft, and the refusal names every reason.

    Raises:
        NotFound: `listing_not_found`.
        Conflict: `nothing_to_review`: no version waits to be handed in; `review_checks_failed` with `reasons`.

    Emits: ListingSubmitted. Locks: the listing, its latest version.
    """
    listing = lock_own_listing(uow, listing_id)
    version = latest_version(uow, listing)
    if version.state == "in_review":
        return version
    if version.state != "draft":
        raise Conflict("nothing_to_review", state=version.state)
    reasons = find_reasons(uow, version)
    if reasons:
        raise Conflict("review_checks_failed", reasons=", ".join(f"{r['field']}: {r['code']}" for r in reasons))
    VERSION.move(uow, version, "in_review", org_ids=[listing.org_id])
    version.submitted_at = clock.now()
    if _before_first_publication(listing):
        LISTING.move(uow, listing, "in_review", org_ids=[listing.org_id])
    emit(uow, ListingSubmitted(listing_id=listing.id, org_id=listing.org_id, version_id=version.id))
    uow.flush()
    return version


def find_reasons(uow: UnitOfWork, version: ListingVersion) -> list[Reason]:
    """The automatic checks: a plan at least, a way to provision each, a price or a trial, a finished onboarding."""
    reasons: list[Reason] = []
    plans = list(uow.session.scalars(select(Plan).where(Plan.org_id == version.org_id, Plan.version_id == version.id)))
    if not plans:
        reasons.append(Reason(field="plans", code="plan_missing"))
    reasons += [Reason(field=f"plans.{p.code}", code="connector_missing") for p in plans if p.connector_id is None]
    if not version.description.strip() or not version.description_en.strip():
        reasons.append(Reason(field="description", code="text_required"))
    onboarding = uow.session.scalar(select(SellerOnboarding).where(SellerOnboarding.org_id == version.org_id))
    if onboarding is None or missing_steps(onboarding):
        reasons.append(Reason(field="onboarding", code="onboarding_incomplete"))
    return reasons


def _before_first_publication(listing: Listing) -> bool:
    return listing.current_version_id is None
