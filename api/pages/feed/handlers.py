"""The channel: the feed, one video of it, and following."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.media_addresses import captions_address, cover_address, media_address
from api.pages.feed.views import (
    FeedCaptions,
    FeedCard,
    FeedChapter,
    FeedClaim,
    FeedResponseCard,
    FeedVideo,
    FeedView,
    verdict_of,
)
from api.pages.frame import addresses, card_addresses, lead_addresses
from api.pages.frame.discounts import promotion_badge
from api.pages.frame.followed import arrive, remember_link
from api.pages.frame.link_preview import LinkPreview, preview_of_page, public_media, public_picture
from api.pages.frame.partner_prices import PartnerPrices, own_price
from api.pages.frame.prices import per_of
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page
from api.pages.sign_up.remembered import keep_link
from fulfillment.entitlements.queries import entitlements_of_buyer
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.catalog.queries import has_on_sale
from marketplace.channels.open_channel import follow_channel, unfollow_channel
from marketplace.channels.queries import ChannelView, get_channel
from marketplace.discovery import cards, feed
from marketplace.reactions.like_video import like_video, unlike_video
from marketplace.reactions.queries import Reactions, reactions_of
from marketplace.relations.tier_prices import ShownPrice, shown_prices
from marketplace.response_cards.queries import ShownCard
from marketplace.videos.captions.edit_captions import CaptionTrack
from orders.coupons.promotions import PromotionView, best_promotion, promotions_of

PAGE = 8
Promotions = Mapping[UUID, Sequence[PromotionView]]
"""By listing."""


@page(addresses.FEED, PUBLIC)
def show_feed(page_request: Given[PageRequest]) -> Response[str]:
    """Published videos, in the order of the feed; with `followed` = 1 only of channels that one follows."""
    with page_request.work() as uow:
        # Whoever has not signed in follows nothing, and is shown what there is.
        followed = page_request.query("followed", most=1) == "1" and uow.principal.person_id is not None
        cursor = page_request.query("cursor", most=200) or None
        found = feed.list_feed(uow, cursor=cursor, limit=PAGE, followed_only=followed)
        videos = _videos(page_request, uow, found.items)
    more = addresses.next_page(addresses.FEED, found.next_cursor, followed="1" if followed else None)
    share = page_request.query("share", most=64) or None
    return page_request.render(FeedView(videos, share=share, next_address=more, followed=followed))


@page("/channels/{channel_id:uuid}", PUBLIC)
def show_channel(channel_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A channel's videos, newest first."""
    with page_request.work() as uow:
        channel = get_channel(uow, channel_id)
        cursor = page_request.query("cursor", most=200) or None
        found = feed.list_feed(uow, cursor=cursor, limit=PAGE, channel_id=channel_id)
        videos = _videos(page_request, uow, found.items)
        is_offered = channel.org_id != uow.principal.org_id and has_on_sale(uow, channel.org_id)
        share = page_request.query("share", most=64) or None
        followed = arrive(uow, page_request.request, "channel", channel_id, share)
    name = page_request.pick(channel.name, channel.name_en)
    path = addresses.channel(str(channel_id))
    more = addresses.next_page(path, found.next_cursor, share=share)
    preview = _preview_of_channel(page_request, channel, found.items, share)
    answer = page_request.render(
        FeedView(
            videos,
            share=share,
            channel_name=name,
            next_address=more,
            preview=preview,
            live_address=addresses.live.of_channel(str(channel_id)),
            share_address=addresses.shares.sheet("channel", str(channel_id)),
            contact_address=lead_addresses.channel_contact(str(channel_id)) if is_offered else "",
        )
    )
    keep_link(page_request, answer, followed, addresses.with_query(path, share=share))
    return answer


@page("/v/{video_id:uuid}", PUBLIC)
def show_video(video_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One video, opened at `t` seconds; the feed follows it."""
    with page_request.work() as uow:
        first = feed.get_feed_item(uow, video_id)
        others = [item for item in feed.list_feed(uow, limit=PAGE).items if item.id != video_id]
        videos = _videos(page_request, uow, (first, *others))
        share = page_request.query("share", most=64) or None
        followed = remember_link(uow, page_request.request, "video", video_id, share)
    preview = _preview(page_request, first, share) if first.is_public else None
    # What is found by its link alone is not to be found by a search engine either.
    headers = NOT_INDEXED if first.visibility == "unlisted" else None
    view = FeedView(videos, start_s=page_request.query_number("t"), share=share, preview=preview)
    answer = page_request.render(view, headers=headers)
    keep_link(page_request, answer, followed, addresses.with_query(addresses.video(str(video_id)), share=share))
    return answer


@form_post("/channels/{channel_id:uuid}/follow", SIGNED_IN)
def follow(channel_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """Follow a channel (`on` = 1), or no more."""
    act = follow_channel if form.text("on") == "1" else unfollow_channel
    page_request.transact(lambda uow: act(uow, channel_id))
    return page_request.redirect_back()


@form_post("/v/{video_id:uuid}/like", SIGNED_IN)
def like(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """Like a video (`on` = 1), or no more."""
    act = like_video if form.text("on") == "1" else unlike_video
    page_request.transact(lambda uow: act(uow, video_id))
    return page_request.redirect_back()


def _videos(page_request: PageRequest, uow: UnitOfWork, items: Sequence[feed.FeedItem]) -> tuple[FeedVideo, ...]:
    owned, reactions = _owned(uow), reactions_of(uow, [item.id for item in items])
    promotions = promotions_of(uow, [card.listing_id for item in items for card in item.cards])
    own = shown_prices(uow, [card.listing_id for item in items for card in item.cards])
    return tuple(video_view(page_request, item, owned, reactions[item.id], promotions, own) for item in items)


def video_view(
    page_request: PageRequest,
    item: feed.FeedItem,
    owned: frozenset[UUID],
    reactions: Reactions,
    promotions: Promotions = MappingProxyType({}),
    own: PartnerPrices = MappingProxyType({}),
) -> FeedVideo:
    """A video of the feed with its cards; `owned` are listings the viewer's organization already has."""
    is_public = item.is_public
    return FeedVideo(
        id=str(item.id),
        title=page_request.pick(item.title, item.title_en),
        channel_id=str(item.channel_id),
        channel_name=page_request.pick(item.channel_name, item.channel_name_en),
        src=media_address(page_request.services, item.id, item.media_version, is_public=is_public),
        poster=cover_address(page_request.services, item.id, item.media_version, is_public=is_public, width=960),
        width=item.width,
        height=item.height,
        duration_s=max(1, -(-item.duration_ms // 1000)),
        cards=tuple(
            _card(page_request, card, owned, promotions.get(card.listing_id, ()), own.get(card.plan_id))
            for card in item.cards
        ),
        claims=tuple(claim_view(page_request, claim) for claim in item.claims),
        description=page_request.pick(item.description, item.description_en),
        followed=item.followed,
        likes=reactions.likes,
        liked=reactions.liked,
        chapters=tuple(
            FeedChapter(chapter.at_ms // 1000, page_request.pick(chapter.title, chapter.title_en))
            for chapter in item.chapters
        ),
        captions=tuple(_captions(page_request, item, track) for track in item.captions),
        response_cards=tuple(_response_card(page_request, card) for card in item.response_cards),
        why=tuple(page_request.t(f"feed.why.{one.reason}") for one in item.why),
    )


def _response_card(page_request: PageRequest, card: ShownCard) -> FeedResponseCard:
    start_s = card.start_ms // 1000
    title = page_request.pick(card.title, card.title_en)
    address = card_addresses.card(card.id, start_s)
    return FeedResponseCard(str(card.id), address, card.kind, title, start_s, -(-card.end_ms // 1000))


def _captions(page_request: PageRequest, item: feed.FeedItem, track: CaptionTrack) -> FeedCaptions:
    src = captions_address(page_request.services, item.id, item.media_version, track, is_public=item.is_public)
    return FeedCaptions(track.language, track.name, src, track.language == page_request.language)


def _preview(page_request: PageRequest, item: feed.FeedItem, share: str | None) -> LinkPreview:
    services = page_request.services
    title = page_request.pick(item.title, item.title_en)
    said = page_request.pick(item.description, item.description_en)
    preview = preview_of_page(
        services,
        "video.other",
        addresses.video(str(item.id)),
        title=title,
        description=said or page_request.pick(item.channel_name, item.channel_name_en),
        picture=public_picture(services, item.id, item.media_version),
        share=share,
    )
    return replace(
        preview,
        video=public_media(services, item.id, item.media_version),
        video_type=item.media_type,
        width=item.width,
        height=item.height,
        duration_s=max(1, -(-item.duration_ms // 1000)),
    )


def _preview_of_channel(
    page_request: PageRequest, channel: ChannelView, items: Sequence[feed.FeedItem], share: str | None
) -> LinkPreview:
    services = page_request.services
    pictures = (public_picture(services, one.id, one.media_version) for one in items if one.is_public)
    return preview_of_page(
        services,
        "profile",
        addresses.channel(str(channel.id)),
        title=page_request.pick(channel.name, channel.name_en),
        description=page_request.pick(channel.bio, channel.bio_en),
        picture=next(pictures, ""),
        share=share,
    )


def claim_view(page_request: PageRequest, claim: cards.ClaimView) -> FeedClaim:
    """Something said in a video."""
    return FeedClaim(
        claim.at_ms // 1000, page_request.pick(claim.text, claim.text_en), verdict_of(claim.kind, claim.kept)
    )


def _card(
    page_request: PageRequest,
    card: cards.Card,
    owned: frozenset[UUID],
    promotions: Sequence[PromotionView],
    own: ShownPrice | None,
) -> FeedCard:
    sold = card.action == "buy"  # a trial is reduced by nothing
    price_minor = card.unit_price_minor * card.min_seats
    own = None if card.action == "quote" else own
    best = best_promotion(promotions, card.plan_code, price_minor, card.currency) if sold else None
    return FeedCard(
        placement_id=str(card.placement_id),
        listing_id=str(card.listing_id),
        from_s=card.start_ms // 1000,
        to_s=-(-card.end_ms // 1000),
        cta=card.action,
        listing_name=page_request.pick(card.title, card.title_en),
        plan_name=page_request.pick(card.plan_name, card.plan_name_en),
        seller_name=card.seller_name,
        price=None if card.action == "quote" else Money(card.unit_price_minor, card.currency),
        per=per_of(card.price_unit, card.pricing),
        sold_by_seat=card.sold_by_seat,
        owned=card.listing_id in owned,
        rating_tenths=card.rating_tenths,
        rating_count=card.rating_count,
        reliability=card.reliability,
        response_time=card.response_time,
        own=own_price(page_request, own),
        promotion=promotion_badge(page_request, best) if best else "",
    )


def _owned(uow: UnitOfWork) -> frozenset[UUID]:
    if not uow.principal.may("entitlements.read") or uow.principal.org_id is None:
        return frozenset()
    return frozenset(row.listing_id for row in entitlements_of_buyer(uow, limit=100).items if row.is_usable)


routes = [show_feed, show_video, show_channel, follow, like]
