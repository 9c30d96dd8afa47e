"""The terms on which a product is sold: text in either language, or a PDF, with a version of the seller's own naming.

They are part of a listing's version: published with it, never changed after, and found by every order that names it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.text import clean_markdown, plain_text
from marketplace.catalog.content_hash import terms_hash
from marketplace.catalog.edit_draft import draft_for_change, lock_draft, require_base
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.input_text import line
from marketplace.onboarding.legal_document import checked_media_type

MAX_TEXT = 40_000
PREFIX = "terms"
"""Where documents are kept in the object store."""


@dataclass(frozen=True, slots=True)
class SetTerms:
    """The terms of the draft in words, both kept beside a document that is there. Nothing in both languages: no words.

    `base` is the `terms_hash` of what the writer had before them; None writes over whatever is there.
    """

    listing_id: UUID
    version: str
    text: str = ""
    text_en: str = ""
    base: str | None = None


@dataclass(frozen=True, slots=True)
class TermsPdf:
    """A document: what its bytes are known by, and what its sender called it (for people, never a path)."""

    sha256: str
    file_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class AttachPdf:
    """A document, whose bytes are kept already, as the draft's terms. Words that are None stay as they are; so does the
    version's name where none is given. `base` as of `SetTerms`.
    """

    listing_id: UUID
    pdf: TermsPdf
    version: str = ""
    text: str | None = None
    text_en: str | None = None
    base: str | None = None


@dataclass(frozen=True, slots=True)
class SaleTermsText:
    """The terms of a version that may be seen. Texts are restricted Markdown; `pdf` is None where there is no document."""

    listing_id: UUID
    version_id: UUID
    title: str
    title_en: str
    version: str
    text: str
    text_en: str
    pdf: TermsPdf | None
    published: bool
    base: str
    """Their `terms_hash`."""


def checked_pdf(content: bytes, file_name: str) -> TermsPdf:
    """Raises Invalid(`terms_not_pdf`, and those of `checked_media_type`)."""
    if checked_media_type(content) != "application/pdf":
        raise Invalid("terms_not_pdf", field="file")
    name = plain_text(file_name)[:200] or "terms.pdf"
    return TermsPdf(hashlib.sha256(content).hexdigest(), name, len(content))


def terms_key(listing_id: UUID, sha256: str) -> str:
    """Where a document is kept."""
    return f"{PREFIX}/{listing_id}/{sha256}.pdf"


def set_terms(uow: UnitOfWork, command: SetTerms) -> ListingVersion:
    """Write the words of the draft's terms. Without any words, and without a document, it has none.

    Raises:
        NotFound: `listing_not_found`. Conflict: as `edit_text`. Invalid: `text_required` (the version), `text_too_long`.

    Locks: the listing, its latest version. Idempotent by: the content.
    """
    listing, version = lock_draft(uow, command.listing_id)
    words = {name: _checked(name, getattr(command, name)) for name in ("text", "text_en")}
    document = {name: value for name, value in (version.terms or {}).items() if name.startswith("pdf")}
    if not any(words.values()) and not document:
        return _written(uow, listing, version, None, command.base)
    terms = {"version": line("version", command.version, 40), **words, **document}
    return _written(uow, listing, version, terms, command.base)


def attach_pdf(uow: UnitOfWork, command: AttachPdf) -> ListingVersion:
    """Let a document be the draft's terms. Another one takes its place.

    Raises: as `set_terms`.

    Locks: the listing, its latest version. Idempotent by: the content.
    """
    listing, version = lock_draft(uow, command.listing_id)
    before = version.terms or {"text": "", "text_en": ""}
    named = line("version", command.version or str(before.get("version", "")), 40)
    given = {name: getattr(command, name) for name in ("text", "text_en")}
    words = {name: _checked(name, text) for name, text in given.items() if text is not None}
    pdf = command.pdf
    document = {"pdf_sha256": pdf.sha256, "pdf_name": pdf.file_name, "pdf_bytes": pdf.size_bytes}
    return _written(uow, listing, version, {**before, "version": named, **words, **document}, command.base)


def remove_terms(uow: UnitOfWork, listing_id: UUID, base: str | None = None) -> ListingVersion:
    """Let the draft have no terms of its own. `base` as of `SetTerms`. Raises as `set_terms`."""
    listing, version = lock_draft(uow, listing_id)
    return _written(uow, listing, version, None, base)


def get_terms(uow: UnitOfWork, listing_id: UUID, version_id: UUID | None = None) -> SaleTermsText:
    """The terms on which a product is sold, or was when this version was on sale; one's own draft's, too.

    Raises:
        NotFound: `terms_not_found`.
    """
    chosen = ListingVersion.id == (version_id or Listing.current_version_id)
    row = uow.session.execute(
        select(Listing, ListingVersion)
        .join(ListingVersion, chosen & (ListingVersion.listing_id == Listing.id))
        .where(Listing.id == listing_id)
    ).first()
    if row is None:
        raise NotFound("terms_not_found")
    version: ListingVersion = row[1]
    me = uow.principal
    own = me.is_platform or version.org_id == me.org_id
    if version.terms is None or not (own or version.published_at is not None):
        raise NotFound("terms_not_found")
    return _view(version)


def versions_with_terms(uow: UnitOfWork, version_ids: list[UUID]) -> dict[UUID, str]:
    """Of published versions, those that have terms, with the seller's name for them."""
    rows = uow.session.execute(
        select(ListingVersion.id, ListingVersion.terms).where(
            ListingVersion.id.in_(version_ids), ListingVersion.published_at.is_not(None)
        )
    )
    return {row.id: str(row.terms["version"]) for row in rows if row.terms is not None}


def _view(version: ListingVersion) -> SaleTermsText:
    terms: dict[str, Any] = version.terms or {}
    document = terms.get("pdf_sha256")
    return SaleTermsText(
        listing_id=version.listing_id,
        version_id=version.id,
        title=version.title,
        title_en=version.title_en,
        version=terms["version"],
        text=terms["text"],
        text_en=terms["text_en"],
        pdf=TermsPdf(document, terms["pdf_name"], terms["pdf_bytes"]) if document else None,
        published=version.published_at is not None,
        base=terms_hash(version.terms),
    )


def _checked(field: str, text: str) -> str:
    cleaned = clean_markdown(text).strip()
    if len(cleaned) > MAX_TEXT:
        raise Invalid("text_too_long", field=field, limit=MAX_TEXT)
    return cleaned


def _written(
    uow: UnitOfWork, listing: Listing, version: ListingVersion, terms: dict[str, Any] | None, base: str | None
) -> ListingVersion:
    if version.terms != terms:
        require_base(base, terms_hash(version.terms))
        draft_for_change(uow, listing, version)
        version.terms = terms
    uow.flush()
    return version
