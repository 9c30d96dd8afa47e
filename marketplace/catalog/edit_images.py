"""Pictures of a product: added to the draft, named, put in order, taken out. What is published keeps those it had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from marketplace.catalog.content_hash import image_hash
from marketplace.catalog.edit_draft import draft_for_change, lock_draft, require_base
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.catalog.prepare_image import WIDTHS, PreparedImage
from marketplace.input_text import optional_line

MAX_IMAGES = 8
PREFIX = "listings"
"""Where pictures are kept in the object store."""


@dataclass(frozen=True, slots=True)
class ChangeImage:
    """Other words for one picture of the draft, and whether it comes first: that one stands for the product in lists.

    `base` is the `image_hash` of what the writer had before them; None writes over whatever is there.
    """

    listing_id: UUID
    image_id: str
    alt: str
    alt_en: str
    first: bool = False
    base: str | None = None


def image_key(listing_id: UUID, image_id: str, width: int) -> str:
    """Where a picture is kept in one of `WIDTHS`."""
    return f"{PREFIX}/{listing_id}/{image_id}.{width}.webp"


def image_keys(listing_id: UUID, image: PreparedImage) -> dict[str, bytes]:
    """What is to be kept of a picture, by place."""
    return {image_key(listing_id, image.id, width): image.files[width] for width in WIDTHS}


def add_image(
    uow: UnitOfWork, listing_id: UUID, image: PreparedImage, alt: str = "", alt_en: str = ""
) -> ListingVersion:
    """Add a picture to the draft. The same picture again is not added twice. Its bytes are kept already.

    Raises:
        NotFound: `listing_not_found`. Conflict: as `edit_text`. Invalid: `too_many_images`, `text_too_long`.

    Locks: the listing, its latest version.
    """
    listing, version = lock_draft(uow, listing_id)
    if any(one["id"] == image.id for one in version.images):
        return version
    if len(version.images) >= MAX_IMAGES:
        raise Invalid("too_many_images", field="file", limit=MAX_IMAGES)
    draft_for_change(uow, listing, version)
    new = {"id": image.id, "width": image.width, "height": image.height, **_words(alt, alt_en)}
    version.images = [*version.images, new]
    uow.flush()
    return version


def change_image(uow: UnitOfWork, command: ChangeImage) -> ListingVersion:
    """Name a picture of the draft, or put it first.

    Raises:
        NotFound: `listing_not_found`, `image_not_found`. Conflict: as `edit_text`. Invalid: `text_too_long`.

    Locks: the listing, its latest version. Idempotent by: the content.
    """
    listing, version = lock_draft(uow, command.listing_id)
    found = next((one for one in version.images if one["id"] == command.image_id), None)
    if found is None:
        raise NotFound("image_not_found")
    changed: dict[str, Any] = {**found, **_words(command.alt, command.alt_en)}
    if changed != found:
        require_base(command.base, image_hash(found))
    images = [changed if one is found else one for one in version.images]
    if command.first:
        images = [changed, *(one for one in images if one is not changed)]
    if images != version.images:
        draft_for_change(uow, listing, version)
        version.images = images
    uow.flush()
    return version


def remove_image(uow: UnitOfWork, listing_id: UUID, image_id: str, base: str | None = None) -> bool:
    """Take a picture out of the draft; gone already, nothing changes. Returns whether no version of the listing has it any more.

    `base` as of `ChangeImage`.

    Raises:
        NotFound: `listing_not_found`. Conflict: as `edit_text`.

    Locks: the listing, its latest version.
    """
    listing, version = lock_draft(uow, listing_id)
    kept = [one for one in version.images if one["id"] != image_id]
    for gone in (one for one in version.images if one["id"] == image_id):
        require_base(base, image_hash(gone))
    if len(kept) != len(version.images):
        draft_for_change(uow, listing, version)
        version.images = kept
    uow.flush()
    having = select(ListingVersion.id).where(
        ListingVersion.listing_id == listing_id, ListingVersion.images.contains([{"id": image_id}])
    )
    return uow.session.scalar(having.limit(1)) is None


def is_image_shown(uow: UnitOfWork, listing_id: UUID, image_id: str) -> bool | None:
    """Whether anybody may see a picture (of a version that was published), or who reads this alone; None: nobody."""
    rows = uow.session.execute(
        select(ListingVersion.published_at, ListingVersion.org_id, Listing.visibility)
        .join(Listing, Listing.id == ListingVersion.listing_id)
        .where(ListingVersion.listing_id == listing_id, ListingVersion.images.contains([{"id": image_id}]))
    ).all()
    # What is for partners is a row to those who may see it alone.
    if any(row.published_at is not None for row in rows):
        return all(row.visibility == "public" for row in rows)
    me = uow.principal
    return False if any(me.is_platform or row.org_id == me.org_id for row in rows) else None


def _words(alt: str, alt_en: str) -> dict[str, str]:
    return {"alt": optional_line("alt", alt, 120), "alt_en": optional_line("alt_en", alt_en, 120)}
