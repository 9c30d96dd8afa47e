"""What of the catalogue is asked for, as conditions."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from kernel.errors import Invalid
from marketplace.catalog.categories import require_category
from marketplace.catalog.models import Listing, Plan


@dataclass(frozen=True, slots=True)
class ListingFilter:
    """What of the catalogue is asked for. Prices are minor units of `currency` for one unit of a plan, for one interval."""

    category: str | None = None
    org_id: UUID | None = None
    pricing: str | None = None
    currency: str | None = None
    least_minor: int | None = None
    most_minor: int | None = None
    query: str | None = None


EVERYTHING = ListingFilter()


def of_listing(only: ListingFilter) -> list[ColumnElement[bool]]:
    """What is asked of the listing itself. Raises Invalid(`category_invalid`)."""
    if only.category is not None:
        require_category(only.category)
    wanted = ((Listing.category, only.category), (Listing.org_id, only.org_id))
    return [column == value for column, value in wanted if value is not None]


def of_a_plan(only: ListingFilter) -> list[ColumnElement[bool]]:
    """What one and the same plan on sale has to meet.

    Raises Invalid(`currency_required`, `price_limits_swapped`: nothing costs both as much and as little).
    """
    if only.currency is None and (only.least_minor is not None or only.most_minor is not None):
        raise Invalid("currency_required", field="currency")
    if only.least_minor is not None and only.most_minor is not None and only.least_minor > only.most_minor:
        raise Invalid("price_limits_swapped", field="max_price_minor")
    conditions: list[ColumnElement[bool]] = []
    if only.pricing is not None:
        conditions.append(Plan.pricing == only.pricing)
    if only.currency is not None:
        conditions.append(Plan.currency == only.currency)
    if only.least_minor is not None:
        conditions.append(Plan.unit_price_minor >= only.least_minor)
    if only.most_minor is not None:
        conditions.append(Plan.unit_price_minor <= only.most_minor)
    if not conditions:
        return []
    of_version = (Plan.org_id == Listing.org_id, Plan.version_id == Listing.current_version_id, Plan.state == "active")
    return [select(Plan.id).where(*of_version, *conditions).exists()]
