"""Partners, tiers and price lists in the reader's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.partner_prices import numbers_in_words
from api.pages.frame.prices import per_of
from api.pages.frame.site import PageRequest
from api.pages.partners.territory_words import territory_in_words
from api.pages.partners.views import (
    InvitedByItem,
    PartnerLinkItem,
    PartnersView,
    SellerPartnersView,
    TierItem,
    TierPriceItem,
    TierView,
    TypedTier,
)
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.catalog.queries import ListingView, PlanView, list_own_plans
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.words import price_in_words
from marketplace.relations.dealer_list_queries import list_invitations_to_me
from marketplace.relations.partner_queries import (
    PartnerRow,
    TierPriceRow,
    TierRow,
    list_partners,
    list_tier_prices,
    list_tiers,
)


def seller_partners_view(page_request: PageRequest) -> SellerPartnersView:
    """A seller's partners and tiers."""
    with page_request.work() as uow:
        tiers, prices = list_tiers(uow), Counter(one.tier_id for one in list_tier_prices(uow))
        found = list_partners(uow, sells=True, cursor=page_request.query("cursor", most=200) or None)
    settings = page_request.services.settings
    own_id = str(page_request.principal.organization())
    return SellerPartnersView(
        rows=tuple(_partner(page_request, one, sells=True) for one in found.items),
        tiers=tuple(
            TierItem(
                str(one.id),
                one.code,
                _name(page_request, one),
                one.rank or 0,
                prices[one.id],
                addresses.partners.tier(str(one.id)),
            )
            for one in tiers
        ),
        choices=tuple(Choice(str(one.id), _name(page_request, one)) for one in tiers),
        link=f"{settings.public_url.rstrip('/')}{addresses.partners.joining(own_id)}",
        next_address=addresses.next_page(addresses.partners.SELLER_PARTNERS, found.next_cursor),
        idempotency_key=str(uuid7()),
        typed=TypedTier(rank=str(len(tiers) + 1)),
    )


def partners_view(page_request: PageRequest) -> PartnersView:
    """The sellers whose partner the reader's organization is, was or may be."""
    with page_request.work() as uow:
        found = list_partners(uow, sells=False, cursor=page_request.query("cursor", most=200) or None)
        invited = list_invitations_to_me(uow)
    return PartnersView(
        rows=tuple(_partner(page_request, one, sells=False) for one in found.items),
        invited=tuple(
            InvitedByItem(
                one.seller_name,
                page_request.pick(one.tier_name, one.tier_name_en),
                one.expires_at,
                addresses.partners.invitation(one.code),
            )
            for one in invited
        ),
        who=page_request.query("seller", most=36) or "",
        next_address=addresses.next_page(addresses.partners.PARTNERS, found.next_cursor),
        idempotency_key=str(uuid7()),
    )


def tier_view(page_request: PageRequest, tier_id: UUID) -> TierView:
    """A tier of the acting seller with its price list. Raises NotFound `partner_tier_not_found`."""
    with page_request.work() as uow:
        tier = next((one for one in list_tiers(uow) if one.id == tier_id), None)
        if tier is None:
            raise NotFound("partner_tier_not_found")
        rows, own = list_tier_prices(uow, tier_id), list_own_plans(uow)
    titles = _titles(page_request, own)
    return TierView(
        id=str(tier.id),
        code=tier.code,
        name=_name(page_request, tier),
        names=TypedTier(tier.code, tier.name, tier.name_en, str(tier.rank)),
        rows=tuple(_price(page_request, one, titles) for one in rows),
        products=tuple(Choice(*one) for one in titles.items()),
        idempotency_key=str(uuid7()),
    )


def _name(page_request: PageRequest, tier: TierRow) -> str:
    return page_request.pick(tier.name, tier.name_en)


def _partner(page_request: PageRequest, one: PartnerRow, *, sells: bool) -> PartnerLinkItem:
    act = addresses.partners.seller_partner if sells else addresses.partners.partner
    link_id, running = str(one.id), one.state == "accepted"
    return PartnerLinkItem(
        id=link_id,
        name=one.buyer_name if sells else one.seller_name,
        state=one.state,
        tier=_name(page_request, one.tier) if one.tier is not None else "",
        tier_id=str(one.tier.id) if one.tier is not None else "",
        by_seller=one.by_seller,
        at=one.ended_at or one.accepted_at or one.created_at,
        accept=act(link_id, "accept") if one.may_answer else "",
        decline=act(link_id, "decline") if one.may_answer else "",
        withdraw=act(link_id, "withdraw") if one.state == "asked" and not one.may_answer else "",
        end=act(link_id, "end") if running else "",
        move=act(link_id, "move") if running and sells else "",
        territory=territory_in_words(page_request, one.territory) if running else "",
        territory_address=act(link_id, "territory") if running and sells else "",
    )


def _titles(page_request: PageRequest, own: Sequence[tuple[ListingView, PlanView]]) -> dict[str, str]:
    """What a price may be of, by how the form names it: all plans of a product, or one of them."""
    found: dict[str, str] = {}
    for listing, plan in own:
        title = page_request.pick(listing.title, listing.title_en)
        found.setdefault(str(listing.id), page_request.t("partners.all_plans", product=title))
        found[f"{listing.id}:{plan.code}"] = f"{title} · {page_request.pick(plan.name, plan.name_en)}"
    return found


def _price(page_request: PageRequest, one: TierPriceRow, titles: dict[str, str]) -> TierPriceItem:
    named = f"{one.listing_id}:{one.plan_code}" if one.plan_code else str(one.listing_id)
    says, parts = "", tuple[str, ...]()
    if one.discount_ppm is not None:
        says = page_request.t("partners.off", off=page_request.formats.rate(one.discount_ppm))
    elif one.unit_price_minor is not None and one.currency is not None:
        says = _per(page_request, one, Money(one.unit_price_minor, one.currency))
    elif one.price is not None:
        parts = tuple(price_in_words(PlanPrice.model_validate(one.price), page_request.language))
    return TierPriceItem(
        what=titles.get(named, one.plan_code or page_request.t("partners.not_on_sale")),
        says=says,
        parts=(*parts, *_numbers(page_request, one), *_compared(page_request, one)),
        since=one.created_at,
        end=addresses.partners.tier_price_end(str(one.id)),
    )


def _numbers(page_request: PageRequest, one: TierPriceRow) -> tuple[str, ...]:
    """In what numbers partners order, where the tier says so."""
    if (one.min_quantity, one.quantity_step) == (1, 1):
        return ()
    return (numbers_in_words(page_request, one.min_quantity, one.quantity_step),)


def _compared(page_request: PageRequest, one: TierPriceRow) -> tuple[str, ...]:
    """What a unit costs partners and others, where one figure says it; or why nobody buys at it."""
    if not one.on_sale:
        return (page_request.t("partners.not_on_sale"),)
    if not one.in_force:
        return (page_request.t("partners.not_in_force"),)
    if one.own_unit_minor is None or one.list_unit_minor is None or one.list_currency is None:
        return ()
    own, listed = (
        _per(page_request, one, Money(minor, one.list_currency)) for minor in (one.own_unit_minor, one.list_unit_minor)
    )
    compared = page_request.t("partners.list_is", price=listed)
    return (page_request.t("partners.unit_is", price=own), compared) if one.discount_ppm is not None else (compared,)


def _per(page_request: PageRequest, one: TierPriceRow, price: Money) -> str:
    said = page_request.formats.price(price)
    return f"{said} / {page_request.t(f'per.{per_of(one.price_unit)}')}" if one.price_unit else said
