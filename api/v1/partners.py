"""Partners of sellers: tiers and their price lists, who is in which, and what partners pay."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import (
    KeyHeader,
    PageOut,
    Paging,
    idempotent_command,
    list_page,
)
from api.v1.partner_bodies import (
    AcceptPartnerIn,
    AskPartnerIn,
    InvitePartnerIn,
    PartnerOut,
    PartnerPriceOut,
    PartnerTierIn,
    PartnerTierNamesIn,
    PartnerTierOut,
    TerritoryIn,
    TierChoiceIn,
    TierPriceIn,
    TierPriceOut,
)
from kernel.db.uow import UnitOfWork
from marketplace.catalog.queries import get_listing
from marketplace.relations.partner_links import (
    PARTNER_PERMISSION,
    AskPartner,
    accept_partner,
    ask_partner,
    decline_partner,
    withdraw_partner,
)
from marketplace.relations.partner_queries import (
    TierRow,
    get_partner,
    list_partners,
    list_tier_prices,
    list_tiers,
    tier_price_row,
    tier_row,
)
from marketplace.relations.save_tier import (
    PERMISSION,
    SaveTier,
    end_tier_price,
    save_tier,
    set_tier_price,
)
from marketplace.relations.territories import clear_territory, set_territory
from marketplace.relations.tier_prices import shown_prices
from orders.partners.end_partner import end_partner, move_partner


@get("/v1/seller/partner-tiers", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_partner_tiers(request: ApiRequest) -> list[PartnerTierOut]:
    """The seller's tiers, the highest first."""
    with request.transaction() as uow:
        return [PartnerTierOut.of_row(one) for one in list_tiers(uow)]


@post("/v1/seller/partner-tiers", permission=PERMISSION, refuses=[409], sync_to_thread=True, tags=["seller"])
def post_partner_tier(
    data: JSONBody[PartnerTierIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[PartnerTierOut]:
    """Add a tier."""
    command = SaveTier(**data.model_dump())
    return idempotent_command(request, idempotency_key, data, lambda uow: _tier(tier_row(save_tier(uow, command))))


@put("/v1/seller/partner-tiers/{partner_tier_id:uuid}", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def put_partner_tier(
    partner_tier_id: FromPath[UUID], data: JSONBody[PartnerTierNamesIn], request: ApiRequest
) -> PartnerTierOut:
    """Change a tier's names and rank."""
    command = SaveTier("", **data.model_dump(), id=partner_tier_id)
    return request.transact(lambda uow: _tier(tier_row(save_tier(uow, command))))


@get(
    "/v1/seller/partner-tiers/{partner_tier_id:uuid}/prices",
    permission=PERMISSION,
    sync_to_thread=True,
    tags=["seller"],
)
def get_tier_prices(partner_tier_id: FromPath[UUID], request: ApiRequest) -> list[TierPriceOut]:
    """The price list of a tier: what holds now, the latest first."""
    with request.transaction() as uow:
        return [TierPriceOut.of(one) for one in list_tier_prices(uow, partner_tier_id)]


@post(
    "/v1/seller/partner-tiers/{partner_tier_id:uuid}/prices",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    tags=["seller"],
)
def post_tier_price(
    partner_tier_id: FromPath[UUID], data: JSONBody[TierPriceIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[TierPriceOut]:
    """Let a price hold from now on, in the place of the one for the same. What was quoted or bought stays at its price."""
    command = data.command(partner_tier_id)

    def work(uow: UnitOfWork) -> TierPriceOut:
        return TierPriceOut.of(tier_price_row(uow, set_tier_price(uow, command)))

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/seller/tier-prices/{tier_price_id:uuid}/end",
    permission=PERMISSION,
    status_code=204,
    sync_to_thread=True,
    tags=["seller"],
)
def post_tier_price_end(tier_price_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let the plan's own price hold again. Ended already, nothing changes."""
    request.transact(lambda uow: end_tier_price(uow, tier_price_id).id)


@get("/v1/seller/partners", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_seller_partners(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PartnerOut]]:
    """The seller's partners, and who asked or was asked; the newest first."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return list_partners(uow, sells=True, **paged)

    return list_page(request, paging, rows, PartnerOut.of)


@post("/v1/seller/partners", permission=PERMISSION, refuses=[404, 409], sync_to_thread=True, tags=["seller"])
def invite_partner(
    data: JSONBody[InvitePartnerIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[PartnerOut]:
    """Ask an organization to be a partner in a tier. It sees the tier's name, and no price before it agrees."""
    command = AskPartner(data.organization_id, data.tier_id)
    return idempotent_command(request, idempotency_key, data, lambda uow: _asked(uow, command))


@put(
    "/v1/seller/partners/{partner_link_id:uuid}/tier",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    tags=["seller"],
)
def put_partner_link_tier(
    partner_link_id: FromPath[UUID], data: JSONBody[TierChoiceIn], request: ApiRequest
) -> PartnerOut:
    """Move a partner to another tier, by another link, which is answered. Quotes at the old tier's price are over."""
    return request.transact(
        lambda uow: PartnerOut.of(get_partner(uow, move_partner(uow, partner_link_id, data.tier_id).id))
    )


@put(
    "/v1/seller/partners/{partner_link_id:uuid}/territory",
    permission=PERMISSION,
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["seller"],
)
def put_partner_territory(
    partner_link_id: FromPath[UUID], data: JSONBody[TerritoryIn], request: ApiRequest
) -> PartnerOut:
    """Let a partner order for customers in these regions alone, from now on; what was ordered stays."""

    def work(uow: UnitOfWork) -> PartnerOut:
        set_territory(uow, data.command(partner_link_id))
        return PartnerOut.of(get_partner(uow, partner_link_id))

    return request.transact(work)


@delete(
    "/v1/seller/partners/{partner_link_id:uuid}/territory",
    permission=PERMISSION,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["seller"],
)
def delete_partner_territory(partner_link_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let a partner order for customers everywhere again."""
    request.transact(lambda uow: clear_territory(uow, partner_link_id).id)


@get("/v1/partners", permission=PARTNER_PERMISSION, sync_to_thread=True, tags=["buying"])
def get_partners(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PartnerOut]]:
    """The sellers whose partner one is, was, or may be; the newest first."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return list_partners(uow, sells=False, **paged)

    return list_page(request, paging, rows, PartnerOut.of)


@post("/v1/partners", permission=PARTNER_PERMISSION, refuses=[404, 409], sync_to_thread=True, tags=["buying"])
def ask_seller(data: JSONBody[AskPartnerIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[PartnerOut]:
    """Ask a seller to take one's organization as a partner. The seller chooses the tier."""
    command = AskPartner(data.organization_id)
    return idempotent_command(request, idempotency_key, data, lambda uow: _asked(uow, command))


@get("/v1/partners/{partner_link_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_one_partner(partner_link_id: FromPath[UUID], request: ApiRequest) -> PartnerOut:
    """One link, for either side."""
    with request.transaction() as uow:
        return PartnerOut.of(get_partner(uow, partner_link_id))


@post(
    "/v1/partners/{partner_link_id:uuid}/acceptance",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_partner_acceptance(
    partner_link_id: FromPath[UUID], data: JSONBody[AcceptPartnerIn], request: ApiRequest
) -> PartnerOut:
    """Say yes to the side that asked: the prices of the tier hold from now on."""

    def work(uow: UnitOfWork) -> PartnerOut:
        return PartnerOut.of(get_partner(uow, accept_partner(uow, partner_link_id, data.tier_id).id))

    return request.transact(work)


@post(
    "/v1/partners/{partner_link_id:uuid}/decline",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["buying"],
)
def post_partner_decline(partner_link_id: FromPath[UUID], request: ApiRequest) -> None:
    """Say no to the side that asked."""
    request.transact(lambda uow: decline_partner(uow, partner_link_id).id)


@post(
    "/v1/partners/{partner_link_id:uuid}/withdraw",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["buying"],
)
def post_partner_withdraw(partner_link_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take back what was asked and not answered yet."""
    request.transact(lambda uow: withdraw_partner(uow, partner_link_id).id)


@post(
    "/v1/partners/{partner_link_id:uuid}/end",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["buying"],
)
def post_partner_end(partner_link_id: FromPath[UUID], request: ApiRequest) -> None:
    """End it, at once for every price and for quotes that were not used. Subscriptions keep the price they were bought at."""
    request.transact(lambda uow: end_partner(uow, partner_link_id).id)


@get("/v1/listings/{listing_id:uuid}/partner-prices", permission=PUBLIC, sync_to_thread=True, tags=["catalogue"])
def get_partner_prices(listing_id: FromPath[UUID], request: ApiRequest) -> list[PartnerPriceOut]:
    """What your organization pays for a product's plans as a partner; empty for whoever is none. A quote is at it by itself."""
    with request.transaction() as uow:
        get_listing(uow, listing_id)
        found = shown_prices(uow, [listing_id])
    return [PartnerPriceOut.of(one) for one in sorted(found.values(), key=lambda one: one.plan_code)]


def _asked(uow: UnitOfWork, command: AskPartner) -> PartnerOut:
    return PartnerOut.of(get_partner(uow, ask_partner(uow, command).id))


def _tier(row: TierRow) -> PartnerTierOut:
    return PartnerTierOut.of_row(row)


routes = [
    get_partner_tiers,
    post_partner_tier,
    put_partner_tier,
    get_tier_prices,
    post_tier_price,
    post_tier_price_end,
    get_seller_partners,
    invite_partner,
    put_partner_link_tier,
    put_partner_territory,
    delete_partner_territory,
    get_partners,
    ask_seller,
    get_one_partner,
    post_partner_acceptance,
    post_partner_decline,
    post_partner_withdraw,
    post_partner_end,
    get_partner_prices,
]
