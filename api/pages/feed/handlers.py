"""The channel: the feed, one video of it, and following."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.media_addresses import cover_address, media_address
from api.pages.feed.views import CallToAction, Card, Claim, FeedVideo, FeedView
from api.pages.frame import addresses
from api.pages.frame.prices import per_of
from api.pages.frame.site import Form, Visit, form_post, page
from fulfillment.entitlements.queries import entitlements_of_buyer
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.channels.open_channel import follow_channel, unfollow_channel
from marketplace.discovery import cards, feed

PAGE = 8
CALLS: dict[str, CallToAction] = {"buy": "buy", "trial": "trial", "demo": "demo", "quote": "quote"}


@page(addresses.FEED, PUBLIC)
def show_feed(visit: Given[Visit]) -> Response[str]:
    """Published videos, newest first."""
    query = visit.query("q")
    with visit.work() as uow:
        found = feed.list_feed(uow, cursor=visit.query("cursor", most=200) or None, limit=PAGE, query=query or None)
        owned = _owned(uow)
    more = addresses.next_page(addresses.FEED, found.next_cursor, q=query)
    videos = tuple(video_view(visit, item, owned) for item in found.items)
    return visit.show(FeedView(videos, share=visit.query("share", most=64) or None, query=query, next_address=more))


@page("/v/{video_id:uuid}", PUBLIC)
def show_video(video_id: FromPath[UUID], visit: Given[Visit]) -> Response[str]:
    """One video, opened at `t` seconds; the feed follows it."""
    with visit.work() as uow:
        first = feed.get_feed_item(uow, video_id)
        others = [item for item in feed.list_feed(uow, limit=PAGE).items if item.id != video_id]
        owned = _owned(uow)
    videos = tuple(video_view(visit, item, owned) for item in (first, *others))
    return visit.show(FeedView(videos, start_s=visit.query_number("t"), share=visit.query("share", most=64) or None))


@form_post("/channels/{channel_id:uuid}/follow", SIGNED_IN)
def follow(channel_id: FromPath[UUID], visit: Given[Visit], form: Given[Form]) -> Response[bytes]:
    """Follow a channel (`on` = 1), or no more."""
    act = follow_channel if form.text("on") == "1" else unfollow_channel
    visit.transact(lambda uow: act(uow, channel_id))
    return visit.back()


def video_view(visit: Visit, item: feed.FeedItem, owned: frozenset[UUID]) -> FeedVideo:
    """A video of the feed with its cards; `owned` are listings the viewer's organization already has."""
    is_public = item.visibility == "public"
    return FeedVideo(
        id=str(item.id),
        title=visit.pick(item.title, item.title_en),
        channel_id=str(item.channel_id),
        channel_name=visit.pick(item.channel_name, item.channel_name_en),
        src=media_address(visit.services, item.id, item.media_version, is_public=is_public),
        poster=cover_address(visit.services, item.id, item.media_version, is_public=is_public),
        width=item.width,
        height=item.height,
        duration_s=max(1, -(-item.duration_ms // 1000)),
        cards=tuple(_card(visit, card, owned) for card in item.cards),
        claims=tuple(claim_view(visit, claim) for claim in item.claims),
        description=visit.pick(item.description, item.description_en),
        followed=item.followed,
    )


def claim_view(visit: Visit, claim: cards.ClaimView) -> Claim:
    """Something said in a video."""
    return Claim(claim.at_ms // 1000, visit.pick(claim.text, claim.text_en), claim.kept)


def _card(visit: Visit, card: cards.Card, owned: frozenset[UUID]) -> Card:
    return Card(
        placement_id=str(card.placement_id),
        from_s=card.start_ms // 1000,
        to_s=-(-card.end_ms // 1000),
        cta=CALLS.get(card.action, "buy"),
        listing_name=visit.pick(card.title, card.title_en),
        plan_name=visit.pick(card.plan_name, card.plan_name_en),
        seller_name=card.seller_name,
        price=Money(card.unit_price_minor, card.currency),
        per=per_of(card.price_unit),
        owned=card.listing_id in owned,
    )


def _owned(uow: UnitOfWork) -> frozenset[UUID]:
    if not uow.principal.may("entitlements.read") or uow.principal.org_id is None:
        return frozenset()
    return frozenset(row.listing_id for row in entitlements_of_buyer(uow, limit=100).items if row.is_usable)


routes = [show_feed, show_video, follow]
