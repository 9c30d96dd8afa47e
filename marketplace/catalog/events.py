"""Facts about listings."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class ListingSubmitted(Event):
    """A version passed the automatic checks and waits for a reviewer."""

    topic: ClassVar[str] = "marketplace.listing_submitted.v1"
    listing_id: UUID
    org_id: UUID
    version_id: UUID


class ListingPublished(Event):
    """A version is on sale; the one before it, if any, is superseded."""

    topic: ClassVar[str] = "marketplace.listing_published.v1"
    listing_id: UUID
    org_id: UUID
    version_id: UUID


class ListingRejected(Event):
    """A version may not be sold as it is."""

    topic: ClassVar[str] = "marketplace.listing_rejected.v1"
    listing_id: UUID
    org_id: UUID
    version_id: UUID


class ListingSuspended(Event):
    """Nothing of the listing can be bought, and every card of it is gone."""

    topic: ClassVar[str] = "marketplace.listing_suspended.v1"
    listing_id: UUID
    org_id: UUID
    reason: str = ""
    """The platform's, in its own words."""


class ListingResumed(Event):
    """What was suspended or paused is on sale again."""

    topic: ClassVar[str] = "marketplace.listing_resumed.v1"
    listing_id: UUID
    org_id: UUID


class ListingPaused(Event):
    """Nothing of the listing can be bought by new buyers, because its deliveries failed; every card of it is gone."""

    topic: ClassVar[str] = "marketplace.listing_paused.v1"
    listing_id: UUID
    org_id: UUID
    failed: int
    """So many of the `counted` latest deliveries."""
    counted: int
