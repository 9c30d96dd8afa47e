"""Following a channel so that its seller gets in touch."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.network_address import network_address
from api.pages.frame import addresses, lead_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.leads.presenter import refusal
from api.pages.leads.views import AskTyped, FollowContactView
from api.problems import headers_of
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, NotFound
from marketplace.catalog.listing_filter import ListingFilter
from marketplace.catalog.queries import list_listings
from marketplace.channels.queries import ChannelView, get_channel
from marketplace.discovery import feed
from marketplace.leads.consent_text import FOLLOW_VERSION, consent_text
from marketplace.leads.create_lead import Contact
from marketplace.leads.follow_channel import FollowForContact, find_open_follow, follow_for_contact
from marketplace.parties.lookups import get_party

Answer = Response[str] | Response[bytes]
MOST_PRODUCTS = 100
"""In a choice: the newest."""


@page("/channels/{channel_id:uuid}/contact", SIGNED_IN)
def show_contact(channel_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The form. What the channel's newest video offers is chosen already."""
    with page_request.work() as uow:
        channel = _others_channel(uow, channel_id)
        newest = feed.list_feed(uow, limit=1, channel_id=channel_id).items
        shown = [str(card.listing_id) for item in newest for card in item.cards]
        view = _view(page_request, uow, channel, AskTyped(), chosen="")
    offered = {one.id for one in view.products}
    return page_request.render(replace(view, chosen=next((one for one in shown if one in offered), "")))


@form_post("/channels/{channel_id:uuid}/contact", SIGNED_IN)
def send_contact(channel_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Follow, and ask to be contacted. Pressed twice, or in two tabs, it is one request."""
    names = ("text", "contact_name", "contact_email", "contact_phone")
    typed = AskTyped(**{name: form.values.get(name, "")[:5_000] for name in names}, agreed=form.text("agreed") == "yes")
    chosen = form.values.get("product", "")[:36]
    version = form.text("consent_version", most=20) if typed.agreed else ""
    contact = Contact(typed.contact_name, typed.contact_email, version, typed.contact_phone, page_request.language)
    origin = network_address(page_request.request, page_request.services.settings.forwarded_hops)
    try:
        listing_id = parse_uuid_or_404(chosen, "listing_not_found")
        command = FollowForContact(channel_id, listing_id, contact, typed.text, origin)
        lead_id = page_request.transact(lambda uow: follow_for_contact(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        with page_request.work() as uow:
            view = _view(page_request, uow, _others_channel(uow, channel_id), typed, chosen)
        view = replace(view, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.request(str(lead_id)), notice="follow_contact")


def _others_channel(uow: UnitOfWork, channel_id: UUID) -> ChannelView:
    """Raises NotFound(`channel_not_found`), Conflict(`own_channel`)."""
    channel = get_channel(uow, channel_id)
    if channel.org_id == uow.principal.org_id:
        raise Conflict("own_channel")
    return channel


def _view(
    page_request: PageRequest, uow: UnitOfWork, channel: ChannelView, typed: AskTyped, chosen: str
) -> FollowContactView:
    seller = get_party(uow, channel.org_id).display_name
    sold = list_listings(uow, limit=MOST_PRODUCTS, only=ListingFilter(org_id=channel.org_id)).items
    asked = find_open_follow(uow, channel.id)
    return FollowContactView(
        address=lead_addresses.channel_contact(str(channel.id)),
        back=addresses.channel(str(channel.id)),
        channel_name=page_request.pick(channel.name, channel.name_en),
        seller_name=seller,
        consent=consent_text(page_request.language, seller, "follow"),
        consent_version=FOLLOW_VERSION,
        typed=typed,
        products=tuple(Choice(str(one.id), page_request.pick(one.title, one.title_en)) for one in sold),
        chosen=chosen,
        asked=addresses.request(str(asked.id)) if asked else "",
    )


routes = [show_contact, send_contact]
