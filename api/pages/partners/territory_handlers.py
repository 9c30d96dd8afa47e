"""A seller says where a partner may order for customers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.partners.territory_views import TerritoryTick, TerritoryView
from api.pages.partners.territory_words import territory_in_words
from api.problems import headers_of
from api.region_names import region_name
from kernel.errors import Conflict, DomainError, NotFound
from marketplace.catalog.queries import list_own_plans
from marketplace.parties.regions import CHINA, PROVINCES
from marketplace.relations.partner_queries import PartnerRow, get_partner
from marketplace.relations.save_tier import PERMISSION
from marketplace.relations.territories import SetTerritory, clear_territory, set_territory

Answer = Response[str] | Response[bytes]
MOST_TYPED = 1_200


@page("/seller/partners/{link_id:uuid}/territory", PERMISSION)
def show_territory(link_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """Where a partner may order for customers, and the form that changes it."""
    require_seller(page_request)
    row, titles = _partner(page_request, link_id)
    found = row.territory
    regions = found.regions if found is not None else ()
    listings = {str(one) for one in found.listing_ids} if found is not None else set()
    return page_request.render(
        _view(page_request, row, titles, regions, listings, is_exclusive=found is not None and found.is_exclusive)
    )


@form_post("/seller/partners/{link_id:uuid}/territory", PERMISSION)
def save_territory(link_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let it hold from now on; pressed twice, it is set once. What was ordered stays."""
    require_seller(page_request)
    typed = form.text("countries", most=MOST_TYPED)
    ticked = [name.removeprefix("region-") for name in form.values if name.startswith("region-")]
    chosen = [name.removeprefix("listing-") for name in form.values if name.startswith("listing-")]
    regions = (*ticked, *re.findall(r"[^\s,，、;；]+", typed))
    is_exclusive = bool(form.text("is_exclusive", most=8))
    try:
        # Products are shown while it is exclusive; left ticked beside a territory that is not, they say nothing.
        listings = tuple(parse_uuid_or_404(one, "listing_not_found") for one in chosen) if is_exclusive else ()
        command = SetTerritory(link_id, regions, is_exclusive, listings)
        page_request.transact(lambda uow: set_territory(uow, command).id)
    except DomainError as refused:
        if isinstance(refused, NotFound):
            raise
        row, titles = _partner(page_request, link_id)
        view = _view(
            page_request, row, titles, regions, set(chosen), is_exclusive=is_exclusive, refused=refused, typed=typed
        )
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.partners.SELLER_PARTNERS, notice="partner_territory_set")


@form_post("/seller/partners/{link_id:uuid}/territory/clear", PERMISSION)
def drop_territory(link_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let it order for customers everywhere again."""
    del form
    page_request.transact(lambda uow: clear_territory(uow, link_id).id)
    return page_request.redirect(addresses.partners.SELLER_PARTNERS, notice="partner_territory_cleared")


def _partner(page_request: PageRequest, link_id: UUID) -> tuple[PartnerRow, dict[str, str]]:
    """A partner of the acting seller, and the seller's products by id."""
    with page_request.work() as uow:
        row = get_partner(uow, link_id)
        own = list_own_plans(uow)
    if row.seller_org_id != page_request.principal.organization():
        raise NotFound("partner_link_not_found")
    if row.state != "accepted":
        raise Conflict("partner_link_not_running", state=row.state)
    return row, {str(listing.id): page_request.pick(listing.title, listing.title_en) for listing, _ in own}


def _view(
    page_request: PageRequest,
    row: PartnerRow,
    titles: dict[str, str],
    regions: Iterable[str],
    listings: Collection[str],
    *,
    is_exclusive: bool,
    refused: DomainError | None = None,
    typed: str | None = None,
) -> TerritoryView:
    chosen = set(regions)
    elsewhere = sorted(chosen - {CHINA, *PROVINCES})

    def tick(region: str) -> TerritoryTick:
        return TerritoryTick(f"region-{region}", region_name(region, page_request.language), region in chosen)

    return TerritoryView(
        id=str(row.id),
        partner=row.buyer_name,
        says=territory_in_words(page_request, row.territory),
        is_set=row.territory is not None,
        china=tick(CHINA),
        provinces=tuple(tick(one) for one in PROVINCES),
        products=tuple(TerritoryTick(f"listing-{key}", title, key in listings) for key, title in titles.items()),
        countries=", ".join(elsewhere) if typed is None else typed,
        is_exclusive=is_exclusive,
        error_field="countries" if refused is not None else "",
        field_error=failure(page_request, refused) if refused is not None else "",
    )


routes = [show_territory, save_territory, drop_territory]
