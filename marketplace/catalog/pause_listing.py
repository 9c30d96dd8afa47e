"""A listing whose deliveries fail is kept from new buyers, and let back. Which do is decided on a floor above."""

from __future__ import annotations

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.catalog.events import ListingPaused, ListingResumed
from marketplace.catalog.index_listing import index_listing
from marketplace.catalog.models import LISTING, Listing, ListingVersion
from marketplace.search_index.entries import remove_entry


def pause_listing(uow: UnitOfWork, listing: Listing, *, failed: int, counted: int) -> None:
    """Take a locked, published listing off sale and off every card at once. Customers keep, and may renew, what they have.

    Raises Conflict `invalid_transition`. Emits: ListingPaused.
    """
    if LISTING.move(uow, listing, "paused", org_ids=[listing.org_id], reason=f"{failed}/{counted}"):
        remove_entry(uow, listing.id)
        emit(uow, ListingPaused(listing_id=listing.id, org_id=listing.org_id, failed=failed, counted=counted))
        audit.record(uow, "listing.paused", subject_id=listing.id, failed=failed, counted=counted)
    uow.flush()


def end_pause(uow: UnitOfWork, listing: Listing, *, reason: str) -> None:
    """Put a locked, paused listing back on sale. Raises Conflict `invalid_transition`. Emits: ListingResumed."""
    if LISTING.move(uow, listing, "published", org_ids=[listing.org_id], reason=reason):
        index_listing(uow, listing, uow.session.get_one(ListingVersion, listing.current_version_id))
        emit(uow, ListingResumed(listing_id=listing.id, org_id=listing.org_id))
        audit.record(uow, "listing.pause_ended", subject_id=listing.id)
    uow.flush()
