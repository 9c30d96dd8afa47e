"""The sheets from which videos, products and channels are sent on: a link, and a poster with its QR code."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.media_addresses import Thumbnail, image_address, thumbnail
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page
from api.pages.sharing.views import ShareView
from kernel.db.uow import UnitOfWork
from marketplace.catalog.queries import get_listing
from marketplace.channels.queries import get_channel
from marketplace.circles.queries import circles_to_write_in
from marketplace.discovery.feed import get_feed_item
from marketplace.sharing.share_links import find_own_code, share_channel, share_listing, share_video

MOST_CIRCLES = 50


class _Link(TypedDict):
    address: str
    code: str
    organization: str


@page("/v/{video_id:uuid}/share", PUBLIC)
def show_share(video_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A video's link; a signed-in person's own, once they have one."""
    with page_request.work() as uow:
        item = get_feed_item(uow, video_id)
        code = find_own_code(uow, "video", video_id)
        circles = _circles(uow)
    view = ShareView(
        kind="video",
        subject_id=str(video_id),
        title=page_request.pick(item.title, item.title_en),
        picture=thumbnail(page_request.services, item.id, item.media_version, is_public=item.is_public),
        visibility=item.visibility,
        has_poster=item.is_public,
        circles=circles,
        **_link(page_request, addresses.video(str(video_id)), code),
    )
    return page_request.render(view, headers=NOT_INDEXED)


@form_post("/v/{video_id:uuid}/share", SIGNED_IN)
def make_link(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """Give the person a link of their own; the same one every time."""
    del form
    page_request.transact(lambda uow: share_video(uow, video_id))
    return page_request.redirect(addresses.video_share(str(video_id)))


@page("/products/{listing_id:uuid}/share", PUBLIC)
def show_product_share(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A product's link; a signed-in person's own, once they have one."""
    with page_request.work() as uow:
        listing = get_listing(uow, listing_id)
        code = find_own_code(uow, "listing", listing_id)
        circles = _circles(uow)
    picture = None
    if listing.images:
        source = image_address(listing_id, str(listing.images[0]["id"]), 480)
        picture = Thumbnail(source, f"{source} 480w")
    view = ShareView(
        kind="product",
        subject_id=str(listing_id),
        title=page_request.pick(listing.title, listing.title_en),
        picture=picture,
        visibility=listing.visibility,
        has_poster=listing.state == "published" and listing.visibility == "public",
        circles=circles,
        **_link(page_request, addresses.product(str(listing_id)), code),
    )
    return page_request.render(view, headers=NOT_INDEXED)


@form_post("/products/{listing_id:uuid}/share", SIGNED_IN)
def make_product_link(
    listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[bytes]:
    """Give the person a link to the product of their own; the same one every time."""
    del form
    page_request.transact(lambda uow: share_listing(uow, listing_id))
    return page_request.redirect(addresses.shares.sheet("product", str(listing_id)))


@page("/channels/{channel_id:uuid}/share", PUBLIC)
def show_channel_share(channel_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A channel's link; a signed-in person's own, once they have one."""
    with page_request.work() as uow:
        channel = get_channel(uow, channel_id)
        code = find_own_code(uow, "channel", channel_id)
    view = ShareView(
        kind="channel",
        subject_id=str(channel_id),
        title=page_request.pick(channel.name, channel.name_en),
        picture=None,
        visibility="public",
        has_poster=True,
        **_link(page_request, addresses.channel(str(channel_id)), code),
    )
    return page_request.render(view, headers=NOT_INDEXED)


@form_post("/channels/{channel_id:uuid}/share", SIGNED_IN)
def make_channel_link(
    channel_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[bytes]:
    """Give the person a link to the channel of their own; the same one every time."""
    del form
    page_request.transact(lambda uow: share_channel(uow, channel_id))
    return page_request.redirect(addresses.shares.sheet("channel", str(channel_id)))


def _link(page_request: PageRequest, path: str, code: str | None) -> _Link:
    """The whole address; with a code, the organization that it counts for."""
    signed_in = page_request.signed_in
    return {
        "address": page_request.services.settings.public_url + addresses.with_query(path, share=code),
        "code": code or "",
        "organization": signed_in.organization.display_name if signed_in else "",
    }


def _circles(uow: UnitOfWork) -> tuple[Choice, ...]:
    """Where a signed-in person may write: each circle by its id and name."""
    if uow.principal.person_id is None:
        return ()
    return tuple(Choice(str(circle_id), name) for circle_id, name in circles_to_write_in(uow, limit=MOST_CIRCLES))


routes = [show_share, make_link, show_product_share, make_product_link, show_channel_share, make_channel_link]
