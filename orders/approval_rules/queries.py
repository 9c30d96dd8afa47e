"""Reads of an organization's purchase policy."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.parties.models import Organization
from orders.approval_rules.models import PurchasePolicy


def find_policy(uow: UnitOfWork) -> PurchasePolicy | None:
    """The acting organization's policy, None where it never set one."""
    return uow.session.scalar(select(PurchasePolicy).where(PurchasePolicy.org_id == uow.principal.organization()))


def allowed_sellers(uow: UnitOfWork, policy: PurchasePolicy) -> dict[UUID, str]:
    """Names of the sellers on the allow-list that still sell here."""
    statement = select(Organization.id, Organization.display_name).where(
        Organization.id.in_(policy.allowed_sellers), Organization.is_seller
    )
    return {row.id: row.display_name for row in uow.session.execute(statement)}


def allowed_listings(uow: UnitOfWork, policy: PurchasePolicy) -> dict[UUID, tuple[str, str]]:
    """Titles, in Chinese and in English, of the listings on the allow-list that are on sale."""
    statement = (
        select(Listing.id, ListingVersion.title, ListingVersion.title_en)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .where(Listing.id.in_(policy.allowed_listings), Listing.state == "published")
    )
    return {listing_id: (title, title_en) for listing_id, title, title_en in uow.session.execute(statement)}
