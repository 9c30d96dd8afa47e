"""By which words a listing is found while it is on sale."""

from __future__ import annotations

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.parties.models import Organization
from marketplace.search_index.entries import IndexedWords, write_entry


def index_listing(uow: UnitOfWork, listing: Listing, version: ListingVersion) -> None:
    """Let the listing be found by what this version says, its seller and its plans."""
    seller = uow.session.scalar(select(Organization.display_name).where(Organization.id == listing.org_id))
    plans = uow.session.execute(
        select(Plan.name, Plan.name_en).where(Plan.org_id == listing.org_id, Plan.version_id == version.id)
    )
    words = IndexedWords(
        names=(version.title, version.title_en),
        offered_by=(seller or "", *(name for plan in plans for name in plan)),
        summaries=(version.summary, version.summary_en, listing.category),
        texts=(version.description, version.description_en),
    )
    write_entry(uow, "product", listing.id, words)
