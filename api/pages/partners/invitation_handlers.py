"""Links for a seller's dealers: the seller makes and revokes them, whoever opens one accepts in one step."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.partners.invitation_views import (
    DealerInvitationsView,
    DealerInvitationView,
    DealerLinkItem,
    TypedInvitation,
)
from api.pages.sign_up.remembered import remember
from api.problems import headers_of
from api.schema import run_command
from api.v1.partner_invitations import PartnerInvitationIn, PartnerInvitationOut
from kernel.errors import DomainError
from kernel.ids import uuid7
from marketplace.relations.partner_invitations import (
    InviteDealers,
    PartnerInvitationRow,
    accept_invitation,
    invite_dealers,
    list_invitations,
    read_invitation,
    revoke_invitation,
)
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_queries import list_tiers
from marketplace.relations.save_tier import PERMISSION

Answer = Response[str] | Response[bytes]


@page(addresses.partners.INVITATIONS, PERMISSION)
def show_invitations(page_request: Given[PageRequest]) -> Answer:
    """The seller's links, the newest first, and the form of another."""
    require_seller(page_request)
    return page_request.render(_view(page_request))


@form_post(addresses.partners.INVITATIONS, PERMISSION)
def make_invitation(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make a link; pressed twice, it is made once."""
    require_seller(page_request)
    typed = TypedInvitation(*(form.text(name, most=200) for name in ("name", "tier_id", "most_uses", "lasts_days")))
    try:
        tier_id = parse_uuid_or_404(typed.tier_id, "partner_tier_not_found")
        command = InviteDealers(tier_id, typed.name, _number(typed.most_uses), _number(typed.lasts_days))
        asked = PartnerInvitationIn.model_construct(
            tier_id=tier_id, name=command.name, most_uses=command.most_uses, lasts_days=command.lasts_days
        )
        run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            asked,
            lambda uow: PartnerInvitationOut.of(invite_dealers(uow, command)),
            route=f"POST {addresses.partners.INVITATIONS}",
        )
    except DomainError as refused:
        field = getattr(refused, "field", None) or "name"
        view = replace(_view(page_request), typed=typed, error_field=field, field_error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.partners.INVITATIONS, notice="partner_invitation_made")


@form_post("/seller/partner-invitations/{invitation_id:uuid}/revoke", PERMISSION)
def revoke(invitation_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let nobody use it any more."""
    del form
    page_request.transact(lambda uow: revoke_invitation(uow, invitation_id).id)
    return page_request.redirect(addresses.partners.INVITATIONS, notice="partner_invitation_revoked")


@page("/partner-invitations/{code:str}", PUBLIC)
def show_invitation(code: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """What a seller offers to whoever has the link. Who has no account comes back here from signing up."""
    with page_request.work() as uow:
        found = read_invitation(uow, code)
    signed_in, address = page_request.signed_in, addresses.partners.invitation(code)
    view = DealerInvitationView(
        address=address,
        seller=found.seller_name,
        tier=page_request.pick(found.tier_name, found.tier_name_en),
        state=found.state,
        expires_at=found.expires_at,
        organization=signed_in.organization.display_name if signed_in is not None else "",
        is_own=signed_in is not None and page_request.principal.org_id == found.seller_org_id,
        may_accept=signed_in is not None and page_request.principal.may(PARTNER_PERMISSION),
        signed_in=signed_in is not None,
    )
    answer = page_request.render(view, headers={"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"})
    if signed_in is None and found.state == "open":
        answer.set_cookie(remember(page_request.services, address))
    return answer


@form_post("/partner-invitations/{code:str}", PARTNER_PERMISSION)
def accept(code: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Become the seller's partner. Pressed twice, the second finds it done."""
    del form
    page_request.transact(lambda uow: accept_invitation(uow, code).id)
    return page_request.redirect(addresses.partners.PARTNERS, notice="partner_accepted")


def _view(page_request: PageRequest) -> DealerInvitationsView:
    with page_request.work() as uow:
        tiers = list_tiers(uow)
        found = list_invitations(uow, cursor=page_request.query("cursor", most=200) or None)
    return DealerInvitationsView(
        rows=tuple(_item(page_request, one) for one in found.items),
        choices=tuple(Choice(str(one.id), page_request.pick(one.name, one.name_en)) for one in tiers),
        next_address=addresses.next_page(addresses.partners.INVITATIONS, found.next_cursor),
        idempotency_key=str(uuid7()),
    )


def _item(page_request: PageRequest, one: PartnerInvitationRow) -> DealerLinkItem:
    public = page_request.services.settings.public_url.rstrip("/")
    is_open = one.state == "open"
    return DealerLinkItem(
        id=str(one.id),
        name=one.name,
        tier=page_request.pick(one.tier_name, one.tier_name_en),
        state=one.state,
        uses=one.uses,
        most_uses=one.most_uses,
        expires_at=one.expires_at,
        link=f"{public}{addresses.partners.invitation(one.code)}" if is_open else "",
        revoke=addresses.partners.invitation_revoke(str(one.id)) if is_open else "",
    )


def _number(typed: str) -> int:
    """What is no number is out of range, as the field says."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 5 else 0


routes = [show_invitations, make_invitation, revoke, show_invitation, accept]
