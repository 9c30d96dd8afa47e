"""A video's bytes, in both directions: streamed into the object store, and out of it by range."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Stream
from pydantic import BaseModel, ConfigDict

from api.auth import PUBLIC
from api.conditional import is_unchanged
from api.media_addresses import CoverWidth, vouched_for
from api.request import ApiRequest
from api.schema import Out
from kernel.errors import DomainError, Invalid, TooLarge, Unavailable
from kernel.principal import SYSTEM
from kernel.storage import ObjectMissing, ObjectTooLarge, StorageError, StoredObject
from marketplace.videos.media.cover_sizes import sized_cover_key
from marketplace.videos.media.receive_media import MAX_BYTES, ReceiveMedia, check_uploadable, receive_media, upload_key
from marketplace.videos.queries import Media, find_media

KEPT = "max-age=60, must-revalidate"
"""A minute without asking, then by entity tag: what is withdrawn is gone from caches a minute later (RFC 9111 §5.2.2)."""
COVER_KEPT = "public, max-age=31536000, s-maxage=60, immutable"
"""Of a public cover, whose address names its content: the viewer's own browser need not ask again, others' caches do."""
_FORM_OVERHEAD = 64 * 1024
_SPAN = re.compile(r"([0-9]*)-([0-9]*)")
_LONGEST_RANGE = 1_000
"""Characters of a header that is looked into: any number in it is one that Python reads."""
_CHUNK = 256 * 1024


class UploadedOut(Out):
    """The file arrived whole and is being examined; the video's state follows (`ready` or `refused`)."""

    id: UUID
    state: str
    size_bytes: int
    sha256: str


class UploadForm(BaseModel):
    """The multipart form of pages without scripts."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile


@put(
    "/v1/videos/{video_id:uuid}/upload",
    permission="videos.write",
    status_code=202,
    request_max_body_size=None,
    raw_body={"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    tags=["content"],
)
async def upload_media(
    video_id: FromPath[UUID],
    request: ApiRequest,
    name: Annotated[
        str, QueryParameter(name="name", max_length=200, required=False, description="The file's name")
    ] = "",
) -> UploadedOut:
    """Send the file as the raw body, 2 GB at most. `name` is its file name; the content must be what the name's ending says."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BYTES:
        raise too_large()
    await sync_to_thread(_check, request, video_id)
    key = upload_key(video_id)
    try:
        stored = await request.services.storage.put_async(key, request.stream(), max_bytes=MAX_BYTES)
    except ObjectTooLarge as error:
        raise too_large() from error
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    except HTTPException as error:
        raise Invalid("upload_interrupted") from error
    return await sync_to_thread(_receive, request, video_id, stored, name)


@post(
    "/v1/videos/{video_id:uuid}/upload",
    permission="videos.write",
    status_code=202,
    request_max_body_size=MAX_BYTES + _FORM_OVERHEAD,
    tags=["content"],
    sync_to_thread=True,
)
def upload_form(
    video_id: FromPath[UUID],
    data: Annotated[UploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> UploadedOut:
    """Send the file as the part `file` of a multipart form."""
    return store_form_file(request, video_id, data.file)


def store_form_file(request: ApiRequest, video_id: UUID, upload: UploadFile) -> UploadedOut:
    """Take a form's file (spooled to disk by the parser) as the video's media; pages use it too.

    Raises:
        TooLarge: `video_too_large`. Unavailable: `storage_unavailable`; and those of `receive_media`.
    """
    _check(request, video_id)

    def chunks() -> Iterator[bytes]:
        upload.file.seek(0)
        while chunk := upload.file.read(_CHUNK):
            yield chunk

    try:
        stored = request.services.storage.put(upload_key(video_id), chunks(), max_bytes=MAX_BYTES)
    except ObjectTooLarge as error:
        raise too_large() from error
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    return _receive(request, video_id, stored, upload.filename)


def too_large() -> TooLarge:
    """The refusal of a file beyond the limit."""
    return TooLarge("video_too_large", limit_mb=MAX_BYTES // 1_000_000)


def _check(request: ApiRequest, video_id: UUID) -> None:
    with request.transaction() as uow:
        check_uploadable(uow, video_id)


def _receive(request: ApiRequest, video_id: UUID, stored: StoredObject, name: str) -> UploadedOut:
    try:
        video = request.transact(lambda uow: receive_media(uow, ReceiveMedia(video_id, stored, name)))
    except DomainError:
        request.services.storage.delete(stored.key)
        raise
    return UploadedOut(id=video.id, state=video.state, size_bytes=stored.size_bytes, sha256=stored.sha256)


VersionParameter = Annotated[
    str | None,
    QueryParameter(
        name="v",
        max_length=64,
        required=False,
        description="The version in the address; with it the answer may be kept",
    ),
]
TokenParameter = Annotated[
    str | None,
    QueryParameter(
        name="token", max_length=600, required=False, description="The signature of an address for what is not public"
    ),
]
WidthParameter = Annotated[
    CoverWidth | None,
    QueryParameter(name="w", required=False, description="At most this many pixels wide, as WebP"),
]
_OPTIONS: dict[str, Any] = {"permission": PUBLIC, "tags": ["content"]}


@get("/v1/videos/{video_id:uuid}/media", media_type="video/mp4", also_answers=[206, 304, 416], **_OPTIONS)
async def get_media(
    video_id: FromPath[UUID],
    request: ApiRequest,
    v: VersionParameter = None,
    token: TokenParameter = None,
) -> Response[Any]:
    """The video's bytes, whole or one range (RFC 9110 §14). What is not public needs a signed address or its owner."""
    media = await sync_to_thread(find_watchable, request, video_id, token)
    return await answer_media(request, media, v)


@get("/v1/videos/{video_id:uuid}/cover", media_type="image/jpeg", also_answers=[304], **_OPTIONS)
async def get_cover(
    video_id: FromPath[UUID],
    request: ApiRequest,
    v: VersionParameter = None,
    token: TokenParameter = None,
    w: WidthParameter = None,
) -> Response[Any]:
    """The video's cover as JPEG, at most 1280 pixels wide; smaller, as WebP, where `w` asks for it and there is one."""
    media = await sync_to_thread(find_watchable, request, video_id, token)
    if media.cover_key is None:
        raise missing()
    kept = [(media.cover_key, "image/jpeg")]
    if w is not None:
        # A cover taken before there were sizes has its original alone.
        kept.insert(0, (sized_cover_key(media.cover_key, w), "image/webp"))
    for key, media_type in kept:
        headers = kept_headers(key.rpartition("/")[2], media.is_public, v == media.version)
        if media.is_public and v == media.version:
            headers["Cache-Control"] = COVER_KEPT
        if media.is_public:
            # Other applications show it beside a shared link.
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if is_unchanged(request.headers.get("if-none-match"), headers["ETag"]):
            return Response(b"", status_code=304, headers=headers)
        try:
            content = await sync_to_thread(request.services.storage.get_bytes, key)
        except ObjectMissing:
            continue
        return Response(content, headers=headers, media_type=media_type)
    raise missing()


def missing() -> DomainError:
    """The row says there are bytes and the store has none: not the reader's fault, and not for ever."""
    return Unavailable("media_missing")


def find_watchable(request: ApiRequest, video_id: UUID, token: str | None) -> Media:
    """Where the bytes lie, for the caller or for whom a signed address vouches. Raises NotFound(`video_not_found`)."""
    by_link = vouched_for(request.services, video_id, token)
    with request.transaction(acting_as=SYSTEM if by_link is not None else None) as uow:
        return find_media(uow, video_id, by_link=by_link)


async def answer_media(request: ApiRequest, media: Media, v: str | None) -> Response[Any]:
    """A film's bytes, whole or the range that the request asks for, for whoever was found to be allowed to have them.

    `v`: the version in the address; without it the answer is asked for anew each time.
    """
    headers = kept_headers(media.sha256, media.is_public, v == media.version)
    if is_unchanged(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(b"", status_code=304, headers=headers)
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range") in {None, headers["ETag"]}:
        span = parse_range(asked, media.size_bytes)
    else:
        span = None
    if span == ():
        unsatisfied = headers | {"Content-Range": f"bytes */{media.size_bytes}"}
        return Response(b"", status_code=416, headers=unsatisfied, media_type=media.media_type)
    start, end = span or (0, media.size_bytes)
    try:
        chunks: AsyncIterator[bytes] = await request.services.storage.stream_async(media.key, start, end)
    except ObjectMissing as error:
        raise missing() from error
    headers["Content-Length"] = str(end - start)
    status = 200
    if span:
        status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{media.size_bytes}"
    return Stream(chunks, status_code=status, headers=headers, media_type=media.media_type)


def parse_range(header: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """The one range asked for, as [start, end); None to answer with everything; empty when it cannot be satisfied.

    Several ranges, other units and nonsense are answered with everything, as RFC 9110 §14.2 allows; several that all begin
    behind the end cannot be satisfied either (§14.1.2).
    """
    unit, _, wanted = header.replace(" ", "").partition("=")
    if unit.lower() != "bytes" or len(header) > _LONGEST_RANGE:
        return None
    spans = [_span(one, size) for one in wanted.split(",")]
    if None in spans:
        return None
    if not any(spans):
        return ()
    return spans[0] if len(spans) == 1 else None


def _span(wanted: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """As `parse_range`, of one range without its unit."""
    match = _SPAN.fullmatch(wanted)
    if match is None or wanted == "-":
        return None
    first, last = match.groups()
    if not first:
        length = int(last)
        return (max(0, size - length), size) if length and size else ()
    start = int(first)
    end = int(last) + 1 if last else size
    if last and end <= start:
        return None
    return (start, min(end, size)) if start < size else ()


def kept_headers(tag: str, is_public: bool, is_versioned: bool) -> dict[str, str]:  # noqa: FBT001 - two plain facts
    """How long whoever fetched something of a video may keep it, and that it is what it says."""
    scope = "public" if is_public else "private"
    kept = KEPT if is_versioned else "no-cache"
    return {
        "ETag": f'"{tag}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": f"{scope}, {kept}",
        "Content-Disposition": "inline",
        # The bytes are what the examination found; no browser is to guess otherwise.
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


routes = [upload_media, upload_form, get_media, get_cover]
