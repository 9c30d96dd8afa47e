"""A partner's territory in a sentence."""

from __future__ import annotations

from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.region_names import region_names
from marketplace.relations.partner_queries import TerritoryRow

SHOWN = 8


def territory_in_words(page_request: PageRequest, row: TerritoryRow | None) -> str:
    """Where it may order for customers, and whether it alone may; of many regions the first."""
    if row is None:
        return page_request.t("territories.everywhere")
    named = region_names(row.regions[:SHOWN], page_request.language)
    if len(row.regions) > SHOWN:
        named = page_request.t("territories.and_more", named=named, more=len(row.regions) - SHOWN)
    if not row.is_exclusive:
        return page_request.t("territories.in", regions=named)
    if row.listing_ids:
        tn = translations(page_request.language).count
        return tn("territories.alone_some", len(row.listing_ids), regions=named)
    return page_request.t("territories.alone", regions=named)
