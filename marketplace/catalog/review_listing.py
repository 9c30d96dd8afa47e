"""The platform's reviewer decides; what is approved is on sale from that moment. And what is taken off sale again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.jobs.outbox import emit
from marketplace.catalog.content_hash import version_hash
from marketplace.catalog.draft_listing import latest_version, lock_own_listing
from marketplace.catalog.events import ListingPublished, ListingRejected, ListingResumed, ListingSuspended
from marketplace.catalog.index_listing import index_listing
from marketplace.catalog.models import LISTING, PLAN, VERSION, Listing, ListingVersion, Plan
from marketplace.catalog.queries import get_listing
from marketplace.catalog.review_desk import NOTED
from marketplace.catalog.submit_listing import CHECKS_FAILED, Reason, find_reasons
from marketplace.content_reports.kinds import ReportableKind, ReportedContent, register_kind
from marketplace.search_index.entries import remove_entry


@dataclass(frozen=True, slots=True)
class ReviewListing:
    """A decision on the version that waits. A rejection names its reasons.

    `seen` is the `version_hash` of what the reviewer read; None decides on whatever waits.
    """

    listing_id: UUID
    approve: bool
    reasons: Sequence[Reason] = field(default_factory=tuple)
    seen: str | None = None


def review_listing(uow: UnitOfWork, command: ReviewListing) -> ListingVersion:
    """Approve (and so publish) or reject the version in review.

    Raises:
        Forbidden: `operator_required`.
        NotFound: `listing_not_found`.
        Conflict: `nothing_to_review`; `review_changed`: another text waits now than was read; `review_checks_failed`:
            what had passed at submission no longer does.
        Invalid: `review_reasons_required` for a rejection, `review_note_required` for a reason that is its note alone.

    Emits: ListingPublished or ListingRejected. Locks: the listing, then the versions, then the plans.
    """
    _require_platform(uow)
    listing = lock_own_listing(uow, command.listing_id)
    version = latest_version(uow, listing)
    if version.state != "in_review":
        same = version.state == ("published" if command.approve else "rejected")
        # The same decision sent twice is the first one.
        if same and command.seen is not None and command.seen == _hash(uow, listing, version):
            return version
        raise Conflict("nothing_to_review", state=version.state)
    if command.seen is not None and command.seen != _hash(uow, listing, version):
        raise Conflict("review_changed")
    if not command.approve:
        return _reject(uow, listing, version, command.reasons)
    reasons = find_reasons(uow, version)
    if reasons:
        raise Conflict(CHECKS_FAILED, reasons=", ".join(f"{r['field']}: {r['code']}" for r in reasons))
    _publish(uow, listing, version)
    audit.record(uow, "listing.approved", subject_id=listing.id, version=version.number)
    uow.flush()
    return version


def suspend_listing(uow: UnitOfWork, listing_id: UUID, reason: str) -> Listing:
    """Take a listing off sale and off every card at once. Existing customers keep what they bought.

    Raises:
        Forbidden: `operator_required`. NotFound: `listing_not_found`. Conflict: `invalid_transition`.

    Emits: ListingSuspended. Locks: the listing.
    """
    _require_platform(uow)
    listing = lock_own_listing(uow, listing_id)
    if LISTING.move(uow, listing, "suspended", org_ids=[listing.org_id], reason=reason):
        remove_entry(uow, listing.id)
        emit(uow, ListingSuspended(listing_id=listing.id, org_id=listing.org_id, reason=reason))
        audit.record(uow, "listing.suspended", subject_id=listing.id)
    uow.flush()
    return listing


def resume_listing(uow: UnitOfWork, listing_id: UUID) -> Listing:
    """Put a suspended or paused listing back on sale. Raises as `suspend_listing`. Emits: ListingResumed. Locks: the listing."""
    _require_platform(uow)
    listing = lock_own_listing(uow, listing_id)
    if LISTING.move(uow, listing, "published", org_ids=[listing.org_id]):
        index_listing(uow, listing, uow.session.get_one(ListingVersion, listing.current_version_id))
        emit(uow, ListingResumed(listing_id=listing.id, org_id=listing.org_id))
        audit.record(uow, "listing.resumed", subject_id=listing.id)
    uow.flush()
    return listing


def _find_reportable(uow: UnitOfWork, listing_id: UUID) -> ReportedContent:
    shown = get_listing(uow, listing_id)
    if shown.state != "published":
        raise NotFound("listing_not_found")
    return ReportedContent(shown.id, shown.org_id, None, shown.seller_name, shown.title or shown.title_en)


register_kind("listing", ReportableKind(_find_reportable, suspend_listing))


def retire_listing(uow: UnitOfWork, listing_id: UUID) -> Listing:
    """The seller takes a listing off sale for good; a version in review is taken back.

    Raises: NotFound `listing_not_found`, Conflict `invalid_transition`.
    """
    listing = lock_own_listing(uow, listing_id)
    if LISTING.move(uow, listing, "retired", org_ids=[listing.org_id]):
        remove_entry(uow, listing.id)
        version = latest_version(uow, listing)
        if version.state == "in_review":
            VERSION.move(uow, version, "draft", org_ids=[listing.org_id], reason="listing_retired")
        audit.record(uow, "listing.retired", subject_id=listing.id)
    uow.flush()
    return listing


def withdraw_plan(uow: UnitOfWork, plan_id: UUID) -> Plan:
    """The seller stops selling one plan; its cards disappear at once. Raises NotFound(`plan_not_found`)."""
    plan = _lock_own_plan(uow, plan_id)
    PLAN.move(uow, plan, "withdrawn", org_ids=[plan.org_id])
    uow.flush()
    return plan


def connect_plan(uow: UnitOfWork, plan_id: UUID, connector_id: UUID) -> Plan:
    """Say how a plan's purchases reach the seller's system. Orders placed before keep their connector.

    `connector_id` is one of the seller's, which the caller has looked up. Raises NotFound(`plan_not_found`).
    """
    plan = _lock_own_plan(uow, plan_id)
    plan.connector_id = connector_id
    uow.flush()
    return plan


def _reject(uow: UnitOfWork, listing: Listing, version: ListingVersion, reasons: Sequence[Reason]) -> ListingVersion:
    if not reasons:
        raise Invalid("review_reasons_required", field="reasons")
    if any(reason["code"] == NOTED and not reason.get("note", "").strip() for reason in reasons):
        raise Invalid("review_note_required", field="reasons")
    VERSION.move(uow, version, "rejected", org_ids=[listing.org_id])
    version.review_reasons = [dict(reason) for reason in reasons]
    if listing.state == "in_review":
        LISTING.move(uow, listing, "rejected", org_ids=[listing.org_id])
    emit(uow, ListingRejected(listing_id=listing.id, org_id=listing.org_id, version_id=version.id))
    uow.flush()
    return version


def _publish(uow: UnitOfWork, listing: Listing, version: ListingVersion) -> None:
    now = clock.now()
    if listing.current_version_id is not None:
        before = lock_row(uow.session, ListingVersion, listing.current_version_id)
        if before is not None:
            VERSION.move(uow, before, "superseded", org_ids=[listing.org_id])
            for plan in _plans(uow, before):
                PLAN.move(uow, plan, "withdrawn", org_ids=[listing.org_id], reason="superseded")
    VERSION.move(uow, version, "published", org_ids=[listing.org_id])
    version.published_at = now
    version.review_reasons = None
    for plan in _plans(uow, version):
        plan.published_at = now
    uow.flush()
    listing.current_version_id = version.id
    # A suspended or paused listing stays so with its new version: the reason for it may have nothing to do with the words.
    if listing.state not in ("suspended", "paused"):
        LISTING.move(uow, listing, "published", org_ids=[listing.org_id])
        index_listing(uow, listing, version)
    emit(uow, ListingPublished(listing_id=listing.id, org_id=listing.org_id, version_id=version.id))


def _hash(uow: UnitOfWork, listing: Listing, version: ListingVersion) -> str:
    return version_hash(version, listing.kind, listing.category, _plans(uow, version))


def _plans(uow: UnitOfWork, version: ListingVersion) -> list[Plan]:
    statement = select(Plan).where(Plan.org_id == version.org_id, Plan.version_id == version.id).order_by(Plan.id)
    return list(uow.session.scalars(statement.with_for_update()))


def _lock_own_plan(uow: UnitOfWork, plan_id: UUID) -> Plan:
    found = lock_row(uow.session, Plan, plan_id)
    if found is None or (not uow.principal.is_platform and found.org_id != uow.principal.organization()):
        raise NotFound("plan_not_found")
    return found


def _require_platform(uow: UnitOfWork) -> None:
    if not uow.principal.is_platform:
        raise Forbidden("operator_required")
