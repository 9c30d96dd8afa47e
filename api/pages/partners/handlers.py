"""A seller's partners, tiers and price lists; an organization's sellers whose partner it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.partners.presenter import partners_view, seller_partners_view, tier_view
from api.pages.partners.price_form import command_of, typed_price, with_editor, with_wrong
from api.pages.partners.views import PartnersView, SellerPartnersView, TierView, TypedTier
from api.pages.videos.presenter import named_organization
from api.problems import headers_of
from api.schema import run_command
from api.v1.partner_bodies import (
    AskPartnerIn,
    InvitePartnerIn,
    PartnerOut,
    PartnerTierIn,
    PartnerTierOut,
    TierPriceIn,
    TierPriceOut,
)
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.relations.partner_links import (
    PARTNER_PERMISSION,
    AskPartner,
    accept_partner,
    ask_partner,
    decline_partner,
    withdraw_partner,
)
from marketplace.relations.partner_models import PartnerLink
from marketplace.relations.partner_queries import get_partner, tier_price_row, tier_row
from marketplace.relations.save_tier import (
    PERMISSION,
    SaveTier,
    end_tier_price,
    save_tier,
    set_tier_price,
)
from orders.partners.end_partner import end_partner, move_partner

Answer = Response[str] | Response[bytes]
Act = Callable[[UnitOfWork, UUID], PartnerLink]
ACTS: dict[str, tuple[Act, str]] = {
    "decline": (decline_partner, "partner_declined"),
    "withdraw": (withdraw_partner, "partner_withdrawn"),
    "end": (end_partner, "partner_ended"),
}


@page(addresses.partners.SELLER_PARTNERS, PERMISSION)
def show_seller_partners(page_request: Given[PageRequest]) -> Answer:
    """Partners, the newest first, and the tiers."""
    require_seller(page_request)
    return page_request.render(seller_partners_view(page_request))


@form_post(addresses.partners.SELLER_PARTNERS, PERMISSION)
def invite(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask an organization by its number, name or tax identifier; pressed twice, it is asked once."""
    require_seller(page_request)
    who, tier = form.text("partners", most=200), form.text("tier_id", most=36)
    try:
        tier_id = parse_uuid_or_404(tier, "partner_tier_not_found")
        command = AskPartner(named_organization(page_request, who), tier_id)
        asked = InvitePartnerIn.model_construct(organization_id=command.org_id, tier_id=tier_id)
        _ask(page_request, form, command, asked, addresses.partners.SELLER_PARTNERS)
    except DomainError as refused:
        view = replace(seller_partners_view(page_request), who=who, tier_id=tier)
        return _refused(page_request, view, refused, "partners")
    return page_request.redirect(addresses.partners.SELLER_PARTNERS, notice="partner_asked")


@form_post("/seller/partners/{link_id:uuid}/accept", PERMISSION)
def accept_asked(link_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take whoever asked as a partner, in the chosen tier."""
    tier_id = parse_uuid_or_404(form.text("tier_id", most=36), "partner_tier_not_found")
    page_request.transact(lambda uow: accept_partner(uow, link_id, tier_id).id)
    return page_request.redirect(addresses.partners.SELLER_PARTNERS, notice="partner_accepted")


@form_post("/seller/partners/{link_id:uuid}/move", PERMISSION)
def move(link_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Move a partner to another tier."""
    tier_id = parse_uuid_or_404(form.text("tier_id", most=36), "partner_tier_not_found")
    page_request.transact(lambda uow: move_partner(uow, link_id, tier_id).id)
    return page_request.redirect(addresses.partners.SELLER_PARTNERS, notice="partner_moved")


@form_post("/seller/partners/{link_id:uuid}/{act:str}", PERMISSION)
def act_as_seller(
    link_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Decline, take back, or end."""
    del form
    return _act(page_request, link_id, act, addresses.partners.SELLER_PARTNERS)


@page(addresses.partners.PARTNERS, PARTNER_PERMISSION)
def show_partners(page_request: Given[PageRequest]) -> Answer:
    """The sellers whose partner the organization is, was or may be."""
    return page_request.render(partners_view(page_request))


@form_post(addresses.partners.PARTNERS, PARTNER_PERMISSION)
def ask(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask a seller by its number, name or tax identifier; pressed twice, it is asked once."""
    who = form.text("partners", most=200)
    try:
        command = AskPartner(named_organization(page_request, who))
        asked = AskPartnerIn.model_construct(organization_id=command.org_id)
        _ask(page_request, form, command, asked, addresses.partners.PARTNERS)
    except DomainError as refused:
        return _refused(page_request, replace(partners_view(page_request), who=who), refused, "partners")
    return page_request.redirect(addresses.partners.PARTNERS, notice="partner_asked")


@form_post("/partners/{link_id:uuid}/accept", PARTNER_PERMISSION)
def accept_invited(link_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Become a partner of whoever asked."""
    del form
    page_request.transact(lambda uow: accept_partner(uow, link_id).id)
    return page_request.redirect(addresses.partners.PARTNERS, notice="partner_accepted")


@form_post("/partners/{link_id:uuid}/{act:str}", PARTNER_PERMISSION)
def act_as_partner(
    link_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Decline, take back, or end."""
    del form
    return _act(page_request, link_id, act, addresses.partners.PARTNERS)


@form_post(addresses.partners.TIERS, PERMISSION)
def add_tier(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Add a tier; pressed twice, it is added once."""
    require_seller(page_request)
    typed = _typed_tier(form)
    try:
        command = SaveTier(typed.code, typed.name, typed.name_en, _rank(typed))
        asked = PartnerTierIn.model_construct(
            code=command.code, name=command.name, name_en=command.name_en, rank=command.rank
        )
        key = form.text("idempotency_key", most=255) or None
        made = run_command(
            page_request.request,
            key,
            asked,
            lambda uow: PartnerTierOut.of_row(tier_row(save_tier(uow, command))),
            route=f"POST {addresses.partners.TIERS}",
        )
    except DomainError as refused:
        return _refused(page_request, replace(seller_partners_view(page_request), typed=typed), refused, "code")
    del made
    return page_request.redirect(addresses.partners.SELLER_PARTNERS, notice="partner_tier_saved")


@page("/seller/partner-tiers/{tier_id:uuid}", PERMISSION)
def show_tier(tier_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A tier and its price list."""
    require_seller(page_request)
    return page_request.render(tier_view(page_request, tier_id))


@form_post("/seller/partner-tiers/{tier_id:uuid}/names", PERMISSION)
def rename_tier(tier_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change a tier's names and rank."""
    typed = _typed_tier(form)
    try:
        command = SaveTier("", typed.name, typed.name_en, _rank(typed), tier_id)
        page_request.transact(lambda uow: save_tier(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, replace(tier_view(page_request, tier_id), names=typed), refused, "name")
    return page_request.redirect(addresses.partners.tier(str(tier_id)), notice="partner_tier_saved")


@form_post("/seller/partner-tiers/{tier_id:uuid}", PERMISSION)
def set_price(tier_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let a price hold in the tier, in the place of the one for the same; pressed twice, it is set once.

    Or open the plan's price editor, or close it; nothing is set then.
    """
    require_seller(page_request)
    typed = typed_price(page_request, form)
    try:
        if "editor" in form.values:
            typed = with_editor(page_request, tier_id, typed)
            return page_request.render(replace(tier_view(page_request, tier_id), typed=typed))
        command = command_of(page_request, tier_id, typed)
        asked = TierPriceIn.model_construct(
            listing_id=command.listing_id,
            plan_code=command.plan_code,
            discount_ppm=command.discount_ppm,
            unit_price=command.unit_price_minor,
            price=command.price,
            min_quantity=command.min_quantity,
            quantity_step=command.quantity_step,
        )
        run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            asked,
            lambda uow: TierPriceOut.of(tier_price_row(uow, set_tier_price(uow, command))),
            route=f"POST {addresses.partners.tier(str(tier_id))}",
        )
    except DomainError as refused:
        typed, named = with_wrong(page_request, typed, refused)
        view = replace(tier_view(page_request, tier_id), typed=typed, error_field=named)
        if named:
            view = replace(view, field_error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.partners.tier(str(tier_id)), notice="tier_price_set")


@form_post("/seller/tier-prices/{price_id:uuid}/end", PERMISSION)
def end_price(price_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let the plan's own price hold again."""
    del form
    tier_id = page_request.transact(lambda uow: end_tier_price(uow, price_id).tier_id)
    return page_request.redirect(addresses.partners.tier(str(tier_id)), notice="tier_price_ended")


def _ask(page_request: PageRequest, form: Form, command: AskPartner, asked: AskPartnerIn, address: str) -> None:
    run_command(
        page_request.request,
        form.text("idempotency_key", most=255) or None,
        asked,
        lambda uow: PartnerOut.of(get_partner(uow, ask_partner(uow, command).id)),
        route=f"POST {address}",
    )


def _act(page_request: PageRequest, link_id: UUID, act: str, back: str) -> Answer:
    if act not in ACTS:
        raise NotFound("not_found")
    work, notice = ACTS[act]
    page_request.transact(lambda uow: work(uow, link_id).id)
    return page_request.redirect(back, notice=notice)


def _typed_tier(form: Form) -> TypedTier:
    return TypedTier(*(form.text(name, most=200) for name in ("code", "name", "name_en", "rank")))


def _rank(typed: TypedTier) -> int:
    """What is no number is out of range, as the field says."""
    return int(typed.rank) if typed.rank.isascii() and typed.rank.isdigit() and len(typed.rank) <= 3 else 0


def _refused(
    page_request: PageRequest, view: SellerPartnersView | PartnersView | TierView, refused: DomainError, usual: str
) -> Answer:
    """The form again, with what is wrong where it was typed."""
    named = getattr(refused, "field", None) or usual
    shown = replace(view, error_field=named, field_error=failure(page_request, refused))
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


routes = [
    show_seller_partners,
    invite,
    accept_asked,
    move,
    act_as_seller,
    show_partners,
    ask,
    accept_invited,
    act_as_partner,
    add_tier,
    show_tier,
    rename_tier,
    set_price,
    end_price,
]
