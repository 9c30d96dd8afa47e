"""Links by which a member sends on what they see: a code that remembers who did."""

from __future__ import annotations

from uuid import UUID

from litestar import post
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out
from marketplace.sharing.share_links import share_channel, share_listing, share_video


class ShareLinkOut(Out):
    """A link code that remembers who shared; put it on the address of the video, product or channel as `share`."""

    code: str


@post("/v1/videos/{video_id:uuid}/share", permission=SIGNED_IN, sync_to_thread=True, status_code=200, tags=["content"])
def share(video_id: FromPath[UUID], request: ApiRequest) -> ShareLinkOut:
    """One's own link code for a video; the same every time."""
    return ShareLinkOut(code=request.transact(lambda uow: share_video(uow, video_id)))


@post(
    "/v1/listings/{listing_id:uuid}/share",
    permission=SIGNED_IN,
    sync_to_thread=True,
    status_code=200,
    tags=["catalogue"],
)
def share_product(listing_id: FromPath[UUID], request: ApiRequest) -> ShareLinkOut:
    """One's own link code for a product; the same every time. Whoever follows it and buys was brought by it."""
    return ShareLinkOut(code=request.transact(lambda uow: share_listing(uow, listing_id)))


@post(
    "/v1/channels/{channel_id:uuid}/share",
    permission=SIGNED_IN,
    sync_to_thread=True,
    status_code=200,
    tags=["content"],
)
def share_whole_channel(channel_id: FromPath[UUID], request: ApiRequest) -> ShareLinkOut:
    """One's own link code for a channel; the same every time. It counts with what the channel's videos then sell."""
    return ShareLinkOut(code=request.transact(lambda uow: share_channel(uow, channel_id)))


routes = [share, share_product, share_whole_channel]
