"""Posters of videos, products and channels: what everybody may see of them, and a QR code that opens it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from api.auth import PUBLIC
from api.posters import MEDIA_TYPES, Poster, PosterForm, PosterLanguage, draw_poster
from api.request import ApiRequest
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.storage import StorageError
from marketplace.catalog.edit_images import image_key
from marketplace.catalog.queries import get_listing
from marketplace.channels.queries import get_channel
from marketplace.discovery.feed import get_feed_item, list_feed
from marketplace.discovery.showings import showings_of
from marketplace.parties.lookups import get_party
from marketplace.sharing.share_links import SharedKind, find_own_code
from marketplace.videos.queries import find_media

FileTypeParameter = Annotated[
    PosterForm, QueryParameter(name="file_type", required=False, description="A picture, or one page in A4")
]
LanguageParameter = Annotated[
    PosterLanguage, QueryParameter(name="language", required=False, description="The language of what it says")
]
_KINDS = {"video": "v", "product": "products", "channel": "channels"}
_LOOKS = 8
"""How many of a channel's videos are looked at for a cover."""


@get(
    "/v1/videos/{video_id:uuid}/poster",
    permission=PUBLIC,
    refuses=[409],
    media_type="image/png",
    sync_to_thread=True,
    tags=["content"],
)
def get_video_poster(
    video_id: FromPath[UUID],
    request: ApiRequest,
    file_type: FileTypeParameter = "png",
    language: LanguageParameter = "zh-CN",
) -> Response[bytes]:
    """A video that everybody may watch as a poster. Of a signed-in person who has a link of their own, it carries that."""
    with request.transaction() as uow:
        item = get_feed_item(uow, video_id)
        if not item.is_public:
            raise Conflict("poster_for_public_only")
        code, shared_by = _own_link(uow, "video", video_id)
        key = find_media(uow, video_id).cover_key
    title, of, description = _said(
        language,
        (item.title, item.title_en),
        (item.channel_name, item.channel_name_en),
        (item.description, item.description_en),
    )
    address = _address(request, "video", video_id, code)
    poster = Poster("video", language, title, of, description, address, _bytes(request, key), shared_by)
    return _drawn(poster, file_type, video_id)


@get(
    "/v1/listings/{listing_id:uuid}/poster",
    permission=PUBLIC,
    refuses=[409],
    media_type="image/png",
    sync_to_thread=True,
    tags=["catalogue"],
)
def get_listing_poster(
    listing_id: FromPath[UUID],
    request: ApiRequest,
    file_type: FileTypeParameter = "png",
    language: LanguageParameter = "zh-CN",
) -> Response[bytes]:
    """A product on sale to everybody as a poster. Of a signed-in person who has a link of their own, it carries that."""
    with request.transaction() as uow:
        listing = get_listing(uow, listing_id)
        if listing.state != "published" or listing.visibility != "public":
            raise Conflict("poster_for_public_only")
        code, shared_by = _own_link(uow, "listing", listing_id)
        key = image_key(listing_id, str(listing.images[0]["id"]), 1600) if listing.images else None
        if key is None:
            key = _cover_of(
                uow, [one.video_id for one in showings_of(uow, [listing_id], most=_LOOKS).get(listing_id, ())]
            )
    title, of, description = _said(
        language,
        (listing.title, listing.title_en),
        (listing.seller_name, listing.seller_name),
        (listing.summary, listing.summary_en),
    )
    address = _address(request, "product", listing_id, code)
    poster = Poster("product", language, title, of, description, address, _bytes(request, key), shared_by)
    return _drawn(poster, file_type, listing_id)


@get(
    "/v1/channels/{channel_id:uuid}/poster",
    permission=PUBLIC,
    media_type="image/png",
    sync_to_thread=True,
    tags=["content"],
)
def get_channel_poster(
    channel_id: FromPath[UUID],
    request: ApiRequest,
    file_type: FileTypeParameter = "png",
    language: LanguageParameter = "zh-CN",
) -> Response[bytes]:
    """A channel as a poster, with the cover of its latest video that everybody may watch. Of a signed-in person who has a link
    of their own, it carries that.
    """
    with request.transaction() as uow:
        channel = get_channel(uow, channel_id)
        code, shared_by = _own_link(uow, "channel", channel_id)
        latest = list_feed(uow, limit=_LOOKS, channel_id=channel_id).items
        key = _cover_of(uow, [one.id for one in latest if one.is_public])
    title, of, description = _said(language, (channel.name, channel.name_en), ("", ""), (channel.bio, channel.bio_en))
    address = _address(request, "channel", channel_id, code)
    poster = Poster("channel", language, title, of, description, address, _bytes(request, key), shared_by)
    return _drawn(poster, file_type, channel_id)


def _own_link(uow: UnitOfWork, kind: SharedKind, subject_id: UUID) -> tuple[str | None, str]:
    """The code of the reader's own link, where they have one, and the name of their organization."""
    code = find_own_code(uow, kind, subject_id)
    return code, get_party(uow, uow.principal.organization()).display_name if code else ""


def _cover_of(uow: UnitOfWork, video_ids: list[UUID]) -> str | None:
    """The cover of the first of these videos that everybody may watch."""
    found = (find_media(uow, one) for one in video_ids)
    return next((media.cover_key for media in found if media.is_public and media.cover_key), None)


def _bytes(request: ApiRequest, key: str | None) -> bytes | None:
    """A picture's bytes; a poster without one says the same."""
    try:
        return request.services.storage.get_bytes(key) if key else None
    except StorageError:
        return None


def _said(language: PosterLanguage, *texts: tuple[str, str]) -> tuple[str, ...]:
    """Each in the language; the other one where it is missing."""
    return tuple((chinese or english) if language == "zh-CN" else (english or chinese) for chinese, english in texts)


def _address(
    request: ApiRequest, kind: Literal["video", "product", "channel"], subject_id: UUID, code: str | None = None
) -> str:
    base = request.services.settings.public_url.rstrip("/")
    return f"{base}/{_KINDS[kind]}/{subject_id}" + (f"?share={code}" if code else "")


def _drawn(poster: Poster, form: PosterForm, subject_id: UUID) -> Response[bytes]:
    headers = {
        "Content-Disposition": f'inline; filename="poster-{subject_id}.{form}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(draw_poster(poster, form), media_type=MEDIA_TYPES[form], headers=headers)


routes = [get_video_poster, get_listing_poster, get_channel_poster]
