"""The editor of a video: how it is shown, and how its forms come back to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response

from api.pages.frame import addresses, card_addresses
from api.pages.frame.partner_groups import group_fields
from api.pages.frame.phrases import failure
from api.pages.frame.site import PageRequest
from api.pages.seller.presenter import sales_by_video
from api.pages.videos import presenter as filling
from api.pages.videos.views import ResponseCardItem, SellerVideoView, Typed
from api.problems import wants_page
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.attribution.reach import get_reach
from marketplace.catalog.queries import ListingView, PlanView, list_listings, list_own_plans
from marketplace.publishing.queries import get_own_video
from marketplace.relations.partner_groups import tiers_named
from marketplace.response_cards.queries import OwnCard, list_own_cards

WRITE = "videos.write"
_PROMOTABLE = 100


def edited(
    page_request: PageRequest,
    video_id: UUID,
    work: Callable[[UnitOfWork], object],
    typed: Typed | None = None,
    *,
    notice: str = "",
) -> Response[Any]:
    """Do `work` in a unit of work of the visitor; as `edited_by`."""
    return edited_by(page_request, video_id, lambda: page_request.transact(work), typed, notice=notice)


def edited_by(
    page_request: PageRequest,
    video_id: UUID,
    act: Callable[[], object],
    typed: Typed | None = None,
    *,
    notice: str = "",
) -> Response[Any]:
    """Act and come back to the editor; a refusal is told there, on top of what is kept and what was typed."""
    try:
        act()
    except DomainError as refused:
        # A script asked: it shows the problem document itself.
        if not wants_page(page_request.request) or (
            isinstance(refused, NotFound) and refused.code == "video_not_found"
        ):
            raise
        view = editor_of(page_request, video_id, (failure(page_request, refused), typed or Typed()))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_video(str(video_id)), notice=notice)


def editor_of(page_request: PageRequest, video_id: UUID, refused: tuple[str, Typed] | None = None) -> SellerVideoView:
    """The editor of one of the organization's videos. Raises NotFound(`video_not_found`)."""
    with page_request.work() as uow:
        detail, cards = get_own_video(uow, video_id), list_own_cards(uow, video_id)
        plans, tiers = _placeable(uow), tiers_named(uow)
        reach, sales = get_reach(uow, video_id), sales_by_video(uow, [video_id]).get(video_id, [])
    placed = {card.plan_id for card in detail.cards}
    options = filling.plan_options(page_request, plans)
    features = filling.feature_options(page_request, plans, placed)
    offered = {plan.id: {str(one["key"]): one for one in plan.features} for _, plan in plans}
    view = filling.video_view(page_request, detail, options, features, reach, sales, refused, offered)
    typed = view.typed.values if view.typed.form == "visibility" else None
    return replace(
        view,
        groups=group_fields(page_request, tiers, detail.groups, typed),
        response_cards=tuple(_response_card(page_request, one) for one in cards),
        new_response_card=card_addresses.new_card(video_id),
    )


def _response_card(page_request: PageRequest, card: OwnCard) -> ResponseCardItem:
    return ResponseCardItem(
        card_addresses.edit_card(card.id),
        card.kind,
        page_request.pick(card.title, card.title_en),
        card.start_ms // filling.MS,
        -(-card.end_ms // filling.MS),
        card.impressions,
        card.clicks,
        card.answers,
    )


def _placeable(uow: UnitOfWork) -> list[tuple[ListingView, PlanView]]:
    """One's own plans first, then what others sell: putting that on a card is promotion."""
    own = list_own_plans(uow)
    known = {plan.id for _, plan in own}
    others = list_listings(uow, limit=_PROMOTABLE).items
    return [*own, *((one, plan) for one in others for plan in one.plans if plan.id not in known)]
