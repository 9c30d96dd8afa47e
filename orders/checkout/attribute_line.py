"""Who gets the credit for a line: facts from the marketplace, decided once by its pure function, kept on the line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.attribution import facts
from marketplace.attribution.attribute import NOBODY, WINDOW, ContextHint, PlacementFact, attribute
from marketplace.live.sold_from import find_sold_from
from orders.checkout.priced_line import Context, PricedLine
from orders.order.models import Attribution, Order

_PLACES: Final = ("live_session_id", "listing_id", "channel_id")
"""Of a step of the path, in place of a video."""


def ask_touchpoints(uow: UnitOfWork, buyer_org_id: UUID, line: PricedLine, at: datetime) -> None:
    """Ask ahead for `attribute_line` of an order made `at`."""
    facts.ask_touchpoints(uow, buyer_org_id, line.listing_id, at - WINDOW)


def attribute_line(
    uow: UnitOfWork, line_id: UUID, order: Order, line: PricedLine, context: Context
) -> tuple[Attribution, UUID | None]:
    """The attribution row of a line about to be placed, not yet added; and the channel of the video, if one sold it."""
    now = order.created_at
    touchpoints = facts.touchpoints_for(uow, order.buyer_org_id, line.listing_id, now - WINDOW)
    videos = {one.video_id for one in touchpoints if one.video_id} | ({context.video_id} if context.video_id else set())
    placements = facts.placements_of_listing(uow, line.listing_id, videos)
    live = None
    if context.live_session_id is not None:
        live = find_sold_from(uow, context.live_session_id, line.listing_id, context.second_ms)
    found = attribute(
        touchpoints,
        placements,
        now,
        buyer_org_id=order.buyer_org_id,
        seller_org_id=order.seller_org_id,
        hint=_hint(uow, context, line, placements),
        live=live,
    )
    credit = Attribution(
        id=uuid7(),
        order_line_id=line_id,
        buyer_org_id=order.buyer_org_id,
        seller_org_id=order.seller_org_id,
        promoter_org_id=found.promoter_org_id,
        rule=found.rule,
        video_id=found.video_id,
        placement_id=found.placement_id,
        live_session_id=found.live_session_id,
        share_link_id=found.share_link_id,
        circle_id=context.circle_id,
        second_ms=found.second_ms,
        touchpoint_id=found.touchpoint_id,
        touched_at=found.touched_at,
        path=[
            {
                "touchpoint_id": str(step.touchpoint_id),
                "kind": step.kind,
                "occurred_at": step.occurred_at.isoformat(),
                "video_id": str(step.video_id) if step.video_id else None,
                "second_ms": step.second_ms,
                **{name: str(place) for name in _PLACES if (place := getattr(step, name))},
            }
            for step in found.path
        ],
        decided_at=now,
    )
    if found.live_channel_id is not None:
        return credit, found.live_channel_id
    return credit, next((one.channel_id for one in placements if one.video_id == found.video_id), None)


def _hint(
    uow: UnitOfWork, context: Context, line: PricedLine, placements: Sequence[PlacementFact]
) -> ContextHint | None:
    """The card of a video at which it was bought; or, at no video, the link to the product that the buyer's address carried."""
    if context.video_id is None:
        if not context.share or context.live_session_id is not None:
            return None
        sharer = facts.find_product_sharer(uow, context.share, line.listing_id)
        return ContextHint(None, None, 0, *sharer)
    if context.second_ms is None:
        return None
    sharer = NOBODY
    if context.share:
        channel_id = next((one.channel_id for one in placements if one.video_id == context.video_id), None)
        sharer = facts.find_sharer(uow, context.share, context.video_id, channel_id)
    return ContextHint(context.video_id, context.placement_id, context.second_ms, *sharer)
