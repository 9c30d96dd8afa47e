"""Covers that are chosen: a moment of the film, or a picture of one's own. `media.py` answers with them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import post, put
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, StrictInt, Wire
from api.v1.media import UploadForm
from kernel.errors import DomainError, TooLarge, Unavailable
from kernel.storage import StorageError
from marketplace.videos.access import lock_own_video
from marketplace.videos.media.choose_cover import (
    MAX_PICTURE_BYTES,
    ChooseCover,
    check_picture,
    choose_cover,
    require_film,
)
from marketplace.videos.media.receive_media import upload_key

PATH = "/v1/videos/{video_id:uuid}/cover"
FORM_OVERHEAD = 64 * 1024
"""Bytes of a multipart form beside its file."""


class CoverMomentIn(Wire):
    """The moment of the film whose picture is to be the cover."""

    at_ms: Annotated[StrictInt, Field(ge=0, le=600_000, examples=[4_200])]


class CoverChosenOut(Out):
    """The cover is being made: the video's `cover_pending` says until when. Until then the former one is shown."""

    id: UUID


@post(PATH, permission="videos.write", sync_to_thread=True, status_code=202, tags=["content"])
def choose_moment(video_id: FromPath[UUID], data: JSONBody[CoverMomentIn], request: ApiRequest) -> CoverChosenOut:
    """Let a moment of the film be the cover, wherever the video is shown."""
    return CoverChosenOut(id=request.transact(lambda uow: choose_cover(uow, ChooseCover(video_id, data.at_ms))))


@put(
    PATH,
    permission="videos.write",
    sync_to_thread=True,
    status_code=202,
    request_max_body_size=MAX_PICTURE_BYTES + FORM_OVERHEAD,
    refuses=[413],
    tags=["content"],
)
def upload_cover(
    video_id: FromPath[UUID],
    data: Annotated[UploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> CoverChosenOut:
    """Send a picture of one's own as the part `file` of a form: JPEG, PNG or WebP, 10 MB at most. It is made as small as
    covers are; what its file says beside the picture is not kept.
    """
    return CoverChosenOut(id=store_cover(request, video_id, data.file))


def store_cover(request: ApiRequest, video_id: UUID, upload: UploadFile) -> UUID:
    """Take a form's picture, to be made the cover; pages use it too.

    Raises:
        TooLarge: `cover_too_large`. Unavailable: `storage_unavailable`; as `check_picture` and `choose_cover`.
    """
    with request.transaction() as uow:
        require_film(lock_own_video(uow, video_id))
    upload.file.seek(0)
    content = upload.file.read(MAX_PICTURE_BYTES + 1)
    if len(content) > MAX_PICTURE_BYTES:
        raise TooLarge("cover_too_large", limit_mb=MAX_PICTURE_BYTES // 1_000_000)
    check_picture(content[:16])
    storage = request.services.storage
    try:
        stored = storage.put_bytes(upload_key(video_id), content)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    try:
        return request.transact(lambda uow: choose_cover(uow, ChooseCover(video_id, picture_key=stored.key)))
    except DomainError:
        storage.delete(stored.key)
        raise


routes = [choose_moment, upload_cover]
