"""Pictures of products: sent, named, taken back, and shown."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from api.auth import PUBLIC
from api.conditional import is_unchanged
from api.request import ApiRequest
from api.schema import Out, Wire
from api.v1.listing_terms import BaseParameter
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound, TooLarge, Unavailable
from kernel.storage import ObjectMissing, StorageError
from marketplace.access.identity_limits import count_image
from marketplace.catalog.edit_draft import lock_draft
from marketplace.catalog.edit_images import (
    ChangeImage,
    add_image,
    change_image,
    image_key,
    image_keys,
    is_image_shown,
    remove_image,
)
from marketplace.catalog.prepare_image import MAX_BYTES, WIDTHS, PreparedImage, prepare_image

ImageWidth = Literal[480, 1600]
KEPT = "max-age=31536000, immutable"
_OVERHEAD = 64 * 1024
_UNCHANGING = "The picture, as `images` of a listing names it"
ImageParameter = Annotated[
    str, QueryParameter(name="v", max_length=32, pattern="^[0-9a-f]*$", required=False, description=_UNCHANGING)
]


class ImageForm(BaseModel):
    """The picture as the part `file` of a multipart form."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile


class ImageChange(Wire):
    """What a picture shows, for whoever does not see it; `first` puts it at the head.

    `base`: that of the picture in `images` of the listing as it was read; words that were changed since are not overwritten.
    """

    alt: Annotated[str, Field(max_length=120)] = ""
    alt_en: Annotated[str, Field(max_length=120)] = ""
    first: bool = False
    base: Annotated[str | None, Field(max_length=60)] = None


class ImageOut(Out):
    """A picture of a listing; its bytes are at `/v1/listings/{listing_id}/image?v={id}`."""

    id: str
    width: int
    height: int


@post(
    "/v1/listings/{listing_id:uuid}/images/upload",
    permission="catalog.write",
    request_max_body_size=MAX_BYTES + _OVERHEAD,
    refuses=[404, 413, 429],
    sync_to_thread=True,
    tags=["catalogue"],
)
def upload_image(
    listing_id: FromPath[UUID],
    data: Annotated[ImageForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> ImageOut:
    """Add a picture to the draft: JPEG, PNG or WebP of at most 10 MB. Nothing but its pixels is kept."""
    image = take_image(request, listing_id, data.file)
    return ImageOut(id=image.id, width=image.width, height=image.height)


@put(
    "/v1/listings/{listing_id:uuid}/image",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["catalogue"],
)
def put_image(
    listing_id: FromPath[UUID], data: JSONBody[ImageChange], request: ApiRequest, v: ImageParameter = ""
) -> None:
    """Say what a picture of the draft shows, or put it first."""
    command = ChangeImage(listing_id, v, data.alt, data.alt_en, data.first, data.base)
    request.transact(lambda uow: change_image(uow, command))


@delete("/v1/listings/{listing_id:uuid}/image", permission="catalog.write", sync_to_thread=True, tags=["catalogue"])
def delete_image(
    listing_id: FromPath[UUID], request: ApiRequest, v: ImageParameter = "", base: BaseParameter = None
) -> None:
    """Take a picture out of the draft; what was published keeps it."""
    drop_image(request, listing_id, v, base)


@get(
    "/v1/listings/{listing_id:uuid}/image",
    permission=PUBLIC,
    media_type="image/webp",
    also_answers=[304],
    sync_to_thread=True,
    tags=["catalogue"],
)
def get_image(
    listing_id: FromPath[UUID],
    request: ApiRequest,
    v: ImageParameter = "",
    w: Annotated[
        ImageWidth, QueryParameter(name="w", required=False, description="At most this many pixels wide")
    ] = 1600,
) -> Response[bytes]:
    """A picture of a listing as WebP: anybody's that was published, or its partners' alone; one's own before that."""
    with request.transaction() as uow:
        shown = is_image_shown(uow, listing_id, v) if v else None
    if shown is None:
        raise NotFound("image_not_found")
    headers = {
        "ETag": f'"{v}.{w}"',
        # What its reader may no more see tomorrow is asked for again each time.
        "Cache-Control": f"public, {KEPT}" if shown else "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin" if shown else "same-origin",
    }
    if is_unchanged(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(b"", status_code=304, headers=headers)
    try:
        content = request.services.storage.get_bytes(image_key(listing_id, v, w))
    except ObjectMissing as error:
        raise Unavailable("media_missing") from error
    return Response(content, headers=headers, media_type="image/webp")


def take_image(
    request: ApiRequest, listing_id: UUID, upload: UploadFile, alt: str = "", alt_en: str = ""
) -> PreparedImage:
    """Take a form's file as a picture of the draft; pages use it too.

    Raises:
        TooLarge: `image_too_large`. Unavailable: `storage_unavailable`; and those of `prepare_image` and `add_image`.
    """

    def check(uow: UnitOfWork) -> None:
        lock_draft(uow, listing_id)
        count_image(uow)

    request.transact(check)
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLarge("image_too_large", limit_mb=MAX_BYTES // 1_000_000)
    image = prepare_image(content)
    try:
        for key, kept in image_keys(listing_id, image).items():
            request.services.storage.put_bytes(key, kept)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    try:
        request.transact(lambda uow: add_image(uow, listing_id, image, alt, alt_en))
    except DomainError:
        # Bytes that another version has stay; others are nobody's.
        if not _is_used(request, listing_id, image.id):
            _delete(request, listing_id, image.id)
        raise
    return image


def drop_image(request: ApiRequest, listing_id: UUID, image_id: str, base: str | None = None) -> None:
    """Take a picture out of the draft, and its bytes away where no version has it any more."""
    if request.transact(lambda uow: remove_image(uow, listing_id, image_id, base)) and image_id:
        _delete(request, listing_id, image_id)


def _is_used(request: ApiRequest, listing_id: UUID, image_id: str) -> bool:
    with request.transaction() as uow:
        return is_image_shown(uow, listing_id, image_id) is not None


def _delete(request: ApiRequest, listing_id: UUID, image_id: str) -> None:
    for width in WIDTHS:
        request.services.storage.delete(image_key(listing_id, image_id, width))


routes = [upload_image, put_image, delete_image, get_image]
