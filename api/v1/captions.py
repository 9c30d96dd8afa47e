"""Captions of videos: WebVTT in several languages, put by the video's own organization, shown by players."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, delete, get, put
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import PUBLIC
from api.conditional import is_unchanged
from api.request import ApiRequest
from api.schema import Out, Wire
from api.v1.media import TokenParameter, VersionParameter, find_watchable, kept_headers, missing
from kernel.errors import NotFound, Unavailable
from kernel.storage import ObjectMissing, StorageError
from marketplace.videos.access import lock_own_video
from marketplace.videos.captions.check_captions import LANGUAGES, MAX_BYTES, checked_captions, checked_language
from marketplace.videos.captions.edit_captions import put_captions, remove_captions
from marketplace.videos.models import captions_key
from marketplace.videos.queries import Media

PATH = "/v1/videos/{video_id:uuid}/captions/{language:str}"
MEDIA_TYPE = "text/vtt"


class CaptionsIn(Wire):
    """A WebVTT file's text. Times and words are kept; styles, regions, notes and marks are left out."""

    content: Annotated[
        str,
        Field(max_length=MAX_BYTES, examples=["WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nOne screen for everybody.\n"]),
    ]


class CaptionLanguageOut(Out):
    """A language that captions may have (BCP 47), and its own name for itself."""

    language: str
    name: str


@get("/v1/caption-languages", permission=PUBLIC, sync_to_thread=False, tags=["content"])
def get_caption_languages() -> list[CaptionLanguageOut]:
    """The languages that captions may have."""
    return [CaptionLanguageOut(language=language, name=name) for language, name in LANGUAGES.items()]


@get(PATH, media_type=MEDIA_TYPE, also_answers=[304], permission=PUBLIC, tags=["content"])
async def get_captions(
    video_id: FromPath[UUID],
    language: FromPath[str],
    request: ApiRequest,
    v: VersionParameter = None,
    token: TokenParameter = None,
) -> Response[Any]:
    """The video's captions in a language. What is not public needs a signed address or its owner."""
    media = await sync_to_thread(find_watchable, request, video_id, token)
    return await answer_captions(request, media, language, v)


async def answer_captions(request: ApiRequest, media: Media, language: str, v: str | None) -> Response[Any]:
    """A film's captions, for whoever was found to be allowed to have them. Raises NotFound(`captions_not_found`)."""
    digest = media.captions.get(language)
    if digest is None:
        raise NotFound("captions_not_found")
    headers = kept_headers(digest, media.is_public, v == digest[:16])
    if is_unchanged(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(b"", status_code=304, headers=headers)
    try:
        content = await sync_to_thread(request.services.storage.get_bytes, captions_key(media.video_id, digest))
    except ObjectMissing as error:
        raise missing() from error
    return Response(content, headers=headers, media_type=MEDIA_TYPE)


@put(PATH, permission="videos.write", sync_to_thread=True, status_code=204, refuses=[413], tags=["content"])
def update_captions(
    video_id: FromPath[UUID], language: FromPath[str], data: JSONBody[CaptionsIn], request: ApiRequest
) -> None:
    """Put captions in a language, or replace those there are. They are shown at once, also of a published video."""
    store_captions(request, video_id, language, data.content.encode("utf-8", "replace"))


@delete(PATH, permission="videos.write", sync_to_thread=True, tags=["content"])
def delete_captions(video_id: FromPath[UUID], language: FromPath[str], request: ApiRequest) -> None:
    """Take the captions in a language away."""
    request.transact(lambda uow: remove_captions(uow, video_id, language))


def store_captions(request: ApiRequest, video_id: UUID, language: str, content: bytes) -> None:
    """Check captions, store them and let the video have them; the page's form uses it too.

    Raises:
        NotFound: `video_not_found`. Invalid: `caption_language_unknown`. Unavailable: `storage_unavailable`.
        TooLarge, Invalid: as `checked_captions`.
    """
    with request.transaction() as uow:
        duration_ms = lock_own_video(uow, video_id).duration_ms
    checked_language(language)
    written = checked_captions(content, duration_ms).encode()
    try:
        stored = request.services.storage.put_bytes(captions_key(video_id, sha256(written).hexdigest()), written)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    request.transact(lambda uow: put_captions(uow, video_id, language, stored))


routes = [get_caption_languages, get_captions, update_captions, delete_captions]
