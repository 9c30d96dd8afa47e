"""Announcements on pages: a seller's, with the form for one, and what an organization was sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.announcements.views import AnnouncementRow, ReceivedPage, ReceivedRow, SellerAnnouncementsPage
from api.pages.frame import addresses, conversation_addresses
from api.pages.frame.announcement_addresses import OWN, RECEIVED, opt_out, withdrawal
from api.pages.frame.choices import Choice
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.offers.presenter import refusal
from api.schema import run_command
from api.v1.announcements import AnnouncementIn, command_of
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7
from marketplace.catalog.queries import list_own_listings
from marketplace.relations.partner_queries import list_tiers
from orders.announcements.limits import FROM_HOUR, MOST_OF_SELLER, MOST_TO_ONE, TO_HOUR
from orders.announcements.opt_out import opt_out_of
from orders.announcements.publish import publish_announcement, withdraw_announcement
from orders.announcements.queries import (
    AnnouncementView,
    get_announcement,
    received_announcements,
    seller_announcements,
)
from orders.conversations.sides import MANAGE

Answer = Response[str] | Response[bytes]
PRODUCTS = 100


@page(OWN, MANAGE)
def show_announcements(page_request: Given[PageRequest]) -> Answer:
    """What the seller told its customers, and the form for more."""
    require_seller(page_request)
    return page_request.render(_seller_page(page_request))


@form_post(OWN, MANAGE)
def announce(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Announce it. Pressed twice it is one."""
    require_seller(page_request)
    typed: dict[str, Any] = {
        "title": form.values.get("title", "")[:1_000],
        "text": form.values.get("text", "")[:5_000],
        "audience": form.text("audience", most=50),
    }
    audience: Any
    audience, _, chosen = typed["audience"].partition(":")
    found = parse_uuid_or_404(chosen) if chosen else None
    asked = AnnouncementIn.model_construct(
        title=typed["title"],
        text=typed["text"],
        audience=audience,
        tier_id=found if audience == "tier" else None,
        listing_id=found if audience == "listing" else None,
    )

    def work(uow: UnitOfWork) -> AnnouncementView:
        return get_announcement(uow, publish_announcement(uow, command_of(asked)).id)

    try:
        key = form.text("idempotency_key", most=255) or None
        run_command(page_request.request, key, asked, work, route=f"POST {OWN}")
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_seller_page(page_request), **typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(OWN, notice="announcement_published")


@form_post(f"{OWN}/{{announcement_id:uuid}}/withdrawal", MANAGE)
def withdraw(announcement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Deliver it to nobody more."""
    del form
    page_request.transact(lambda uow: withdraw_announcement(uow, announcement_id).id)
    return page_request.redirect(OWN, notice="announcement_withdrawn")


@page(RECEIVED, SIGNED_IN)
def show_received(page_request: Given[PageRequest]) -> Answer:
    """What the organization was sent by sellers."""
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = received_announcements(uow, cursor=cursor)
    rows = [
        ReceivedRow(
            one.seller_name,
            one.title,
            one.received_at,
            conversation_addresses.with_seller(str(one.seller_org_id)),
            opt_out(one.seller_org_id),
            one.is_opted_out,
        )
        for one in found.items
    ]
    return page_request.render(ReceivedPage(rows, addresses.next_page(RECEIVED, found.next_cursor)))


@form_post(f"{RECEIVED}/{{seller_id:uuid}}", SIGNED_IN)
def choose(seller_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take no more of a seller's, or take them again."""
    out = form.text("out", most=5) == "yes"
    page_request.transact(lambda uow: opt_out_of(uow, seller_id, out=out))
    return page_request.redirect(RECEIVED, notice="announcements_out" if out else "announcements_in")


def _seller_page(page_request: PageRequest) -> SellerAnnouncementsPage:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = seller_announcements(uow, cursor=cursor)
        choices = _audiences(page_request, uow)
    names = {one.id: one.label for one in choices}
    rows = [AnnouncementRow(one, _audience(page_request, one, names), _withdraw(one)) for one in found.items]
    limits = page_request.t("announcements.limits", own=MOST_OF_SELLER, each=MOST_TO_ONE, begin=FROM_HOUR, end=TO_HOUR)
    return SellerAnnouncementsPage(rows, choices, str(uuid7()), limits, addresses.next_page(OWN, found.next_cursor))


def _audiences(page_request: PageRequest, uow: UnitOfWork) -> list[Choice]:
    """All customers, each tier, each product."""
    found = [Choice("customers", page_request.t("announcements.to.customers"))]
    for tier in list_tiers(uow):
        name = page_request.pick(tier.name, tier.name_en)
        found.append(Choice(f"tier:{tier.id}", page_request.t("announcements.to.tier", name=name)))
    for listing in list_own_listings(uow, limit=PRODUCTS).items:
        name = page_request.pick(listing.title, listing.title_en)
        found.append(Choice(f"listing:{listing.id}", page_request.t("announcements.to.listing", name=name)))
    return found


def _audience(page_request: PageRequest, one: AnnouncementView, names: dict[str, str]) -> str:
    chosen: Any = one.tier_id or one.listing_id
    value = f"{one.audience}:{chosen}" if chosen else one.audience
    return names.get(value) or page_request.t("announcements.to.other")


def _withdraw(one: AnnouncementView) -> str:
    return withdrawal(one.id) if one.state == "sending" else ""


routes = [show_announcements, announce, withdraw, show_received, choose]
