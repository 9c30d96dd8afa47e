"""What customers' reviews of a listing come to, written where cards and lists read it anyway."""

from __future__ import annotations

from uuid import UUID

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.catalog.models import Listing


def lock_listing(uow: UnitOfWork, listing_id: UUID) -> Listing:
    """Any listing, locked, for the platform's own work. Raises NotFound(`listing_not_found`)."""
    listing = lock_row(uow.session, Listing, listing_id)
    if listing is None:
        raise NotFound("listing_not_found")
    return listing


def rate_listing(uow: UnitOfWork, listing: Listing, number: int, total: int) -> None:
    """Write how many reviews a locked listing has, and the sum of their stars. The same again writes nothing."""
    listing.rating_count, listing.rating_sum = number, total
    uow.flush()


def average_tenths(number: int, total: int) -> int | None:
    """The average of `number` reviews in tenths of a star, halves upwards; None where there are none."""
    return (total * 20 + number) // (number * 2) if number else None
